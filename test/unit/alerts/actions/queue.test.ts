import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { Alert, Severity } from '#core/alert.ts';
import { DeliveryError } from '../../../../src/alerts/actions/action.ts';
import type { GateLimits } from '../../../../src/alerts/actions/gate.ts';
import { ActionQueue } from '../../../../src/alerts/actions/queue.ts';
import type { LocalMinute } from '../../../../src/alerts/actions/quiet-hours.ts';
import { alertOf } from '../../../support/alert-fixture.ts';
import { FakeAction, fails, hangs, works } from '../../../support/fake-action.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';

const AWAY = new DeliveryError('UNREACHED', 'nothing listens there');
const BAD = new DeliveryError('REFUSED', 'said 400', { permanent: true });
const HOUR_MS = 3_600_000;

function alert(n: number, severity: Severity = 'warn'): Alert {
  return alertOf({ id: `7-${n}`, severity });
}

/** `warn hook said 400`. */
function logTo(lines: string[]) {
  const say = (level: string) => (fields: object, text: string) => {
    lines.push([level, Object(fields).source, text].join(' '));
  };
  return { info: say('info'), warn: say('warn') };
}

function begin(limits: GateLimits = {}, action = new FakeAction('hook')) {
  const clock = new FakeClock();
  const time: { local: LocalMinute | undefined } = { local: undefined };
  const logged: string[] = [];
  const queue = new ActionQueue(
    { action, ...limits },
    { realTime: clock, localTime: () => time.local, log: logTo(logged) },
  );
  const stop = new AbortController();
  const start = () => {
    const running = queue.run(stop.signal);
    onTestFinished(async () => {
      stop.abort(new Error('the test is over'));
      await running;
      expect(clock.sleepers).toBe(0);
    });
  };
  const count = (name: string) => queue.health().details[name];
  return { action, queue, clock, time, start, count, stop, logged };
}

test('what waits goes out: alarms first, then warnings, the oldest first', async () => {
  const { action, queue, start, count } = begin();
  queue.put('started', alert(1, 'info'));
  queue.put('started', alert(2));
  queue.put('started', alert(3, 'alarm'));
  queue.put('started', alert(4));
  start();
  await settle();
  expect(action.tries).toEqual(['started 7-3', 'started 7-2', 'started 7-4', 'started 7-1']);
  expect(count('delivered')).toBe(4);
});

test('news of one alert keep their order, and go as early as the worst of them', async () => {
  const { action, queue, start } = begin();
  queue.put('started', alert(1));
  queue.put('started', alert(2, 'info'));
  queue.put('escalated', alert(2, 'alarm'));
  start();
  await settle();
  expect(action.tries).toEqual(['started 7-2', 'escalated 7-2', 'started 7-1']);
});

test('a try that fails is made again after 1 s, 2 s, 4 s ... and the state tells', async () => {
  const { action, queue, clock, start, count } = begin();
  action.outcomes.push(fails(AWAY), fails(AWAY), fails(AWAY), works);
  queue.put('started', alert(1));
  start();
  await settle();
  expect(queue.health()).toMatchObject({
    id: 'hook',
    status: 'waiting',
    text: 'nothing listens there, 1 waiting',
  });
  for (const [ms, tries] of [
    [999, 1],
    [1, 2],
    [1_999, 2],
    [1, 3],
    [3_999, 3],
    [1, 4],
  ] as const) {
    await clock.advance(ms);
    expect(action.tries).toHaveLength(tries);
  }
  expect(queue.state).toBe('ok');
  expect(count('retries')).toBe(3);
  expect(queue.health()).toMatchObject({ status: 'ok', details: { delivered: 1, failure: '' } });
});

test('pauses grow to 5 min, and after an hour it is given up', async () => {
  const { action, queue, clock, start, count } = begin();
  action.outcomes.push(fails(AWAY));
  queue.put('started', alert(1));
  start();
  await clock.advance(2 * HOUR_MS);
  // 1, 2, 4 ... 256 s are 511 s for 9 pauses, then as many of 300 s as an hour has room for.
  expect(action.tries).toHaveLength(1 + 9 + Math.floor((3_600 - 511) / 300));
  expect(queue.state).toBe('failed');
  expect([count('failed'), count('waiting')]).toEqual([1, 0]);
});

test('what has failed stays failed until something is delivered', async () => {
  const { action, queue, clock, start } = begin();
  action.outcomes.push(fails(BAD), fails(AWAY), works);
  queue.put('started', alert(1));
  start();
  await settle();
  expect(queue.state).toBe('failed');
  queue.put('started', alert(2));
  await settle();
  expect(queue.state).toBe('failed');
  await clock.advance(1_000);
  expect(queue.state).toBe('ok');
});

test('a refusal is not tried again', async () => {
  const { action, queue, clock, start, count } = begin();
  action.outcomes.push(fails(BAD));
  queue.put('started', alert(1));
  start();
  await clock.advance(HOUR_MS);
  expect(action.tries).toHaveLength(1);
  expect(count('failed')).toBe(1);
});

test('an alarm does not wait for the pause of others, unless the other end wants one', async () => {
  const { action, queue, clock, start } = begin();
  action.outcomes.push(fails(AWAY), fails(AWAY), works);
  queue.put('started', alert(1));
  start();
  await settle();
  queue.put('started', alert(2));
  await settle();
  expect(action.tries).toEqual(['started 7-1']);
  queue.put('started', alert(3, 'alarm'));
  await settle();
  expect(action.tries).toEqual(['started 7-1', 'started 7-3']);
  await clock.advance(2_000);
  expect(action.tries.slice(2)).toEqual(['started 7-3', 'started 7-2', 'started 7-1']);

  const busy = new DeliveryError('REFUSED', 'said 429', { retryAfterMs: 60_000 });
  action.outcomes.splice(0, 1, fails(busy), works);
  queue.put('started', alert(4));
  await settle();
  queue.put('started', alert(5, 'alarm'));
  await clock.advance(59_999);
  expect(action.tries).toHaveLength(6);
  await clock.advance(1);
  expect(action.tries.slice(6)).toEqual(['started 7-5', 'started 7-4']);
});

test('a delivery that takes too long is ended and tried again', async () => {
  const { action, queue, clock, start } = begin();
  action.outcomes.push(hangs, works);
  queue.put('started', alert(1));
  start();
  await clock.advance(19_999);
  expect(queue.state).toBe('ok');
  await clock.advance(1);
  expect(action.aborted).toBe(true);
  expect(queue.health().text).toBe('hook: not done in 20 s, 1 waiting');
  await clock.advance(1_000);
  expect(queue.state).toBe('ok');
});

test('a bug in an action is no failure: it ends the worker', async () => {
  const { action, queue, stop } = begin();
  action.outcomes.push(fails(new TypeError('x is not a function')));
  queue.put('started', alert(1));
  await expect(queue.run(stop.signal)).rejects.toThrow(TypeError);
});

test('at the limit the oldest of the least severe goes, and is counted', async () => {
  const { action, queue, start, count } = begin();
  queue.put('started', alert(1));
  queue.put('started', alert(2, 'info'));
  queue.put('started', alert(3, 'info'));
  for (let n = 4; n <= 100; n++) queue.put('started', alert(n, 'alarm'));
  queue.put('started', alert(101, 'alarm'));
  expect([queue.has('7-2'), queue.has('7-3'), count('dropped')]).toEqual([false, true, 1]);
  queue.put('started', alert(102, 'info'));
  queue.put('started', alert(103, 'info'));
  expect([queue.has('7-3'), queue.has('7-102'), queue.has('7-103')]).toEqual([false, false, true]);
  for (let n = 104; n <= 106; n++) queue.put('started', alert(n, 'alarm'));
  expect([queue.has('7-1'), queue.has('7-4'), queue.has('7-106')]).toEqual([false, false, true]);
  expect([count('dropped'), count('waiting')]).toEqual([6, 100]);
  start();
  await settle();
  expect(action.tries).toHaveLength(100);
});

test('quiet hours hold what is no alarm until they are over', async () => {
  const { action, queue, clock, time, start } = begin({ quiet: { from: '22:00', to: '06:00' } });
  time.local = { minute: 5 * 60 + 58, msToNextMinute: 30_000 };
  queue.put('started', alert(1));
  queue.put('started', alert(2, 'alarm'));
  start();
  await settle();
  expect(action.tries).toEqual(['started 7-2']);
  await clock.advance(30_000);
  time.local = { minute: 5 * 60 + 59, msToNextMinute: 60_000 };
  await clock.advance(59_999);
  expect(action.tries).toHaveLength(1);
  time.local = { minute: 6 * 60, msToNextMinute: 60_000 };
  await clock.advance(60_000);
  expect(action.tries).toEqual(['started 7-2', 'started 7-1']);
});

test('what is over the rate limit waits, and alarms have a share of their own', async () => {
  const { action, queue, clock, start } = begin({ perHour: 4 });
  for (let n = 1; n <= 5; n++) queue.put('started', alert(n));
  start();
  await settle();
  expect(action.tries).toHaveLength(3);
  queue.put('started', alert(6, 'alarm'));
  queue.put('started', alert(7, 'alarm'));
  await settle();
  expect(action.tries.slice(3)).toEqual(['started 7-6']);
  await clock.advance(HOUR_MS / 4);
  expect(action.tries.slice(4)).toEqual(['started 7-7']);
  await clock.advance(HOUR_MS / 2);
  expect(action.tries.slice(5)).toEqual(['started 7-4']);
  await clock.advance(HOUR_MS / 4);
  expect(action.tries.slice(6)).toEqual(['started 7-5']);
});

test('no hour brings more than twice the rate limit, whatever comes', async () => {
  const severity = fc.constantFrom<Severity>('info', 'warn', 'alarm');
  const burst = fc.record({ severity, count: fc.nat(20), pauseMs: fc.nat(HOUR_MS) });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.array(burst, { maxLength: 6 }),
      async (perHour, bursts) => {
        const { action, queue, clock, stop } = begin({ perHour });
        const times: number[] = [];
        action.outcomes.push(() => {
          times.push(clock.now() / 1000);
          return Promise.resolve();
        });
        const running = queue.run(stop.signal);
        let n = 0;
        for (const { severity, count, pauseMs } of bursts) {
          for (let i = 0; i < count; i++) queue.put('started', alert(++n, severity));
          await clock.advance(pauseMs);
        }
        stop.abort(new Error('the test is over'));
        await running;
        for (const from of times) {
          const hour = times.filter((t) => t >= from && t < from + HOUR_MS);
          expect(hour.length).toBeLessThanOrEqual(2 * perHour);
        }
        const total = bursts.reduce((sum, { count }) => sum + count, 0);
        expect(times.length).toBeGreaterThanOrEqual(Math.min(total, Math.ceil(perHour * 0.75)));
      },
    ),
    { numRuns: 30 },
  );
});

test('a buzzer tells once of everything that waits, and never tries again', async () => {
  const { action, queue, clock, start, count } = begin({}, new FakeAction('b', 'buzzer'));
  queue.put('started', alert(1, 'info'));
  queue.put('started', alert(2, 'alarm'));
  queue.put('started', alert(3));
  start();
  await settle();
  expect(action.tries).toEqual(['started 7-2']);
  expect([count('delivered'), count('waiting')]).toEqual([3, 0]);
  action.outcomes.push(fails(AWAY));
  queue.put('started', alert(4));
  await clock.advance(HOUR_MS);
  expect(action.tries).toHaveLength(2);
  expect(queue.state).toBe('failed');
});

test('what is withdrawn goes nowhere, and what is under way ends', async () => {
  const { action, queue, start, count } = begin();
  action.outcomes.push(hangs, works);
  queue.put('started', alert(1));
  queue.put('started', alert(2));
  start();
  await settle();
  queue.withdraw('7-2');
  queue.withdraw('7-1');
  await settle();
  expect(action.aborted).toBe(true);
  expect(action.tries).toEqual(['started 7-1']);
  expect([count('withdrawn'), queue.state, queue.has('7-1')]).toEqual([2, 'ok', false]);
});

test('a sound for two alerts goes on while one of them is wanted', async () => {
  const { action, queue, start } = begin({}, new FakeAction('b', 'buzzer'));
  action.outcomes.push(hangs);
  queue.put('started', alert(1));
  queue.put('started', alert(2));
  start();
  await settle();
  queue.withdraw('7-1');
  await settle();
  expect(action.aborted).toBe(false);
  queue.withdraw('7-2');
  await settle();
  expect(action.aborted).toBe(true);
});

test('a test waits for its turn, tells what is wrong, and ends the pause when nothing is', async () => {
  const { action, queue, clock, start } = begin();
  action.outcomes.push(fails(AWAY), fails(AWAY), works);
  queue.put('started', alert(1));
  start();
  await settle();
  const { signal } = new AbortController();
  await expect(queue.test(alert(9), signal)).rejects.toBe(AWAY);
  expect(queue.state).toBe('failed');
  await queue.test(alert(9), signal);
  await settle();
  expect(action.tries.slice(1)).toEqual(['started 7-9', 'started 7-9', 'started 7-1']);
  expect(queue.state).toBe('ok');
  expect(clock.now()).toBe(0);
});

test('the log tells once that it fails, and once that it works again', async () => {
  const { action, queue, clock, start, logged } = begin();
  action.outcomes.push(fails(AWAY), fails(BAD), fails(AWAY), works);
  queue.put('started', alert(1));
  queue.put('started', alert(2));
  start();
  await clock.advance(60_000);
  expect(action.tries.length).toBeGreaterThan(3);
  expect(logged).toEqual(['warn hook nothing listens there', 'info hook it works again']);
});
