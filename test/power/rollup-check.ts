/** Holds the rollups of an epoch that is over against the samples that there are. */
import { rollupKey } from '../../src/store/keys.ts';
import type { Reads } from '../../src/store/lmdb.ts';
import { decodeRollup, levelsOf } from '../../src/store/rollup/rollup.ts';
import type { Modelled } from './model.ts';

export interface Counted {
  readonly one: Modelled;
  readonly epoch: number;
  /** The stream's numbers in the store. */
  readonly numbers: readonly number[];
  /** By hour of the epoch: the samples that were found. */
  readonly hours: ReadonlyMap<number, number>;
  /** Whether none of them was evicted. A rollup outlives its samples. */
  readonly isWhole: boolean;
}

/** Sentences about rollups that are missing, or have another number of samples. */
export function rollupProblems(reads: Reads, counted: Counted): string[] {
  const { one, epoch, numbers, hours, isWhole } = counted;
  return levelsOf(one.stream).flatMap(({ level }) =>
    [...hours].flatMap(([hour, samples]) => {
      const sizes = numbers.map((stream) => sizeOf(reads, { level, epoch, hour, stream }));
      const size = sizes.reduce((sum, n) => sum + n, 0);
      const isRight = isWhole ? size === samples : size >= samples;
      return isRight ? [] : [`the rollup ${level} of hour ${hour} has ${size}, not ${samples}`];
    }),
  );
}

/** Samples in a rollup; 0 where there is none. */
function sizeOf(reads: Reads, key: Parameters<typeof rollupKey>[0]): number {
  const value = reads.get('rollups', rollupKey(key));
  if (value === undefined) return 0;
  return decodeRollup(key, value).n.reduce((sum, n) => sum + n, 0);
}
