import type { Json } from '#core/stream.ts';
import type { DatabaseUse } from './lmdb.ts';
import { ringBytes } from './opening/preallocation.ts';
import type { Recorder } from './writing/recorder.ts';
import type { StreamRegistry } from './writing/registry.ts';
import type { Scrub } from './writing/scrub.ts';

/** What health tells of an open store. */

/** What pinned sessions may keep of the ring before somebody is told. */
const PINNED_SHARE_WARN = 0.5;
const MEGABYTE = 2 ** 20;

export interface Detailed {
  readonly opened: { readonly recovered: number; readonly registry: StreamRegistry };
  readonly recorder: Recorder;
  readonly scrub: Scrub;
  readonly fileBytes: number;
  readonly use: DatabaseUse;
}

/**
 * What somebody should do something about although everything works; empty where nothing is.
 *
 * @param held why the ring cannot be made longer; empty where nothing keeps it from that
 */
export function shortageOf(
  { recorder, fileBytes }: Pick<Detailed, 'recorder' | 'fileBytes'>,
  quotaBytes: number,
  held: string,
): string {
  if (recorder.stats.pressed) {
    return 'full of pinned sessions: frames and waves are given up, values and events are kept';
  }
  const limit = ringBytes(fileBytes, quotaBytes);
  if (recorder.stats.pinnedBytes > limit * PINNED_SHARE_WARN) {
    return 'recording; pinned sessions keep more than half of the ring';
  }
  return held === '' ? '' : `recording into a shorter ring; ${held}`;
}

export function storeDetails(
  { opened, recorder, scrub, fileBytes, use: { used, tables } }: Detailed,
  quotaBytes: number,
): { readonly [key: string]: Json } {
  const classes = ['samples', 'waves', 'frames', 'events', 'rollups'] as const;
  const bytes = classes.map((name) => [name, tables[name].bytes] as const);
  return {
    usedMB: round(used / MEGABYTE),
    quotaMB: round(quotaBytes / MEGABYTE),
    fileMB: round(fileBytes / MEGABYTE),
    bytes: Object.fromEntries(bytes),
    ...recorder.stats,
    waiting: recorder.waiting,
    recovered: opened.recovered,
    refusedStreams: opened.registry.refused,
    scrubbed: scrub.passes,
    damaged: scrub.damaged,
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
