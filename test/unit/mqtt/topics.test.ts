import fc from 'fast-check';
import { expect, test } from 'vitest';
import { covers, matches, overlaps, Topics } from '../../../src/mqtt/topics.ts';

const topics = new Topics('car-1');

test('every name is where clients look for it', () => {
  expect(topics.state).toBe('car/car-1/state');
  expect(topics.info).toBe('car/car-1/info');
  expect(topics.stats).toBe('car/car-1/stats');
  expect(topics.discovery).toBe('homeassistant/device/car-1/config');
  expect(topics.avail('obd')).toBe('car/car-1/avail/obd');
  expect(topics.signal('obd.engine.rpm')).toBe('car/car-1/signal/obd/engine/rpm');
  expect(topics.vss('Vehicle.Speed')).toBe('car/car-1/vss/Vehicle/Speed');
  expect(topics.stream('eeg.raw')).toBe('car/car-1/stream/eeg/raw');
  expect(topics.event('warn', 'blink')).toBe('car/car-1/event/warn/blink');
  expect(topics.alert('coolant-hot')).toBe('car/car-1/alert/coolant-hot');
  expect(topics.ingest('face.perclos')).toBe('car/car-1/ingest/face/perclos');
  expect(topics.request('dtc')).toBe('car/car-1/request/dtc');
  expect(topics.response('dtc')).toBe('car/car-1/response/dtc');
  expect(topics.request('session/start')).toBe('car/car-1/request/session/start');
  expect(topics.response('session/start')).toBe('car/car-1/response/session/start');
  expect(topics.all('signal')).toBe('car/car-1/signal/#');
});

test('what does not fit has no topic', () => {
  expect(topics.signal('a.b.c.d.e')).toBe('car/car-1/signal/a/b/c/d/e');
  expect(topics.signal('a.b.c.d.e.f')).toBeUndefined();
  expect(topics.signal('a'.repeat(23))).toBeDefined();
  expect(topics.signal('a'.repeat(24))).toBeUndefined();
  for (const id of ['', '.', 'a..b', 'a.', 'A.b', 'a b', 'a/b', '+', '#', 'ä', 'a.#', '$SYS']) {
    expect(topics.signal(id), id).toBeUndefined();
    expect(topics.ingest(id), id).toBeUndefined();
  }
  expect(topics.alert('a'.repeat(40))).toBeDefined();
  expect(topics.alert('a'.repeat(41))).toBeUndefined();
  for (const command of ['', '/', 'a/', '/a', 'a//b', 'A/b', 'a/+', 'a/#', 'a.b', 'a/b/c/d/e/f']) {
    expect(topics.request(command), command).toBeUndefined();
    expect(topics.response(command), command).toBeUndefined();
  }
  expect(topics.vss('Vehicle.Cabin.Door.Row1.DriverSide')).toBeDefined();
  expect(topics.vss('Vehicle.Cabin.Door.Row1.DriverSide.IsOpen')).toBeUndefined();
  expect(topics.vss('Vehicle.#')).toBeUndefined();
});

test('a stream is found again in every topic that is made of it', () => {
  const level = fc.stringMatching(/^[a-z0-9_-]{1,23}$/);
  const id = fc.array(level, { minLength: 1, maxLength: 7 }).map((levels) => levels.join('.'));
  fc.assert(
    fc.property(id, (one) => {
      for (const group of ['signal', 'stream', 'ingest'] as const) {
        const topic = topics[group](one);
        expect(topic === undefined).toBe(one.split('.').length > 5);
        if (topic !== undefined) expect(topics.streamOf(topic)).toBe(one);
      }
    }),
  );
});

test('only what is made here is parsed', () => {
  expect(topics.parse('car/car-1/state')).toEqual({ group: 'state', rest: [] });
  expect(topics.parse('car/car-1/signal/a/b')).toEqual({ group: 'signal', rest: ['a', 'b'] });
  expect(topics.parse('car/car-1/event/warn/x')).toEqual({ group: 'event', rest: ['warn', 'x'] });
  for (const group of ['request', 'response'] as const) {
    const rest = ['session', 'start'];
    expect(topics.parse(`car/car-1/${group}/session/start`)).toEqual({ group, rest });
  }
  expect(topics.parse('car/car-1/vss/Vehicle/Speed')?.rest).toEqual(['Vehicle', 'Speed']);
  const others = [
    ...[
      '',
      'car',
      'car/car-1',
      'car/car-1/',
      'car/car-12/state',
      'car/other/state',
      'bus/car-1/state',
    ],
    ...['car/car-1/state/x', 'car/car-1/signal', 'car/car-1/signal/', 'car/car-1/signal/A'],
    ...[
      'car/car-1/event/warn',
      'car/car-1/event/warn/x/y',
      'car/car-1/alert',
      'car/car-1/alert/a/b',
    ],
    ...['car/car-1/nothing', 'car/car-1/constructor', 'car/car-1/signal/a.b', 'car/car-1/signal/#'],
    ...['/car/car-1/state', 'car/car-1/request', 'car/car-1/toString/x', 'car/car-1/state/'],
  ];
  for (const topic of others) expect(topics.parse(topic), topic).toBeUndefined();
  expect(topics.streamOf('car/car-1/avail/obd')).toBeUndefined();
});

test('values and figures are busy, and what is told once is not', () => {
  for (const busy of ['signal/obd/speed', 'vss/Vehicle/Speed', 'stats']) {
    expect(topics.isBusy(`car/car-1/${busy}`), busy).toBe(true);
  }
  for (const quiet of ['state', 'info', 'avail/obd', 'alert/coolant-hot', 'signal']) {
    expect(topics.isBusy(`car/car-1/${quiet}`), quiet).toBe(false);
  }
  expect(topics.isBusy('homeassistant/device/car-1/config')).toBe(false);
});

// MQTT 3.1.1 clause 4.7: its own examples, and those of clause 4.7.2.
test.each([
  ['sport/tennis/player1/#', 'sport/tennis/player1', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
  ['sport/#', 'sport', true],
  ['#', 'sport/tennis', true],
  ['sport/tennis/+', 'sport/tennis/player1', true],
  ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['+/+', '/finance', true],
  ['/+', '/finance', true],
  ['+', '/finance', false],
  ['#', '$SYS/uptime', false],
  ['+/monitor/Clients', '$SYS/monitor/Clients', false],
  ['$SYS/#', '$SYS/uptime', true],
  ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
  ['a', 'a', true],
  ['a', 'A', false],
  ['a/b', 'a', false],
  ['+/tennis/#', 'sport/tennis', true],
  ['a/b', 'a/b/c', false],
])('%s and %s: %s', (filter, topic, expected) => {
  expect(matches(filter, topic)).toBe(expected);
});

const LEVELS = fc.constantFrom('a', 'b', '+');
const FILTERS = fc
  .tuple(fc.array(LEVELS, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));
const NAMES = ['a', 'b', 'c'];
/** Every topic of up to four levels that these filters can tell apart. */
const ALL = [1, 2, 3, 4].flatMap((n) =>
  Array.from({ length: NAMES.length ** n }, (_, i) =>
    Array.from(
      { length: n },
      (_, k) => NAMES[Math.floor(i / NAMES.length ** k) % NAMES.length],
    ).join('/'),
  ),
);

test('a filter covers and overlaps another exactly as the topics that they match do', () => {
  fc.assert(
    fc.property(FILTERS, FILTERS, (a, b) => {
      const inA = ALL.filter((topic) => matches(a, topic));
      const inB = ALL.filter((topic) => matches(b, topic));
      expect(overlaps(a, b)).toBe(inA.some((topic) => inB.includes(topic)));
      expect(covers(a, b)).toBe(inB.every((topic) => inA.includes(topic)));
    }),
    { numRuns: 500 },
  );
});
