/**
 * The log of a disk's writes, as QEMU's blklogwrites and Linux' dm-log-writes write it
 * (include/linux/... of the kernel: drivers/md/dm-log-writes.c), little-endian, in sectors:
 *
 *   super block   0 u64 magic, 8 u64 version, 16 u64 entries, 24 u32 sector size
 *   entry         0 u64 sector, 8 u64 sectors, 16 u64 flags, 24 u64 bytes of data; then its data,
 *                 but for a discard
 *
 * The super block is written at a flush now and then only, so the number of entries is not used: the
 * log ends where it is told to.
 */
const MAGIC = 0x6a736677736872n;
const FLUSH = 1;
const FUA = 2;
const DISCARD = 4;

export interface DiskWrite {
  /** Byte on the disk. */
  readonly offset: number;
  /** Nothing for a flush. */
  readonly data: Uint8Array;
  /** Everything before it is on the disk when it is done. */
  readonly flush: boolean;
  /** It is on the disk itself when it is done. */
  readonly fua: boolean;
  /** Where its entry ends in the log. */
  readonly end: number;
}

/** @param log up to the cut at the latest; an entry that is not whole is left out */
export function parseDiskLog(log: Buffer): DiskWrite[] {
  if (log.readBigUInt64LE(0) !== MAGIC) throw new Error('not a log of disk writes');
  const sectorBytes = log.readUInt32LE(24);
  const writes: DiskWrite[] = [];
  let at = sectorBytes;
  while (at + sectorBytes <= log.length) {
    const [sector, sectors, flags] = [0, 8, 16].map((o) => Number(log.readBigUInt64LE(at + o)));
    if (sector === undefined || sectors === undefined || flags === undefined) break;
    const bytes = sectors * sectorBytes;
    const begin = at + sectorBytes;
    const end = flags & DISCARD ? begin : begin + bytes;
    if (end > log.length) break;
    const data = flags & DISCARD ? new Uint8Array(bytes) : log.subarray(begin, end);
    const [flush, fua] = [(flags & FLUSH) !== 0, (flags & FUA) !== 0];
    writes.push({ offset: sector * sectorBytes, data, flush, fua, end });
    at = end;
  }
  return writes;
}
