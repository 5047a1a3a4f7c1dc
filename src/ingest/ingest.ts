import type { Clock } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Session, Span } from '#core/session.ts';
import type { Emit, Event, Micros, Reading, Stream } from '#core/stream.ts';
import { type ClockEstimate, ClockMap, roundTrip } from './clock-map.ts';
import { draftsOf } from './drafts.ts';
import { busyOf, IngestError } from './errors.ts';
import { GroupCommit } from './group-commit.ts';
import { Holders, isShared } from './holders.ts';
import { type Maker, MarkerBook, markerData } from './markers.ts';
import { type Limits, Positions, placed, readingOf, scaleOf, timesOf } from './placement.ts';
import { isPlain, receiptData, seqsOf } from './receipt.ts';
import { Seqs } from './seqs.ts';
import type { Batch, ClockBody, MarkerBody } from './shapes.ts';
import { ClientStreams, checkClient, marker, receiptStream } from './streams.ts';
import { used } from './used.ts';

/**
 * What clients send becomes readings like all others: on our clock, on the bus, in the store.
 *
 *   - A batch is taken as a whole or not at all, and once, whatever order batches come in and however
 *     often: what says so is stored with it (receipt.ts), and read again after a restart.
 *   - Whoever sent it is answered when it is durable. What was taken, and is not durable because the
 *     disk refuses it, is not taken again when it comes again: the store still has it, and the answer
 *     waits for it anew. A store that was opened again says itself what it has.
 *   - It goes to the bus at once: an alarm waits for no disk.
 */

/** Sequences in memory; that of the one used least recently is read again when it is. */
const SEQUENCES_MAX = 512;
/** Clients whose clock is known; at one more, that told least recently is forgotten. */
const CLOCKS_MAX = 256;
/** An exchange that took longer says too little of a clock. */
const ROUND_TRIP_US_MAX = 10_000_000;
/** An exchange longer ago says nothing of a clock now. */
const EXCHANGE_AGE_US_MAX = 600_000_000;
/** Receipts that are gone through in one turn. */
const RECEIPTS_A_TURN = 1_000;

/** What is asked of the store: `Recording` of recording.ts has it. */
export interface IngestStore {
  /** How often it was opened; 0 before the first time. */
  openings(): number;
  /** Takes all readings or none. @throws an error with a `code` */
  keep(batch: readonly Reading[]): void;
  /** Resolves when what was taken is durable; rejects with an error that has a `code`. */
  durable(): Promise<void>;
  /** Every stream that was ever stored. */
  streams(): readonly Stream[];
  /** Events of streams since spans began, the newest first. @throws an error with a `code` */
  newest(ids: readonly string[], spans: readonly Span[]): Iterable<Event['data']>;
}

export interface IngestOptions {
  /** The time of what is measured. */
  readonly clock: Clock;
  /** In which clients wait. */
  readonly realTime: Clock;
  /** Number of the epoch that runs. */
  readonly epoch: number;
  readonly store: IngestStore;
  readonly emit: Emit;
  /** @throws an error with a `code` where there is none */
  session(id: number): Session;
  /** What the gateway itself measures. */
  ownStreams(): readonly Stream[];
}

/** What became of a batch that is stored. */
export interface Taken {
  readonly seq: number;
  /** It was stored before, and not again. */
  readonly duplicate: boolean;
}

/** What became of a marker. Its time is microseconds since the start of the epoch. */
export interface Marked {
  readonly epoch: number;
  /** Null where it was stored before. */
  readonly t: Micros | null;
  readonly duplicate: boolean;
}

/** The batches of one kind that one client sends in one session. */
interface Sequence {
  seqs: Seqs;
  positions: Positions;
  /** Whether its streams have no client in their ids; undefined before the first batch. */
  plain: boolean | undefined;
}

export class Ingest {
  readonly #options: IngestOptions;
  readonly #commit: GroupCommit;
  readonly #streams = new ClientStreams();
  readonly #sequences = new Map<string, Promise<Sequence>>();
  readonly #clocks = new Map<string, ClockMap>();
  readonly #markers: MarkerBook;
  readonly #holders = new Holders((session) => this.#isOpen(session));
  /** That of the store of which everything here is known. */
  #opening = 0;
  /** Of the last receipt: no two have the same time, so that the newest is known. */
  #receivedAt: Micros = -1;
  #counts = { batches: 0, readings: 0, duplicates: 0, markers: 0, refused: 0, busy: 0 };

  constructor(options: IngestOptions) {
    const { store, realTime } = options;
    this.#options = options;
    this.#commit = new GroupCommit(() => store.durable(), realTime);
    this.#markers = new MarkerBook((spans) => store.newest(this.#markerIds(), spans));
  }

  /** Microseconds since the start of the epoch, for a client to compare its clock with. */
  now(): Micros {
    return this.#options.clock.now();
  }

  /** Number of the epoch that `now` counts from. */
  get epoch(): number {
    return this.#options.epoch;
  }

  /** What clients have sent, as far as it is known. */
  streams(): readonly Stream[] {
    if (this.#opening !== this.#options.store.openings()) {
      this.#streams.load(this.#options.store.streams());
    }
    return this.#streams.list();
  }

  /**
   * Takes a batch of a session. Resolves when it is durable.
   *
   * @throws IngestError, and what `session` throws
   */
  send(session: number, batch: Batch): Promise<Taken> {
    return this.#counted(async () => {
      const { client, seq } = batch.body;
      checkClient(client);
      const found = this.#options.session(session);
      this.#spanOf(found);
      const sequence = await this.#sequence(found, client, batch.kind);
      const opening = this.#opening;
      const known = sequence.seqs.has(seq);
      if (known === undefined) {
        const text = `expected a number above ${sequence.seqs.floor}, found ${seq}, which may be stored or not`;
        throw new IngestError('OLD_SEQ', text, { pointer: '/seq' });
      }
      if (known) this.#counts.duplicates++;
      else this.#take(session, batch, sequence);
      await this.#durable(opening);
      return { seq, duplicate: known };
    });
  }

  /** Makes a marker. Resolves when it is durable. @throws as `send` */
  mark(session: number, body: MarkerBody, maker: Maker): Promise<Marked> {
    return this.#counted(async () => {
      const { clock, epoch } = this.#options;
      await this.#renew();
      const opening = this.#opening;
      const found = this.#options.session(session);
      this.#spanOf(found);
      const keys = await this.#guarded(() => this.#markers.of(found));
      const data = markerData(session, body, maker);
      const duplicate = keys.has(maker, data);
      let t: Micros | null = null;
      if (!duplicate) {
        const now = clock.now();
        t = now;
        if (body.t !== undefined) {
          const scale = scaleOf(body.epoch, epoch, this.#clockOf(session, body.client));
          t = placed({ t: body.t, pointer: '/t' }, scale, this.#limitsOf(found, now));
        }
        const [stream] = this.#known([marker(body.event)], found);
        if (stream) this.#keep([{ kind: 'event', stream, t, data }], []);
        keys.add(data);
        this.#counts.markers++;
      }
      await this.#durable(opening);
      return { epoch, t, duplicate };
    });
  }

  /**
   * Learns how the clock of a client goes.
   *
   * @throws IngestError OTHER_EPOCH, INVALID, ENDED, and what `session` throws
   */
  tellClock(session: number, { client, epoch, exchanges }: ClockBody): ClockEstimate {
    checkClient(client);
    this.#spanOf(this.#options.session(session));
    scaleOf(epoch, this.#options.epoch, undefined);
    const now = this.#options.clock.now();
    for (const [i, exchange] of exchanges.entries()) {
      const { t1, t2, t3, t4 } = exchange;
      const took = roundTrip(exchange);
      const could = t4 >= t1 && t3 >= t2 && took >= 0 && took <= ROUND_TRIP_US_MAX;
      if (could && t3 <= now && t2 >= now - EXCHANGE_AGE_US_MAX) continue;
      const text = `no exchange of the last ${EXCHANGE_AGE_US_MAX / 1e6} s was like this`;
      throw new IngestError('INVALID', text, { pointer: `/exchanges/${i}` });
    }
    const name = `${session}/${client}`;
    const map = this.#clocks.get(name) ?? new ClockMap();
    map.observe(exchanges);
    used(this.#clocks, name, map, CLOCKS_MAX);
    const { estimate } = map;
    if (!estimate) throw new Error('a clock that was told is not known');
    return estimate;
  }

  health(): PartHealth {
    const { batches } = this.#counts;
    const steps = [...this.#clocks.values()].reduce((sum, map) => sum + map.steps, 0);
    const details = { ...this.#counts, streams: this.#streams.count, clockSteps: steps };
    return { id: 'ingest', status: 'ok', text: `${batches} batches from clients`, details };
  }

  /** In one turn: what is decided here holds until the readings are taken. */
  #take(session: number, batch: Batch, sequence: Sequence): void {
    const { clock, epoch } = this.#options;
    const { client, seq, epoch: told } = batch.body;
    const plain = sequence.plain ?? this.#holders.isFree(batch.kind, client);
    const drafts = draftsOf(batch, plain);
    const scale = scaleOf(told, epoch, this.#clockOf(session, client));
    const now = clock.now();
    const found = this.#options.session(session);
    const limits = this.#limitsOf(found, now);
    const times = timesOf(drafts, scale, limits);
    const wanted = [receiptStream(client, batch.kind), ...drafts.map(({ stream }) => stream)];
    const [receipt, ...streams] = this.#known(wanted, found);
    if (!receipt) throw new Error('a stream that was asked for is not there');
    const positions = new Positions(sequence.positions);
    const readings = drafts.map((draft, i) => {
      const on = { stream: streams[i] ?? draft.stream, t: times[i] ?? 0, scale };
      return readingOf(draft, on, positions);
    });
    const seqs = sequence.seqs.with(seq);
    const sent = drafts.map(({ t }) => t);
    const data = receiptData({
      ...{ session, seq, seqs, plain, times: sent },
      ...{ n: readings.length, clock: scale.estimate },
    });
    this.#receivedAt = Math.max(now, this.#receivedAt + 1);
    this.#keep(readings, [{ kind: 'event', stream: receipt, t: this.#receivedAt, data }]);
    sequence.seqs = seqs;
    sequence.positions = positions;
    sequence.plain = plain;
    if (plain && isShared(batch.kind)) this.#holders.hold(batch.kind, client, session);
    this.#counts.batches++;
    this.#counts.readings += readings.length;
  }

  /** @param unseen kept, and told to nobody */
  #keep(readings: readonly Reading[], unseen: readonly Reading[]): void {
    const { store, emit } = this.#options;
    busyUnless(() => store.keep([...readings, ...unseen]));
    for (const reading of readings) emit(reading);
  }

  #known(wanted: readonly Stream[], { owner }: Session): readonly Stream[] {
    const taken = new Set(this.#options.ownStreams().map(({ id }) => id));
    return this.#streams.all(wanted, taken, owner);
  }

  /** The span in which the session takes something now. @throws IngestError ENDED */
  #spanOf({ id, spans }: Session): Span {
    const last = spans.at(-1);
    if (last && last.to === null && last.epoch === this.#options.epoch) return last;
    throw new IngestError('ENDED', `session ${id} takes nothing: it is not open`);
  }

  /** @throws IngestError ENDED */
  #limitsOf(session: Session, now: Micros): Limits {
    return { from: this.#spanOf(session).from, now, isResumed: session.spans.length > 1 };
  }

  #isOpen(session: number): boolean {
    try {
      this.#spanOf(this.#options.session(session));
      return true;
    } catch (error) {
      if (isExpected(error)) return false;
      throw error;
    }
  }

  #clockOf(session: number, client: string | undefined): ClockMap | undefined {
    return client === undefined ? undefined : this.#clocks.get(`${session}/${client}`);
  }

  #markerIds(): string[] {
    return this.#streams.list().flatMap(({ id }) => (/^marker(\.|$)/.test(id) ? id : []));
  }

  async #sequence(session: Session, client: string, kind: Batch['kind']): Promise<Sequence> {
    await this.#renew();
    const opening = this.#opening;
    const name = `${session.id}/${client}/${kind}`;
    const loading = this.#sequences.get(name) ?? this.#load(session, client, kind);
    used(this.#sequences, name, loading, SEQUENCES_MAX);
    try {
      const sequence = await loading;
      if (opening === this.#options.store.openings()) return sequence;
    } catch (error) {
      // There may be another by now, of a store that was opened again.
      if (this.#sequences.get(name) === loading) this.#sequences.delete(name);
      throw error;
    }
    throw busy('the store was opened again meanwhile');
  }

  /** What the store knows of a sequence. */
  #load({ id, spans }: Session, client: string, kind: Batch['kind']): Promise<Sequence> {
    const { store, realTime } = this.#options;
    return this.#guarded(async () => {
      const newestFirst = spans.toReversed();
      if (isShared(kind)) this.#holders.load(kind, () => this.#newestReceipts(kind, newestFirst));
      let gone = 0;
      const { id: stream } = receiptStream(client, kind);
      for (const data of store.newest([stream], newestFirst)) {
        const seqs = seqsOf(data, id);
        if (seqs) return { seqs, positions: new Positions(), plain: isPlain(data) };
        if (++gone % RECEIPTS_A_TURN === 0) await realTime.sleep(0);
      }
      const plain = isShared(kind) ? undefined : true;
      return { seqs: new Seqs(), positions: new Positions(), plain };
    });
  }

  /** Of each client that sends a kind, in the epochs of spans. */
  *#newestReceipts(
    kind: Batch['kind'],
    spans: readonly Span[],
  ): Generator<readonly [client: string, Event['data']]> {
    const epochs = spans.map((span) => ({ ...span, from: 0 }));
    for (const client of this.#streams.senders(kind)) {
      const { id } = receiptStream(client, kind);
      for (const data of this.#options.store.newest([id], epochs)) {
        yield [client, data];
        break;
      }
    }
  }

  /** Forgets what was known of a store that is another now: what it lost is to be sent again. */
  async #renew(): Promise<void> {
    const { store } = this.#options;
    if (this.#opening === store.openings()) return;
    // What waits for its first flush is then known from the store, too.
    await this.#guarded(() => store.durable());
    if (this.#opening === store.openings()) return; // Somebody else has.
    this.#opening = store.openings();
    this.#sequences.clear();
    this.#holders.clear();
    this.#markers.clear();
    this.#streams.load(store.streams());
  }

  /** @param opening of the store, when what is waited for was taken or known */
  async #durable(opening: number): Promise<void> {
    await this.#guarded(() => this.#commit.wait());
    if (opening !== this.#options.store.openings()) {
      throw busy('the store was opened again meanwhile');
    }
  }

  async #guarded<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw busyOf(error);
    }
  }

  async #counted<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof IngestError) this.#counts[error.code === 'BUSY' ? 'busy' : 'refused']++;
      throw error;
    }
  }
}

function busyUnless(work: () => void): void {
  try {
    work();
  } catch (error) {
    throw busyOf(error);
  }
}

function busy(text: string): IngestError {
  return new IngestError('BUSY', text);
}
