import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALERT_CHANGES, alertEvent } from '#core/alert.ts';
import { encodeEvent, encodeWaveJson, runsByAge } from '../../../src/http/encode.ts';
import { alertOf } from '../../support/alert-fixture.ts';
import { event, sample, stream, wave } from './fakes.ts';

const eeg = stream('eeg.raw', { kind: 'wave', hz: 512, lsb: 0.2197, unit: 'uV' });

test('the values of a JSON wave are in the unit, and every count can be told from them', () => {
  const lsb = fc.double({ min: 1e-6, max: 50, noNaN: true });
  fc.assert(
    fc.property(lsb, fc.int16Array({ minLength: 1, maxLength: 20 }), (step, v) => {
      const block = wave({ ...eeg, lsb: step }, 0, v);
      const { values } = JSON.parse(new TextDecoder().decode(encodeWaveJson(block)));
      expect(values.map((value: number) => Math.round(value / step) + 0)).toEqual([...v]);
    }),
  );
});

test('a JSON wave has no digits that the ADC does not have', () => {
  const text = new TextDecoder().decode(encodeWaveJson(wave(eeg, 0, Int16Array.of(1, -3, 1000))));
  expect(text).toContain('"values":[0.22,-0.66,219.7]');
});

test('samples of one moment share a run, and a run never spans more than 100 ms', () => {
  const rpm = stream('obd.engine.rpm');
  fc.assert(
    fc.property(fc.array(fc.nat(1_000_000)), (times) => {
      const runs = runsByAge(times.map((t) => sample(rpm, t, 0)));
      expect(runs.flat().map(({ t }) => t)).toEqual(times.toSorted((a, b) => a - b));
      for (const run of runs) {
        expect((run.at(-1)?.t ?? 0) - (run[0]?.t ?? 0)).toBeLessThanOrEqual(100_000);
      }
      for (const [i, run] of runs.slice(1).entries()) {
        expect((run[0]?.t ?? 0) - (runs[i]?.[0]?.t ?? 0)).toBeGreaterThan(100_000);
      }
    }),
  );
});

test('whatever happens to an alert is a message of its own kind', () => {
  for (const news of ALERT_CHANGES) {
    const reading = alertEvent(news, alertOf(), 2_000_000);
    if (reading.kind !== 'event') throw new Error('expected an event');
    const text = new TextDecoder().decode(encodeEvent(reading));
    expect(text.startsWith('{"type":"alert","t":2000000,')).toBe(true);
    expect(JSON.parse(text)).toEqual({
      ...{ type: 'alert', t: 2_000_000, id: '7-1', state: news, cause: '', severity: 'warn' },
      rule: { id: 'hot', name: 'Coolant too hot' },
      text: 'Engine coolant temperature 112 °C, over 110',
      ...{ stream: 'obd.engine.coolant', value: 112, unit: 'Cel' },
      startedAt: { epoch: 7, t: 1_000_000 },
      ...{ endedAt: null, endedBy: null, acknowledgedBy: null },
    });
  }
});

test('any other event says of which stream it is', () => {
  const bytes = encodeEvent(event(stream('alert.other', { kind: 'event' }), 5, { a: 1 }));
  expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual({
    ...{ type: 'event', stream: 'alert.other', t: 5, data: { a: 1 } },
  });
});
