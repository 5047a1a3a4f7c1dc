import { expect, onTestFinished, test, vi } from 'vitest';
import type { Alert, AlertNews, AlertRule, Instant } from '#core/alert.ts';
import { Bus } from '#core/bus.ts';
import type { Clock } from '#core/clock.ts';
import type { Micros, Reading, Stream } from '#core/stream.ts';
import { AlertBook } from '../../../src/alerts/book.ts';
import { AlertEngine } from '../../../src/alerts/engine.ts';
import { KnownStreams } from '../../../src/alerts/known-streams.ts';
import { Rules } from '../../../src/alerts/rules.ts';
import { RuleSet } from '../../../src/alerts/watch/rule-set.ts';
import { alertOf, HOT as FIXTURE, MemoryRecords } from '../../support/alert-fixture.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

const EPOCH = 7;
/** No rule that comes with the gateway watches it. */
const COOLANT: Stream = {
  ...{ id: 'oven.coolant', name: 'Coolant', unit: 'Cel', range: [-40, 215], hz: 1 },
  kind: 'sample',
};
const HOT: AlertRule = {
  ...{ ...FIXTURE, stream: COOLANT.id, when: { op: '>', value: 110, clear: 105 } },
};
const SILENT: AlertRule = { ...HOT, id: 'silent', when: { op: 'stale', value: 5 } };
/** A clock whose sleeps end late when a test holds the event loop up. */
class StallingClock implements Clock {
  readonly fake = new FakeClock();
  stalledUs: Micros = 0;
  now = (): Micros => this.fake.now() + this.stalledUs;
  sleep = (ms: number, signal?: AbortSignal): Promise<void> => this.fake.sleep(ms, signal);
}

interface World {
  readonly rules?: readonly AlertRule[];
  readonly alerts?: readonly Alert[];
  readonly momentOf?: (at: Instant) => Micros | undefined;
  readonly speed?: number;
}

function create({ rules = [HOT], alerts = [], momentOf, speed = 1 }: World = {}) {
  const clock = new StallingClock();
  const ruleRecords = new MemoryRecords<string, AlertRule>(rules);
  const alertRecords = new MemoryRecords<string, Alert>(alerts);
  const told: string[] = [];
  const tell = (news: AlertNews, { rule, severity }: Alert) => {
    told.push(`${news} ${rule.id} ${severity} ${clock.now() / 1e6}`);
    return [];
  };
  const bus = new Bus(setImmediate);
  const book = new AlertBook(alertRecords, {
    ...{ epoch: EPOCH, now: () => clock.now(), emit: bus.emit, notify: tell },
  });
  const known = new KnownStreams(() => [COOLANT], []);
  const kept = new Rules(ruleRecords, {
    surroundings: () => known.surroundings(),
    changed: (all) => engine.setRules(all),
    tell: () => {},
  });
  const situation = { localTime: () => undefined, studies: new Set<string>() };
  const engine = new AlertEngine({
    ruleSet: new RuleSet(situation, (id) => known.find(id)),
    ...{ rules: kept, book, realTime: clock, speed },
    clock: { now: () => clock.now() * speed, sleep: clock.sleep },
    momentOf: momentOf ?? (() => undefined),
  });
  bus.first(engine.take);
  const hear = (v: number, t = clock.now()): void => {
    bus.emit({ kind: 'sample', stream: COOLANT, t, v });
  };
  const run = () => {
    const stop = new AbortController();
    const running = engine.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
      expect(clock.fake.sleepers).toBe(0);
    });
  };
  const details = () => engine.health().details;
  return {
    clock,
    bus,
    book,
    engine,
    told,
    hear,
    run,
    details,
    ruleRecords,
    alertRecords,
    rules: kept,
  };
}

test('an alert is there before anybody else hears of the reading', () => {
  const { bus, engine, hear, told } = create();
  engine.resume();
  const seen: Reading[] = [];
  bus.attach({ name: 'slow', capacity: 9, take: (batch) => void seen.push(...batch) });
  hear(120);
  expect(told).toEqual(['started hot warn 0']);
  expect(seen).toEqual([]);
});

test('how long it took is told', async () => {
  const { clock, engine, hear, details } = create();
  engine.resume();
  await clock.fake.advance(1_000);
  expect(details()).toMatchObject({ latencyMsP50: null });
  hear(120, clock.now() - 30_000);
  expect(details()).toMatchObject({ latencyMsP50: 30, ongoing: 1, started: 1 });
});

test('how long it took is told in real time, however fast the other one passes', () => {
  const { clock, engine, hear, details } = create({ speed: 10 });
  engine.resume();
  clock.stalledUs = 50_000;
  hear(120, 200_000);
  expect(details()).toMatchObject({ latencyMsP50: 30 });
});

test('silence is found by time alone, and not before a late reading had its chance', async () => {
  const { clock, engine, hear, run, told, book } = create({ rules: [SILENT] });
  engine.resume();
  run();
  hear(90);
  await clock.fake.advance(5_200);
  expect(told).toEqual([]);
  await clock.fake.advance(100);
  expect(told).toEqual(['started silent warn 5.3']);
  // Whenever it was looked at, it counts to its own time.
  expect(book.ongoing()[0]?.startedAt).toEqual({ epoch: EPOCH, t: 5e6 });
});

test('a stall of the event loop is no silence', async () => {
  const { clock, engine, hear, run, told, details } = create({ rules: [SILENT] });
  engine.resume();
  run();
  hear(90);
  await clock.fake.advance(4_000);
  // Ten seconds in which nothing was read; then the timer is the first to come.
  clock.stalledUs = 10e6;
  await clock.fake.advance(100);
  expect([told, details()['stalls']]).toEqual([[], 1]);
  // What waited in the meantime is read, and silence would have been wrong.
  for (let s = 1; s <= 14; s++) hear(90, s * 1e6);
  await clock.fake.advance(1_000);
  expect(told).toEqual([]);
  await clock.fake.advance(5_000);
  expect(told).toEqual(['started silent warn 19.32']);
});

test('stall after stall hides no silence', async () => {
  const { clock, engine, hear, run, told } = create({ rules: [SILENT] });
  engine.resume();
  run();
  hear(90);
  // Not one sleep ends in time.
  for (let n = 0; n < 25; n++) {
    clock.stalledUs += 400_000;
    await clock.fake.advance(20);
  }
  expect(told).toEqual([expect.stringContaining('started silent warn')]);
});

test('after a stall with nothing to be read silence is told 20 ms later', async () => {
  const { clock, engine, hear, run, told } = create({ rules: [SILENT] });
  engine.resume();
  run();
  hear(90);
  await clock.fake.advance(100);
  clock.stalledUs = 10e6;
  await clock.fake.advance(119);
  expect(told).toEqual([]);
  await clock.fake.advance(1);
  expect(told).toEqual(['started silent warn 10.22']);
});

test('time that passes faster leaves readings as much real time to come', async () => {
  const { clock, engine, hear, run, told } = create({ rules: [SILENT], speed: 10 });
  engine.resume();
  run();
  hear(90);
  await clock.fake.advance(700);
  expect(told).toEqual([]);
  await clock.fake.advance(100);
  expect(told).toHaveLength(1);
});

const LASTING = alertOf({ id: '6-3', startedAt: { epoch: 6, t: 1e6 } });

test('after a restart an alert goes on, and is not started again', () => {
  const { engine, hear, book, told } = create({ alerts: [LASTING] });
  expect(engine.resume()).toEqual([LASTING]);
  expect(book.ongoing()).toEqual([LASTING]);
  hear(107);
  hear(120, 1e6);
  expect(told).toEqual([]);
  hear(90, 2e6);
  expect(told).toEqual(['ended hot warn 0']);
});

test('without its rule it is closed: the rule was changed', async () => {
  const { engine, book, told, alertRecords } = create({ rules: [], alerts: [LASTING] });
  expect(engine.resume()).toEqual([]);
  expect([book.ongoing(), told]).toEqual([[], ['ended hot warn 0']]);
  await settle();
  expect(alertRecords.items.get('6-3')).toMatchObject({
    endedBy: 'changed',
    endedAt: { epoch: EPOCH, t: 0 },
  });
});

const WORSE: AlertRule = { ...HOT, escalate: [{ afterMs: 10_000, severity: 'alarm' }] };

test('the time before a restart counts where it is known', async () => {
  const momentOf = vi.fn(() => -8e6);
  const { engine, hear, told, clock } = create({ rules: [WORSE], alerts: [LASTING], momentOf });
  engine.resume();
  expect(momentOf).toHaveBeenCalledWith(LASTING.startedAt);
  for (const s of [0, 1, 2]) {
    hear(120);
    expect([s, told]).toEqual([s, s < 2 ? [] : ['escalated hot alarm 2']]);
    await clock.fake.advance(1_000);
  }
});

test('acknowledged, it gets no worse by time, also over a restart', async () => {
  const first = create({ rules: [WORSE] });
  first.engine.resume();
  first.run();
  first.hear(120);
  await first.clock.fake.advance(5_000);
  const [alert] = first.book.ongoing();
  const acknowledged = await first.engine.acknowledge(alert?.id ?? '', 'Ada');
  first.hear(120);
  await first.clock.fake.advance(20_000);
  expect(first.told).toEqual(['started hot warn 0', 'acknowledged hot warn 5']);
  const then = create({ rules: [WORSE], alerts: [acknowledged], momentOf: () => -60e6 });
  then.engine.resume();
  then.hear(120);
  await then.clock.fake.advance(30_000);
  then.hear(120);
  expect(then.told).toEqual([]);
});

test('not acknowledged, it does', async () => {
  const { engine, hear, run, told, clock } = create({ rules: [WORSE] });
  engine.resume();
  run();
  hear(120);
  await clock.fake.advance(20_000);
  expect(told).toEqual(['started hot warn 0', 'escalated hot alarm 10.3']);
});

test('what the disk did not take is written within a second of its being better', async () => {
  const { engine, hear, run, clock, alertRecords } = create();
  engine.resume();
  run();
  alertRecords.failing = true;
  hear(120);
  await clock.fake.advance(3_000);
  expect(engine.health()).toMatchObject({
    status: 'waiting',
    text: 'deciding, but nothing of it is kept: the disk takes nothing',
  });
  alertRecords.failing = false;
  await clock.fake.advance(1_100);
  expect(alertRecords.list()).toHaveLength(1);
  expect(engine.health()).toMatchObject({
    status: 'ok',
    text: expect.stringContaining('1 alert now'),
  });
});

test('what is being written at the stop is written, and what waits behind it', async () => {
  const { engine, hear, alertRecords } = create();
  engine.resume();
  const stop = new AbortController();
  const running = engine.run(stop.signal);
  hear(120);
  hear(90);
  stop.abort();
  await running;
  expect(alertRecords.list()).toMatchObject([{ endedBy: 'cleared' }]);
});

test('a disk that answers no more holds a stop up for 2 s', async () => {
  const { clock, engine, hear, alertRecords } = create();
  engine.resume();
  alertRecords.put = () => new Promise(() => {});
  const stop = new AbortController();
  const stopped = vi.fn();
  void engine.run(stop.signal).then(stopped);
  hear(120);
  stop.abort();
  await clock.fake.advance(1_999);
  expect(stopped).not.toHaveBeenCalled();
  await clock.fake.advance(1);
  expect(stopped).toHaveBeenCalled();
});

test('an alert that ends by the alert beside it ends, and does not stay for ever', () => {
  const alertIs = (severity: string): AlertRule & { when: { op: 'event' } } => ({
    ...{ ...HOT, id: 'first', stream: 'alert', unit: undefined, severity: 'info' },
    when: { op: 'event', match: { severity } },
  });
  const first = alertIs('warn');
  const second: AlertRule = {
    ...{ ...first, id: 'second', severity: 'alarm' },
    when: { ...first.when, until: { severity: 'info' } },
  };
  const { engine, hear, book, told } = create({ rules: [HOT, first, second] });
  engine.resume();
  hear(120);
  expect(told).toEqual([
    'started hot warn 0',
    'started first info 0',
    'started second alarm 0',
    'ended second alarm 0',
  ]);
  expect(book.ongoing().map(({ rule }) => rule.id)).toEqual(['hot', 'first']);
});

test('a rule that is changed ends its alert; one that is not goes on with what it knows', () => {
  const other = { ...HOT, id: 'other' };
  const { engine, hear, told } = create({ rules: [HOT, other] });
  engine.resume();
  hear(120);
  engine.setRules([HOT, { ...other, holdMs: 1 }]);
  expect(told).toEqual(['started hot warn 0', 'started other warn 0', 'ended other warn 0']);
});
