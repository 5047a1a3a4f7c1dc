/**
 * Records that are committed beside the recording, each commit to two tables: the number of the last
 * commit, and a window of the last ones. Whatever commit the power cut leaves, all of it is there.
 */
import { nameKey } from '../../src/store/keys.ts';
import type { Change, Reads } from '../../src/store/lmdb.ts';
import { decodeRecord, encodeRecord } from '../../src/store/record.ts';
import { mix } from './model.ts';

const NEWEST_KEY = nameKey('newest');
const WINDOW = 24;
const TEXT_CHARS_MAX = 6_000;

export function recordChanges(n: number): Change[] {
  const key = nameKey(`record-${n}`);
  return [
    { table: 'cursors', key: NEWEST_KEY, value: encodeRecord(NEWEST_KEY, { n }) },
    { table: 'audit', key, value: encodeRecord(key, { n, text: textOf(n) }) },
    { table: 'audit', key: nameKey(`record-${n - WINDOW}`), value: undefined },
  ];
}

/** The number of the last commit; 0 for none. */
export function newestRecord(reads: Reads): number {
  const value = reads.get('cursors', NEWEST_KEY);
  return value === undefined ? 0 : Number(Object(decodeRecord(NEWEST_KEY, value)).n);
}

/** Sentences about whatever is not as the commit `newest` left it. */
export function recordProblems(reads: Reads, newest: number): string[] {
  const all = { start: Buffer.of(0), end: Buffer.alloc(16, 0xff), limit: 10 * WINDOW };
  const found = new Map(
    reads.page('audit', all).map(({ key, value }) => {
      const { n, text } = Object(decodeRecord(key, value));
      return [Buffer.from(key).toString(), n === 0 || text !== textOf(n) ? 0 : Number(n)] as const;
    }),
  );
  const problems: string[] = [];
  for (let n = Math.max(1, newest - WINDOW + 1); n <= newest; n++) {
    const name = `record-${n}`;
    if (found.get(name) !== n) problems.push(`${name} of ${newest} is missing or another`);
    found.delete(name);
  }
  for (const name of found.keys()) problems.push(`${name} is there, the newest is ${newest}`);
  return problems;
}

/** Some fit in a page with others, some take several. */
function textOf(n: number): string {
  return `${n} `.repeat(mix(n, 0, 0) % (TEXT_CHARS_MAX / 4));
}
