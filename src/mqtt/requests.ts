/**
 * What clients ask under `car/<d>/request/<command>`, and the answers on `car/<d>/response/<command>`:
 *
 *   request   {"transaction": "a1", ...arguments}
 *   response  {"transaction": "a1", "status": "ok", "data": {...}}
 *             {"transaction": "a1", "status": "error", "error": {"code", "message", "pointer"}}
 *
 * PUBACK says that a request has come, not that it is done: some take ten seconds, in which a client
 * has to be able to ping. An answer is for the one who asked, with QoS 1, and never retained: who asks
 * later is not to get an answer to something else.
 *
 * QoS 1 may deliver twice (MQTT 3.1.1 clause 4.3.2), and to clear the trouble codes twice is not the same
 * as once. So the answer to a transaction is kept for a minute, and who sends the same again gets it
 * again.
 */
import * as v from 'valibot';
import type { User } from '#core/account.ts';
import type { Clock } from '#core/clock.ts';
import { CodedError } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import {
  ANSWERS_MS_MAX,
  REQUEST_BYTES_MAX,
  REQUESTS_RATE,
  REQUESTS_WAITING_MAX,
} from '#core/mqtt-limits.ts';
import type { Micros } from '#core/stream.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import { type Permission, scopeOf } from '../accounts/roles.ts';
import { Transaction } from '../ingest/pushes.ts';
import type { Guest } from './doorman.ts';
import {
  type Answer,
  type AnswerTo,
  digestOf,
  nameOf,
  parseJson,
  type Refusal,
} from './requests-answer.ts';

/** Log-ins whose rate is known; beyond them the oldest counts as new. */
const LOGINS_MAX = 256;
/** Refusals of a log-in that asks too often which are told; it finds out of the others by its time-out. */
const REFUSALS_RATE = { perS: 1, burst: 5 };
/** Of answers that are kept. Further ones take the place of the oldest, as do those that are longer together. */
const ANSWERS_MAX = 256;
const ANSWERS_CHARACTERS_MAX = 2 * 1024 * 1024;

/** Who asks. */
export interface Asking {
  readonly guest: Guest;
  /** As of now. */
  readonly user: User;
}

/** One thing that can be asked. */
export interface Command {
  /** As at the end of the topic: `session/start`. */
  readonly name: string;
  readonly permission: Permission;
  /**
   * @param args what was in the request besides the transaction, not checked
   * @returns what JSON has a word for; undefined where there is nothing to tell
   * @throws RequestError, also by rejecting
   */
  run(asking: Asking, args: unknown): unknown;
}

/** A request that is answered with an error. The sentence is for a person. */
export class RequestError extends CodedError<string> {
  override readonly name = 'RequestError';
  readonly pointer: string;

  /** @param code in small letters, as it is told: `not-found` */
  constructor(code: string, message: string, options: ErrorOptions & { pointer?: string } = {}) {
    super(code, message, options);
    this.pointer = options.pointer ?? '';
  }
}

export interface RequestsOptions {
  /** As it stands in topics. */
  readonly device: string;
  /** In which clients wait. */
  readonly realTime: Clock;
  readonly commands: readonly Command[];
  readonly answer: AnswerTo;
}

/** An answer that was given, or is about to be. */
interface Kept {
  readonly at: Micros;
  readonly digest: string;
  readonly payload: Promise<string>;
  /** Of the payload; 0 before it is there. */
  characters: number;
}

const Head = v.looseObject({ transaction: Transaction });

export class Requests {
  readonly #options: RequestsOptions;
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #rate: TokenBuckets;
  readonly #refusals: TokenBuckets;
  readonly #waiting = new WeakMap<Guest, number>();
  /** By who asked what, in the order in which they did. */
  readonly #kept = new Map<string, Kept>();
  #counts = { requests: 0, errors: 0, repeated: 0, limited: 0, waiting: 0 };

  constructor(options: RequestsOptions) {
    const { commands, realTime } = options;
    this.#options = options;
    this.#commands = new Map(commands.map((command) => [command.name, command]));
    this.#rate = new TokenBuckets(realTime, { ...REQUESTS_RATE, namesMax: LOGINS_MAX });
    this.#refusals = new TokenBuckets(realTime, { ...REFUSALS_RATE, namesMax: LOGINS_MAX });
  }

  /**
   * Resolves when the request has come. What it comes to is answered later; a bug in it is left
   * unhandled, which ends the process.
   *
   * @param topic `car/<d>/request/<command>`
   */
  readonly take = (guest: Guest, topic: string, payload: Uint8Array): Promise<void> => {
    const name = topic.slice(`car/${this.#options.device}/request/`.length);
    const retryAfterS = this.#rate.take(nameOf(guest));
    this.#counts.requests++;
    if (retryAfterS > 0) this.#limit(guest, name, payload);
    else void this.#answer(guest, name, payload);
    return Promise.resolve();
  };

  health(): PartHealth {
    const { requests } = this.#counts;
    const details = { ...this.#counts, kept: this.#kept.size };
    return { id: 'mqtt-requests', status: 'ok', text: `${requests} requests of clients`, details };
  }

  #limit(guest: Guest, name: string, payload: Uint8Array): void {
    this.#counts.limited++;
    if (this.#refusals.take(nameOf(guest)) > 0) return;
    const message = `more than ${REQUESTS_RATE.perS} requests a second`;
    const transaction = transactionOf(payload);
    this.#send(guest, name, errorText(transaction, { code: 'too-many', message }));
  }

  async #answer(guest: Guest, name: string, payload: Uint8Array): Promise<void> {
    const waiting = this.#waiting.get(guest) ?? 0;
    this.#waiting.set(guest, waiting + 1);
    this.#counts.waiting++;
    try {
      this.#send(guest, name, await this.#answerTo(guest, name, payload, waiting));
    } finally {
      this.#waiting.set(guest, (this.#waiting.get(guest) ?? 1) - 1);
      this.#counts.waiting--;
    }
  }

  async #answerTo(
    guest: Guest,
    name: string,
    payload: Uint8Array,
    waiting: number,
  ): Promise<string> {
    const transaction = transactionOf(payload);
    try {
      if (transaction === null) throw noTransaction(payload);
      const key = `${nameOf(guest)} ${name} ${JSON.stringify(transaction)}`;
      const digest = digestOf(payload);
      const kept = this.#find(key);
      if (kept?.digest === digest) {
        this.#counts.repeated++;
        return await kept.payload;
      }
      if (kept) throw new RequestError('transaction-reused', 'something else had this transaction');
      if (waiting >= REQUESTS_WAITING_MAX) {
        const text = `more than ${REQUESTS_WAITING_MAX} requests without an answer`;
        throw new RequestError('busy', text);
      }
      const command = this.#commands.get(name);
      if (command === undefined) throw new RequestError('not-found', 'there is no such command');
      const asking = askingOf(guest, command);
      return await this.#keep(key, digest, this.#run(command, asking, transaction, payload));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#counts.errors++;
      return errorText(transaction, error);
    }
  }

  /** What it comes to, failures included: who sends the same again asks for the same answer. */
  async #run(
    command: Command,
    asking: Asking,
    transaction: Transaction,
    payload: Uint8Array,
  ): Promise<string> {
    try {
      const { transaction: _, ...args } = v.parse(Head, parseJson(payload));
      const data = (await command.run(asking, args)) ?? {};
      return textOf({ transaction, status: 'ok', data });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#counts.errors++;
      return errorText(transaction, error);
    }
  }

  #find(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    const isOld = kept && this.#options.realTime.now() - kept.at > ANSWERS_MS_MAX * 1000;
    return isOld ? undefined : kept;
  }

  async #keep(key: string, digest: string, payload: Promise<string>): Promise<string> {
    const kept: Kept = { at: this.#options.realTime.now(), digest, payload, characters: 0 };
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const text = await payload;
    kept.characters = text.length;
    this.#makeRoom();
    return text;
  }

  /** Forgets the oldest while there are too many, or they are too old. */
  #makeRoom(): void {
    let characters = [...this.#kept.values()].reduce((sum, kept) => sum + kept.characters, 0);
    const now = this.#options.realTime.now();
    for (const [key, kept] of this.#kept) {
      const isOld = now - kept.at > ANSWERS_MS_MAX * 1000;
      const isFull = this.#kept.size > ANSWERS_MAX || characters > ANSWERS_CHARACTERS_MAX;
      if (!isOld && !isFull) return;
      this.#kept.delete(key);
      characters -= kept.characters;
    }
  }

  #send(guest: Guest, name: string, payload: string): void {
    // What is not a command has no topic of its own, which a client would make up as it likes.
    const command = this.#commands.has(name) ? name : 'unknown';
    const topic = `car/${this.#options.device}/response/${command}`;
    this.#options.answer(guest, { topic, payload, qos: 1, retain: false });
  }
}

/** Who asks, where they may: for what a device has done nobody would answer. @throws RequestError */
function askingOf(guest: Guest, { permission }: Command): Asking {
  const who = guest.current();
  if (who === undefined) throw new RequestError('not-allowed', 'the log-in has ended');
  if (who === 'device') throw new RequestError('not-allowed', 'a device may not do this');
  if (scopeOf(who.role, permission) !== 'none') return { guest, user: who };
  throw new RequestError('not-allowed', `the role ${who.role} may not do this`);
}

/** Null where it cannot be read. */
function transactionOf(payload: Uint8Array): Transaction | null {
  if (payload.length > REQUEST_BYTES_MAX) return null;
  const { success, output } = v.safeParse(Head, parseJson(payload));
  return success ? output.transaction : null;
}

function noTransaction({ length }: Uint8Array): RequestError {
  if (length > REQUEST_BYTES_MAX) {
    return new RequestError('too-long', `expected at most ${REQUEST_BYTES_MAX} bytes`);
  }
  const text = 'expected a JSON object with "transaction", a whole number or text of up to 64';
  return new RequestError('bad-message', text, { pointer: '/transaction' });
}

function errorText(
  transaction: Transaction | null,
  { code, message, pointer = '' }: Refusal,
): string {
  return textOf({
    transaction,
    status: 'error',
    error: { code, message, ...(pointer !== '' && { pointer }) },
  });
}

function textOf(answer: Answer): string {
  return JSON.stringify(answer);
}
