import { getEventListeners } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import type { Clock } from '#core/clock.ts';
import { LinkError, type LinkErrorCode } from '#core/errors.ts';
import type { Emit, Reading, Stream } from '#core/stream.ts';
import { memoryPort } from '../../../src/io/memory.ts';
import type { Source } from '../../../src/sources/source.ts';
import { type Status, supervise } from '../../../src/sources/supervise.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

const SILENCE_MS = 4_000;
const stream: Stream = { id: 'x', name: 'X', unit: '1', range: [0, 1], hz: 1, kind: 'sample' };

type Run = (emit: Emit, signal: AbortSignal, clock: Clock) => Promise<void>;

/** A supervised source whose n-th connection is the n-th of `runs`, and the last one from then on. */
function start(...runs: readonly [Run, ...Run[]]) {
  const clock = new FakeClock();
  const stopping = new AbortController();
  const statuses: Status[] = [];
  const readings: Reading[] = [];
  let connections = 0;
  const source: Source = {
    id: 'fake',
    streams: [stream],
    silenceMs: SILENCE_MS,
    run: (emit, clock, signal) => (runs[connections++] ?? runs.at(-1) ?? lost)(emit, signal, clock),
    health: () => ({}),
  };
  const { signal } = stopping;
  const report = (status: Status): void => void statuses.push(status);
  const emit: Emit = (reading) => void readings.push(reading);
  const done = supervise(source, { emit, clock, signal, report });
  done.catch(() => {}); // The tests that expect a rejection look at `done` themselves.
  open.push(() => stopping.abort());
  return {
    clock,
    stopping,
    statuses,
    readings,
    done,
    connections: () => connections,
    states: () => statuses.map(({ state }) => state),
    pauses: () => statuses.flatMap((one) => (one.state === 'waiting' ? [one.retryMs] : [])),
    errors: () => statuses.flatMap((one) => (one.state === 'waiting' ? [one.error] : [])),
  };
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const stop of open.splice(0)) stop();
});

function fail(code: LinkErrorCode): Promise<never> {
  return Promise.reject(new LinkError(code, `fake: ${code}`));
}

const lost: Run = () => fail('LINK_LOST');
const data: Run = (emit) => {
  emit({ kind: 'sample', stream, t: 0, v: 1 });
  return fail('LINK_LOST');
};
/** Stays open and says nothing until it is stopped. */
const silent: Run = (_, signal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
/** Brings data once a second until it is stopped. */
const steady: Run = async (emit, signal, clock) => {
  while (true) {
    await clock.sleep(1_000, signal);
    emit({ kind: 'sample', stream, t: clock.now(), v: 1 });
  }
};

test('pauses double from half a second to two, each as long as reported', async () => {
  const { clock, connections, pauses } = start(lost);
  await settle();
  for (const [index, ms] of [500, 1_000, 2_000, 2_000, 2_000].entries()) {
    expect([connections(), pauses().at(-1)]).toEqual([index + 1, ms]);
    await clock.advance(ms - 1);
    expect(connections()).toBe(index + 1);
    await clock.advance(1);
  }
});

test('data makes the next pause the first one again; an opened link without data does not', async () => {
  const { clock, pauses } = start(lost, lost, data, lost, lost, silent);
  await clock.advance(20_000);
  expect(pauses()).toEqual([500, 1_000, 500, 1_000, 2_000, 2_000, 2_000]);
});

test('the states are told in order, each once', async () => {
  const { clock, states, readings } = start(lost, data, steady);
  await clock.advance(10_000);
  expect(states()).toEqual([
    'starting',
    'waiting',
    'starting',
    'running',
    'waiting',
    'starting',
    'running',
  ]);
  expect(readings.length).toBeGreaterThan(5);
});

test('a failure is reported with the error of the source', async () => {
  const { errors } = start(() => fail('OPEN_FAILED'));
  await settle();
  expect(errors()).toMatchObject([{ code: 'OPEN_FAILED', message: 'fake: OPEN_FAILED' }]);
});

test('a link that ends without an error is lost as well', async () => {
  const { clock, errors, connections } = start(() => Promise.resolve(), silent);
  await clock.advance(500);
  expect(errors()).toMatchObject([{ code: 'LINK_LOST' }]);
  expect(connections()).toBe(2);
});

test('a bug is not retried but ends the supervision, whether thrown or rejected', async () => {
  const bug = new TypeError('bug');
  const throwing: Run = () => {
    throw bug;
  };
  for (const broken of [throwing, () => Promise.reject(bug)]) {
    const { clock, done, connections } = start(lost, broken);
    await clock.advance(60_000);
    await expect(done).rejects.toBe(bug);
    expect([connections(), clock.sleepers]).toEqual([2, 0]);
  }
});

test('a silent link counts as lost after its limit, not before', async () => {
  const { clock, errors, states } = start(silent);
  await clock.advance(SILENCE_MS - 1);
  expect(states()).toEqual(['starting']);
  await clock.advance(1);
  expect(states()).toEqual(['starting', 'waiting']);
  expect(errors()).toMatchObject([{ code: 'NO_DATA', message: 'no data for 4 s' }]);
});

test('a silent link is reported as silent, however its source stops', async () => {
  const resolving: Run = (_, signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  const ownWords: Run = (_, signal) =>
    new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(new LinkError('LINK_LOST', 'closed'))),
    );
  for (const run of [silent, resolving, ownWords]) {
    const { clock, errors } = start(run);
    await clock.advance(SILENCE_MS);
    expect(errors()).toMatchObject([{ code: 'NO_DATA' }]);
  }
});

test('a link that falls silent after data is lost within a limit and a quarter', async () => {
  const once: Run = async (emit, signal, clock) => {
    await clock.sleep(SILENCE_MS / 4 + 1, signal);
    emit({ kind: 'sample', stream, t: clock.now(), v: 1 });
    await silent(emit, signal, clock);
  };
  const { clock, states } = start(once);
  await clock.advance(SILENCE_MS / 4 + 1 + SILENCE_MS);
  expect(states()).toEqual(['starting', 'running']);
  await clock.advance(SILENCE_MS / 4);
  expect(states()).toEqual(['starting', 'running', 'waiting']);
});

test('a link that brings data is left alone for as long as it does', async () => {
  const { clock, states, readings } = start(steady);
  await clock.advance(3_600_000);
  expect(states()).toEqual(['starting', 'running']);
  expect(readings).toHaveLength(3_600);
});

test('an error and then a close are one failure and one retry', async () => {
  const reading: Run = async (_, signal) => {
    const { port, device } = memoryPort(() => {});
    signal.addEventListener('abort', () => device.hangUp(), { once: true });
    device.hangUp(new LinkError('LINK_LOST', 'first'));
    device.hangUp(new LinkError('LINK_LOST', 'second'));
    for await (const _ of port.input);
  };
  const { clock, errors, connections } = start(reading, silent);
  await clock.advance(500);
  expect(errors().map(({ message }) => message)).toEqual(['first']);
  expect([connections(), clock.sleepers]).toEqual([2, 1]);
});

test('an abort while it runs, while it opens and while it waits ends it without a report', async () => {
  for (const [run, elapsedMs] of [
    [steady, 2_500],
    [silent, 1],
    [lost, 250],
  ] as const) {
    const { clock, stopping, done, statuses, connections } = start(run);
    await clock.advance(elapsedMs);
    const before = [...statuses];
    stopping.abort();
    await done;
    await clock.advance(60_000);
    expect(statuses).toEqual(before);
    expect([connections(), clock.sleepers]).toEqual([1, 0]);
  }
});

test('what a source throws while it is being stopped is its own affair', async () => {
  const stubborn: Run = (_, signal) =>
    new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(new TypeError('half open'))),
    );
  const { stopping, done } = start(stubborn);
  await settle();
  stopping.abort();
  await expect(done).resolves.toBeUndefined();
});

test('nothing is opened when it was stopped before it began', async () => {
  const stopping = new AbortController();
  stopping.abort();
  const report = (): never => {
    throw new Error('must not be called');
  };
  const source = { id: 'x', streams: [], silenceMs: 1, run: report, health: () => ({}) };
  const clock = new FakeClock();
  await supervise(source, { emit: report, clock, signal: stopping.signal, report });
});

test('a connection gets a signal of its own, which has ended once the connection has', async () => {
  const signals: AbortSignal[] = [];
  const { clock, stopping } = start((_, signal) => {
    signals.push(signal);
    return fail('LINK_LOST');
  });
  await clock.advance(500);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  expect(new Set([...signals, stopping.signal]).size).toBe(3);
});

test('a thousand retries leave no listener and no timer behind', async () => {
  const { clock, stopping, connections } = start(lost);
  await clock.advance(1_000 * 2_000);
  expect(connections()).toBeGreaterThan(1_000);
  expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(1);
  expect(clock.sleepers).toBe(1);
});
