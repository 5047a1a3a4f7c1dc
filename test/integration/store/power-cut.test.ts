/**
 * A slice of the power cut test, and its proof: the same disk, where it only says that it has flushed,
 * has to be found out. All of it: `node test/power/main.ts --points 1000`.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CutResult,
  cutPower,
  missingTools,
  type Recording,
  recordWrites,
} from '../../power/power-cut.ts';

const RECORD_SECONDS = 10;
const POINTS = 40;
const CONTROL_POINTS = 12;
const SEED = 1;
const TIMEOUT_MS = 300_000;

const missing = missingTools();
const stop = new AbortController();
afterAll(() => stop.abort());

function cut(recording: Recording, points: number, ignoreSync: boolean): Promise<CutResult> {
  return cutPower(recording, { points, seed: SEED, ignoreSync, signal: stop.signal });
}

describe.skipIf(missing !== '')(`power cuts (${missing ? `not here: ${missing}` : 'ext4'})`, () => {
  let recording: Recording;
  beforeAll(async () => {
    recording = await recordWrites(RECORD_SECONDS, stop.signal);
  }, TIMEOUT_MS);

  test('the recording has what can go wrong in it', () => {
    const epochs = new Set(recording.acks.map(({ epoch }) => epoch));
    expect([...epochs]).toEqual([1, 2, 3]);
    expect(recording.evicted).toBe(true);
    expect(recording.acks.at(-1)?.records).toBeGreaterThan(10);
  });

  test('nothing is corrupt and nothing acknowledged is lost', { timeout: TIMEOUT_MS }, async () => {
    const result = await cut(recording, POINTS, false);
    expect(result).toMatchObject({ unmountable: [], corrupt: [], lost: [] });
    const { dropped, torn } = result.open;
    expect(dropped).toBeGreaterThan(0);
    expect(torn).toBeGreaterThan(0);
  });

  test('a disk that ignores flushes is found out', { timeout: TIMEOUT_MS }, async () => {
    const { unmountable, corrupt, lost } = await cut(recording, CONTROL_POINTS, true);
    expect(lost.length).toBeGreaterThan(CONTROL_POINTS / 4);
    expect(unmountable.length + corrupt.length + lost.length).toBeGreaterThan(CONTROL_POINTS / 2);
  });
});
