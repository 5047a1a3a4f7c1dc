/** What takes the place of the devices: a log of a bus, or a session that is decoded anew. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import type { Reading, Stream } from '#core/stream.ts';
import { openReplay } from '../../src/gateway/replay.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import { createLog } from '../../src/io/log.ts';
import { readConfig } from '../../src/settings/config.ts';
import { numberKey } from '../../src/store/keys.ts';
import { encodeRecord } from '../../src/store/record.ts';
import { Store } from '../../src/store/store.ts';
import { fastClock } from '../support/fast-clock.ts';
import { epochOf, sessionOf } from '../support/recorded-store.ts';

const FRAMES = 200;
const CAN0: Stream = {
  ...{ id: 'can.can0', name: 'can0', unit: '1', kind: 'frame', hz: 0 },
  range: [0, 0x1fff_ffff],
};
const OLD: Stream = { ...CAN0, id: 'can.can0.engine.rpm', kind: 'sample', range: [0, 8_000] };

let data: string;

beforeAll(async () => {
  data = mkdtempSync(path.join(tmpdir(), 'vigil-replay-'));
  await record();
});

afterAll(() => rmSync(data, { recursive: true }));

async function record(): Promise<void> {
  const clock = monotonicClock();
  const log = createLog({ level: 'error', journald: false, now: clock.now, write: () => {} });
  const store = new Store({
    ...{ directory: data, clock, log, epoch: epochOf(1), quotaBytes: 32 * 2 ** 20, lowBytes: 0 },
    pinned: () => [],
  });
  const stopping = new AbortController();
  const ended = store.run(stopping.signal);
  await store.opened(stopping.signal);
  for (let i = 0; i < FRAMES; i++) {
    const t = i * 10_000;
    const frame = { kind: 'frame', stream: CAN0, t, id: 0x123, extended: false } as const;
    store.take([
      { ...frame, data: Uint8Array.of(i, 3) },
      { kind: 'sample', stream: OLD, t, v: 1 },
    ]);
  }
  await store.durable();
  const key = numberKey(1);
  const value = encodeRecord(key, sessionOf(1, 1, 0, FRAMES * 10_000));
  await store.commit([{ table: 'sessions', key, value }]);
  stopping.abort();
  await ended;
}

const DBC = `VERSION ""
BU_: ECU
BO_ 291 Engine: 8 ECU
 SG_ Rpm : 0|16@1+ (1,0) [0|8000] "rpm" ECU
`;

/** Devices in place of the configured ones, and what closes them. */
async function opened(...flags: readonly string[]) {
  const { config } = readConfig([...flags, '--data', data], {}, () => {
    throw Object.assign(new Error('none'), { code: 'ENOENT' });
  });
  const running = new AsyncDisposableStack();
  const devices = await openReplay(config, monotonicClock(), running);
  return { running, devices };
}

/** What all devices give in so many seconds of theirs. */
async function played(
  { devices }: Awaited<ReturnType<typeof opened>>,
  enough: number,
  look: () => void = () => {},
) {
  const stopping = new AbortController();
  const readings: Reading[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const emit = (reading: Reading): void => {
    readings.push(reading);
    if (readings.filter(({ stream }) => stream.id === 'can.can0').length >= enough) resolve();
  };
  const clock = fastClock(20, 0);
  const runs = devices.map(({ source }) => source.run(emit, clock, stopping.signal));
  await Promise.race([promise, ...runs]);
  look();
  stopping.abort();
  await Promise.allSettled(runs);
  return readings;
}

test('a log of a bus takes the place of the devices, and its frames come as those of a bus', async () => {
  const file = path.join(data, 'drive.log');
  const lines = Array.from(
    { length: 50 },
    (_, i) => `(${1_700_000_000 + i / 100}) can0 123#${10 + i}\n`,
  );
  writeFileSync(file, lines.join(''));
  const replay = await opened('--replay', file);
  await using _ = replay.running;
  expect(replay.devices.map(({ source, simulated }) => [source.id, simulated])).toEqual([
    ['can', true],
  ]);
  const readings = await played(replay, 50);
  const frames = readings.flatMap((reading) => (reading.kind === 'frame' ? [reading] : []));
  expect(frames.map(({ data: bytes }) => Buffer.from(bytes).toString('hex'))).toEqual(
    Array.from({ length: 50 }, (_, i) => String(10 + i)),
  );
});

test('of a bus that is played it is told what it is played from, and how far', async () => {
  const file = path.join(data, 'told.log');
  writeFileSync(file, '(1700000000.0) can0 123#11\n(1700000002.5) can0 123#12\n');
  const replay = await opened('--replay', file);
  await using _ = replay.running;
  const [device] = replay.devices;
  let note: string | undefined;
  await played(replay, 2, () => {
    note = device?.source.note?.();
  });
  expect(note).toMatch(/^told\.log, 0:02 of 0:02(: at the end)?$/);
  expect(device?.source.health()).toMatchObject({
    recording: 'told.log',
    lengthS: 2,
    device: 'can0 of told.log',
  });
});

test('a session is played as it was decoded, until there is a DBC file for its bus', async () => {
  const before = await opened('--replay', '1');
  expect(before.devices.map(({ source }) => source.id)).toEqual(['replay']);
  const asItWas = await played(before, FRAMES);
  await before.running.disposeAsync();
  expect(asItWas.filter(({ stream }) => stream.id === OLD.id).length).toBeGreaterThan(FRAMES - 5);

  mkdirSync(path.join(data, 'dbc', 'can0'), { recursive: true });
  // Not a name that a DBC file has here: nothing will read it.
  writeFileSync(path.join(data, 'dbc', 'can0', 'My Car.dbc'), DBC);
  const beside = await opened('--replay', '1');
  expect(beside.devices.map(({ source }) => source.id)).toEqual(['replay']);
  await beside.running.disposeAsync();

  writeFileSync(path.join(data, 'dbc', 'can0', 'car.dbc'), DBC);
  const after = await opened('--replay', '1');
  expect(after.devices.map(({ source }) => source.id)).toEqual(['replay', 'can']);
  const anew = await played(after, FRAMES);
  await after.running.disposeAsync();
  const frames = anew.flatMap((reading) => (reading.kind === 'frame' ? [reading] : []));
  expect(frames.map(({ data: [low] }) => low)).toEqual(Array.from({ length: FRAMES }, (_, i) => i));
  // What they mean is up to the DBC file; what was decoded then is left out.
  expect(anew.filter(({ stream }) => stream.id === OLD.id)).toEqual([]);
});

test.each([
  ['9', /^replay: expected a session of .* \(1 to 1\), found 9$/],
  ['./9', /^replay: \.\/9: no such file$/],
  ['0', /^flag --replay: expected a session: a whole number from 1 to 4294967295, found 0$/],
  ['1.5', /^flag --replay: expected a session: a whole number from 1 to 4294967295, found "1\.5"$/],
  ['', /^flag --replay: expected a session such as 12, or a file such as drive\.log, found ""$/],
])('--replay %j is refused', async (replay, message) => {
  const refused = opened(`--replay=${replay}`);
  await expect(refused).rejects.toThrow(ConfigError);
  await expect(refused).rejects.toThrow(message);
});
