/** Reads /sys/block/DEVICE/stat (the kernel's Documentation/block/stat.rst). */

/** Sectors are 512 bytes there, whatever the device has. */
const SECTOR_BYTES = 512;
/** Places among its numbers, from 0. */
const SECTORS_WRITTEN = 6;
const FLUSHES = 15;

export interface Writes {
  readonly bytes: number;
  /** Times that the device was told to make everything durable; since Linux 5.5. */
  readonly flushes: number;
}

export function deviceWrites(stat: string): Writes {
  const numbers = stat.trim().split(/\s+/).map(Number);
  const [sectors, flushes] = [numbers[SECTORS_WRITTEN], numbers[FLUSHES]];
  if (sectors === undefined || flushes === undefined) {
    throw new Error(`the device's statistics have ${numbers.length} numbers, too few: ${stat}`);
  }
  return { bytes: sectors * SECTOR_BYTES, flushes };
}
