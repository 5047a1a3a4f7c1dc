import type { Micros, Stream } from '#core/stream.ts';
import type {
  Cursor,
  Position,
  Queue,
  QueuedStream,
  ReadLimits,
  Stretch,
} from '../../src/outbox/queue.ts';

type Reason = 'evicted' | 'lost' | 'erased';

/** Packed, of a sample. */
const ROW_BYTES = 4;

/**
 * A store in memory that is honest about what the bridge relies on: seqs that never restart, stretches that
 * begin where they were asked for, gaps where something was evicted or lost, and cursors that are durable
 * once their promise has resolved. Values are made from their seq, so that a week takes no room; what one
 * was is `valueAt(seq)`.
 */
export class FakeQueue implements Queue {
  store: string;
  /** As kept last. */
  kept = new Map<number, Cursor>();
  /** Times that cursors were kept. */
  keeps = 0;
  needed: ReadonlyMap<number, number> | undefined;
  /** Every read waits for a turn of the event loop, as that of a real store does. */
  isSlow = false;
  /** The next read of this stream fails. */
  failRead: { readonly number: number; readonly error: Error } | undefined;
  /** Every time that it is to get a name fails with this. */
  failName: Error | undefined;
  /** Times that it was asked for a name. */
  namings = 0;
  /** The next time that cursors are kept fails with this. */
  failKeep: Error | undefined;
  readonly #streams = new Map<number, FakeStream>();

  constructor(store = '0123456789abcdef') {
    this.store = store;
  }

  named(): Promise<string> {
    this.namings++;
    const failure = this.failName;
    if (failure) return Promise.reject(failure);
    if (this.store === '') this.store = 'fedcba9876543210';
    return Promise.resolve(this.store);
  }

  /** A damaged store was begun anew: another one, which has no name yet, with the same streams. */
  beginAnew(): void {
    this.store = '';
    this.kept = new Map();
    this.needed = undefined;
    for (const stream of this.#streams.values()) Object.assign(stream, { first: 0, next: 0 });
  }

  /** The process ends and starts again: what was durable is there. */
  restarted(): FakeQueue {
    const next = new FakeQueue(this.store);
    for (const [number, stream] of this.#streams) next.#streams.set(number, { ...stream });
    next.kept = new Map(this.kept);
    return next;
  }

  declare(number: number, stream: Stream): void {
    this.#streams.set(number, {
      number,
      stream,
      first: 0,
      next: 0,
      startUs: 0,
      epoch: 1,
      lost: [],
    });
  }

  /** Values of a stream with a rate, evenly from its start. */
  grow(number: number, count: number): void {
    this.#stream(number).next += count;
  }

  /** What is before `seq` is gone. */
  evict(number: number, seq: number): void {
    this.#stream(number).first = seq;
  }

  /** These were never stored, or are there no more. */
  lose(number: number, from: number, to: number, reason: Reason = 'lost'): void {
    this.#stream(number).lost.push([from, to, reason]);
  }

  next(number: number): number {
    return this.#stream(number).next;
  }

  streams(): readonly QueuedStream[] {
    return [...this.#streams.values()].map(({ number, stream, first, next }) => {
      return { number, stream, first, next };
    });
  }

  read(
    number: number,
    from: number,
    at: Position | undefined,
    limits: ReadLimits,
  ): Stretch | undefined | Promise<Stretch | undefined> {
    const stream = this.#stream(number);
    if (this.failRead?.number === number) {
      const { error } = this.failRead;
      this.failRead = undefined;
      throw error;
    }
    if (at && from > 0 && at.t > timeOf(stream, from)) {
      throw new Error(`${stream.stream.id}: ${from} is not behind ${at.t}`);
    }
    const stretch = this.#read(stream, from, limits);
    if (!this.isSlow) return stretch;
    return new Promise((resolve) => {
      setImmediate(() => resolve(stretch));
    });
  }

  cursors(): ReadonlyMap<number, Cursor> {
    return this.kept;
  }

  async keepCursors(cursors: ReadonlyMap<number, Cursor>): Promise<void> {
    const copy = new Map(cursors);
    await Promise.resolve();
    const failure = this.failKeep;
    this.failKeep = undefined;
    if (failure) throw failure;
    this.kept = copy;
    this.keeps++;
  }

  keep(needed: ReadonlyMap<number, number> | undefined): void {
    for (const [number, seq] of needed ?? []) {
      const durable = this.kept.get(number)?.next ?? 0;
      if (seq > durable)
        throw new Error(`stream ${number}: ${seq} is given up, ${durable} is durable`);
    }
    this.needed = needed;
  }

  #read(stream: FakeStream, from: number, limits: ReadLimits): Stretch | undefined {
    if (from >= stream.next) return undefined;
    if (from < stream.first) return gap(stream, from, stream.first, 'evicted');
    const hole = stream.lost.find(
      ([begin, end]) => from < end && begin < stream.next && end > from,
    );
    if (hole && hole[0] <= from) return gap(stream, from, hole[1], hole[2]);
    let end = Math.min(hole?.[0] ?? stream.next, stream.next);
    const { values, bytes, spanUs } = limits;
    end = Math.min(end, from + values, from + Math.max(1, Math.floor(bytes / ROW_BYTES)));
    const { hz } = stream.stream;
    if (spanUs !== undefined && hz > 0)
      end = Math.min(end, from + Math.max(1, (spanUs / 1e6) * hz));
    const n = Math.floor(end) - from;
    return stretchOf(stream, from, n, contentOf(stream, from, n));
  }

  #stream(number: number): FakeStream {
    const stream = this.#streams.get(number);
    if (!stream) throw new Error(`no stream ${number}`);
    return stream;
  }
}

interface FakeStream extends QueuedStream {
  first: number;
  next: number;
  readonly startUs: Micros;
  readonly epoch: number;
  readonly lost: [from: number, to: number, reason: Reason][];
}

export function valueAt(seq: number): number {
  return (seq * 7919) % 250;
}

function timeOf({ stream, startUs }: FakeStream, seq: number): Micros {
  return startUs + Math.round((seq * 1e6) / (stream.hz || 1));
}

function contentOf(stream: FakeStream, seq: number, n: number): Stretch['content'] {
  const rows = Array.from({ length: n }, (_, i) => seq + i);
  switch (stream.stream.kind) {
    case 'event': {
      const events = rows.map((row) => ({ t: timeOf(stream, row), data: { row } }));
      return { kind: 'events', seq, events };
    }
    case 'wave': {
      const span = Math.round(((n - 1) * 1e6) / stream.stream.hz);
      return {
        kind: 'waves',
        seq,
        t0: timeOf(stream, seq),
        span,
        v: Int32Array.from(rows, valueAt),
      };
    }
    case 'frame':
      throw new Error('no frames here');
    default: {
      const t = Float64Array.from(rows, (row) => Math.round(timeOf(stream, row) / 1000) * 1000);
      return { kind: 'scalars', seq, t, v: Float64Array.from(rows, valueAt) };
    }
  }
}

function gap(stream: FakeStream, seq: number, to: number, reason: Reason): Stretch {
  return stretchOf(stream, seq, to - seq, { kind: 'gap', seq, n: to - seq, reason });
}

function stretchOf(
  stream: FakeStream,
  first: number,
  n: number,
  content: Stretch['content'],
): Stretch {
  const { epoch } = stream;
  const position = { epoch, t: timeOf(stream, first + n) };
  return { epoch, first, n, t0: timeOf(stream, first), content, position, bytes: n * ROW_BYTES };
}
