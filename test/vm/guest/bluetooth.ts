/** A headset on one controller, read by a gateway on another; both are the kernel's, the radio is not. */
import assert from 'node:assert/strict';
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Bluetooth } from '../../../src/io/bluetooth/bluetooth.ts';
import { bluetoothPort } from '../../../src/io/bluetooth/port.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { thinkgearSource } from '../../../src/sources/eeg/eeg.ts';
import { type Status, supervise } from '../../../src/sources/supervise.ts';
import { check } from './support/check.ts';
import { FarEnd } from './support/far-end.ts';

/** Those that btvirt gives. */
const HERE = '00:AA:01:00:00:00';
const HEADSET = '00:AA:01:01:00:01';
const PIN = '1234';
const KILLS = Number(process.env['VIGIL_BLUETOOTH_KILLS']);
/** From a headset's being gone to its data; a second of it the headset is off. */
const BACK_MS_MAX = 10_000;
const OFF_MS = 1_000;
const NEVER = new AbortController().signal;
const QUIET: ExecFileSyncOptionsWithStringEncoding = {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
};

execFileSync('bash', ['test/vm/guest/support/bluetooth.sh', '2'], { stdio: 'inherit' });
const clock = monotonicClock();
const bluetooth = new Bluetooth({ clock });
const { adapters } = await bluetooth.state();
const farPath = adapters.find(({ address }) => address === HEADSET)?.path ?? '';
const far = await FarEnd.start(farPath, HEADSET, PIN);
const open = bluetoothPort({ address: HEADSET, channel: 1 });

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(50);
}

/** As this side sees it. */
async function headset() {
  const { devices } = await bluetooth.state();
  return devices.find(({ address, adapter }) => address === HEADSET && adapter.address === HERE);
}

/** Both sides forget each other, and see each other again. */
async function meetAnew(): Promise<void> {
  for (const address of [HEADSET, HERE]) await bluetooth.forget(address).catch(() => {});
  await bluetooth.scan(20_000).catch(() => {}); // One may be under way.
  await until(async () => (await headset())?.rssi !== undefined);
}

/** Processes that hold a link. */
function links(): number {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'socat\n';
    } catch {
      return false; // It ended in this moment.
    }
  }).length;
}

await check('one that nobody paired is not opened', async () => {
  await assert.rejects(open(NEVER), /00:AA:01:01:00:01: not paired; pair it under More, System/);
});

await check('a scan finds it with its name', async () => {
  await meetAnew();
  const { name = '', use, paired } = (await headset()) ?? {};
  assert.deepEqual(
    { name, use, paired },
    { name: 'MindWave Mobile', use: 'headset', paired: false },
  );
});

await check('it is paired by the second of the usual PINs', async () => {
  far.pairsSimply(false);
  await meetAnew();
  const { paired, trusted } = await bluetooth.pair(HEADSET);
  assert.deepEqual({ paired, trusted }, { paired: true, trusted: true });
  assert.deepEqual(far.asked, ['pin', 'pin']);
});

await check('it is paired without a question', async () => {
  far.pairsSimply(true);
  await meetAnew();
  far.asked.length = 0;
  const { paired, trusted } = await bluetooth.pair(HEADSET);
  assert.deepEqual({ paired, trusted }, { paired: true, trusted: true });
  assert.ok(!far.asked.includes('pin'), far.asked.join());
});

await check('a headset that is off says so, and one without this channel', async () => {
  await assert.rejects(open(NEVER), /has no serial port on this channel/);
  await far.switchOn();
  const wrong = bluetoothPort({ address: HEADSET, channel: 9 });
  await assert.rejects(wrong(NEVER), /has no serial port on this channel/);
  assert.equal(links(), 0);
});

await check('an account without any right opens it', () => {
  const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--bounding-set=-all'];
  const program = [process.execPath, 'test/vm/guest/support/read-port.ts', `bt://${HEADSET}`];
  const read = execFileSync('setpriv', [...nobody, '--inh-caps=-all', ...program], QUIET);
  assert.match(read, /^read \d+ bytes as 65534\n$/);
  return Promise.resolve({ read: read.trim() });
});

const seen: { statuses: Status[]; lastWaveAt: number; samples: number } = {
  ...{ statuses: [], lastWaveAt: 0, samples: 0 },
};
const source = thinkgearSource({ id: 'eeg', device: HEADSET, open });
const stopping = new AbortController();
const supervised = supervise(source, {
  clock,
  signal: stopping.signal,
  report: (status) => void seen.statuses.push(status),
  emit: (reading) => {
    if (reading.kind !== 'wave') return;
    seen.samples += reading.v.length;
    seen.lastWaveAt = performance.now();
  },
});

/** Milliseconds from then to the first samples that came after it. */
async function backSince(at: number): Promise<number> {
  await until(() => seen.lastWaveAt > at);
  return Math.round(seen.lastWaveAt - at);
}

await check('it is read, all of what it sends', async () => {
  await backSince(performance.now());
  const { samples } = seen;
  await pause(5_000);
  const { badChecksums, skippedBytes } = source.health();
  assert.deepEqual({ badChecksums, skippedBytes }, { badChecksums: 0, skippedBytes: 0 });
  const hz = Math.round((seen.samples - samples) / 5);
  assert.ok(hz > 450 && hz < 570, `${hz} samples a second`);
  assert.equal(links(), 1);
  return { hz };
});

await check(
  'killed again and again, it comes back by itself within 10 s',
  async () => {
    const backMs: number[] = [];
    for (let i = 0; i < KILLS; i++) {
      await far.kill();
      const goneAt = performance.now();
      await pause(OFF_MS);
      far.said.length = 0;
      await far.switchOn();
      await until(() => far.said.includes('connected'));
      // Not what was on its way when it was killed.
      const connectedAt = performance.now();
      backMs.push(Math.round(connectedAt - goneAt + (await backSince(connectedAt))));
    }
    assert.equal(backMs.length, KILLS);
    const slowestMs = Math.max(...backMs);
    assert.ok(slowestMs < BACK_MS_MAX, `took ${slowestMs} ms`);
    assert.equal(links(), 1);
    return { slowestMs, backMs };
  },
  KILLS * 15_000,
);

await check('a link that dies without a word is given up, and it comes back', async () => {
  seen.statuses.length = 0;
  far.freeze();
  await until(() => seen.statuses.some(({ state }) => state === 'waiting'));
  const told = seen.statuses.find((status) => status.state === 'waiting');
  assert.match(told?.error.message ?? '', /no data for 5 s/);
  far.thaw();
  const ms = await backSince(performance.now());
  assert.ok(ms < BACK_MS_MAX, `took ${ms} ms`);
  assert.equal(links(), 1);
  return { ms };
});

await check('a process of the link that is killed is replaced', async () => {
  execFileSync('pkill', ['-KILL', '-x', 'socat']);
  const ms = await backSince(performance.now() + 300);
  assert.ok(ms < BACK_MS_MAX, `took ${ms} ms`);
});

await check('when it stops, nothing of the link is left', async () => {
  far.said.length = 0;
  stopping.abort();
  await supervised;
  assert.equal(links(), 0);
  await until(() => far.said.includes('disconnected'));
  assert.deepEqual(
    readdirSync('/dev').filter((name) => name.startsWith('rfcomm')),
    [],
  );
});

await check('one that is forgotten has to be paired again', async () => {
  await bluetooth.forget(HEADSET);
  await assert.rejects(open(NEVER), /not paired; pair it under More, System/);
});

await far.kill();
await bluetooth[Symbol.asyncDispose]();
process.exit(0);
