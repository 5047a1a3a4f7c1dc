import * as v from 'valibot';
import { expect, test } from 'vitest';
import { CLOCK_STATE, FATIGUE_LEVEL, sourceStream } from '#core/gateway-streams.ts';
import type { Stream } from '#core/stream.ts';
import { FACE, MEASURES } from '../../../src/ingest/streams.ts';
import { type DiscoveryOptions, discoveryPayload } from '../../../src/mqtt/discovery.ts';
import { busStreams } from '../../../src/sources/can/bus-streams.ts';
import { PIDS } from '../../../src/sources/obd/j1979/pid-table.ts';
import { ADAPTER_VOLTAGE, IGNITION } from '../../../src/sources/obd/streams.ts';
import { Discovery } from './discovery-schema.ts';
import { ignition, rpm, sample, speed, startWorld, stream } from './publisher-world.ts';

const CONFIG = 'homeassistant/device/car1/config';

function discover(streams: readonly Stream[], more: Partial<DiscoveryOptions> = {}) {
  const payload = discoveryPayload({
    ...{ device: 'car1', version: '1.2.0', simulated: false, stateTopic: 'car/car1/state' },
    streams: streams.map((one) => ({
      stream: one,
      stateTopic: `car/car1/signal/${one.id.replaceAll('.', '/')}`,
      availabilityTopic: one.id.startsWith('obd.') ? 'car/car1/avail/obd' : undefined,
    })),
    gone: [],
    ...more,
  });
  return JSON.parse(payload);
}

const ALL_PIDS = PIDS.flatMap(({ signals }) => signals.map((signal) => signal.stream));

test('whatever the gateway can measure is accepted by what Home Assistant says that it accepts', () => {
  const { frames: _, ...bus } = busStreams('body');
  const others = [ADAPTER_VOLTAGE, IGNITION, CLOCK_STATE, FATIGUE_LEVEL, sourceStream('obd')];
  const clients = [...Object.values(FACE), ...Object.values(MEASURES)];
  const heart = stream('eeg.heart_rate', { unit: '/min' });
  const all = [...others, ...clients, heart, ...Object.values(bus)].filter(
    ({ kind }) => kind === 'sample',
  );
  for (const streams of [all, ALL_PIDS.slice(0, 300), ALL_PIDS.slice(300)]) {
    const found = v.safeParse(Discovery, discover(streams));
    expect(found.issues).toBeUndefined();
  }
});

test('what Home Assistant does not accept is found by that test', () => {
  const good = discover([rpm, ignition, speed]);
  const broken = (id: string, change: object) =>
    v.safeParse(Discovery, {
      ...good,
      cmps: { ...good.cmps, [id]: { ...good.cmps[id], ...change } },
    }).success;
  expect(broken(speed.id, {})).toBe(true);
  for (const [id, change] of [
    [speed.id, { device_class: 'velocity' }],
    [speed.id, { unit_of_measurement: 'kph' }],
    [speed.id, { unit_of_measurement: undefined, device_class: 'temperature' }],
    [speed.id, { state_class: 'total_increasing' }],
    [speed.id, { state_topic: 'car/#' }],
    [speed.id, { platform: 'sensor' }],
    [ignition.id, { unit_of_measurement: '1' }],
    [ignition.id, { state_class: 'measurement' }],
    [ignition.id, { options: ['on', 'on'] }],
    [ignition.id, { options: undefined }],
  ] as const) {
    expect([change, broken(id, change)]).toEqual([change, false]);
  }
  expect(v.safeParse(Discovery, { ...good, o: undefined }).success).toBe(false);
});

test('a number, a state, and what only grows, as they are written', () => {
  const odometer = stream('obd.vehicle.odometer', { unit: 'km', name: 'Odometer' });
  const found = discover([stream('eeg.attention'), ignition, odometer]);
  const avail = { availability: [{ topic: 'car/car1/state' }, { topic: 'car/car1/avail/obd' }] };
  expect(found).toEqual({
    dev: { ids: ['vigil_car1'], name: 'car1', mf: 'Vigil', mdl: 'In-car gateway', sw: '1.2.0' },
    o: { name: 'Vigil', sw: '1.2.0' },
    availability: [{ topic: 'car/car1/state' }],
    ...{ availability_mode: 'all', qos: 0 },
    cmps: {
      'eeg.attention': {
        ...{ p: 'sensor', unique_id: 'vigil_car1_eeg.attention', name: 'eeg.attention' },
        state_topic: 'car/car1/signal/eeg/attention',
        ...{ state_class: 'measurement', value_template: '{{ value_json.v }}' },
      },
      'obd.ignition': {
        ...{ p: 'sensor', unique_id: 'vigil_car1_obd.ignition', name: 'obd.ignition' },
        state_topic: 'car/car1/signal/obd/ignition',
        ...{ device_class: 'enum', options: ['off', 'on', 'running'] },
        value_template: '{{ value_json.s }}',
        ...avail,
      },
      'obd.vehicle.odometer': {
        ...{ p: 'sensor', unique_id: 'vigil_car1_obd.vehicle.odometer', name: 'Odometer' },
        state_topic: 'car/car1/signal/obd/vehicle/odometer',
        ...{ device_class: 'distance', unit_of_measurement: 'km' },
        ...{ state_class: 'total_increasing', value_template: '{{ value_json.v }}' },
        ...avail,
      },
    },
  });
});

test('units are those of Home Assistant, and one that it does not know has no class', () => {
  const cases: [unit: string, id: string, expected: object][] = [
    ['/min', 'obd.engine.rpm', { unit_of_measurement: 'rpm' }],
    ['/min', 'eeg.heart_rate', { unit_of_measurement: 'bpm' }],
    ['Cel', 'a.b', { unit_of_measurement: '°C', device_class: 'temperature' }],
    ['%', 'a.b', { unit_of_measurement: '%' }],
    ['furlong', 'a.b', { unit_of_measurement: 'furlong' }],
  ];
  for (const [unit, id, expected] of cases) {
    const { cmps } = discover([stream(id, { unit })]);
    const { unit_of_measurement, device_class } = cmps[id];
    expect({ unit_of_measurement, device_class }).toEqual({ device_class: undefined, ...expected });
  }
});

test('two numbers that mean the same are one option', () => {
  const states = { 0: 'off', 1: 'on', 2: 'on' };
  expect(discover([stream('a.b', { states })]).cmps['a.b'].options).toEqual(['off', 'on']);
});

test('of too many streams the first 500 are shown, and ids that differ in a dot alone are two', () => {
  const many = Array.from({ length: 507 }, (_, i) => stream(`can.body.m.s${i}`));
  expect(Object.keys(discover(many).cmps)).toHaveLength(500);
  const { cmps } = discover([stream('a.b_c'), stream('a_b.c')]);
  expect(
    new Set(Object.values(cmps).map((one) => Reflect.get(Object(one), 'unique_id'))).size,
  ).toBe(2);
});

test('the message comes once the first values have come to rest, with what has values alone', async () => {
  const { clock, outlet, take } = await startWorld();
  await clock.advance(20_000);
  expect(outlet.of(CONFIG)).toEqual([]);
  take(sample(rpm, 800));
  await clock.advance(1_000);
  take(sample(ignition, 1));
  expect(outlet.of(CONFIG)).toEqual([]);
  await clock.advance(5_000);
  expect(outlet.of(CONFIG)).toMatchObject([{ qos: 1, retain: true }]);
  const [found] = outlet.json(CONFIG);
  expect(Object.keys(found.cmps)).toEqual([rpm.id, ignition.id]);
  expect(found.cmps[rpm.id].availability).toEqual([
    { topic: 'car/car1/state' },
    { topic: 'car/car1/avail/obd' },
  ]);
  expect(v.safeParse(Discovery, found).success).toBe(true);
  take(sample(speed, 50));
  await clock.advance(5_000);
  expect(Object.keys(outlet.json(CONFIG).at(-1).cmps)).toEqual([rpm.id, ignition.id, speed.id]);
  outlet.forget();
  await clock.advance(60_000);
  expect(outlet.of(CONFIG)).toEqual([]);
});

test('a stream that comes to mean another thing is told of anew', async () => {
  const { clock, outlet, take } = await startWorld();
  take(sample(speed, 50));
  await clock.advance(5_000);
  take(sample({ ...speed, unit: 'm/s' }, 14));
  await clock.advance(5_000);
  const units = outlet.json(CONFIG).map(({ cmps }) => cmps[speed.id].unit_of_measurement);
  expect(units).toEqual(['km/h', 'm/s']);
});

test('what is no more is taken out by a component with its platform alone', async () => {
  const { cmps } = discover([rpm], { gone: ['can.body.old.signal'] });
  expect(cmps['can.body.old.signal']).toEqual({ p: 'sensor' });
  expect(v.safeParse(Discovery, discover([rpm], { gone: ['can.body.old'] })).success).toBe(true);
});

test('a stream that the gateway has no more is taken out, and back in when it comes again', async () => {
  const { clock, outlet, take, now } = await startWorld({ vss: true });
  take(sample(rpm, 800), sample(speed, 50));
  await clock.advance(5_000);
  now.streams = [rpm, ignition];
  await clock.advance(10_000);
  for (const topic of ['car/car1/signal/obd/vehicle/speed', 'car/car1/vss/Vehicle/Speed']) {
    expect(outlet.of(topic).at(-1)).toMatchObject({ payload: '', retain: true });
  }
  expect(outlet.json(CONFIG).at(-1).cmps[speed.id]).toEqual({ p: 'sensor' });
  now.streams = [rpm, ignition, speed];
  take(sample(speed, 51));
  await clock.advance(5_000);
  expect(outlet.json(CONFIG).at(-1).cmps[speed.id]).toMatchObject({ device_class: 'speed' });
});
