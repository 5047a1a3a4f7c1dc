import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeMonitors,
  type MonitorStatus,
} from '../../../../../src/sources/obd/j1979/monitors.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

function incomplete(status: MonitorStatus | undefined): string[] {
  return (status?.monitors ?? [])
    .filter(({ supported, complete }) => supported && !complete)
    .map(({ name }) => name);
}

test('a petrol car tells its lamp, its codes and what is still to be tested', () => {
  const status = decodeMonitors(bytes('8307E505'), 'since-cleared');
  expect(status).toMatchObject({ mil: true, dtcCount: 3, ignition: 'spark' });
  expect(status?.monitors.filter(({ supported }) => supported).map(({ name }) => name)).toEqual([
    'misfire',
    'fuel system',
    'components',
    'catalyst',
    'evaporative system',
    'oxygen sensor',
    'oxygen sensor heater',
    'EGR or VVT',
  ]);
  expect(incomplete(status)).toEqual(['catalyst', 'evaporative system']);
});

test('the upper half of B says what is not complete', () => {
  expect(incomplete(decodeMonitors(bytes('00270000'), 'since-cleared'))).toEqual(['fuel system']);
});

test('a diesel has other monitors behind the same bits', () => {
  const status = decodeMonitors(bytes('000FFFFF'), 'since-cleared');
  expect(status).toMatchObject({ mil: false, dtcCount: 0, ignition: 'compression' });
  expect(incomplete(status)).toEqual([
    'NMHC catalyst',
    'NOx or SCR aftertreatment',
    'boost pressure',
    'exhaust gas sensor',
    'particulate filter',
    'EGR or VVT',
  ]);
});

test('PID 41 tells neither lamp nor codes, whatever is in byte A', () => {
  expect(decodeMonitors(bytes('FF000000'), 'this-cycle')).toMatchObject({
    mil: false,
    dtcCount: 0,
  });
});

test('anything but four bytes is refused', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 12 }), (data) => {
    const status = decodeMonitors(data, 'since-cleared');
    expect(status === undefined).toBe(data.length !== 4);
  });
  fc.assert(property);
});
