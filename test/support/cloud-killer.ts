/** Ends parts with SIGKILL at random moments, and starts them again on what they left. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Victim {
  readonly name: string;
  readonly kills: number;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Resolves when it works again. */
  start(): Promise<void>;
}

/** One that has been. */
export interface Kill {
  readonly name: string;
  /** Since the start of all. */
  readonly atMs: number;
  /** Until it worked again. */
  readonly goneMs: number;
}

export interface KillerOptions {
  readonly victims: readonly Victim[];
  /** In which all the kills begin. */
  readonly overMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}

/**
 * Several may be away at a time; one that is away is killed again when it works. Resolves when all kills
 * have been and everything works.
 */
export async function killAtRandom({ victims, overMs, random }: KillerOptions): Promise<Kill[]> {
  const begin = performance.now();
  const all = victims.map(async (victim): Promise<Kill[]> => {
    const moments = Array.from({ length: victim.kills }, () => random() * overMs);
    const kills: Kill[] = [];
    for (const at of moments.toSorted((a, b) => a - b)) {
      await delay(Math.max(0, at - (performance.now() - begin)));
      const atMs = performance.now() - begin;
      await victim.kill();
      await victim.start();
      kills.push({ name: victim.name, atMs, goneMs: performance.now() - begin - atMs });
    }
    return kills;
  });
  // Also where one fails: nobody starts anything any more when this is over.
  await Promise.allSettled(all);
  return (await Promise.all(all)).flat().toSorted((a, b) => a.atMs - b.atMs);
}
