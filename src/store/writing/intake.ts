import {
  EXTENDED_FLAG,
  type Frame,
  type Json,
  type Micros,
  type Reading,
  SAMPLE_TICK_US,
  type Sample,
  type Stream,
  type Wave,
} from '#core/stream.ts';
import type { Columns } from '../../codec/columns.ts';
import { EvenLine } from '../../codec/even.ts';
import { bySlot } from '../../codec/join.ts';
import { EPOCH_US_MAX } from '../keys.ts';
import type { TailEvent } from '../tail.ts';
import type { StreamRegistry } from './registry.ts';

/**
 * Where readings wait for the next record of the journal, in columns. This is the hot path of the
 * store: a reading costs a look-up and a few writes into typed arrays.
 */

/** What may wait, in bytes of columns: some minutes of everything. Later readings are dropped. */
const WAITING_BYTES_MAX = 64 * 2 ** 20;
const ROOM_FIRST = 64;
const SAMPLE_BYTES = 16;
const FRAME_BYTES = 21;
/** Of an event and of a stretch of a wave, beside their contents. */
const OBJECT_BYTES = 100;
const FRAME_DATA_BYTES = 8;

/** What one record of the journal holds of one stream. */
export interface Taken {
  readonly number: number;
  readonly stream: Stream;
  readonly columns: readonly Columns[];
  readonly events: readonly TailEvent[];
}

export class Intake {
  /** Readings that there was no room for. */
  dropped = 0;
  /** Readings that no block or key can hold: a time outside the epoch, a frame of more than 8 bytes. */
  refused = 0;
  #bytes = 0;
  #gathers = new Map<Stream, Gather>();
  /** Tells events of one microsecond apart, whatever order they come in. */
  #eventSeq = 0;
  /** Taken by `keep`, and not brought by the bus yet. */
  readonly #kept = new WeakSet<Reading>();

  get isEmpty(): boolean {
    return this.#gathers.size === 0;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes all of a batch, or none where there is no room. `add` passes over them when the bus brings
   * them too.
   *
   * @returns whether they were taken
   */
  keep(batch: readonly Reading[]): boolean {
    if (this.#bytes >= WAITING_BYTES_MAX || !batch.every(isStorable)) return false;
    for (const reading of batch) {
      this.#gather(reading);
      this.#kept.add(reading);
    }
    return true;
  }

  add(reading: Reading): void {
    if (this.#kept.delete(reading)) return;
    if (this.#bytes >= WAITING_BYTES_MAX) {
      this.dropped++;
      return;
    }
    if (!isStorable(reading)) {
      this.refused++;
      return;
    }
    this.#gather(reading);
  }

  /** Takes everything. Streams without a number are left out, and counted by the registry. */
  drain(registry: StreamRegistry): Taken[] {
    const gathers = this.#gathers;
    this.#gathers = new Map();
    this.#bytes = 0;
    return [...gathers].flatMap(([stream, gather]): Taken[] => {
      const known = registry.of(stream);
      if (known === undefined) return [];
      const { number } = known;
      if (gather instanceof EventGather) {
        const first = registry.take(known, gather.rows.length);
        const events = gather.rows.map(({ t, data }, i) => {
          return { stream: number, t, seq: this.#eventSeq++ & 0xffff, ordinal: first + i, data };
        });
        return [{ number, stream, columns: [], events }];
      }
      const columns = gather.columns({
        next: (n) => registry.take(known, n),
        nextOfWave: (position, n) => registry.takeWave(known, position, n),
      });
      // A store that was off for long has hours of a stream: a piece stays within its slot.
      const pieces = columns.flatMap((whole) => [...bySlot(whole)]);
      return [{ number, stream, columns: pieces, events: [] }];
    });
  }

  /** Forgets everything, where nobody will ever take it. */
  clear(): void {
    this.#gathers.clear();
    this.#bytes = 0;
  }

  #gather(reading: Reading): void {
    const { stream } = reading;
    let gather = this.#gathers.get(stream);
    if (gather === undefined) {
      gather = createGather(reading);
      this.#gathers.set(stream, gather);
    }
    this.#bytes += gather.add(reading);
  }
}

/** Whether everything that is made of it later fits: a reading must never make a seal fail. */
function isStorable(reading: Reading): boolean {
  if (!isTime(reading.t)) return false;
  switch (reading.kind) {
    case 'frame':
      return reading.data.length <= FRAME_DATA_BYTES;
    case 'wave':
      return isTime(endOfWave(reading)) && Number.isSafeInteger(reading.seq) && reading.seq >= 0;
    case 'sample':
    case 'event':
      return true;
  }
}

/** Whether a time lies within the epoch; NaN does not. */
function isTime(t: number): boolean {
  return t >= 0 && t < EPOCH_US_MAX;
}

interface Sequence {
  next(n: number): number;
  nextOfWave(position: number, n: number): number;
}

/** Readings of one stream. `add` returns the bytes that it took. */
type Gather = SampleGather | WaveGather | FrameGather | EventGather;

function createGather({ kind }: Reading): Gather {
  switch (kind) {
    case 'sample':
      return new SampleGather();
    case 'wave':
      return new WaveGather();
    case 'frame':
      return new FrameGather();
    case 'event':
      return new EventGather();
  }
}

class SampleGather {
  #n = 0;
  #t = new Float64Array(ROOM_FIRST);
  #v = new Float64Array(ROOM_FIRST);

  add(reading: Reading): number {
    const { t, v } = reading as Sample; // A stream has one kind of readings.
    if (this.#n === this.#t.length) {
      this.#t = grown(this.#t);
      this.#v = grown(this.#v);
    }
    this.#t[this.#n] = t - (t % SAMPLE_TICK_US);
    this.#v[this.#n++] = v;
    return SAMPLE_BYTES;
  }

  columns(sequence: Sequence): Columns[] {
    const seq = sequence.next(this.#n);
    const [t, v] = [this.#t.slice(0, this.#n), this.#v.slice(0, this.#n)];
    return [{ kind: 'scalars', seq, t, v }];
  }
}

class WaveGather {
  readonly #waves: Wave[] = [];

  add(reading: Reading): number {
    const wave = reading as Wave;
    this.#waves.push(Number.isInteger(wave.t) ? wave : { ...wave, t: Math.floor(wave.t) });
    return OBJECT_BYTES + wave.v.byteLength;
  }

  /** Waves that follow each other evenly become one stretch. */
  columns(sequence: Sequence): Columns[] {
    const stretches: Stretch[] = [];
    for (const wave of this.#waves) {
      if (wave.v.length === 0) continue;
      if (!stretches.at(-1)?.take(wave)) stretches.push(new Stretch(wave));
    }
    return stretches.map((stretch) => stretch.columns(sequence));
  }
}

/** Waves in a row. */
class Stretch {
  readonly #first: Wave;
  readonly #waves: Wave[];
  readonly #line: EvenLine;
  #n: number;

  constructor(first: Wave) {
    this.#first = first;
    this.#waves = [first];
    this.#n = first.v.length;
    this.#line = new EvenLine(first.t);
    // The rate that was measured says when its last sample was taken.
    if (this.#n > 1) this.#line.take(this.#n - 1, endOfWave(first));
  }

  /** Takes a wave that follows, if it does; else nothing changes. */
  take(wave: Wave): boolean {
    const { seq, t, v } = wave;
    if (seq !== this.#first.seq + this.#n || !this.#line.take(this.#n, t)) return false;
    // A wave of which only the beginning fits narrows the line for nothing: the stretch ends here.
    if (v.length > 1 && !this.#line.take(this.#n + v.length - 1, endOfWave(wave))) return false;
    this.#waves.push(wave);
    this.#n += wave.v.length;
    return true;
  }

  columns(sequence: Sequence): Columns {
    const v = new Int32Array(this.#n);
    let at = 0;
    for (const wave of this.#waves) {
      v.set(wave.v, at);
      at += wave.v.length;
    }
    const { t, seq } = this.#first;
    const wanted = endOfWave(this.#waves.at(-1) ?? this.#first) - t;
    const span = this.#n > 1 ? this.#line.span(this.#n - 1, wanted) : 0;
    return { kind: 'waves', seq: sequence.nextOfWave(seq, this.#n), t0: t, span, v };
  }
}

/** When the last sample of a wave was taken. */
function endOfWave({ t, v, hz }: Wave): number {
  return v.length < 2 ? t : t + ((v.length - 1) * 1e6) / hz;
}

class FrameGather {
  #n = 0;
  #t = new Float64Array(ROOM_FIRST);
  #id = new Uint32Array(ROOM_FIRST);
  #length = new Uint8Array(ROOM_FIRST);
  #data = new Uint8Array(ROOM_FIRST * FRAME_DATA_BYTES);

  add(reading: Reading): number {
    const { t, id, extended, data } = reading as Frame;
    if (this.#n === this.#t.length) this.#grow();
    this.#t[this.#n] = Math.floor(t);
    this.#id[this.#n] = extended ? (id | EXTENDED_FLAG) >>> 0 : id;
    this.#length[this.#n] = data.length;
    this.#data.set(data, this.#n * FRAME_DATA_BYTES);
    this.#n++;
    return FRAME_BYTES;
  }

  columns(sequence: Sequence): Columns[] {
    const n = this.#n;
    return [
      {
        kind: 'frames',
        seq: sequence.next(n),
        t: this.#t.slice(0, n),
        id: this.#id.slice(0, n),
        length: this.#length.slice(0, n),
        data: this.#data.slice(0, n * FRAME_DATA_BYTES),
      },
    ];
  }

  #grow(): void {
    this.#t = grown(this.#t);
    this.#id = grown(this.#id);
    this.#length = grown(this.#length);
    this.#data = grown(this.#data);
  }
}

class EventGather {
  readonly rows: { readonly t: Micros; readonly data: { readonly [key: string]: Json } }[] = [];

  add(reading: Reading): number {
    if (reading.kind !== 'event') return 0;
    this.rows.push({ t: Math.floor(reading.t), data: reading.data });
    return OBJECT_BYTES + 2 * JSON.stringify(reading.data).length;
  }
}

function grown<A extends Float64Array | Uint32Array | Uint8Array>(array: A): A {
  const Kind = array.constructor as new (length: number) => A; // It makes what it is.
  const larger = new Kind(2 * array.length);
  larger.set(array);
  return larger;
}
