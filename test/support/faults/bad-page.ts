import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { PAGE_BYTES } from '../../../src/store/lmdb.ts';

const BRANCH = 0x01;
/** Behind the end of any file of a test. */
const NO_PAGE = Uint8Array.of(0, 0xff, 0xff, 0);

/**
 * Has every entry but the first of every branch page of a data file lead to a page that is not there,
 * also behind an open store: what it has in memory is the file. Layout: see inspect.ts.
 *
 * @returns how many branch pages there were
 */
export function damageBranches(file: string): number {
  const bytes = readFileSync(file);
  const fd = openSync(file, 'r+');
  let damaged = 0;
  for (let at = 2 * PAGE_BYTES; at < bytes.length; at += PAGE_BYTES) {
    const isPage = bytes.readUInt32LE(at) * PAGE_BYTES === at;
    if (!isPage || bytes.readUInt16LE(at + 18) !== BRANCH) continue;
    const entries = bytes.readUInt16LE(at + 20) / 2;
    for (let i = 1; i < entries; i++) {
      writeSync(fd, NO_PAGE, 0, 4, at + 24 + bytes.readUInt16LE(at + 24 + 2 * i));
    }
    damaged++;
  }
  closeSync(fd);
  return damaged;
}
