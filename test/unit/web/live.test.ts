import { effect } from '@preact/signals';
import { expect, test } from 'vitest';
import type { Health, PartHealth } from '#core/health.ts';
import { askHealth, ClockMap, isStale, Live, noticeText } from '../../../web/live.js';

const RPM = 'obd.engine.rpm';
const STREAMS = [
  stream(RPM, '/min', 4),
  stream('obd.ecu.voltage', 'V', 1),
  stream('obd.adapter.voltage', 'V', 1),
  stream('obd.fuel.type', '1', 0),
  stream('obd.vehicle.speed', 'km/h', 2),
  { ...stream('eeg.raw', 'uV', 512), kind: 'wave' as const },
];

function stream(id: string, unit: string, hz: number) {
  return { id, name: id, unit, hz, range: [0, 1] as const, kind: 'sample' as const };
}

function part(
  id: string,
  status: PartHealth['status'],
  details: PartHealth['details'] = {},
): PartHealth {
  return { id, status, text: status, details };
}

function healthOf(...parts: PartHealth[]): Health {
  return { ...KNOWN, parts };
}

/** A live link whose gateway started at the page's 0 ms, so that both count the same time. */
function setup() {
  const clock = { ms: 0 };
  const live = new Live(() => clock.ms);
  live.hello({ epoch: 1 });
  live.streams(STREAMS);
  live.phase('live', 0);
  live.tick(0);
  const at = (ms: number): void => {
    clock.ms = ms;
    live.advance();
  };
  return { live, at };
}

test('a value is stale after three periods, but never within a second', () => {
  expect(isStale(3_000, 1)).toBe(false);
  expect(isStale(3_001, 1)).toBe(true);
  expect(isStale(1_000, 512)).toBe(false);
  expect(isStale(1_001, 512)).toBe(true);
});

test('a stream that reports only on change does not age', () => {
  expect(isStale(3_600_000, 0)).toBe(false);
});

test('a reading has the unit of its stream, and an age', () => {
  const { live, at } = setup();
  at(100);
  live.samples(100_000, { [RPM]: 812.5 });
  at(600);
  expect(live.reading(RPM)).toEqual({ v: 812.5, stale: false, ageMs: 500, unit: '/min' });
  at(1_101);
  expect(live.reading(RPM)).toMatchObject({ v: 812.5, stale: true });
});

test('a value that was old when it came is stale at once', () => {
  const { live, at } = setup();
  at(20_000);
  live.tick(20_000_000);
  live.samples(12_000_000, { [RPM]: 700 });
  expect(live.reading(RPM)).toMatchObject({ stale: true, ageMs: 8_000 });
});

test.each(['stale', 'offline'] as const)('no value is believed while the link is %s', (phase) => {
  const { live } = setup();
  live.samples(0, { [RPM]: 700, 'obd.fuel.type': 1 });
  live.phase(phase, 0);
  expect(live.reading(RPM).stale).toBe(true);
  expect(live.reading('obd.fuel.type').stale).toBe(true);
});

test('before the first value there is nothing to be stale', () => {
  const { live } = setup();
  live.phase('offline', 0);
  expect(live.reading(RPM)).toEqual({ v: undefined, stale: false, ageMs: 0, unit: '/min' });
});

test('the first stream of a list that ever reported is read', () => {
  const { live } = setup();
  const read = () => live.reading('obd.ecu.voltage', 'obd.adapter.voltage').v;
  live.samples(0, { 'obd.adapter.voltage': 13.9 });
  expect(read()).toBe(13.9);
  live.samples(0, { 'obd.ecu.voltage': 14.2 });
  expect(read()).toBe(14.2);
});

test('a value that is no number leaves the last one to grow old', () => {
  const { live } = setup();
  live.samples(0, { [RPM]: 700 });
  live.samples(100_000, { [RPM]: null });
  expect(live.reading(RPM).v).toBe(700);
});

test('whoever reads a stream follows it, and hears nothing of others', () => {
  const { live } = setup();
  const seen: unknown[] = [];
  effect(() => void seen.push(live.reading(RPM).v));
  live.samples(0, { 'obd.ecu.voltage': 14 });
  live.samples(0, { [RPM]: 900 });
  expect(seen).toEqual([undefined, 900]);
});

test('every block reaches the listeners, and its last sample is the reading', () => {
  const { live, at } = setup();
  const block = { stream: 'eeg.raw', seq: 0, t: 0, hz: 512, values: Array(512).fill(3) };
  const heard: unknown[] = [];
  const stop = live.onBlock((each) => heard.push(each));
  at(1_000);
  live.block(block);
  stop();
  live.block(block);
  expect(heard).toEqual([block]);
  expect(live.reading('eeg.raw').ageMs).toBeCloseTo(1_000 / 512, 3);
});

test('tries to reach a gateway that is away are one outage', () => {
  const { live } = setup();
  live.phase('offline', 5);
  live.phase('connecting', 5);
  expect(live.link.value).toEqual({ phase: 'offline', heardAt: 5 });
  live.phase('live', 9);
  expect(live.link.value).toEqual({ phase: 'live', heardAt: 9 });
});

test('a refusal stands until the gateway is met anew', () => {
  const { live } = setup();
  live.refused('Too many.');
  expect(live.refusal.value).toBe('Too many.');
  live.hello({ epoch: 2 });
  expect(live.refusal.value).toBe('');
});

test('simulated readings are known from the hello or from a part of the gateway', () => {
  const { live } = setup();
  expect(live.simulated.value).toBe(false);
  live.hello({ epoch: 1, simulated: true });
  expect(live.simulated.value).toBe(true);
  live.hello({ epoch: 1 });
  live.health.value = healthOf(part('obd', 'ok', { simulated: true }));
  expect(live.simulated.value).toBe(true);
});

test('a replay is a source that brings readings of devices', () => {
  const { live } = setup();
  live.phase('live', 0);
  live.health.value = healthOf(part('replay', 'ok'));
  expect(live.flow.value).toBe('live');
  expect(live.sources.value).toHaveLength(1);
});

test('it is live only with a source that works, whatever else of the gateway does', () => {
  const { live } = setup();
  expect(live.flow.value).toBe('connecting');
  live.health.value = healthOf(part('http', 'ok'));
  expect(live.flow.value).toBe('idle');
  expect(live.sources.value).toEqual([]);
  live.health.value = healthOf(part('http', 'ok'), part('obd', 'waiting'), part('eeg', 'waiting'));
  expect(live.flow.value).toBe('idle');
  live.health.value = healthOf(part('obd', 'waiting'), part('eeg2', 'ok'));
  expect(live.flow.value).toBe('live');
  live.phase('offline', 0);
  expect(live.flow.value).toBe('offline');
});

test('the values of a source that does not work are stale together, and no others', () => {
  const { live } = setup();
  live.samples(0, { [RPM]: 700, 'obd.fuel.type': 1, 'eeg.attention': 50 });
  live.health.value = healthOf(part('obd', 'waiting'), part('eeg', 'ok'));
  expect(live.reading(RPM).stale).toBe(true);
  expect(live.reading('obd.fuel.type').stale).toBe(true);
  expect(live.reading('eeg.attention').stale).toBe(false);
});

test('a source that brings nothing for 6 s has no value that is believed', () => {
  const { live, at } = setup();
  live.samples(0, { 'obd.fuel.type': 1 });
  at(3_000);
  live.samples(3_000_000, { [RPM]: 700 });
  at(9_000);
  expect(live.reading('obd.fuel.type').stale).toBe(false);
  at(9_001);
  expect(live.reading('obd.fuel.type').stale).toBe(true);
});

test('it is told which streams are outdated, and when that changes', () => {
  const { live, at } = setup();
  const seen: string[] = [];
  effect(() => void seen.push(live.outdated.value));
  live.samples(0, { [RPM]: 700, 'obd.ecu.voltage': 14 });
  for (const ms of [500, 1_001, 1_500, 3_001]) at(ms);
  live.samples(3_001_000, { [RPM]: 710 });
  at(3_250);
  expect(seen).toEqual(['', RPM, `${RPM} obd.ecu.voltage`, 'obd.ecu.voltage']);
});

const P0128 = { code: 'P0128', status: 'confirmed', text: 'Coolant too cold', present: true };

test('the lamp is dark until the car lights it, and names the newest code', () => {
  const { live } = setup();
  expect(live.lamp()).toMatchObject({ lit: false });
  live.samples(0, { 'obd.monitor.mil': 1, 'obd.monitor.dtcs': 2 });
  live.event('obd.dtc', P0128);
  live.event('obd.dtc', { ...P0128, code: 'P0420', status: 'pending' });
  expect(live.lamp()).toEqual({
    lit: true,
    stale: false,
    count: 2,
    code: 'P0128',
    text: 'Coolant too cold',
  });
});

test('a page that came after the code learns it from the health', () => {
  const { live } = setup();
  const ecus = [
    { ecu: '7e8', stored: ['P0301', 'P0128'], mil: true },
    { ecu: '7e9', stored: null, mil: null },
  ];
  live.health.value = healthOf(part('obd', 'ok', { diagnosis: { ecus } }));
  expect(live.lamp()).toMatchObject({ lit: true, count: 2, code: 'P0128', text: '' });
});

test('a code that has gone is not named, and its words are known when it comes back', () => {
  const { live } = setup();
  live.event('obd.dtc', P0128);
  live.event('obd.dtc', { ...P0128, present: false });
  expect(live.lamp().code).toBe('');
  const ecus = [{ ecu: '7e8', stored: ['P0128'], mil: true }];
  live.health.value = healthOf(part('obd', 'ok', { diagnosis: { ecus } }));
  expect(live.lamp()).toMatchObject({ code: 'P0128', text: 'Coolant too cold' });
});

test.each([
  ['obd', 'No answer. [OBD_SILENT]', 'OBD: No answer.'],
  ['obd', 'OBD: unplugged', 'OBD: unplugged'],
  ['mqtt', 'refused', 'mqtt: refused'],
  [
    'obd',
    `No answer from the adapter. ${'It said 41 0C '.repeat(9)}`,
    'OBD: No answer from the adapter.',
  ],
])('the notice of %s that says %j reads %j', (id, text, notice) => {
  expect(noticeText(id, text)).toBe(notice);
});

test('a notice without a sentence that ends in time is cut after a word', () => {
  const notice = noticeText('obd', 'word '.repeat(40));
  expect(notice.length).toBeLessThanOrEqual(90);
  expect(notice).toMatch(/^OBD: (word )+word…$/);
});

test('the clock map takes the fastest message of the last minute', () => {
  const map = new ClockMap();
  map.observe(1_000_000, 5_080);
  map.observe(2_000_000, 6_010);
  map.observe(3_000_000, 7_200);
  expect(map.local(3_000_000)).toBe(7_010);
});

test('the clock map follows a clock that drifts away', () => {
  const map = new ClockMap();
  // The page's clock gains 1 ms a second: after ten minutes the first offset would be 0.6 s wrong.
  for (let s = 0; s <= 600; s++) map.observe(s * 1e6, s * 1_001);
  expect(600 * 1_001 - map.local(600e6)).toBeLessThanOrEqual(60);
});

const KNOWN = {
  status: 'ok',
  version: '1.0.0',
  uptimeS: 1,
  epoch: 1,
  clockTrust: 'none',
  parts: [],
  consumers: [],
} as const;

/** A page that already knows how the gateway is. */
function informed(): Live {
  const live = new Live(() => 0);
  live.health.value = KNOWN;
  return live;
}

const reply = (status: number, body: unknown) => async () =>
  new Response(JSON.stringify(body), { status });

test.each([200, 503])('a health with status %d is shown', async (status) => {
  const live = informed();
  const part = { id: 'obd', status: 'failed', text: 'unplugged', details: { simulated: true } };
  await askHealth(live, reply(status, { ...KNOWN, status: 'failed', parts: [part] }));
  expect(live.health.value).toMatchObject({ status: 'failed', parts: [{ id: 'obd' }] });
  expect(live.simulated.value).toBe(true);
});

test.each<[status: number, body: unknown]>([
  [500, { title: 'Internal Server Error', status: 500 }],
  [500, { ...KNOWN, status: 'failed' }],
  [200, { title: 'OK' }],
  [200, { parts: 'none' }],
  [200, { status: 'ok', parts: [{ id: 'obd', status: 'ok' }] }],
  [200, null],
])('a reply %d with %j is no health, and what was known stays', async (status, body) => {
  const live = informed();
  await askHealth(live, reply(status, body));
  expect(live.health.value).toBe(KNOWN);
  expect(live.simulated.value).toBe(false);
});

test.each([new TypeError('Failed to fetch'), new DOMException('signal timed out', 'TimeoutError')])(
  'no answer (%s) leaves what was known',
  async (error) => {
    const live = informed();
    await askHealth(live, () => Promise.reject(error));
    expect(live.health.value).toBe(KNOWN);
  },
);

test('a page instead of JSON leaves what was known', async () => {
  const live = informed();
  await askHealth(live, async () => new Response('<!doctype html>'));
  expect(live.health.value).toBe(KNOWN);
});

test('the question ends by itself', async () => {
  let signal: AbortSignal | null | undefined;
  await askHealth(informed(), async (_, init) => {
    signal = init?.signal;
    return new Response('{}');
  });
  expect(signal).toBeInstanceOf(AbortSignal);
});

test('a bug while asking is not taken for silence', async () => {
  const bug = new RangeError('a bug');
  await expect(askHealth(informed(), () => Promise.reject(bug))).rejects.toBe(bug);
});

test('the car is driven once it was fast enough for 3 s, and stands once it was not for as long', () => {
  const { live, at } = setup();
  const drive = (from: number, to: number, kmh: number): boolean[] => {
    const seen: boolean[] = [];
    for (let ms = from; ms <= to; ms += 500) {
      live.samples(ms * 1_000, { 'obd.vehicle.speed': kmh });
      at(ms);
      seen.push(live.driving.value);
    }
    return seen;
  };
  expect(drive(0, 2_500, 5)).not.toContain(true);
  expect(drive(3_000, 3_000, 4.9)).toEqual([false]);
  expect(drive(3_500, 6_000, 50)).not.toContain(true);
  expect(drive(6_500, 6_500, 50)).toEqual([true]);
  expect(drive(7_000, 9_500, 0)).not.toContain(false);
  expect(drive(10_000, 10_000, 0)).toEqual([false]);
});

test('without a link a car that is driven goes on', () => {
  const { live, at } = setup();
  live.driving.value = true;
  live.phase('offline', 0);
  at(60_000);
  expect(live.driving.value).toBe(true);
});

test('what happens to alerts is passed on', () => {
  const { live } = setup();
  const told: string[] = [];
  live.onAlert = ({ id, state }) => void told.push(`${id} ${state}`);
  const rule = { id: 'rule', name: 'Rule' };
  live.alert({
    id: '1-1',
    state: 'started',
    rule,
    severity: 'warn',
    text: '',
    acknowledgedBy: null,
  });
  expect(told).toEqual(['1-1 started']);
});
