/** Clients of the broker, without one, and the answers that they get. */
import type { Remote, Role, User } from '#core/account.ts';
import type { Guest } from '../../../src/mqtt/doorman.ts';
import type { AnswerTo } from '../../../src/mqtt/requests-answer.ts';
import { userOf } from '../http/callers.ts';

/** Where they come from. */
export const FAR: Remote = { address: '192.0.2.7', isLocal: false, isSecure: true };

/** A guest whose account a test may change, or take away. */
export class TestGuest implements Guest {
  readonly user: User | undefined;
  readonly name: string;
  readonly login: string;
  readonly remote = FAR;
  now: User | 'device' | undefined;

  constructor(user: User | undefined, login = 'login') {
    this.user = user;
    this.name = user?.username ?? 'cam-box';
    this.login = user ? login : '';
    this.now = user ?? 'device';
  }

  current(): User | 'device' | undefined {
    return this.now;
  }

  onEnd(): () => void {
    return () => {};
  }
}

export function guestOf(role: Role, login?: string): TestGuest {
  return new TestGuest(userOf(role), login);
}

export function deviceGuest(): TestGuest {
  return new TestGuest(undefined);
}

export interface Answered {
  readonly guest: Guest;
  readonly topic: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the gateway says
  readonly body: any;
}

/** Keeps what is answered. */
export function answers(): { readonly answer: AnswerTo; readonly all: Answered[] } {
  const all: Answered[] = [];
  return {
    all,
    answer: (guest, { topic, payload }) =>
      void all.push({ guest, topic, body: JSON.parse(payload) }),
  };
}

export function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}
