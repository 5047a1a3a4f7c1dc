import { spawnSync } from 'node:child_process';

/** Of a kernel that is not compressed any more, twice that of Debian 12. */
const KERNEL_BYTES_MAX = 160 * 2 ** 20;
const SECTOR_BYTES = 512;

/** What a kernel is compressed with, by how that begins. */
const TOOLS: readonly (readonly [magic: string, command: readonly [string, ...string[]]])[] = [
  ['fd377a585a00', ['xz', '-dc', '--single-stream']],
  ['28b52ffd', ['zstd', '-dc']],
  ['1f8b08', ['gzip', '-dc']],
];

/**
 * The ELF file inside a bzImage, which QEMU starts without running what uncompresses it: that takes
 * seconds where the processor is emulated. By Documentation/x86/boot.rst of the kernel, protocol 2.08.
 *
 * @throws Error where it is compressed with something else, or comes out damaged
 */
export function uncompressedKernel(image: Buffer): Buffer {
  if (image.toString('latin1', 0x202, 0x206) !== 'HdrS') throw new Error('this is no bzImage');
  const setupSectors = image.readUInt8(0x1f1) || 4;
  const start = (setupSectors + 1) * SECTOR_BYTES + image.readUInt32LE(0x248);
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c));
  const [, command] =
    TOOLS.find(([magic]) => payload.toString('hex', 0, 8).startsWith(magic)) ?? [];
  if (command === undefined) throw new Error('the kernel is compressed with something unknown');
  const [name, ...args] = command;
  // The length that follows the data is one thing too many for some of them, so the end is not asked for.
  const { stdout, error } = spawnSync(name, args, { input: payload, maxBuffer: KERNEL_BYTES_MAX });
  if (error !== undefined) throw error;
  const length = payload.readUInt32LE(payload.length - 4);
  if (stdout.length !== length) {
    throw new Error(`${name} made ${stdout.length} bytes of a kernel of ${length}`);
  }
  return stdout;
}
