import { expect, test } from 'vitest';
import type { AlertRule } from '#core/alert.ts';
import type { Reading } from '#core/stream.ts';
import { RuleWatch } from '../../../../src/alerts/watch/watch.ts';
import { ANYTIME, readingOf, rule, STREAMS, written } from './play.ts';

const HOT = { stream: 'a', when: { op: '>', value: 110, clear: 105 } } as const;
const DTC = { op: 'event', match: { on: true }, key: ['code'], until: { on: false } } as const;

function watch(of: AlertRule): RuleWatch {
  const made = new RuleWatch(of, (id) => STREAMS[id]);
  made.advance(0, ANYTIME);
  return made;
}

function at(s: number, id: string, what: Parameters<typeof readingOf>[2]): Reading {
  return readingOf(s * 1e6, id, what);
}

test('says which streams it needs, and when it is due', () => {
  const made = new RuleWatch(
    rule({ ...HOT, stream: 'part.*' }, { while: { moving: true } }),
    () => undefined,
  );
  expect(made.streams).toEqual(['part.*', 'obd.vehicle.speed']);
  expect(made.dueAt).toBe(-Infinity);
  made.advance(0, ANYTIME);
  expect(made.dueAt).toBe(Infinity);
});

test('stopped, what lasts ends as changed', () => {
  const made = watch(rule(HOT));
  made.take(at(1, 'a', 111), ANYTIME);
  expect(made.stop(5e6).map(written)).toEqual(['ended 5 changed']);
  expect(made.stop(6e6)).toEqual([]);
});

test('resumed, an alert is not started again and not ended within the band', () => {
  const made = watch(rule(HOT, { escalate: [{ afterMs: 20_000, severity: 'alarm' }] }));
  expect(made.resume('', { severity: 'warn', since: -15e6 })).toBe(true);
  const told = [at(2, 'a', 107), at(3, 'a', 111), at(9, 'a', 107), at(10, 'a', 104)].flatMap(
    (reading) => made.take(reading, ANYTIME).map(written),
  );
  expect(told).toEqual(['escalated 5 alarm', 'ended 10 cleared']);
});

test('resumed, and never heard of again: ends in silence', () => {
  const made = watch(rule({ all: [HOT, { ...HOT, stream: 'rare' }] }));
  made.resume('', { severity: 'warn', since: undefined });
  expect(made.advance(999e6, ANYTIME).map(written)).toEqual(['ended 300 silent']);
});

test('resumed with a key: lasts until it is ended', () => {
  const made = watch(rule({ stream: 'dtc', when: DTC }));
  expect(made.resume('P1', { severity: 'warn', since: undefined })).toBe(true);
  expect(made.advance(50e6, ANYTIME)).toEqual([]);
  expect(made.take(at(51, 'dtc', { on: true, code: 'P1' }), ANYTIME)).toEqual([]);
  expect(made.take(at(999, 'dtc', { on: false, code: 'P1' }), ANYTIME).map(written)).toEqual([
    'P1 ended 999 cleared',
  ]);
});

test('a cause that the rule has not is not resumed', () => {
  const alert = { severity: 'warn', since: undefined } as const;
  expect(watch(rule(HOT)).resume('P1', alert)).toBe(false);
  expect(watch(rule({ ...HOT, stream: 'part.*' })).resume('a', alert)).toBe(false);
  expect(() => new RuleWatch(rule(HOT), () => undefined).resume('', alert)).toThrow('not begun');
});

test('acknowledged, it does not escalate by time', () => {
  const made = watch(rule(HOT, { escalate: [{ afterMs: 20_000, severity: 'alarm' }] }));
  made.take(at(1, 'a', 111), ANYTIME);
  made.acknowledged('');
  expect(made.advance(50e6, ANYTIME)).toEqual([]);
});
