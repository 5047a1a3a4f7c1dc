import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  answerIdOf,
  ecuOf,
  isAnswerId,
  requestIdOf,
  targetOf,
} from '../../../../../src/sources/obd/can/ids.ts';

const anyId = fc.oneof(
  fc.record({ id: fc.nat({ max: 0x7ff }), extended: fc.constant(false) }),
  fc.record({ id: fc.nat({ max: 0x1fffffff }), extended: fc.constant(true) }),
  fc.record({ id: fc.integer({ min: 0x18da0000, max: 0x18dbffff }), extended: fc.constant(true) }),
);

test.each([
  [{ id: 0x7e8, extended: false }, '7e8', 0x7e0],
  [{ id: 0x7ef, extended: false }, '7ef', 0x7e7],
  [{ id: 0x18daf110, extended: true }, '18daf110', 0x18da10f1],
  [{ id: 0x18daf1ff, extended: true }, '18daf1ff', 0x18dafff1],
])('%o is the answer of %s', (id, ecu, request) => {
  expect(isAnswerId(id)).toBe(true);
  expect(ecuOf(id)).toBe(ecu);
  expect(answerIdOf(ecu)).toEqual(id);
  expect(requestIdOf(id)).toEqual({ id: request, extended: id.extended });
  expect(targetOf(requestIdOf(id))).toBe('physical');
});

test('eight answers have 11 bits and 256 have 29, and whoever answers can be asked', () => {
  const short = Array.from({ length: 0x800 }, (_, id) => ({ id, extended: false }));
  expect(short.filter(isAnswerId).map(({ id }) => id)).toEqual(
    Array.from({ length: 8 }, (_, i) => 0x7e8 + i),
  );
  const long = Array.from({ length: 0x20000 }, (_, i) => ({ id: 0x18da0000 + i, extended: true }));
  expect(long.filter(isAnswerId)).toHaveLength(256);
  expect(long.filter((id) => targetOf(id) === 'functional')).toHaveLength(1);
  expect(long.filter((id) => targetOf(id) === 'physical')).toHaveLength(255);
});

test('no identifier is both asked with and answered with', () => {
  fc.assert(
    fc.property(anyId, (id) => {
      expect(isAnswerId(id) && targetOf(id) !== undefined).toBe(false);
      if (isAnswerId(id)) expect(answerIdOf(ecuOf(id))).toEqual(id);
    }),
  );
});

test.each(['', '7e0', '7df', '7f0', '07e8', '7E8', '18daf1', '18da10f1', '18daf1100', '10'])(
  '%j is no control unit on CAN',
  (name) => {
    expect(answerIdOf(name)).toBeUndefined();
  },
);
