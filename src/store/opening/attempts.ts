import { readFile, rm, writeFile } from 'node:fs/promises';
import { codeOf } from '#core/errors.ts';

/**
 * Counts openings that ended the process, in a small file beside the data file: LMDB cannot keep a count
 * of what the first commit into a damaged page does. Only those of this boot one after the other: a power
 * cut says nothing about the file.
 */

/** Notes that an opening begins. Returns how many of this boot have not come to their end before. */
export async function beginAttempt(file: string, bootId: string): Promise<number> {
  const name = nameOf(file);
  const note = await readFile(name, 'latin1').catch(isOfTheSystem);
  const [last, count] = note?.split(' ') ?? [];
  const earlier = last === bootId && /^\d{1,6}$/.test(count ?? '') ? Number(count) : 0;
  await writeFile(name, `${bootId} ${earlier + 1}`).catch(isOfTheSystem);
  return earlier;
}

/** The opening has come to its end, whichever. */
export async function endAttempt(file: string): Promise<void> {
  await rm(nameOf(file), { force: true }).catch(isOfTheSystem);
}

function nameOf(file: string): string {
  return `${file}.opening`;
}

/** It only counts: a disk that takes nothing is told by whoever needs it. */
function isOfTheSystem(error: unknown): undefined {
  if (codeOf(error) === '') throw error;
}
