/**
 * Where the power goes, and what it leaves of the writes that were not flushed.
 *
 *   - Everything before the last flush that was completed is there.
 *   - Of the writes behind it each is there, or not, or in part: sectors of 512 bytes are whole.
 *   - They reach the disk in any order, so of two to the same place either may be the one that stays.
 *
 * A disk that ignores flushes does all of that to its last LYING_WRITES writes; every second time it
 * loses just the end of them, in order, which leaves a file system that is sound and too old.
 */
import type { DiskWrite } from './disk-log.ts';

const SECTOR_BYTES = 512;
const LYING_WRITES = 400;
/** Of the cuts that fall right behind a flush, when nothing can be lost, so many are made. */
const QUIET_SHARE = 0.25;
/** Of the unflushed writes that are there at all, so many are torn. */
const TORN_SHARE = 0.25;
/** How far behind an acknowledgement the power goes at most, in writes. */
const BEHIND_ACK = 6;

/** Numbers in [0, 1). */
export type Random = () => number;

/** The power goes when so many writes of the log have been begun. */
export interface Cut {
  readonly writes: number;
  /** Bytes of the log at that moment. */
  readonly at: number;
}

/**
 * Half of them anywhere in the sequence of writes; a quarter anywhere in the bytes, which is within
 * seals and where files grow; a quarter just behind an acknowledgement. In the order of the log.
 *
 * @param acks where each came, in bytes of the log; there is no cut behind the last of them
 */
export function chooseCuts(
  writes: readonly DiskWrite[],
  acks: readonly number[],
  points: number,
  random: Random,
): Cut[] {
  const end = acks.at(-1) ?? 0;
  const last = indexAt(writes, end);
  const cuts: Cut[] = [];
  while (cuts.length < points) {
    const n = Math.min(last, placeOf(writes, acks, end, random));
    const before = writes[n - 1];
    if (before === undefined || (before.flush && random() >= QUIET_SHARE)) continue;
    cuts.push({ writes: n, at: before.end });
  }
  return cuts.sort((a, b) => a.writes - b.writes);
}

function placeOf(
  writes: readonly DiskWrite[],
  acks: readonly number[],
  end: number,
  random: Random,
): number {
  const kind = random();
  if (kind < 0.5) return 1 + Math.floor(random() * writes.length);
  if (kind < 0.75) return indexAt(writes, random() * end);
  const ack = acks[Math.floor(random() * acks.length)] ?? end;
  return indexAt(writes, ack) + Math.floor(random() * BEHIND_ACK);
}

/** How many writes were begun before a byte of the log. */
function indexAt(writes: readonly DiskWrite[], at: number): number {
  let [low, high] = [0, writes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((writes[middle]?.end ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Makes the disks that cuts leave, in the order of the log. */
export class CutDisk {
  /** Writes that had not been flushed, over all cuts: those that are there, are not, or are in part. */
  readonly open = { kept: 0, dropped: 0, torn: 0 };
  readonly #writes: readonly DiskWrite[];
  /** What is certainly there. */
  readonly #stable: Buffer;
  #applied = 0;

  /** @param blank the disk before the first write; it is changed */
  constructor(writes: readonly DiskWrite[], blank: Buffer) {
    this.#writes = writes;
    this.#stable = blank;
  }

  /** The disk after a cut. */
  honest({ writes }: Cut, random: Random): Buffer {
    let flushed = writes;
    while (flushed > 0 && !this.#writes[flushed - 1]?.flush) flushed--;
    this.#advance(flushed);
    return this.#survivors(writes, random);
  }

  /** The disk after a cut, where no flush did anything. */
  lying({ writes }: Cut, random: Random): Buffer {
    const first = Math.max(0, writes - LYING_WRITES);
    this.#advance(first);
    if (random() < 0.5) return this.#survivors(writes, random);
    const disk = Buffer.from(this.#stable);
    const kept = first + Math.floor(random() * (writes - first));
    for (const { offset, data } of this.#writes.slice(first, kept)) disk.set(data, offset);
    return disk;
  }

  #advance(to: number): void {
    for (; this.#applied < to; this.#applied++) {
      const write = this.#writes[this.#applied];
      if (write) this.#stable.set(write.data, write.offset);
    }
  }

  /** Some cuts lose nearly everything that was not flushed, some nearly nothing. */
  #survivors(writes: number, random: Random): Buffer {
    const disk = Buffer.from(this.#stable);
    const likely = random();
    const open = this.#writes.slice(this.#applied, writes);
    for (const write of shuffled(open, random)) {
      if (write.data.length === 0) continue;
      if (!write.fua && random() >= likely) {
        this.open.dropped++;
      } else if (!write.fua && random() < TORN_SHARE) {
        tear(disk, write, random);
        this.open.torn++;
      } else {
        disk.set(write.data, write.offset);
        this.open.kept++;
      }
    }
    return disk;
  }
}

/** The first sectors of it, or any. */
function tear(disk: Buffer, { offset, data }: DiskWrite, random: Random): void {
  const sectors = data.length / SECTOR_BYTES;
  const prefix = random() < 0.5 ? Math.floor(random() * sectors) : undefined;
  for (let i = 0; i < sectors; i++) {
    const kept = prefix === undefined ? random() < 0.5 : i < prefix;
    const at = i * SECTOR_BYTES;
    if (kept) disk.set(data.subarray(at, at + SECTOR_BYTES), offset + at);
  }
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const keyed = list.map((item) => ({ item, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
