import { expect, test } from 'vitest';
import { Bus } from '#core/bus.ts';
import type { Epoch } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Stream } from '#core/stream.ts';
import { healthOf, progressCheck, SourceStatus } from '../../../src/gateway/status.ts';
import type { Level, Log } from '../../../src/io/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const stream: Stream = { id: 'x', name: 'X', unit: '1', range: [0, 1], hz: 1, kind: 'sample' };

/** A log that keeps the level and the text of what is written to it. */
function memoryLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const at = (level: Level) => (fields: object, message: string) =>
    void lines.push(`${level} ${JSON.stringify(fields)} ${message}`);
  return {
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    lines,
  };
}

function start({ simulated = false, note }: { simulated?: boolean; note?: string } = {}) {
  const clock = new FakeClock();
  const { log, lines } = memoryLog();
  const source = {
    id: 'obd',
    streams: [stream],
    silenceMs: 1,
    run: () => Promise.resolve(),
    note: () => note,
    health: () => ({ adapter: 'ELM327 v1.5' }),
  };
  const status = new SourceStatus({ kind: 'obd', source, simulated }, log, clock);
  const fail = (text: string): void => {
    status.report({ state: 'waiting', retryMs: 500, error: new LinkError('OPEN_FAILED', text) });
    status.report({ state: 'starting' });
  };
  return { clock, lines, status, fail };
}

test('a source that has not brought data yet is waiting, one that does is ok', () => {
  const { status } = start();
  expect(status.health()).toMatchObject({ status: 'waiting', text: 'opening the link' });
  status.report({ state: 'starting' });
  status.report({ state: 'running' });
  expect(status.health()).toEqual({
    id: 'obd',
    status: 'ok',
    text: 'receiving data',
    details: { adapter: 'ELM327 v1.5', sinceS: 0, failures: 0 },
  });
});

test('a simulated source says so, and a real one says nothing', () => {
  const simulated = [true, false].map(
    (simulated) => start({ simulated }).status.health().details['simulated'],
  );
  expect(simulated).toEqual([true, undefined]);
});

test('a retry does not hide why it is one', () => {
  const { status, fail } = start();
  fail('/dev/ttyUSB0: no such port');
  expect(status.health()).toMatchObject({
    status: 'waiting',
    text: '/dev/ttyUSB0: no such port [OPEN_FAILED]',
    details: { failures: 1 },
  });
});

test('a failure that differs in numbers and bytes only is told once', () => {
  const { lines, status, fail } = start();
  fail('/dev/eeg: 4130 bytes in 3 s, they begin with 45 4C 4D');
  fail('/dev/eeg: 4158 bytes in 3 s, they begin with 0D 0D 3E');
  fail('/dev/eeg: out of step after 7 bytes, last "ELM"');
  fail('/dev/eeg: out of step after 9 bytes, last "OK"');
  expect(lines.map((line) => line.split(' ')[0])).toEqual(['error', 'debug', 'error', 'debug']);
  expect(status.health().text).toContain('after 9 bytes, last "OK"');
});

test('data takes the error away and keeps the count of failures', () => {
  const { status, fail } = start();
  fail('gone');
  fail('gone');
  status.report({ state: 'running' });
  expect(status.health()).toMatchObject({
    status: 'ok',
    text: 'receiving data',
    details: { failures: 2 },
  });
});

test('a state lasts since it began, whatever was tried meanwhile', async () => {
  const { clock, status, fail } = start();
  const since = () => status.health().details['sinceS'];
  await clock.advance(5_000);
  fail('gone');
  await clock.advance(3_000);
  fail('gone');
  expect(since()).toBe(3);
  fail('no answer');
  await clock.advance(4_000);
  expect(since()).toBe(7);
  status.report({ state: 'running' });
  await clock.advance(3_600_000);
  expect(since()).toBe(3_600);
});

test('the first failure of a kind in an outage is an error in the log, its repeats are not', () => {
  const { lines, status, fail } = start();
  for (const text of ['gone', 'gone', 'no answer', 'gone']) fail(text);
  status.report({ state: 'running' });
  fail('gone');
  const source = '{"source":"obd"}';
  expect(lines).toEqual([
    `error ${source} gone [OPEN_FAILED]`,
    `debug ${source} gone [OPEN_FAILED]`,
    `error ${source} no answer [OPEN_FAILED]`,
    `debug ${source} gone [OPEN_FAILED]`,
    `info ${source} receiving data again`,
    `error ${source} gone [OPEN_FAILED]`,
  ]);
});

test('the log says of a link that has come up what its source has to say of it', () => {
  const texts = [
    { note: 'listening; no frame on the bus yet' },
    { note: 'listening; no frame on the bus yet', simulated: true },
    { simulated: true },
  ].map((options) => {
    const { lines, status, fail } = start(options);
    status.report({ state: 'running' });
    fail('gone');
    status.report({ state: 'running' });
    return lines
      .filter((line) => line.startsWith('info'))
      .map((line) => line.replace('info {"source":"obd"} ', ''));
  });
  expect(texts).toEqual([
    ['listening; no frame on the bus yet', 'connected again: listening; no frame on the bus yet'],
    [
      'listening; no frame on the bus yet (simulated)',
      'connected again: listening; no frame on the bus yet (simulated)',
    ],
    ['receiving simulated data', 'receiving simulated data again'],
  ]);
});

test('the worst part decides about the whole', async () => {
  const clock = new FakeClock();
  await clock.advance(61_900);
  const bus = new Bus(() => {});
  bus.attach({ name: 'live', capacity: 1, take: () => {} });
  const epoch: Epoch = { id: 7, wallMs: 0, trust: 'rtc', bootId: '', monotonicMs: 0 };
  const of = (...statuses: PartHealth['status'][]) =>
    healthOf(
      { version: '0.1.0', clock, epoch, bus },
      statuses.map((status) => ({ id: status, status, text: '', details: {} })),
    );
  expect(of().status).toBe('ok');
  expect(of('ok', 'ok').status).toBe('ok');
  expect(of('ok', 'waiting').status).toBe('degraded');
  expect(of('waiting', 'failed', 'ok').status).toBe('failed');
  expect(of('ok')).toEqual({
    status: 'ok',
    version: '0.1.0',
    uptimeS: 61,
    epoch: 7,
    clockTrust: 'rtc',
    parts: [{ id: 'ok', status: 'ok', text: '', details: {} }],
    consumers: [{ name: 'live', queued: 0, dropped: 0, delivered: 0 }],
  });
});

/** A bus with one consumer that takes batches as long as `free` is set, and its progress check. */
function startBus() {
  const turns: (() => void)[] = [];
  const bus = new Bus((run) => turns.push(run));
  const gate = { free: true };
  const take = () => (gate.free ? undefined : new Promise<void>(() => {}));
  bus.attach({ name: 'store', capacity: 2, take });
  return {
    gate,
    moving: progressCheck(bus),
    emit: () => bus.emit({ kind: 'sample', stream, t: 0, v: 0 }),
    turn: () => {
      for (const run of turns.splice(0)) run();
    },
  };
}

test('a gateway without readings, or one that takes them, is moving', () => {
  const { moving, emit, turn } = startBus();
  expect([moving(), moving()]).toEqual([true, true]);
  emit();
  turn();
  expect([moving(), moving()]).toEqual([true, true]);
});

test('a reading that came just before the check is not held against its consumer', () => {
  const { moving, emit, turn } = startBus();
  expect(moving()).toBe(true);
  for (let i = 0; i < 3; i++) {
    emit();
    expect(moving()).toBe(true);
    turn();
  }
});

test('readings that wait from one check to the next, with none taken, mean stuck', () => {
  const { gate, moving, emit, turn } = startBus();
  gate.free = false;
  emit();
  turn();
  emit();
  turn();
  expect([moving(), moving(), moving()]).toEqual([true, false, false]);
});
