import type { Stream } from '#core/stream.ts';
import type { StoredStream } from '../../codec/columns.ts';
import { numberKey, parseNumberKey } from '../keys.ts';
import type { Change, Entry } from '../lmdb.ts';
import { decodeRecord, encodeRecord } from '../record.ts';

/**
 * The streams of the store: which number each has in keys and blocks, and how far its `seq` is.
 * A stream whose unit, kind or scale has changed is another one under the same id, so that what was
 * stored of the first one keeps its meaning.
 */

/** Numbers are u16. A stream beyond them is not stored, which is counted. */
const STREAMS_MAX = 0xffff;

/** A stream that is being stored. */
interface Known extends StoredStream {
  nextSeq: number;
  /** Added to the position that a wave counts from the start of the process. */
  waveBase: number;
  dirty: boolean;
}

/** What is kept of a stream in the table `streams`. */
export interface StreamRecord {
  readonly stream: Stream;
  readonly nextSeq: number;
}

export class StreamRegistry {
  /** Streams that got no number. */
  refused = 0;
  readonly #byMeaning = new Map<string, Known>();
  /** Those that were asked for, so that their meaning is spelt out once. */
  readonly #byObject = new WeakMap<Stream, Known>();
  readonly #byNumber = new Map<number, Known>();
  /** Of all; whoever sends asks for it several times a batch. */
  #list: readonly StoredStream[] | undefined;
  #last = 0;

  /**
   * @param entries of the table `streams`
   * @returns a sentence for each that is damaged: its number is not used again
   */
  load(entries: Iterable<Entry>): string[] {
    const problems: string[] = [];
    for (const { key, value } of entries) {
      const number = parseNumberKey(key);
      this.#last = Math.max(this.#last, number);
      try {
        const { stream, nextSeq } = streamRecord(key, value);
        this.restore({ number, stream }, nextSeq);
      } catch (error) {
        problems.push(`stream ${number}: ${error instanceof Error ? error.message : error}`);
      }
    }
    return problems;
  }

  /** What the journal says of a stream: its number, and that its `seq` is at least this far. */
  restore({ number, stream }: StoredStream, nextSeq: number): void {
    const known = this.#byNumber.get(number);
    if (known) {
      if (nextSeq <= known.nextSeq) return;
      known.nextSeq = nextSeq;
      known.waveBase = nextSeq;
      known.dirty = true;
      return;
    }
    this.#last = Math.max(this.#last, number);
    this.#add({ number, stream, nextSeq, waveBase: nextSeq, dirty: true });
  }

  /** The number and counters of a stream, a new one where it is not known as it is now. */
  of(stream: Stream): Known | undefined {
    const cached = this.#byObject.get(stream);
    if (cached !== undefined) return cached;
    const known = this.#byMeaning.get(meaning(stream));
    if (known !== undefined) {
      this.#byObject.set(stream, known);
      return known;
    }
    if (this.#last >= STREAMS_MAX) {
      this.refused++;
      return undefined;
    }
    this.#last++;
    return this.#add({ number: this.#last, stream, nextSeq: 0, waveBase: 0, dirty: true });
  }

  /** Goes on counting the waves of this process where it was, in a store that was opened again. */
  resume(before: StreamRegistry): void {
    for (const [number, { waveBase }] of before.#byNumber) {
      const known = this.#byNumber.get(number);
      if (known) known.waveBase = waveBase;
    }
  }

  byNumber(number: number): StoredStream | undefined {
    return this.#byNumber.get(number);
  }

  /** How far the seq of a stream is; 0 where it is not known. */
  nextSeqOf(number: number): number {
    return this.#byNumber.get(number)?.nextSeq ?? 0;
  }

  list(): readonly StoredStream[] {
    this.#list ??= [...this.#byNumber.values()].map(({ number, stream }) => ({ number, stream }));
    return this.#list;
  }

  /** Counts `n` samples of a stream and returns the seq of the first. */
  take(known: Known, n: number): number {
    const seq = known.nextSeq;
    known.nextSeq += n;
    known.dirty = true;
    return seq;
  }

  /** The same for a wave, whose own position says what was lost before it. */
  takeWave(known: Known, position: number, n: number): number {
    // A source that counts from 0 again within the process goes on where it was.
    if (known.waveBase + position < known.nextSeq) known.waveBase = known.nextSeq - position;
    const seq = known.waveBase + position;
    known.nextSeq = seq + n;
    known.dirty = true;
    return seq;
  }

  /** The records that have changed since the last call. */
  changes(): Change[] {
    const changed = [...this.#byNumber.values()].filter(({ dirty }) => dirty);
    return changed.map((known) => {
      known.dirty = false;
      const key = numberKey(known.number);
      const record: StreamRecord = { stream: known.stream, nextSeq: known.nextSeq };
      return { table: 'streams', key, value: encodeRecord(key, record) };
    });
  }

  #add(known: Known): Known {
    this.#byNumber.set(known.number, known);
    this.#list = undefined;
    this.#byMeaning.set(meaning(known.stream), known);
    return known;
  }
}

/** @throws StoreError BAD_RECORD */
export function streamRecord(key: Uint8Array, value: Uint8Array): StreamRecord {
  return decodeRecord(key, value) as unknown as StreamRecord; // Its CRC says that we wrote it.
}

/** The same for two streams whose data can be read as data of each other. */
function meaning({ id, unit, kind, hz, lsb, states }: Stream): string {
  return JSON.stringify([id, unit, kind, hz, lsb, states]);
}
