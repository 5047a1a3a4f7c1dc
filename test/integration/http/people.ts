/** Calls of a gateway by several people, over a real recording. */
import type { Stream } from '#core/stream.ts';
import type { HttpOptions } from '../../../src/http/server.ts';
import { tokenOf } from '../../support/accounts.ts';
import { EEG, type Recorded, recorded, SPEED } from '../reading/recorded.ts';
import { type Gateway, start } from './harness.ts';

export type Person = 'viewer' | 'operator' | 'researcher' | 'student' | 'admin' | 'other student';

export interface Town extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly recording: Recorded;
  idOf(who: Person): string;
  headersOf(who: Person, more?: Record<string, string>): Record<string, string>;
  /** What is answered to somebody; the body as JSON has it, or as text. */
  ask(who: Person, method: string, path: string, body?: unknown): Promise<Answered>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the gateway says
  readonly body: any;
}

const ROLES = ['viewer', 'operator', 'researcher', 'student', 'admin'] as const;

export async function openTown(
  overrides: (recording: Recorded) => Partial<HttpOptions> = () => ({}),
  streams: readonly Stream[] = [SPEED, EEG],
): Promise<Town> {
  const recording = await recorded();
  const given = { reading: recording.reading, ...overrides(recording) };
  const gateway = await start(streams, given);
  const { people } = gateway;
  const actor = { who: 'test', remote: { address: '', isLocal: true, isSecure: false } };
  const credentials = { username: 'other', password: 'a long enough phrase' };
  const other = await people.accounts.members.create({ ...credentials, role: 'student' }, actor);
  const ids = new Map<Person, string>(ROLES.map((role) => [role, people.user(role).id]));
  ids.set('other student', other.id);
  const tokens = new Map<Person, string>();
  for (const [who, id] of ids) tokens.set(who, await tokenOf(people.accounts, id));
  const headersOf: Town['headersOf'] = (who, more = {}) => ({
    ...more,
    authorization: `Bearer ${tokens.get(who)}`,
  });
  return {
    gateway,
    recording,
    idOf: (who) => ids.get(who) ?? '',
    headersOf,
    async ask(who, method, path, body) {
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const headers = headersOf(
        who,
        body === undefined ? {} : { 'content-type': 'application/json' },
      );
      const response = await fetch(`${gateway.server.url}/api/v1${path}`, {
        method,
        headers,
        ...sent,
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') && text.startsWith('{');
      const type = response.headers.get('content-type') ?? '';
      const parsed = isJson && !type.includes('jsonl') ? JSON.parse(text) : text;
      return { status: response.status, headers: response.headers, body: parsed };
    },
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]();
      await recording[Symbol.asyncDispose]();
    },
  };
}
