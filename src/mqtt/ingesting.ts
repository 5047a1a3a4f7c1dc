/**
 * What clients push under `car/<d>/ingest/<kind>`: batches as they go over HTTP and WebSockets, with the
 * session in them (ingest/pushes.ts).
 *
 * PUBACK says that it is stored: the broker sends it when `take` has resolved. MQTT 3.1.1 has no word
 * for a refusal; by clause 3.3.5 it is acknowledged all the same or the connection is closed. So
 *
 *   - what never will be taken is acknowledged, so that the client does not send it for ever, and what
 *     is wrong with it is told on `response/ingest`;
 *   - what cannot be stored now is not acknowledged: `take` rejects, the broker closes the connection,
 *     and a client with QoS 1 sends it again (clause 4.4), which is stored once by its number.
 *
 * What comes with QoS 0 is taken too, on the sender's own risk: it is stored the same way once it is
 * here, and numbers that are missing tell in the receipts what was lost on the way. A sender that wants
 * to know gives a transaction, and is answered as soon as it is stored.
 */
import * as v from 'valibot';
import type { Clock } from '#core/clock.ts';
import { CodedError, isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import { PUSH_BYTES_MAX, PUSHES_RATE, PUSHES_WAITING_MAX } from '#core/mqtt-limits.ts';
import type { Session } from '#core/session.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import { IngestError } from '../ingest/errors.ts';
import type { Marked, Taken } from '../ingest/ingest.ts';
import type { Maker } from '../ingest/markers.ts';
import { isPushKind, PUSHES, pushOf, Transaction } from '../ingest/pushes.ts';
import type { Batch, MarkerBody } from '../ingest/shapes.ts';
import { SessionError } from '../sessions/errors.ts';
import { type Guest, MqttRefusal } from './doorman.ts';
import { checkTheirs, meantSession, SenderError, senderOf } from './ingesting-session.ts';
import { type AnswerTo, nameOf, parseJson, type Refusal } from './requests-answer.ts';

/** Log-ins whose rate is known; beyond them the oldest counts as new. */
const LOGINS_MAX = 256;
/** Pushes of all connections that are not stored yet; with more they are not taken. */
const WAITING_BYTES_MAX = 16 * PUSH_BYTES_MAX;

export interface IngestingOptions {
  /** As it stands in topics. */
  readonly device: string;
  /** In which clients wait. */
  readonly realTime: Clock;
  /** `Ingest` of ingest/ingest.ts. */
  readonly ingest: {
    send(session: number, batch: Batch): Promise<Taken>;
    mark(session: number, body: MarkerBody, maker: Maker): Promise<Marked>;
  };
  /** `Reading` of reading/service.ts has it. */
  readonly reading: {
    /** @throws StoreError OFF */
    sessions(): { get(id: number): Session; current(): readonly Session[] };
    /** @throws ReadingError TOO_SLOW */
    inTime<T>(change: Promise<T>): Promise<T>;
  };
  /** What is wrong with a payload, in words for who sent it. */
  fault(issue: v.BaseIssue<unknown>): { readonly pointer: string; readonly message: string };
  readonly answer: AnswerTo;
}

/** What of a push its answer repeats, as far as it can be read. */
interface Head {
  readonly transaction: Transaction | null;
  readonly kind: string;
  readonly client?: string;
  readonly seq?: number;
}

const Told = v.object({
  transaction: v.optional(v.fallback(v.nullable(Transaction), null), null),
  client: v.fallback(v.optional(v.string()), undefined),
  seq: v.fallback(v.optional(v.number()), undefined),
});

export class Ingesting {
  readonly #options: IngestingOptions;
  readonly #rate: TokenBuckets;
  readonly #waiting = new WeakMap<Guest, number>();
  #waitingBytes = 0;
  #counts = { taken: 0, duplicates: 0, refused: 0, notNow: 0, delayed: 0, waiting: 0 };

  constructor(options: IngestingOptions) {
    this.#options = options;
    this.#rate = new TokenBuckets(options.realTime, { ...PUSHES_RATE, namesMax: LOGINS_MAX });
  }

  /**
   * Resolves when it is stored, or refused for good; rejects with an expected error where it is neither.
   *
   * @param topic `car/<d>/ingest/<kind>`
   */
  readonly take = async (guest: Guest, topic: string, payload: Uint8Array): Promise<void> => {
    const waiting = this.#waiting.get(guest) ?? 0;
    const isFull = this.#waitingBytes + payload.length > WAITING_BYTES_MAX;
    if (waiting >= PUSHES_WAITING_MAX || isFull) {
      this.#counts.notNow++;
      throw new IngestError('BUSY', 'too much waits to be stored');
    }
    this.#waiting.set(guest, waiting + 1);
    this.#waitingBytes += payload.length;
    this.#counts.waiting++;
    try {
      await this.#turn(guest);
      await this.#take(guest, topic, payload);
    } finally {
      this.#waiting.set(guest, (this.#waiting.get(guest) ?? 1) - 1);
      this.#waitingBytes -= payload.length;
      this.#counts.waiting--;
    }
  };

  health(): PartHealth {
    const { taken } = this.#counts;
    const text = `${taken} pushes of clients`;
    return { id: 'mqtt-ingest', status: 'ok', text, details: { ...this.#counts } };
  }

  async #turn(guest: Guest): Promise<void> {
    const name = nameOf(guest);
    let waitS = this.#rate.take(name);
    if (waitS > 0) this.#counts.delayed++;
    while (waitS > 0) {
      await this.#options.realTime.sleep(Math.ceil(waitS * 1000));
      waitS = this.#rate.take(name);
    }
  }

  async #take(guest: Guest, topic: string, payload: Uint8Array): Promise<void> {
    const kind = topic.slice(topic.lastIndexOf('/') + 1);
    const json = payload.length > PUSH_BYTES_MAX ? undefined : parseJson(payload);
    const head = headOf(kind, json);
    try {
      const data = await this.#store(guest, kind, payload, json);
      if (data.duplicate) this.#counts.duplicates++;
      else this.#counts.taken++;
      if (head.transaction !== null) this.#answer(guest, { ...head, status: 'ok', data });
    } catch (error) {
      const refusal = this.#refusalOf(error);
      if (refusal !== undefined) {
        this.#counts.refused++;
        this.#answer(guest, { ...head, status: 'error', error: refusal });
        return;
      }
      if (isExpected(error)) {
        this.#counts.notNow++;
        const { message } = error;
        this.#answer(guest, { ...head, status: 'error', error: { code: 'busy', message } });
      }
      throw error;
    }
  }

  /** @throws also what it rejects with */
  #store(guest: Guest, kind: string, payload: Uint8Array, json: unknown): Promise<Taken | Marked> {
    const who = guest.current();
    if (who === undefined) throw new MqttRefusal('NOT_AUTHORISED', 'the log-in has ended');
    const sender = senderOf(who);
    if (payload.length > PUSH_BYTES_MAX) {
      throw new PushError('TOO_LONG', `expected at most ${PUSH_BYTES_MAX} bytes`);
    }
    if (!isPushKind(kind)) {
      const known = Object.keys(PUSHES).join(', ');
      throw new PushError('UNKNOWN_KIND', `expected ${known} at the end of the topic`);
    }
    const { session: wanted, content } = pushOf(kind, json);
    const { reading, ingest } = this.#options;
    const sessions = reading.sessions();
    const session =
      wanted === undefined ? meantSession(sessions.current(), sender) : sessions.get(wanted);
    checkTheirs(session, sender);
    if (content.kind !== 'marker') return reading.inTime(ingest.send(session.id, content));
    const maker = { by: sender.id, key: content.key };
    return reading.inTime(ingest.mark(session.id, content.body, maker));
  }

  /** Undefined for what may be taken later, and for a bug. */
  #refusalOf(error: unknown): Refusal | undefined {
    if (error instanceof v.ValiError) {
      const [issue] = error.issues;
      const { pointer, message } = this.#options.fault(issue);
      return { code: 'bad-message', message, ...(pointer && { pointer }) };
    }
    if (error instanceof IngestError && error.code !== 'BUSY') {
      const { code, message, pointer } = error;
      return { code: wordOf(code), message, ...(pointer && { pointer }) };
    }
    const isForGood =
      error instanceof SenderError || error instanceof SessionError || error instanceof PushError;
    return isForGood ? { code: wordOf(error.code), message: error.message } : undefined;
  }

  #answer(guest: Guest, answer: object): void {
    const topic = `car/${this.#options.device}/response/ingest`;
    const payload = JSON.stringify(answer);
    this.#options.answer(guest, { topic, payload, qos: 1, retain: false });
  }
}

/** What is wrong before anything of it is read. */
class PushError extends CodedError<'UNKNOWN_KIND' | 'TOO_LONG'> {
  override readonly name = 'PushError';
}

function headOf(kind: string, json: unknown): Head {
  const { success, output } = v.safeParse(Told, json);
  if (!success) return { transaction: null, kind };
  const { transaction, client, seq } = output;
  return {
    ...{ transaction, kind },
    ...(client !== undefined && { client }),
    ...(seq !== undefined && { seq }),
  };
}

/** As messages of WebSockets write codes: `in-future`. */
function wordOf(code: string): string {
  return code.toLowerCase().replaceAll('_', '-');
}
