/**
 * Disks that are full, become full, or cannot be written to. They are file systems of their own, so
 * the tests need root, and fail without.
 */
import { closeSync, existsSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../../../../src/store/opening/opening.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { Mount } from '../../../support/faults/mounts.ts';
import { StoreProcess, WRITER_DEFAULTS } from '../../../support/faults/store-process.ts';
import { StoreLoad } from '../../../support/store-load.ts';

const RECOVERY_MS_MAX = 10_000;
const START = 0;
/** Of the clock: so that the pause of 10 s between two tries takes none of the test's time. */
const SPEED = 20;
const SLOW = { timeout: 120_000 };

let mount: Mount;
let directory = '';
let writer: StoreProcess | undefined;

beforeEach(() => {
  mount = Mount.ext4(64);
  directory = mount.directory;
});

afterEach(async () => {
  await writer?.stop('SIGKILL');
  writer = undefined;
  mount.close();
});

function start(more: Partial<ConstructorParameters<typeof StoreProcess>[0]> = {}): StoreProcess {
  const epoch = 1;
  writer = new StoreProcess({ directory, speed: SPEED, start: START, epoch, ...more });
  return writer;
}

/** Takes every byte that is left. */
function fill(): void {
  const file = openSync(path.join(directory, 'ballast'), 'a');
  const room = Buffer.alloc(4096);
  try {
    for (;;) writeSync(file, room);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(file);
  }
}

function makeRoom(): void {
  rmSync(path.join(directory, 'ballast'));
}

const isRecording = (one: StoreProcess) => (one.health.at(-1)?.text ?? '').startsWith('ok ');

/** Opens what a writer left and holds it against what was acknowledged. */
async function expectAcknowledged(one: StoreProcess, epoch = 1): Promise<void> {
  const anchor = { id: 99, wallMs: 0, trust: 'none', bootId: '', monotonicMs: 0 } as const;
  const quota = { quotaBytes: WRITER_DEFAULTS.quotaBytes, lowBytes: 0 };
  const opened = await openStore({ ...quota, directory, epoch: anchor });
  try {
    const reader = new StoreReader(opened.database, undefined);
    const damages = [...reader.verify(opened.database.use())].flatMap(({ problems }) => problems);
    expect(damages).toEqual([]);
    const load = new StoreLoad({ seed: 1, framePeriod: WRITER_DEFAULTS.framePeriod }, START);
    for (const found of load.compare(reader, epoch, one.taken)) {
      expect(found).toMatchObject({ wrong: 0, twice: 0 });
      expect(found.firstMissing, found.id).toBeGreaterThanOrEqual(one.durable);
    }
  } finally {
    await opened.close();
  }
}

test('a disk that fills up beside a store does not keep it from recording', SLOW, async () => {
  const one = start();
  const { quotaBytes } = WRITER_DEFAULTS;
  await one.until(
    'the file has its size',
    () => one.detail('fileMB') * 2 ** 20 >= quotaBytes * 1.4,
  );
  fill();
  const mark = one.durable;
  const seals = () => one.detail('seals');
  const before = seals();
  // Two slots and a half, with what they commit.
  await one.until('it goes on', () => one.durable > mark + 800e6, 60_000);
  expect(seals()).toBeGreaterThan(before);
  expect(one.health.filter(({ text }) => text.includes('failed'))).toEqual([]);
  expect(await one.stop('SIGTERM')).toBe('0');
  // And opens again, on a disk that is still full or at least when there is room.
  makeRoom();
  await expectAcknowledged(one);
});

test('a disk that is full at the start turns the store off, not the gateway', SLOW, async () => {
  fill();
  const one = start();
  await one.until('it is told', () => one.settled !== '');
  expect(one.settled).toContain('waiting');
  const { taken } = one;
  await sleep(1_000);
  expect(one.health.at(-1)?.text).toMatch(/off, nothing is recorded: .*full/);
  expect(one.end).toBeUndefined();
  expect(one.taken).toBeGreaterThan(taken);
  makeRoom();
  await one.until('it comes up by itself', () => isRecording(one), RECOVERY_MS_MAX);
  expect(await one.stop('SIGTERM')).toBe('0');
});

test('a store that is there is neither set aside nor crashes on a full disk', SLOW, async () => {
  const first = start();
  await first.until('it has recorded', () => first.durable > 400e6);
  expect(await first.stop('SIGKILL')).toBe('SIGKILL');
  rmSync(path.join(directory, 'data.mdb-lock'));
  fill();
  const one = start({ epoch: 2, load: false, record: -1 });
  await one.until('it is told', () => one.settled !== '');
  await sleep(500);
  expect(one.end).toBeUndefined();
  makeRoom();
  await one.until('it is up', () => isRecording(one), RECOVERY_MS_MAX);
  expect(existsSync(path.join(directory, 'data.mdb.bad-1'))).toBe(false);
  expect(await one.stop('SIGTERM')).toBe('0');
  await expectAcknowledged(first);
});

test('a store that has all its files goes on after a restart on a full disk', SLOW, async () => {
  const first = start();
  const { quotaBytes } = WRITER_DEFAULTS;
  const whole = quotaBytes * 1.4;
  await first.until('the file has its size', () => first.detail('fileMB') * 2 ** 20 >= whole);
  await first.until('it has sealed', () => first.durable > 310e6 && first.detail('seals') > 0);
  expect(await first.stop('SIGKILL')).toBe('SIGKILL');
  fill();
  const one = start({ epoch: 2 });
  await one.until('it is told', () => one.settled !== '');
  expect(one.settled).toContain('ok');
  await one.until('it seals', () => one.durable > 310e6, 60_000);
  expect(one.health.filter(({ text }) => text.includes('failed'))).toEqual([]);
  expect(await one.stop('SIGTERM')).toBe('0');
  expect(existsSync(path.join(directory, 'data.mdb.bad-1'))).toBe(false);
  makeRoom();
  await expectAcknowledged(first);
  await expectAcknowledged(one, 2);
});

test('a disk that fills up while the file is made keeps what there is of it', SLOW, async () => {
  const one = start({ quotaBytes: 200 * 2 ** 20 });
  await one.until('it is held', () => (one.health.at(-1)?.text ?? '').includes('too full'));
  const { size } = statSync(path.join(directory, 'data.mdb'));
  expect(size).toBeGreaterThanOrEqual(16 * 2 ** 20);
  fill();
  const mark = one.durable;
  await one.until('it records', () => one.durable > mark + 400e6);
  expect(statSync(path.join(directory, 'data.mdb')).size).toBe(size);
  expect(await one.stop('SIGTERM')).toBe('0');
  makeRoom();
  await expectAcknowledged(one);
});

test.each(['a new', 'an old'])(
  '%s store on a disk that is read-only waits',
  SLOW,
  async (which) => {
    if (which === 'an old') {
      const old = start();
      await old.until('it has recorded', () => old.durable > 5e6);
      expect(await old.stop('SIGTERM')).toBe('0');
    }
    mount.remount('ro');
    const one = start({ epoch: 2 });
    await one.until('it is told', () => one.settled !== '', 5_000);
    await sleep(1_000);
    expect(one.health.at(-1)?.text).toMatch(/off, nothing is recorded: .*EROFS/);
    const { taken } = one;
    await sleep(200);
    expect(one.taken).toBeGreaterThan(taken);
    mount.remount('rw');
    await one.until('it comes up by itself', () => isRecording(one), RECOVERY_MS_MAX);
    await one.until('it records', () => one.durable > one.taken - 60e6);
    expect(await one.stop('SIGTERM')).toBe('0');
    await expectAcknowledged(one, 2);
  },
);
