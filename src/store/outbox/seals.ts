import { StoreError } from '../errors.ts';
import { momentKey, parseMomentKey } from '../keys.ts';
import type { Entry, Reads } from '../lmdb.ts';
import { BEHIND_KEYS, entryPages, FIRST_KEY } from '../reading/walk.ts';
import { soundRecord } from '../record.ts';
import { decodeSeal, endOfSealed, type Moment, type SealedStream } from './seal-record.ts';

/** Finds the seals that have a stream by its seq. Nothing is held open. */

/** Seals that are read at a time. */
const PAGE_SEALS = 16;
/** Seals that are kept decoded: all streams of one are asked for one after the other. */
const DECODED_MAX = 64;
const BEGINNING: Moment = { epoch: 0, t: 0 };

export interface FoundSeal {
  readonly moment: Moment;
  readonly sealed: SealedStream;
}

export interface Found {
  /** The first seal that has something of a stream at or behind a seq; undefined where none has. */
  readonly seal: FoundSeal | undefined;
  /** One that ends at or before it, with none of the stream between them; undefined where none is known. */
  readonly before: Moment | undefined;
  /** Whether one lies between them that cannot be read. */
  readonly isDamaged: boolean;
}

/** Its streams by number; undefined where it is damaged. */
type DecodedSeal = ReadonlyMap<number, SealedStream> | undefined;

export class Seals {
  readonly #decoded = new Map<string, DecodedSeal>();
  /** Where each stream was found last. */
  readonly #last = new Map<number, { readonly seq: number; readonly moment: Moment }>();

  /**
   * Looks for what has something of a stream at or behind a seq.
   *
   * @param hint where a stretch before it was found; a wrong one costs time only
   */
  find(reads: Reads, number: number, seq: number, hint: Moment | undefined): Found {
    const last = this.#last.get(number);
    const from = last && last.seq <= seq ? last.moment : (hint ?? BEGINNING);
    let found = this.#search(reads, number, seq, from);
    // Without one that ends before it the hint may have been too far, and another be the first.
    const isFirst = found.before !== undefined || (found.seal?.sealed.begin ?? seq + 1) <= seq;
    if (!isFirst && from !== BEGINNING) found = this.#search(reads, number, seq, BEGINNING);
    const { seal, before } = found;
    const moment = seal && seal.sealed.begin <= seq ? seal.moment : before;
    if (moment) this.#last.set(number, { seq, moment });
    return found;
  }

  #search(reads: Reads, number: number, seq: number, from: Moment): Found {
    let before: Moment | undefined;
    let isDamaged = false;
    for (const page of pagesFrom(reads, from)) {
      for (const entry of page) {
        const decoded = this.#decode(entry);
        if (decoded === undefined) isDamaged = true;
        const sealed = decoded?.get(number);
        if (sealed === undefined) continue;
        const moment = parseMomentKey(entry.key);
        if (endOfSealed(sealed) > seq) return { seal: { moment, sealed }, before, isDamaged };
        before = moment;
        isDamaged = false;
      }
    }
    return { seal: undefined, before, isDamaged };
  }

  /** The scrub tells of what is damaged, and unlisted.ts finds what was in it. */
  #decode({ key, value }: Entry): DecodedSeal {
    const name = Buffer.from(key).toString('latin1');
    if (this.#decoded.has(name)) return this.#decoded.get(name);
    const sound = soundSeal(key, value);
    const decoded = sound && new Map(sound.map((one) => [one.number, one] as const));
    this.#decoded.set(name, decoded);
    const [oldest] = this.#decoded.keys();
    if (this.#decoded.size > DECODED_MAX && oldest !== undefined) this.#decoded.delete(oldest);
    return decoded;
  }
}

/** Whether something of a stretch of an epoch was erased at a person's wish. */
export function wasErased(reads: Reads, epoch: number, from: number, to: number): boolean {
  const query = {
    start: momentKey({ epoch, t: 0 }),
    end: momentKey({ epoch: epoch + 1, t: 0 }),
    limit: PAGE_SEALS,
  };
  for (const page of entryPages(reads, 'erased', query)) {
    for (const { key, value } of page) {
      const end = Number(Object(soundRecord(key, value)).to ?? 0);
      if (parseMomentKey(key).t < to && end > from) return true;
    }
  }
  return false;
}

function pagesFrom(reads: Reads, from: Moment): Generator<Entry[]> {
  const start = from === BEGINNING ? FIRST_KEY : momentKey(from);
  return entryPages(reads, 'seals', { start, end: BEHIND_KEYS, limit: PAGE_SEALS });
}

function soundSeal(key: Uint8Array, value: Uint8Array): readonly SealedStream[] | undefined {
  try {
    return decodeSeal(key, value);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'BAD_RECORD') return undefined;
    throw error;
  }
}
