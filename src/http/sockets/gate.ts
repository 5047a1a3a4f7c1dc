/**
 * The first message of every WebSocket says who it is: a browser can send no header with an upgrade, and
 * a token in a URL would stand in logs.
 *
 *   in   {"type":"auth","id":1,"access_token":"..."} within AUTH_S_MAX; again before the token ends, to
 *        stay. An Authorization header with the upgrade counts as the first one.
 *   out  {"type":"authenticated","id":1}, then what the endpoint begins with
 *
 * Closed with 4408 when nothing comes in time, 4401 for a token that is not good, when it ends, and when
 * its log-in does, 4403 where the role may not be here, 1013 while the accounts are not there yet.
 */
import * as v from 'valibot';
import type { Identity, Scope } from '#core/account.ts';
import type { Clock } from '#core/clock.ts';
import { AccountError } from '../../accounts/errors.ts';
import { type Permission, scopeOf } from '../../accounts/roles.ts';
import { bearerOf } from '../authorise.ts';
import {
  CLOSE_FORBIDDEN,
  CLOSE_LATE,
  CLOSE_LATER,
  CLOSE_TOO_MANY,
  CLOSE_UNAUTHENTICATED,
} from '../close-codes.ts';
import { encodeJson } from '../encode.ts';
import type { RequestHead } from '../message.ts';
import { Problem } from '../problem.ts';
import type { Peer, PeerSession } from '../transport.ts';
import { MessageId, parseMessage } from './incoming.ts';

export const AUTH_S_MAX = 5;
/** A token has less; before it is known to be good nothing longer is looked at. */
const AUTH_BYTES_MAX = 4 * 1024;
/** What a client may send behind its token before it has been answered. */
const WAITING_MAX = 16;
const WAITING_BYTES_MAX = 64 * 1024;

const Auth = v.object({ type: v.literal('auth'), id: MessageId, access_token: v.string() });
type Auth = v.InferOutput<typeof Auth>;

/** What is asked of the accounts: `Accounts` of accounts/accounts.ts has it. */
export interface Doorkeeper {
  /** @throws AccountError BAD_TOKEN, OFF */
  authenticate(accessToken: string): Promise<Identity & { readonly leftMs: number }>;
  /** Tells of each log-in that ends, until what is returned is called. */
  onEnd(listener: (login: { readonly id: string }) => void): () => void;
  /** A log-in as it is now; undefined when it has ended. */
  identity(login: string): Identity | undefined;
}

/** Who is at the other end of a WebSocket. */
export interface Guest {
  readonly identity: Identity;
  /** Of the endpoint's permission. */
  readonly scope: Scope;
  /** Takes the message by which a client stays: its next token. */
  renew(message: unknown): void;
}

export interface GateOptions {
  readonly accounts: Doorkeeper;
  /** In which clients wait. */
  readonly clock: Clock;
  readonly permission: Permission;
  readonly stats: GateStats;
  /** Makes the session of somebody who is welcome. */
  open(peer: Peer, guest: Guest): PeerSession;
}

/** Since the start, but for the first. */
export class GateStats {
  /** WebSockets that have not said who they are yet. */
  strangers = 0;
  /** Closed because they did not say it in time, or not well. */
  turnedAway = 0;
  /** Closed because their log-in or their token has ended. */
  ended = 0;
}

export function openGate(peer: Peer, request: RequestHead, options: GateOptions): PeerSession {
  const gate = new Gate(peer, options);
  gate.begin(request);
  return gate;
}

class Gate implements PeerSession {
  readonly #peer: Peer;
  readonly #options: GateOptions;
  /** Ends the timer that runs: for the first token, then for the end of it. */
  #timer = new AbortController();
  #session: PeerSession | undefined;
  #identity: Identity | undefined;
  #isChecking = false;
  #isClosed = false;
  #waiting: { readonly data: Uint8Array; readonly binary: boolean }[] = [];
  #stopWatching: () => void = () => {};

  constructor(peer: Peer, options: GateOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  /** Waits for the first message, unless the upgrade has said who it is. */
  begin(request: RequestHead): void {
    this.#options.stats.strangers++;
    this.#closeAfter(AUTH_S_MAX * 1000, CLOSE_LATE, `no auth message in ${AUTH_S_MAX} s`);
    this.#greet(request);
  }

  message(data: Uint8Array, binary: boolean): void {
    if (this.#session) this.#session.message(data, binary);
    else if (this.#isChecking) this.#keep(data, binary);
    else this.#take(parseAuth(data, binary));
  }

  drain(): void {
    this.#session?.drain();
  }

  close(code?: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer.abort();
    this.#stopWatching();
    this.#waiting = [];
    if (this.#session) this.#session.close(code);
    else this.#options.stats.strangers--;
  }

  #greet(request: RequestHead): void {
    try {
      const token = bearerOf(request);
      if (token !== undefined) this.#take({ type: 'auth', access_token: token });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#turnAway(CLOSE_UNAUTHENTICATED, error.message);
    }
  }

  /** The message may be gone by the time it can be read. */
  #keep(data: Uint8Array, binary: boolean): void {
    this.#waiting.push({ data: data.slice(), binary });
    const bytes = this.#waiting.reduce((sum, one) => sum + one.data.length, 0);
    if (this.#waiting.length <= WAITING_MAX && bytes <= WAITING_BYTES_MAX) return;
    this.#turnAway(CLOSE_TOO_MANY, 'too much before the answer to the auth message');
  }

  #take(auth: Auth | undefined): void {
    if (auth === undefined) {
      this.#turnAway(CLOSE_UNAUTHENTICATED, 'expected an auth message first');
      return;
    }
    this.#isChecking = true;
    // A rejection is a bug: it is left unhandled, which ends the process.
    void this.#check(auth).finally(() => {
      this.#isChecking = false;
    });
  }

  async #check({ id, access_token }: Auth): Promise<void> {
    const { accounts, permission } = this.#options;
    try {
      const { user, login, leftMs } = await accounts.authenticate(access_token);
      if (this.#isClosed) return;
      const scope = scopeOf(user.role, permission);
      if (scope === 'none') {
        this.#turnAway(CLOSE_FORBIDDEN, `the role ${user.role} may not be here`);
      } else if (this.#identity && this.#identity.user.id !== user.id) {
        this.#turnAway(CLOSE_FORBIDDEN, 'this WebSocket is of another account');
      } else {
        this.#closeAfter(leftMs, CLOSE_UNAUTHENTICATED, 'the access token has ended');
        this.#welcome({ user, login }, scope, id);
      }
    } catch (error) {
      if (!(error instanceof AccountError)) throw error;
      // Of a token that nobody can judge yet a client must not think that it is no good.
      const code = error.code === 'OFF' ? CLOSE_LATER : CLOSE_UNAUTHENTICATED;
      this.#turnAway(code, error.message);
    }
  }

  #welcome(identity: Identity, scope: Scope, id: Auth['id']): void {
    const { accounts, open, stats } = this.#options;
    this.#identity = identity;
    this.#stopWatching();
    this.#stopWatching = accounts.onEnd((login) => {
      if (login.id !== identity.login) return;
      stats.ended++;
      this.#end(CLOSE_UNAUTHENTICATED, 'the log-in has ended');
    });
    // It may have ended between the answer of the accounts and this.
    if (accounts.identity(identity.login) === undefined) {
      this.#turnAway(CLOSE_UNAUTHENTICATED, 'the log-in has ended');
      return;
    }
    this.#peer.send(encodeJson({ type: 'authenticated', id }), false);
    if (this.#session) return;
    stats.strangers--;
    this.#session = open(this.#peer, {
      identity,
      scope,
      renew: (message) => this.#take(v.is(Auth, message) ? message : undefined),
    });
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { data, binary } of waiting) this.#session.message(data, binary);
  }

  #closeAfter(ms: number, code: number, reason: string): void {
    this.#timer.abort();
    this.#timer = new AbortController();
    this.#options.clock.sleep(ms, this.#timer.signal).then(
      () => this.#turnAway(code, reason),
      () => {}, // It came in time, or has gone.
    );
  }

  #turnAway(code: number, reason: string): void {
    if (this.#isClosed) return;
    if (this.#session) this.#options.stats.ended++;
    else this.#options.stats.turnedAway++;
    this.#end(code, reason);
  }

  #end(code: number, reason: string): void {
    this.#peer.end(code, reason);
    this.close();
  }
}

function parseAuth(data: Uint8Array, binary: boolean): Auth | undefined {
  if (binary || data.length > AUTH_BYTES_MAX) return undefined;
  const json = parseMessage(data);
  return v.is(Auth, json) ? json : undefined;
}
