import { expect, test } from 'vitest';
import { parseMonitorTests } from '../../../../../src/sources/obd/j1979/service06.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

test('a test is scaled by its unit and passes between its limits', () => {
  // Oxygen sensor, bank 1 sensor 1, minimum voltage in steps of 0.122 mV.
  expect(parseMonitorTests(bytes('4601070A01F400000BB8'))).toEqual({
    items: [
      {
        mid: 0x01,
        monitor: 'Oxygen sensor, bank 1 sensor 1',
        tid: 0x07,
        test: 'Minimum voltage',
        uas: 0x0a,
        unit: 'mV',
        value: 61,
        min: 0,
        max: 366,
        result: 'pass',
      },
    ],
    supported: [],
    fault: undefined,
  });
});

test('several tests of a monitor stand one behind the other', () => {
  const answer = parseMonitorTests(bytes('46A20B24000000000064A20C2400C800000064'));
  expect(answer?.items.map(({ monitor, value, result }) => [monitor, value, result])).toEqual([
    ['Misfire, cylinder 1', 0, 'pass'],
    ['Misfire, cylinder 1', 200, 'fail'],
  ]);
});

test('zeros for value and limits mean that the test has not run', () => {
  const [test] = parseMonitorTests(bytes('463980FE000000000000'))?.items ?? [];
  expect(test).toMatchObject({ result: 'not-run', unit: 'Pa', value: 0 });
});

test('scalings from 80 on are signed', () => {
  const [test] = parseMonitorTests(bytes('463C81FEFFF0FF9C0064'))?.items ?? [];
  expect(test).toMatchObject({ value: -4, min: -25, max: 25, result: 'pass' });
});

test('an offset belongs to the scaling', () => {
  const [test] = parseMonitorTests(bytes('4621801607D0000007D0'))?.items ?? [];
  expect(test).toMatchObject({ unit: 'Cel', value: 160, min: -40, monitor: 'Catalyst, bank 1' });
});

test('an unknown scaling shows raw numbers', () => {
  const [unsigned, signed] =
    parseMonitorTests(bytes('46E1807FFFFE0000FFFFE180FFFFFE80007FFF'))?.items ?? [];
  expect(unsigned).toMatchObject({ unit: '1', value: 0xfffe, max: 0xffff });
  expect(signed).toMatchObject({ unit: '1', value: -2, min: -32_768, max: 32_767 });
});

test.each([
  ['06', 'Oxygen sensor, bank 2 sensor 2'],
  ['10', 'Oxygen sensor, bank 4 sensor 4'],
  ['24', 'Catalyst, bank 4'],
  ['32', 'Exhaust gas recirculation, bank 2'],
  ['3D', 'Purge flow'],
  ['45', 'Oxygen sensor heater, bank 2 sensor 1'],
  ['72', 'Secondary air 2'],
  ['A1', 'Misfire, general'],
  ['AD', 'Misfire, cylinder 12'],
  ['B0', 'Monitor B0'],
  ['F0', 'Manufacturer-defined monitor'],
])('monitor %s is %s', (mid, name) => {
  const [test] = parseMonitorTests(bytes(`46${mid}8001000100000002`))?.items ?? [];
  expect(test?.monitor).toBe(name);
});

test('bitmaps name the supported monitors', () => {
  expect(parseMonitorTests(bytes('4600C00000012080000000'))).toEqual({
    items: [],
    supported: [0x01, 0x02, 0x20, 0x21],
    fault: undefined,
  });
});

test('what is cut short is reported, and the tests before it are kept', () => {
  const answer = parseMonitorTests(bytes('4601070A01F400000BB80108'));
  expect(answer?.items).toHaveLength(1);
  expect(answer?.fault).toBe('2 bytes left over at the end');
  expect(parseMonitorTests(bytes('46'))?.fault).toBe('no monitor in the answer');
  expect(parseMonitorTests(bytes('410D32'))).toBeUndefined();
});
