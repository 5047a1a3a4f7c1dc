import { expect, test } from 'vitest';
import { alertEvent } from '#core/alert.ts';
import type { Frame, Wave } from '#core/stream.ts';
import { alertOf } from '../../support/alert-fixture.ts';
import { event, ignition, rpm, sample, speed, startWorld, stream } from './publisher-world.ts';

const RPM = 'car/car1/signal/obd/engine/rpm';
const SPEED = 'car/car1/signal/obd/vehicle/speed';
const marker = stream('marker.lap', { kind: 'event', hz: 0 });

test('a value goes out as it comes, retained, with its time and quality', async () => {
  const { outlet, take } = await startWorld();
  take(sample(rpm, 812.25, 1_234_567));
  expect(outlet.of(RPM)).toEqual([
    { topic: RPM, payload: '{"v":812.25,"t":1234567,"q":0}', qos: 0, retain: true },
  ]);
});

test('a state goes out with its word, and a number that JSON does not have as null', async () => {
  const { outlet, take } = await startWorld();
  take(
    sample(ignition, 2, 5),
    sample(rpm, Number.NaN, 6),
    sample(speed, Number.POSITIVE_INFINITY, 7),
  );
  expect(outlet.text('car/car1/signal/obd/ignition')).toEqual([
    '{"v":2,"t":5,"q":0,"s":"running"}',
  ]);
  expect(outlet.text(RPM)).toEqual(['{"v":null,"t":6,"q":0}']);
  expect(outlet.text(SPEED)).toEqual(['{"v":null,"t":7,"q":0}']);
  const unknown = stream('obd.other', { states: { 0: 'a' } });
  take(sample(unknown, 9));
  expect(outlet.json('car/car1/signal/obd/other')).toEqual([{ v: 9, t: 0, q: 0, s: null }]);
});

test('a stream that never rests is told 5 times a second, always the newest value', async () => {
  const { clock, outlet, take } = await startWorld();
  for (let ms = 0; ms < 10_000; ms += 10) {
    take(sample(rpm, ms, ms * 1000));
    await clock.advance(10);
  }
  const values: { v: number; t: number }[] = outlet.json(RPM);
  expect(values.length).toBeGreaterThan(38);
  expect(values.length).toBeLessThanOrEqual(51);
  for (const [i, { t }] of values.slice(1).entries()) {
    expect(t - (values[i]?.t ?? 0)).toBeGreaterThanOrEqual(190_000);
  }
  await clock.advance(300);
  expect(outlet.json(RPM).at(-1)).toMatchObject({ v: 9_990 });
});

test('what nobody subscribes to is kept fresh to 2 s', async () => {
  const { clock, outlet, take } = await startWorld();
  outlet.wanted = new Set();
  for (let ms = 0; ms < 20_000; ms += 100) {
    take(sample(rpm, ms));
    await clock.advance(100);
  }
  expect(outlet.of(RPM).length).toBeGreaterThanOrEqual(9);
  expect(outlet.of(RPM).length).toBeLessThanOrEqual(11);
  outlet.forget();
  outlet.wanted = new Set([RPM]);
  take(sample(rpm, 99));
  await clock.advance(450);
  expect(outlet.of(RPM).length).toBe(1);
});

test('a thousand streams that all change share a thousand messages a second, and none starves', async () => {
  const { clock, outlet, take } = await startWorld();
  const many = Array.from({ length: 1_000 }, (_, i) => stream(`can.body.m${i}.s`));
  for (let turn = 0; turn < 50; turn++) {
    take(...many.map((one) => sample(one, turn)));
    await clock.advance(100);
  }
  const told = outlet.of('car/car1/signal/can/');
  expect(told.length).toBeGreaterThan(4_500);
  expect(told.length).toBeLessThanOrEqual(5_600);
  for (const { id } of many) {
    expect(outlet.of(`car/car1/signal/${id.replaceAll('.', '/')}`).length).toBeGreaterThan(2);
  }
});

test('a lost source takes its values along: uncertain once, and good with the next', async () => {
  const { clock, outlet, take, now } = await startWorld();
  const own = stream('gateway.clock', { hz: 0.1 });
  take(sample(rpm, 800, 5), sample(own, 1, 5));
  now.sources = [{ id: 'obd', status: 'waiting', streams: [rpm, speed] }];
  outlet.forget();
  await clock.advance(5_000);
  expect(outlet.text('car/car1/avail/obd')).toEqual(['offline']);
  expect(outlet.text(RPM)).toEqual(['{"v":800,"t":5,"q":1}']);
  expect(outlet.of('car/car1/signal/gateway/clock')).toEqual([]);
  now.sources = [{ id: 'obd', status: 'ok', streams: [rpm, speed] }];
  take(sample(rpm, 800, 9));
  await clock.advance(1_000);
  expect(outlet.text('car/car1/avail/obd')).toEqual(['offline', 'online']);
  expect(outlet.text(RPM).at(-1)).toBe('{"v":800,"t":9,"q":0}');
});

test('an unchanged value is told every minute for as long as the source is there', async () => {
  const { clock, outlet, take } = await startWorld();
  take(sample(ignition, 1));
  for (let s = 0; s < 180; s += 10) {
    await clock.advance(10_000);
    take(sample(ignition, 1));
  }
  expect(outlet.of('car/car1/signal/obd/ignition').length).toBe(4);
});

test('an event goes out once, by its severity', async () => {
  const { outlet, take } = await startWorld();
  take(
    event(marker, { note: 'x' }, 5),
    event(stream('client.alert', { kind: 'event' }), { severity: 'alarm', text: 'y' }, 6),
    event(stream('obd.dtc', { kind: 'event' }), { severity: 'nonsense' }, 7),
  );
  expect(outlet.of('car/car1/event/')).toEqual([
    {
      ...{ topic: 'car/car1/event/info/marker-lap', qos: 1, retain: false },
      payload: '{"t":5,"stream":"marker.lap","data":{"note":"x"}}',
    },
    {
      ...{ topic: 'car/car1/event/alarm/client-alert', qos: 1, retain: false },
      payload: '{"t":6,"stream":"client.alert","data":{"severity":"alarm","text":"y"}}',
    },
    expect.objectContaining({ topic: 'car/car1/event/info/obd-dtc' }),
  ]);
});

test('receipts and positions are no events for others', async () => {
  const { outlet, take } = await startWorld();
  const ids = ['ingest.phone.face', 'gps', 'gps.fix'];
  take(...ids.map((id) => event(stream(id, { kind: 'event' }), { lat: 1 })));
  expect(outlet.of('car/car1/event/')).toEqual([]);
  take(event(stream('gpsx', { kind: 'event' }), {}));
  expect(outlet.of('car/car1/event/').length).toBe(1);
});

test('a flood of one sort of events is cut and counted, and costs no other sort anything', async () => {
  const { outlet, publisher, take } = await startWorld();
  take(...Array.from({ length: 2_000 }, () => event(marker, {})));
  take(event(stream('obd.dtc', { kind: 'event' }), {}));
  expect(outlet.of('car/car1/event/info/marker-lap').length).toBe(500);
  expect(outlet.of('car/car1/event/info/obd-dtc').length).toBe(1);
  expect(publisher.health().details['dropped']).toBe(1_500);
});

test('an alert is kept while it lasts, and taken away when it has ended', async () => {
  const { outlet, take } = await startWorld();
  take(alertEvent('started', alertOf(), 1));
  expect(outlet.of('car/car1/alert/hot')).toEqual([
    expect.objectContaining({ qos: 1, retain: true }),
  ]);
  outlet.forget();
  const over = alertOf({ endedAt: { epoch: 7, t: 9 }, endedBy: 'cleared' });
  take(alertEvent('ended', over, 9));
  const [last, cleared] = outlet.of('car/car1/alert/hot');
  expect(last).toMatchObject({ retain: false });
  expect(JSON.parse(String(last?.payload))).toMatchObject({ state: 'ended', active: 0 });
  expect(cleared).toEqual({ topic: 'car/car1/alert/hot', payload: '', qos: 1, retain: true });
  expect(outlet.of('car/car1/event/')).toEqual([]);
});

test('at its start it tells what lasts and takes away what an earlier start has left', async () => {
  const { outlet } = await startWorld({
    ongoing: () => [alertEvent('started', alertOf(), 5)],
    left: () => [
      ...['car/car1/alert/hot', 'car/car1/alert/cold', 'car/car1/signal/obd/engine/rpm'],
      ...['car/car1/avail/obd', 'car/car1/avail/eeg', 'car/car1/state', 'homeassistant/x'],
      ...['car/other/alert/hot', 'car/car1/vss/Vehicle/Speed'],
    ],
  });
  expect(outlet.json('car/car1/alert/hot')).toMatchObject([{ state: 'active', level: 'warn' }]);
  const cleared = outlet.messages.filter(({ payload }) => payload === '');
  expect(cleared.map(({ topic }) => topic)).toEqual([
    ...['car/car1/alert/cold', 'car/car1/signal/obd/engine/rpm', 'car/car1/avail/eeg'],
    'car/car1/vss/Vehicle/Speed',
  ]);
  expect(cleared.every(({ retain }) => retain)).toBe(true);
});

test('waves and frames are made for who wants them, with the number that info tells', async () => {
  const eeg = stream('eeg.raw', { kind: 'wave', hz: 512, lsb: 0.1 });
  const can = stream('can.body', { kind: 'frame', hz: 0 });
  const wave: Wave = {
    ...{ kind: 'wave', stream: eeg, t: 5, hz: 512, seq: 3, lost: 0 },
    v: Int16Array.of(1, 2),
  };
  const frame = (t: number): Frame => {
    return { kind: 'frame', stream: can, t, id: 1, extended: false, data: new Uint8Array() };
  };
  const { clock, outlet, take, now } = await startWorld();
  outlet.wanted = new Set();
  now.streams = [rpm, eeg, can];
  take(wave, frame(1), frame(2));
  await clock.advance(3_000);
  expect(outlet.of('car/car1/stream/')).toEqual([]);
  outlet.wanted = new Set(['car/car1/stream/eeg/raw', 'car/car1/stream/can/body']);
  take(wave, frame(3), frame(4));
  take(frame(5));
  await clock.advance(50);
  const bytes = outlet.of('car/car1/stream/').map(({ payload, retain, qos }) => {
    if (typeof payload === 'string') throw new Error('expected bytes');
    expect([retain, qos]).toEqual([false, 0]);
    return Buffer.from(payload);
  });
  const heads = bytes.map((one) => [
    one[0],
    one.readUInt16LE(2),
    one.readUInt32LE(4),
    one.readUInt16LE(16),
  ]);
  const numbers = new Map(
    outlet
      .json('car/car1/info')
      .at(-1)
      .streams.map(({ id, number }: { id: string; number: number }) => [id, number]),
  );
  expect(heads).toEqual([
    [1, numbers.get('eeg.raw'), 3, 2],
    [2, numbers.get('can.body'), 2, 2],
    [2, numbers.get('can.body'), 4, 1],
  ]);
});

test('who wants the frames is asked once a turn', async () => {
  const can = stream('can.body', { kind: 'frame', hz: 0 });
  const { outlet, take } = await startWorld();
  outlet.wanted = new Set();
  const frames = Array.from({ length: 1_000 }, (_, t): Frame => {
    return { kind: 'frame', stream: can, t, id: 1, extended: false, data: new Uint8Array() };
  });
  outlet.asked = 0;
  take(...frames);
  expect(outlet.asked).toBe(1);
});

test('values come under their VSS names where that is wanted, in the units of those', async () => {
  const odometer = stream('obd.vehicle.odometer', { unit: 'km', range: [0, 4e8] });
  const without = await startWorld();
  without.take(sample(speed, 50));
  expect(without.outlet.of('car/car1/vss/')).toEqual([]);
  const { outlet, take } = await startWorld({ vss: true });
  take(sample(speed, 50, 5), sample(odometer, 1_234.5, 6), sample(ignition, 2, 7));
  expect(outlet.json('car/car1/vss/Vehicle/Speed')).toEqual([{ v: 50, t: 5, q: 0 }]);
  expect(outlet.json('car/car1/vss/Vehicle/TraveledDistance')).toEqual([
    { v: 1_234_500, t: 6, q: 0 },
  ]);
  expect(outlet.json('car/car1/vss/Vehicle/LowVoltageSystemState')).toEqual([
    { v: 'ON', t: 7, q: 0 },
  ]);
  expect(outlet.of('car/car1/vss/').every(({ retain, qos }) => retain && qos === 0)).toBe(true);
});

test('streams whose ids make no topic, and those of too many, are counted', async () => {
  const { publisher, outlet, take } = await startWorld();
  take(sample(stream('obd.a'.padEnd(60, 'x')), 1), sample(stream('Obd.B'), 1));
  expect(publisher.counts().dropped).toBe(2);
  const many = Array.from({ length: 4_100 }, (_, i) => stream(`can.body.m${i}.s`));
  take(...many.map((one) => sample(one, 1)));
  expect(publisher.counts().dropped).toBe(2 + 4);
  expect(outlet.of('car/car1/signal/').length).toBeLessThanOrEqual(500);
});

test('a stream that comes to mean another thing begins anew', async () => {
  const { clock, outlet, take } = await startWorld();
  take(sample(speed, 50));
  take(sample({ ...speed }, 50));
  expect(outlet.of(SPEED).length).toBe(1);
  await clock.advance(1_000);
  take(sample({ ...speed, unit: 'm/s' }, 50));
  expect(outlet.of(SPEED).length).toBe(2);
});

test('renewed, it tells a broker that was away all it has told', async () => {
  const { outlet, publisher, take } = await startWorld();
  take(sample(rpm, 800), alertEvent('started', alertOf(), 1));
  publisher.discover();
  outlet.forget();
  publisher.renew();
  const topics = outlet.messages.map(({ topic }) => topic);
  expect(topics.toSorted()).toEqual(
    [
      ...['car/car1/alert/hot', 'car/car1/avail/obd', 'car/car1/info', RPM, 'car/car1/state'],
      ...['car/car1/stats', 'homeassistant/device/car1/config'],
    ].toSorted(),
  );
});

test('a prefix stands before everything but what Home Assistant looks for', async () => {
  const { outlet, publisher, take } = await startWorld({ prefix: 'home/garage/' });
  take(sample(rpm, 800));
  publisher.discover();
  for (const { topic } of outlet.messages) {
    expect(topic).toMatch(/^(home\/garage\/car\/car1\/|homeassistant\/device\/car1\/config$)/);
  }
  const { cmps, availability } = outlet.json('homeassistant/device/car1/config')[0];
  expect(cmps['obd.engine.rpm'].state_topic).toBe(`home/garage/${RPM}`);
  expect(availability).toEqual([{ topic: 'home/garage/car/car1/state' }]);
});

test('its health counts what was published, what was not worth it, and what was left out', async () => {
  const { publisher, take } = await startWorld();
  const before = publisher.counts().published;
  take(sample(rpm, 800));
  take(sample(rpm, 800), sample(rpm, 800.5));
  expect(publisher.health()).toEqual({
    ...{ id: 'mqtt', status: 'ok', text: `${before + 1} messages published` },
    details: { published: before + 1, suppressed: 2, dropped: 0 },
  });
});

test('stopped, it says so, and nothing of it waits any more', async () => {
  const { clock, outlet, take, stop } = await startWorld();
  take(sample(rpm, 800));
  take(sample(rpm, 900));
  await stop();
  await clock.advance(0);
  expect(clock.sleepers).toBe(0);
  expect(outlet.messages.slice(-2)).toEqual([
    { topic: 'car/car1/avail/obd', payload: 'offline', qos: 1, retain: true },
    { topic: 'car/car1/state', payload: 'offline', qos: 1, retain: true },
  ]);
});
