import { parseArgs } from 'node:util';
import type { OfflineStore } from '../../src/store/opening/offline.ts';
import type { VerifyProblem } from '../../src/store/reading/verify.ts';
import { DATA_OPTION, dataDirectory, openRecording } from './recording.ts';
import { bytesText, table } from './words.ts';

/** Problems that are told one by one; the rest are counted. */
const TOLD_MAX = 50;
/**
 * A gateway that seals or evicts while it is looked at makes what was read disagree. Problems count
 * when they are found in a store that nobody changed, or time and again.
 */
const PASSES_MAX = 3;

interface Pass {
  readonly tables: ReadonlyMap<string, { readonly entries: number; readonly bytes: number }>;
  readonly problems: readonly VerifyProblem[];
}

/** Reads everything that is stored. Returns the exit code: 1 where something is damaged. */
export async function verifyCommand(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...argv], options: DATA_OPTION });
  const directory = dataDirectory(values.data);
  const store = await openRecording(directory, { probe: true });
  try {
    const { tables, problems } = verified(store);
    const rows = [...tables].map(([name, { entries, bytes }]) => {
      const bad = problems.filter((problem) => problem.table === name).length;
      return [name, String(entries), bytesText(bytes), bad === 0 ? '-' : String(bad)];
    });
    const heading = ['TABLE', 'ENTRIES', 'BYTES', 'DAMAGED'];
    process.stdout.write(table([heading, ...rows], [1, 2, 3]));
    const { records, count, problems: lost } = store.journal;
    process.stdout.write(`journal: ${records} records beyond these, with ${count} values\n`);
    const told = problems.map(({ table: name, key, text }) => `${name} ${key}: ${text}`);
    const { doubt } = store.inspection;
    const doubts = doubt === undefined ? [] : [`the data file ${doubt}`];
    return conclude(directory, [...doubts, ...told, ...lost]);
  } finally {
    await store.close();
  }
}

function verified(store: OfflineStore): Pass {
  for (let pass = 1; ; pass++) {
    const before = JSON.stringify(store.use());
    const result = onePass(store);
    const changed = before !== JSON.stringify(store.use());
    if (result.problems.length === 0 || !changed) return result;
    if (pass === PASSES_MAX) {
      // How many entries a table has is a moving target; that one of them is damaged is not.
      return { ...result, problems: result.problems.filter(({ key }) => key !== '') };
    }
  }
}

function onePass(store: OfflineStore): Pass {
  const tables = new Map<string, { entries: number; bytes: number }>();
  const problems: VerifyProblem[] = [];
  for (const step of store.reader().verify(store.use())) {
    const sum = tables.get(step.table) ?? { entries: 0, bytes: 0 };
    sum.entries += step.entries;
    sum.bytes += step.bytes;
    tables.set(step.table, sum);
    problems.push(...step.problems);
  }
  return { tables, problems };
}

function conclude(directory: string, problems: readonly string[]): number {
  if (problems.length === 0) {
    process.stdout.write(`${directory}: good\n`);
    return 0;
  }
  for (const text of problems.slice(0, TOLD_MAX)) process.stdout.write(`  ${text}\n`);
  const more = problems.length - TOLD_MAX;
  if (more > 0) process.stdout.write(`  and ${more} more\n`);
  const places = problems.length === 1 ? '1 place' : `${problems.length} places`;
  process.stdout.write(`${directory}: damaged in ${places}\n`);
  return 1;
}
