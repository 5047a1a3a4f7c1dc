import type { Clock } from '#core/clock.ts';
import { CodedError, codeOf, isExpected } from '#core/errors.ts';
import type { Json } from '#core/stream.ts';
import { oneLine } from '#core/text.ts';
import { TokenBuckets } from '#core/token-buckets.ts';

/**
 * What the cloud may ask of the gateway: commands of a table and nothing else, each of which answers on
 * `res/<cmd>`. None of them writes to a vehicle bus or shows a secret; who fills the table sees to that.
 *
 *   request   {"transaction":"a1", ...arguments}
 *   response  {"transaction":"a1","status":"ok","data":...}  or  {...,"status":"error","error":{code, message}}
 */

/** Does what is asked. Rejects with an error that has a code where it cannot. */
export type Command = (args: { readonly [key: string]: Json }) => Json | Promise<Json>;
export type Commands = Readonly<Record<string, Command>>;

const REQUEST_BYTES_MAX = 4_096;
const TRANSACTION_CHARS_MAX = 64;
const MESSAGE_CHARS_MAX = 200;
/** A command that takes longer is answered as failed; what it does goes on. */
const COMMAND_MS_MAX = 10_000;
/** Beyond, further ones are refused. */
const UNDER_WAY_MAX = 4;
const RATE = { perS: 1, burst: 10, namesMax: 1 };
/** A request that a broker delivers twice (MQTT 3.1.1 clause 4.3.2) is answered twice and done once. */
const REMEMBERED_MAX = 32;

type RequestErrorCode = 'BAD_REQUEST' | 'UNKNOWN_COMMAND' | 'TOO_MANY' | 'TIMEOUT';

class RequestError extends CodedError<RequestErrorCode> {
  override readonly name = 'RequestError';
}

export interface DownlinkCounts {
  answered: number;
  refused: number;
}

export class Downlink {
  readonly counts: DownlinkCounts = { answered: 0, refused: 0 };
  readonly #commands: Commands;
  readonly #clock: Clock;
  readonly #bucket: TokenBuckets;
  readonly #answers = new Map<string, Promise<string>>();
  #underWay = 0;

  constructor(commands: Commands, clock: Clock) {
    this.#commands = commands;
    this.#clock = clock;
    this.#bucket = new TokenBuckets(clock, RATE);
  }

  /**
   * The answer to a request, as JSON; undefined where there is none, as nobody could tell what it answers.
   * Rejects only on a bug of the command.
   */
  async answer(cmd: string, payload: Uint8Array): Promise<string | undefined> {
    const request = this.#bucket.take('') > 0 ? undefined : readRequest(payload);
    if (request === undefined) {
      this.counts.refused++;
      return undefined;
    }
    const { transaction } = request;
    const key = `${cmd} ${transaction}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return await known;
    const answer = this.#run(cmd, request).then((result) => {
      return JSON.stringify({ transaction, ...result });
    });
    this.#answers.set(key, answer);
    const [oldest = ''] = this.#answers.size > REMEMBERED_MAX ? this.#answers.keys() : [];
    this.#answers.delete(oldest);
    return await answer;
  }

  async #run(cmd: string, { args }: Request): Promise<{ readonly [key: string]: Json }> {
    try {
      const data = await this.#do(cmd, args);
      this.counts.answered++;
      return { status: 'ok', data };
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.counts.refused++;
      const message = oneLine(error.message, MESSAGE_CHARS_MAX);
      return { status: 'error', error: { code: codeOf(error), message } };
    }
  }

  async #do(cmd: string, args: Request['args']): Promise<Json> {
    const command = Object.hasOwn(this.#commands, cmd) ? this.#commands[cmd] : undefined;
    if (!command) throw new RequestError('UNKNOWN_COMMAND', 'there is no such command');
    if (this.#underWay >= UNDER_WAY_MAX) {
      throw new RequestError('TOO_MANY', `${UNDER_WAY_MAX} commands are under way`);
    }
    this.#underWay++;
    const done = new AbortController();
    try {
      const work = Promise.resolve(command(args));
      const late = this.#clock.sleep(COMMAND_MS_MAX, done.signal).then(
        () => {
          throw new RequestError('TIMEOUT', `not done in ${COMMAND_MS_MAX / 1000} s`);
        },
        () => null, // It was in time.
      );
      return await Promise.race([work, late]);
    } finally {
      done.abort();
      this.#underWay--;
    }
  }
}

interface Request {
  readonly transaction: string;
  readonly args: { readonly [key: string]: Json };
}

function readRequest(payload: Uint8Array): Request | undefined {
  if (payload.length > REQUEST_BYTES_MAX) return undefined;
  const told = parsed(payload);
  if (typeof told !== 'object' || told === null || Array.isArray(told)) return undefined;
  // What JSON.parse gives has nothing in it but Json.
  const { transaction, ...args } = told as { readonly [key: string]: Json };
  if (typeof transaction !== 'string' || transaction === '') return undefined;
  return transaction.length > TRANSACTION_CHARS_MAX ? undefined : { transaction, args };
}

function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return undefined; // Nobody to tell: without a transaction there is no answer.
  }
}
