import { expect, test } from 'vitest';
import {
  joinRows,
  parseCalibrationIds,
  parseEcuName,
  parseInfoTypes,
  parseInUse,
  parseRowCount,
  parseVerificationNumbers,
  parseVin,
} from '../../../../../src/sources/obd/j1979/service09.ts';

const bytes = (hex: string): Uint8Array =>
  Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const ascii = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

test('the VIN of a CAN answer', () => {
  expect(parseVin(bytes(`490201${ascii('1D4GP00R55B123456')}`))).toEqual({
    vin: '1D4GP00R55B123456',
    wellFormed: true,
    checkDigit: false,
  });
});

test.each([
  ['1M8GDM9AXKP042788', true, true],
  ['11111111111111111', true, true],
  ['5GZCZ43D13S812715', true, true],
  ['5GZCZ43D23S812715', true, false],
  ['WVWZZZ1JZXW000001', true, false],
  ['1M8GDM9AXKPO42788', false, false],
  ['1M8GDM9AXKP04278', false, false],
])('%s: characters %s, check digit %s', (vin, wellFormed, checkDigit) => {
  expect(parseVin(bytes(`490201${ascii(vin)}`))).toEqual({ vin, wellFormed, checkDigit });
});

test.each(['00', 'FF'])('a VIN of nothing but %s is none', (fill) => {
  expect(parseVin(bytes(`490201${fill.repeat(17)}`))).toBeUndefined();
});

/** The ELM327 data sheet's example of an older bus. */
const ROWS = [
  '49020100000031',
  '49020244344750',
  '49020330305235',
  '49020435423132',
  '49020533343536',
];

test('the rows of an older bus make the same answer, in any order and with repetitions', () => {
  const rows = [...ROWS, ...ROWS].reverse().map(bytes);
  const pdu = joinRows(rows);
  expect(pdu && parseVin(pdu)?.vin).toBe('1D4GP00R55B123456');
});

test('rows of a list hold as many items as fit in them', () => {
  const rows = ['49060112345678', '4906029ABCDEF0'].map(bytes);
  const numbers = joinRows(rows);
  expect(numbers && parseVerificationNumbers(numbers)?.items).toEqual(['12345678', '9ABCDEF0']);
  const counters = joinRows(['49080100010002', '49080200030004'].map(bytes));
  expect(counters && parseInUse(counters)?.items.map(({ count }) => count)).toEqual([1, 2, 3, 4]);
});

test('a missing, short or foreign row is no answer', () => {
  expect(joinRows([])).toBeUndefined();
  expect(joinRows(ROWS.slice(1).map(bytes))).toBeUndefined();
  expect(joinRows([...ROWS.slice(0, 4), '490205333435'].map(bytes))).toBeUndefined();
  expect(joinRows([...ROWS.slice(0, 4), '49040533343536'].map(bytes))).toBeUndefined();
});

test('a last row that is lost is missed: by the type, or by the number that the ECU announced', () => {
  expect(joinRows(ROWS.slice(0, 4).map(bytes))).toBeUndefined();
  const id = [1, 2, 3, 4].map((row) => bytes(`49040${row}41424344`));
  expect(joinRows(id)).toBeDefined();
  expect(joinRows(id.slice(0, 3))).toBeUndefined();
  expect(joinRows(id, 8)).toBeUndefined();
  const number = [bytes('49060112345678')];
  expect(joinRows(number)).toBeDefined();
  expect(joinRows(number, 2)).toBeUndefined();
});

test('an odd type tells how many rows the next one has', () => {
  expect(parseRowCount(bytes('490105'))).toBe(5);
  expect(parseRowCount(bytes('490100'))).toBeUndefined();
  expect(parseRowCount(bytes('490205'))).toBeUndefined();
  expect(parseRowCount(bytes('4901'))).toBeUndefined();
});

test('the supported types, with and without a sequence number', () => {
  expect(parseInfoTypes(bytes('4900 55400000'))).toEqual([2, 4, 6, 8, 10]);
  expect(parseInfoTypes(bytes('490001 55400000'))).toEqual([2, 4, 6, 8, 10]);
  expect(parseInfoTypes(bytes('490055'))).toBeUndefined();
});

test('calibration ids and their verification numbers', () => {
  const id = (text: string): string => ascii(text.padEnd(16, '\0'));
  expect(parseCalibrationIds(bytes(`490402${id('JMB*36761500')}${id('JMB*47872611')}`))).toEqual({
    items: ['JMB*36761500', 'JMB*47872611'],
    fault: undefined,
  });
  expect(parseVerificationNumbers(bytes('4906021791BC8216E062BE'))).toEqual({
    items: ['1791BC82', '16E062BE'],
    fault: undefined,
  });
});

test('fewer items than announced are reported', () => {
  expect(parseVerificationNumbers(bytes('4906021791BC8216E0'))).toEqual({
    items: ['1791BC82'],
    fault: '2 items announced, 1 came',
  });
});

test('the name of an ECU is what is printable of it', () => {
  const name = `${ascii('ECM')}002D${ascii('EngineControl')}0000`;
  expect(parseEcuName(bytes(`490A01${name}`))).toBe('ECM-EngineControl');
  expect(parseEcuName(bytes(`490A01${'00'.repeat(20)}`))).toBeUndefined();
});

test('in-use counters of a petrol engine', () => {
  const counters = parseInUse(bytes('490806 0400 0123 0010 0200 0000 0001'));
  expect(counters).toEqual({
    items: [
      { name: 'Monitoring conditions met', count: 1024 },
      { name: 'Ignition cycles', count: 291 },
      { name: 'Catalyst bank 1, completed', count: 16 },
      { name: 'Catalyst bank 1, conditions met', count: 512 },
      { name: 'Catalyst bank 2, completed', count: 0 },
      { name: 'Catalyst bank 2, conditions met', count: 1 },
    ],
    fault: undefined,
  });
});

test('in-use counters of a diesel, and more of them than have a name', () => {
  const counters = parseInUse(bytes(`490B14${'0001'.repeat(20)}`));
  const names = counters?.items.map(({ name }) => name);
  expect(names?.slice(2, 4)).toEqual(['NMHC catalyst, completed', 'NMHC catalyst, conditions met']);
  expect(names?.slice(16)).toEqual([
    'Fuel system, completed',
    'Fuel system, conditions met',
    'Counter 19',
    'Counter 20',
  ]);
});

test('answers to other types and services are left alone', () => {
  for (const pdu of ['49', '4902', '490455', '410D32', '7F0978']) {
    expect(parseVin(bytes(pdu))).toBeUndefined();
    expect(parseInUse(bytes(pdu))).toBeUndefined();
  }
});
