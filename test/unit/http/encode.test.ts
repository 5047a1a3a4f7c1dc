import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALERT_CHANGES, alertEvent } from '#core/alert.ts';
import type { Wave } from '#core/stream.ts';
import {
  encodeEvent,
  encodeWaveBinary,
  encodeWaveJson,
  runsByAge,
} from '../../../src/http/encode.ts';
import { alertOf } from '../../support/alert-fixture.ts';
import { event, sample, stream, wave } from './fakes.ts';

const eeg = stream('eeg.raw', { kind: 'wave', hz: 512, lsb: 0.2197, unit: 'uV' });

function decode(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [n, format] = [view.getUint16(16, true), view.getUint8(19)];
  const at = [0, 2, 3, 4][format] ?? 0;
  const read = [
    () => Number.NaN,
    (offset: number) => view.getInt16(offset, true),
    (offset: number) => view.getUint16(offset, true) | (view.getInt8(offset + 2) << 16),
    (offset: number) => view.getFloat32(offset, true),
  ][format];
  return {
    format,
    bytes: bytes.length,
    number: view.getUint16(2, true),
    seq: view.getUint32(4, true),
    t: Number(view.getBigInt64(8, true)),
    hz: view.getUint32(20, true) / 1000,
    v: Array.from({ length: n }, (_, i) => read?.(24 + i * at)),
  };
}

test('the header has every field at its place', () => {
  const block: Wave = {
    ...wave(eeg, 0x0a0b0c0d, Int16Array.of(-2, 3)),
    t: 0x1122334455,
    hz: 512.125,
  };
  expect(Buffer.from(encodeWaveBinary(block, 0x0102)).toString('hex')).toBe(
    [
      '01',
      '01',
      '0201',
      '0d0c0b0a',
      '5544332211000000',
      '0200',
      '01',
      '01',
      '7dd00700',
      'feff',
      '0300',
    ].join(''),
  );
});

test('counts come back as they went in, in the smallest format that holds them', () => {
  const blocks: fc.Arbitrary<[Int16Array | Int32Array, number]> = fc.oneof(
    fc.int16Array({ maxLength: 600 }).map((v): [Int16Array, number] => [v, 1]),
    fc
      .int32Array({ min: -0x80_0000, max: 0x7f_ffff, maxLength: 600 })
      .map((v): [Int32Array, number] => [v, 2]),
  );
  fc.assert(
    fc.property(blocks, fc.nat(0xffff), fc.nat(2 ** 40), ([v, format], number, seq) => {
      expect(decode(encodeWaveBinary(wave(eeg, seq, v), number))).toEqual({
        format,
        bytes: 24 + v.length * (format + 1),
        number,
        seq: seq % 2 ** 32,
        t: seq * 1000,
        hz: 512,
        v: [...v],
      });
    }),
  );
});

test('counts over 24 bits go out as float32', () => {
  const v = Int32Array.of(0x80_0000, -1);
  expect(decode(encodeWaveBinary(wave(eeg, 0, v), 0))).toMatchObject({ format: 3, v: [...v] });
});

test('a block longer than the count field is a bug of the source', () => {
  const v = new Int16Array(65_536);
  expect(() => encodeWaveBinary(wave(eeg, 0, v), 0)).toThrow(RangeError);
});

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
