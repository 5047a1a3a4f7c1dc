import { CodedError, isSystemError } from '#core/errors.ts';
import type { DataFile } from '../../io/data-file.ts';
import {
  encodeRecord,
  type JournalRecord,
  RECORD_HEADER_BYTES,
  type SegmentScan,
  scanSegment,
} from './journal-record.ts';

/**
 * The journal: makes what was just recorded durable at the price of one page, so that LMDB, which
 * writes 20 KB a commit however little it holds, has to commit every few minutes only.
 *
 * Two segments of a fixed size, filled with zeros beforehand, take turns:
 *
 *   append ... append   into the current segment, one write and one sync each
 *   swap                later appends go to the other segment, from its beginning
 *   (the caller commits everything up to the seq that swap returned, and that seq, to LMDB)
 *   retired             the segment left by the swap may be overwritten by the next
 *
 * So at any moment each record that is not yet in LMDB is in one of the two. At open, those behind
 * the committed ("sealed") seq come back, and appending goes on behind the newest of them.
 *
 * What makes an acknowledged record safe:
 *
 *   - Its append resolves after the sync only, and appends never overlap.
 *   - The next record begins in the page, and mostly in the sector, in which it ends; so that page is
 *     written again. But the bytes of the old record are the same in both, and a device that writes
 *     whole sectors of 512 bytes (or more) has either the old or the new sector after a power cut:
 *     each holds the old record's end. Only what comes after may be torn, which its CRC tells.
 *   - An append that failed moves nothing on: the next record goes to the same offset, and so writes
 *     again the page with the end of the last good one. That matters because Linux takes a page whose
 *     write failed for clean, and a later sync says nothing of it. The seq of the failed one is not
 *     used again, as it may be on the device all the same: then it comes back at the next open,
 *     unless another record was written over it. No more than one of the two can be whole.
 *   - At open, everything in the segment that is newer than the sealed seq is found, also behind a
 *     damaged place. So nothing behind the offset at which it goes on can later be taken for newer.
 *   - A record that was acknowledged and is gone leaves a hole in seq, once another came after it:
 *     within a segment the scan finds it, between the two and behind the sealed one the open does.
 *     Only the last record of all cannot be told from one that a power cut kept from being whole.
 *   - What could not be read may be readable next time. So after an error of reading, seq leaves
 *     out more numbers than a segment can have records.
 *
 * An append that keeps failing at one offset (a bad sector) is got over by sealing and a swap.
 */

/** Bytes of a segment: some 5 minutes of everything that is recorded, several times over. */
export const SEGMENT_BYTES = 8 << 20;

/** Share of a segment in use at which it wants to be sealed; what is left is for the time it takes. */
const NEARLY_FULL = 0.75;
/** Appends that may be under way or waiting. One more is refused: the device has stopped answering. */
const APPENDS_MAX = 16;
/** Bytes read at once. A sector that cannot be read costs what is in its piece. */
const READ_BYTES = 256 << 10;
/** More than the records that fit in a segment of SEGMENT_BYTES. */
const UNREAD_SEQS = 1 << 20;
const CUT_TEXT = 'the last record of the journal was cut off: up to a second is missing';

type JournalFullCode = 'SEGMENT_FULL' | 'QUEUE_FULL';

/** A record that was not taken, because there is no room for it before the next swap or sync. */
class JournalFullError extends CodedError<JournalFullCode> {
  override readonly name = 'JournalFullError';
}

/** What an open finds. */
export interface OpenedJournal {
  readonly journal: Journal;
  /** Everything that is not sealed, in the order of seq; epochs may change in between. */
  readonly replay: readonly JournalRecord[];
  /** What could not be had back, in sentences for people; empty after an ordinary power cut. */
  readonly problems: readonly string[];
  /** What an ordinary power cut leaves, in sentences for people. */
  readonly notes: readonly string[];
}

/** One use of a segment, from its beginning to the next swap. */
interface Use {
  readonly file: DataFile;
  /** Where the next record is written: behind the last durable one. */
  end: number;
  /** Bytes of the appends that are under way or waiting. */
  queued: number;
}

export class Journal {
  #current: Use;
  /** The segment to which the next swap goes. */
  #other: DataFile;
  /** Whether `#other` has records that may not be in LMDB yet. */
  #unsealed: boolean;
  #lastSeq: number;
  #appends = 0;
  #tail: Promise<void> = Promise.resolve();

  private constructor(current: Use, other: DataFile, unsealed: boolean, lastSeq: number) {
    this.#current = current;
    this.#other = other;
    this.#unsealed = unsealed;
    this.#lastSeq = lastSeq;
  }

  /**
   * Reads both segments. What cannot be read or is damaged is left out and told as a problem.
   *
   * Where the other segment has records in the replay, a swap has to wait for `retired()`: once the
   * replay is in LMDB.
   *
   * @param files of the same size; the journal does not close them
   * @param sealedSeq the last one that is in LMDB; 0 for none
   */
  static async open(
    files: readonly [DataFile, DataFile],
    sealedSeq: number,
  ): Promise<OpenedJournal> {
    const first = await readSegment(files[0], sealedSeq);
    const second = await readSegment(files[1], sealedSeq);
    const [older, newer] = lastOf(second) > lastOf(first) ? [first, second] : [second, first];
    const unread = [first, second].some(({ readable }) => !readable);
    const lastSeq = Math.max(sealedSeq, lastOf(newer)) + (unread ? UNREAD_SEQS : 0);
    const use: Use = { file: newer.file, end: newer.scan.end, queued: 0 };
    return {
      journal: new Journal(use, older.file, older.scan.records.length > 0, lastSeq),
      replay: inOrder([...older.scan.records, ...newer.scan.records]),
      problems: [
        ...first.problems,
        ...second.problems,
        ...holeBefore(older, sealedSeq),
        ...holeBefore(newer, lastOf(older) || sealedSeq),
      ],
      notes: newer.scan.cut ? [CUT_TEXT] : [],
    };
  }

  /** Bytes of the largest payload that still fits in the current segment. */
  get room(): number {
    const { file, end, queued } = this.#current;
    return Math.max(0, file.size - end - queued - RECORD_HEADER_BYTES);
  }

  /** Whether it is time to swap. */
  get isNearlyFull(): boolean {
    const { file, end, queued } = this.#current;
    return end + queued >= file.size * NEARLY_FULL;
  }

  /**
   * Writes one record behind the others. The payload is copied at once. Resolves with its seq when
   * it is durable; one that was rejected may come back at the next open all the same.
   *
   * @param epoch u32
   * @throws JournalFullError when the segment or the queue has no room, and nothing was written;
   *   what the file throws when it fails, see data-file.ts. The journal stays usable in both cases
   */
  async append(epoch: number, payload: Uint8Array): Promise<number> {
    const use = this.#current;
    const { file, end, queued } = use;
    if (end + queued + RECORD_HEADER_BYTES + payload.length > file.size) {
      const found = `a payload of ${payload.length} bytes does not fit into ${this.room}`;
      throw new JournalFullError('SEGMENT_FULL', `${file.path}: ${found}`);
    }
    if (this.#appends >= APPENDS_MAX) {
      const found = `${APPENDS_MAX} records wait for the device already`;
      throw new JournalFullError('QUEUE_FULL', `${file.path}: ${found}`);
    }
    const seq = this.#lastSeq + 1;
    const record = encodeRecord(epoch, seq, payload);
    this.#lastSeq = seq;
    use.queued += record.length;
    this.#appends++;
    const written = this.#tail.then(() => this.#write(use, record));
    this.#tail = written.catch(() => {}); // Whoever appended it is told; the next may do better.
    await written;
    return seq;
  }

  /**
   * Switches to the other segment for all later appends. Those under way still go to the old one.
   *
   * @returns the last seq of the old one: everything up to it has to be in LMDB before `retired()`
   * @throws Error before `retired()`, which is a bug of the caller
   */
  swap(): number {
    if (this.#unsealed) throw new Error('journal: swapped before the other segment was retired');
    const { file } = this.#current;
    this.#current = { file: this.#other, end: 0, queued: 0 };
    this.#other = file;
    this.#unsealed = true;
    return this.#lastSeq;
  }

  /** Everything before the last swap, or everything replayed, is in LMDB and durable there. */
  retired(): void {
    this.#unsealed = false;
  }

  async #write(use: Use, record: Uint8Array): Promise<void> {
    try {
      await use.file.write(use.end, record);
      await use.file.sync();
      use.end += record.length;
    } finally {
      use.queued -= record.length;
      this.#appends--;
    }
  }
}

interface Segment {
  readonly file: DataFile;
  readonly scan: SegmentScan;
  readonly readable: boolean;
  readonly problems: readonly string[];
}

async function readSegment(file: DataFile, sealedSeq: number): Promise<Segment> {
  const bytes = new Uint8Array(file.size);
  const errors: Error[] = [];
  for (let at = 0; at < bytes.length; at += READ_BYTES) {
    try {
      bytes.set(await file.read(at, Math.min(READ_BYTES, bytes.length - at)), at);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      errors.push(error); // The piece stays zeros, which are no records.
    }
  }
  const scan = scanSegment(bytes, sealedSeq);
  const problems: string[] = [];
  const [error] = errors;
  if (error) {
    const found = `${errors.length} (${error.message})`;
    problems.push(`${file.path}: unreadable pieces of ${READ_BYTES >> 10} KB, lost: ${found}`);
  }
  if (scan.damaged > 0) {
    problems.push(`${file.path}: damaged places with lost records: ${scan.damaged}`);
  }
  return { file, scan, readable: errors.length === 0, problems };
}

/** The seq of its last record; 0 without any. */
function lastOf({ scan }: Segment): number {
  return scan.records.at(-1)?.seq ?? 0;
}

/**
 * What is missing between two segments, or behind the sealed record, as a sentence. What an append
 * that failed left out counts as well. Nothing where no record says how far the journal had been
 * (`before` is 0), and without what an open that could not read left out: that was told then.
 */
function holeBefore({ file, scan }: Segment, before: number): string[] {
  const first = scan.records[0];
  if (first === undefined || before === 0) return [];
  const missing = (first.seq - before - 1) % UNREAD_SEQS;
  if (missing <= 0) return [];
  const place = `between record ${before} and record ${first.seq}`;
  return [`${file.path}: records that are missing ${place}: ${missing}`];
}

function inOrder(records: readonly JournalRecord[]): JournalRecord[] {
  return records.toSorted((a, b) => a.seq - b.seq);
}
