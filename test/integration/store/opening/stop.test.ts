/** A stop, or a bug, while the store opens: everything is closed, and nothing counts as a crash. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nameKey } from '../../../../src/store/keys.ts';
import { openDatabase } from '../../../../src/store/lmdb.ts';
import { type Opened, openStore } from '../../../../src/store/opening/opening.ts';
import { decodeRecord } from '../../../../src/store/record.ts';
import { Store } from '../../../../src/store/store.ts';
import { childrenOf } from '../../../support/children.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { openFiles } from '../../../support/open-files.ts';

const epoch = { id: 2, wallMs: 0, trust: 'none', bootId: 'boot', monotonicMs: 0 } as const;
const QUOTA_BYTES = 2 ** 24;
const RUNNING = nameKey('running');
/** The probe is looked for so often. */
const LOOK = { interval: 5, timeout: 20_000 };

let directory = '';

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-stop-'));
  await (await open()).close();
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function open(signal?: AbortSignal): Promise<Opened> {
  return openStore({ directory, quotaBytes: QUOTA_BYTES, lowBytes: 0, epoch, signal });
}

const left = (): string[] => openFiles().filter((file) => file.startsWith(directory));

/** A signal that aborts when it is asked for the `n`th time. */
function abortingAt(n: number, reason: Error): AbortSignal {
  const stop = new AbortController();
  let asked = 0;
  stop.signal.throwIfAborted = () => {
    asked++;
    if (asked < n) return;
    stop.abort(reason);
    throw reason;
  };
  return stop.signal;
}

test('a stop at any step leaves nothing open and is no crash', async () => {
  const reason = new Error('stopped');
  let steps = 0;
  for (;;) {
    const result = await open(abortingAt(steps + 1, reason)).catch((error: unknown) => error);
    if (result !== reason) {
      const { database, problems, close } = result as Opened;
      const record = database.get('meta', RUNNING);
      expect(record && decodeRecord(RUNNING, record)).toMatchObject({ starts: 1 });
      expect(problems).toEqual([]);
      await close();
      break;
    }
    steps++;
    expect(left(), `step ${steps}`).toEqual([]);
  }
  // Around the probe, before and after LMDB has the file, and at the end at least.
  expect(steps).toBeGreaterThanOrEqual(6);
});

test('a bug at the last step leaves nothing open', async () => {
  const file = path.join(directory, 'data.mdb');
  const database = openDatabase(file, { fileBytes: QUOTA_BYTES, readOnly: false });
  // No key of a block is that short.
  await database.commit([{ table: 'frames', key: Buffer.of(9, 9, 9), value: Buffer.of(1) }]);
  await database.close();
  await expect(open()).rejects.toThrow(RangeError);
  expect(left()).toEqual([]);
});

test('a store that is stopped while the probe runs ends it, and has not failed', async () => {
  const told: string[] = [];
  const tell = (_: unknown, text?: string): void => void told.push(text ?? '');
  const store = new Store({
    ...{ directory, epoch, quotaBytes: QUOTA_BYTES, lowBytes: 0, clock: new FakeClock() },
    log: { debug: tell, info: tell, warn: tell, error: tell },
    pinned: () => [],
  });
  const stop = new AbortController();
  const running = store.run(stop.signal);
  const probe = await vi.waitFor(probeOf, LOOK);
  process.kill(probe, 'SIGSTOP'); // As slow as can be.
  stop.abort(new Error('stopped'));
  await Promise.all([running, store.settled]);
  expect(childrenOf(process.pid)).not.toContain(probe);
  expect(left()).toEqual([]);
  expect([store.isOpen, told]).toEqual([false, []]);
  expect(store.health()).toMatchObject({ text: 'closed', details: { failures: 0 } });
});

function probeOf(): number {
  const isProbe = (pid: number) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('probe.ts');
  const [pid] = childrenOf(process.pid).filter(isProbe);
  if (pid === undefined) throw new Error('no probe yet');
  return pid;
}
