/**
 * Mends a heap overflow of lmdb 3.5.6 that ends the process when a disk answers a write with an error.
 *
 * Its mdb_page_flush writes the sentence "Attempting to write page at position %u, size %u, blocks %u,
 * buffer sizes %i %i %i" into malloc(100). The last numbers are of buffers that were never set, and
 * where they happen to be long it is more than 100 characters, over the head of the next piece of the
 * heap. The format is cut off behind the blocks here, which leaves room for any numbers: one byte
 * becomes the end of the text, and the file keeps its size.
 *
 *   node scripts/lmdb-mend.ts
 */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type KnownBinary, readKnown, replaceKnown } from './known-binary.ts';

const BINARIES: Readonly<Record<string, KnownBinary>> = {
  x64: {
    untouched: '0029b0965ac93b05c057a4c7cf6a10f59dccbe69b23a32518209e190181a0b1c',
    mended: 'ab09c0ce057b90ffcecd517443e5aa28fcc0830137caa73eef61c2c65ac20014',
  },
  arm64: {
    untouched: 'db71e081d0d6c56ecf487f741a724aecdb906c7b10d76369d3a7eeb1ac7fcf05',
    mended: 'd86b02e82f8020b2e6b180f6964766fcc01abe88bde5554d780b88f4de08a602',
  },
};

const TOO_MUCH = ', buffer sizes %i %i %i\0';

/**
 * Mends the binary at `path`; returns a sentence that says so, or undefined where it was mended before.
 *
 * @throws Error when the binary is neither the published one nor its mended copy
 */
export function mendInstalled(path: string, arch: string): string | undefined {
  const binary = BINARIES[arch];
  if (!binary) throw new Error(`no lmdb is known for ${arch}, only for x64 and arm64`);
  const bytes = readKnown(path, binary);
  if (bytes === undefined) return;
  bytes[bytes.indexOf(TOO_MUCH)] = 0;
  replaceKnown(path, binary, bytes);
  return `${path} was mended: a failing disk does not end the process`;
}

if (import.meta.main) {
  const file = `@lmdb/lmdb-linux-${process.arch}/node.napi.glibc.node`;
  const path = fileURLToPath(new URL(`../node_modules/${file}`, import.meta.url));
  try {
    const done = mendInstalled(relative('', path), process.arch);
    if (done) console.log(`setup: ${done}`);
  } catch (error) {
    console.error(`setup: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
