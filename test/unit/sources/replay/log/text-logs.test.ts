import { describe, expect, test } from 'vitest';
import { readLog, rowOf } from '../../../../support/can-log.ts';

function read(text: string, encoding: BufferEncoding = 'utf8') {
  return readLog(Buffer.from(text, encoding));
}

function rowsIn(text: string) {
  return read(text).frames.map(rowOf);
}

describe('candump', () => {
  test.each([
    [
      '(1436509052.249713) can0 123#DEADBEEF',
      [1_436_509_052_249_713, 'can0', 0x123, false, 'deadbeef'],
    ],
    ['(0.5) vcan0 00000123#11', [500_000, 'vcan0', 0x123, true, '11']],
    ['  (12)\tcan1\t7ff#\r', [12_000_000, 'can1', 0x7ff, false, '']],
    [
      '(1.000000001) can0 1FFFFFFF#0011223344556677 R',
      [1_000_000, 'can0', 0x1fff_ffff, true, '0011223344556677'],
    ],
    ['(1.5) can0 123#11.22.33', [1_500_000, 'can0', 0x123, false, '112233']],
    ['(1.5) can0 123#1122334455667788_E T', [1_500_000, 'can0', 0x123, false, '1122334455667788']],
    ['(0000000001.000000) 1 1#aA', [1_000_000, '1', 1, false, 'aa']],
  ])('%s', (line, row) => {
    expect(rowsIn(`${line}\n`)).toEqual([row]);
    expect(rowsIn(line)).toEqual([row]);
  });

  const GOOD = '(1.5) can0 123#11\n';
  test.each([
    ['(1.5) can0 123##1112233', { fd: 1 }],
    ['(1.5) can0 123#R', { remote: 1 }],
    ['(1.5) can0 12345678#R8 R', { remote: 1 }],
    ['(1.5) can0 20000080#', { errorFrames: 1 }],
    ['(1.5) can0 20000004#0004000000000000', { errorFrames: 1 }],
    ['', {}],
    ['   \r', {}],
  ])('%s is counted', (line, counts) => {
    const { frames, tally } = read(`${GOOD}${line}\n${GOOD}`);
    expect(frames).toHaveLength(2);
    expect(tally).toMatchObject({ remote: 0, fd: 0, errorFrames: 0, malformed: 0, ...counts });
  });

  test.each([
    ['1.5 can0 123#11', 'does not begin with a time such as (1436509052.249713)'],
    ['(1.5 can0 123#11', 'does not begin with a time such as (1436509052.249713)'],
    ['(1.x) can0 123#11', 'does not begin with a time such as (1436509052.249713)'],
    ['(1.5) can0', 'expected a bus and a frame such as can0 123#DEADBEEF'],
    ['(1.5) can0 123', 'expected a bus and a frame such as can0 123#DEADBEEF'],
    [`(1.5) ${'c'.repeat(33)} 123#11`, 'expected a bus and a frame such as can0 123#DEADBEEF'],
    ['(1.5) can0 800#11', 'no identifier: 800'],
    ['(1.5) can0 9FFFFFFF#11', 'no identifier: 9FFFFFFF'],
    ['(1.5) can0 #11', 'no identifier: '],
    ['(1.5) can0 12G#11', 'no identifier: 12G'],
    ['(1.5) can0 123#1', 'no data of 0 to 8 bytes'],
    ['(1.5) can0 123#1G', 'no data of 0 to 8 bytes'],
    ['(1.5) can0 123#112233445566778899', 'no data of 0 to 8 bytes'],
    ['x'.repeat(5_000), 'longer than 4096 bytes'],
  ])('%s is no frame', (line, what) => {
    const { frames, tally } = read(`${GOOD}${line}\n${GOOD}`);
    expect(frames).toHaveLength(2);
    expect(tally).toMatchObject({ malformed: 1, faults: [`line 2: ${what}`] });
  });

  test('the first faults are kept, and the rest counted', () => {
    const { tally } = read(GOOD + 'x\n'.repeat(100));
    expect(tally.malformed).toBe(100);
    expect(tally.faults).toHaveLength(8);
  });
});

/** Local time, as it is in the format. */
function micros(...args: [number, number, number, number, number, number, number]): number {
  return new Date(...args).getTime() * 1000;
}

const HEAD =
  'date Sat Nov 22 12:29:12.123 am 2025\nbase hex  timestamps absolute\ninternal events logged\n';
const START = micros(2025, 10, 22, 0, 29, 12, 123);

test.each([
  [
    '   0.001234 1  123             Rx   d 8 11 22 33 44 55 66 77 88  Length = 230000 BitCount = 119',
    [START + 1_234, 'can1', 0x123, false, '1122334455667788'],
  ],
  ['1.5 2  18DAF110x       Tx   d 2 AB cd', [START + 1_500_000, 'can2', 0x18da_f110, true, 'abcd']],
  ['0.0001 1  7FF TxRq d 0', [START + 100, 'can1', 0x7ff, false, '']],
  [
    '0.000100 1  1 Rx d 9 00 11 22 33 44 55 66 77',
    [START + 100, 'can1', 1, false, '0011223344556677'],
  ],
  [
    '0.000100 CANFD   1 Rx        123                                   0 0 2  2 11 22   0  0     1000 0 0 0 0 0',
    'fd',
  ],
  [
    '0.000100 CANFD   1 Rx        123  EngineData                       0 0 2  2 11 22   0  0        0 0 0 0 0 0',
    [START + 100, 'can1', 0x123, false, '1122'],
  ],
  [
    '0.000100 CANFD   3 Tx   12345678x                                  0 0 2  2 11 22   130000  130   200000 0',
    [START + 100, 'can3', 0x1234_5678, true, '1122'],
  ],
  ['0.000100 CANFD   1 Rx   ErrorFrame Not Acknowledge error', 'errorFrames'],
  ['0.000100 1  123 Rx r', 'remote'],
  ['0.000100 1  123x Tx r 8', 'remote'],
  ['0.000100 1  ErrorFrame  Flags = 0xe  CodeExt = 0x20a2', 'errorFrames'],
  ['0.000100 Start of measurement', 'other'],
  ['0.000100 1  Statistic: D 0 R 0 XD 0 XR 0 E 0 O 0 B 0.00%', 'other'],
  ['0.000100 CAN 1 Status:chip status error active', 'other'],
  ['0.000100 1  OverloadFrame', 'other'],
  ['// version 8.5.0', ''],
  ['Begin Triggerblock', ''],
  ['End TriggerBlock', ''],
  ['no internal events logged', ''],
  ['previous log file: a.asc', ''],
  ['', ''],
])('%s', (line, what) => {
  const { frames, tally } = read(`${HEAD}${line}\n`);
  const { faults, ...counts } = tally;
  const none = { remote: 0, fd: 0, errorFrames: 0, other: 0, malformed: 0 };
  expect(frames.map(rowOf)).toEqual(typeof what === 'string' ? [] : [what]);
  expect(counts).toEqual(typeof what === 'string' && what ? { ...none, [what]: 1 } : none);
  expect(faults).toEqual([]);
});

test.each([
  ['0.0.1 1 123 Rx d 0', 'does not begin with a time'],
  ['0.1 x 123 Rx d 0', 'no number of a channel'],
  ['0.1 1 800 Rx d 0', 'no identifier: 800'],
  ['0.1 1 xyz Rx d 0', 'no identifier: xyz'],
  ['0.1 1 20000000x Rx d 0', 'no identifier: 20000000'],
  ['0.1 1 123 Rx d', undefined],
  ['0.1 1 123 Rx d G', 'no length of 0 to 8 bytes'],
  ['0.1 1 123 Rx d 10 00', 'no length of 0 to 8 bytes'],
  ['0.1 1 123 Rx d 2 11', 'no 2 bytes of data'],
  ['0.1 1 123 Rx d 1 100', 'no 1 bytes of data'],
  ['what is this', 'neither an event nor a line of the header'],
  ['date some day', 'no date that is known: some day'],
])('%s is no frame', (line, what = 'no length of 0 to 8 bytes') => {
  const { frames, tally } = read(`${HEAD}${line}\n0.2 1 1 Rx d 0\n`);
  expect(frames).toHaveLength(1);
  expect(tally).toMatchObject({ malformed: 1, faults: [`line 4: ${what}`] });
});

test('decimal numbers', () => {
  const text = `date Sat Nov 22 2:00:00 pm 2025\nbase dec  timestamps absolute\n0.5 1  291 Rx d 2 255 16\n0.6 1  2566844432x Rx d 0\n0.7 1 418119696x Rx d 1 7`;
  const { frames, tally } = read(text);
  const start = micros(2025, 10, 22, 14, 0, 0, 0);
  expect(frames.map(rowOf)).toEqual([
    [start + 500_000, 'can1', 0x123, false, 'ff10'],
    [start + 700_000, 'can1', 0x18ec_0010, true, '07'],
  ]);
  expect(tally.faults).toEqual(['line 4: no identifier: 2566844432']);
});

test('relative times count from the line before, whatever that was', () => {
  const text = 'base hex timestamps relative\n1.0 1 1 Rx d 0\n0.5 1 ErrorFrame\n0.25 1 2 Rx d 0\n';
  expect(rowsIn(text).map(([t]) => t)).toEqual([1_000_000, 1_750_000]);
});

test.each([
  ['Sat Nov 22 12:29:12.123 am 2025', micros(2025, 10, 22, 0, 29, 12, 123)],
  ['Sat Nov 22 12:29:12.123 PM 2025', micros(2025, 10, 22, 12, 29, 12, 123)],
  ['Wed Apr 16 09:21:13 am 2014', micros(2014, 3, 16, 9, 21, 13, 0)],
  ['Sam Sep 30 15:06:13.191 2017', micros(2017, 8, 30, 15, 6, 13, 191)],
  ['Die Mär 1 15:06:13.1 2022', micros(2022, 2, 1, 15, 6, 13, 100)],
  ['Mon Mai 5 05:06:13.191 2025', micros(2025, 4, 5, 5, 6, 13, 191)],
  ['Mit Okt 15 15:06:13.191 2025', micros(2025, 9, 15, 15, 6, 13, 191)],
  ['Don Dez 31 23:59:59.999999 2026', micros(2026, 11, 31, 23, 59, 59, 999) + 999],
])('date %s', (date, start) => {
  for (const encoding of ['utf8', 'latin1'] as const) {
    const { frames, tally } = read(`date ${date}\r\n0.5 1 1 Rx d 0\r\n`, encoding);
    expect(frames.map(({ t }) => t)).toEqual([start + 500_000]);
    expect(tally.faults).toEqual([]);
  }
});

test('blocks: the first tells the date, a later one whose times begin anew does, too', () => {
  const day = (time: string): string => `Sat Nov 22 ${time} 2025`;
  const text = [
    `date ${day('10:00:00')}\nbase hex  timestamps absolute`,
    `Begin Triggerblock ${day('10:00:01')}\n5.0 1 1 Rx d 0\nEnd TriggerBlock`,
    `Begin Triggerblock ${day('10:00:09')}\n8.0 1 2 Rx d 0\nEnd TriggerBlock`,
    `Begin Triggerblock ${day('10:01:00')}\n0.5 1 3 Rx d 0\nEnd TriggerBlock`,
  ];
  const start = micros(2025, 10, 22, 10, 0, 0, 0);
  const seconds = rowsIn(text.join('\n')).map(([t]) => (t - start) / 1e6);
  expect(seconds).toEqual([6, 9, 60.5]);
});
