import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Framing,
  isAnswerTo,
  parseDtcs,
  parseNegative,
  singleService01,
  splitService01,
  splitService02,
} from '../../../../../src/sources/obd/j1979/answers.ts';
import { PID_LENGTHS } from '../../../../../src/sources/obd/j1979/pid-table.ts';
import { parseMonitorTests } from '../../../../../src/sources/obd/j1979/service06.ts';
import * as service09 from '../../../../../src/sources/obd/j1979/service09.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString('hex').toUpperCase();

function split(hex: string, lengths = PID_LENGTHS) {
  const answer = splitService01(bytes(hex), lengths);
  return answer && [answer.items.map(({ pid, data }) => [pid, hexOf(data)]), answer.fault];
}

test('an answer to several PIDs is taken apart by their lengths', () => {
  expect(split('410C1AF80D32057B')).toEqual([
    [
      [0x0c, '1AF8'],
      [0x0d, '32'],
      [0x05, '7B'],
    ],
    undefined,
  ]);
});

test('bitmaps of several ranges come in one answer too', () => {
  expect(split('4100BE1FB8102080000001')).toEqual([
    [
      [0x00, 'BE1FB810'],
      [0x20, '80000001'],
    ],
    undefined,
  ]);
});

test('the walk ends at a PID without a length, and what stood before it is kept', () => {
  expect(split('410D32FE010203')).toEqual([
    [[0x0d, '32']],
    'PID FE has no known length, 4 bytes left over',
  ]);
});

test('a PID that is cut short is reported, not guessed at', () => {
  expect(split('410D320C1A')).toEqual([[[0x0d, '32']], 'PID 0C is cut short']);
  expect(split('41')).toEqual([[], 'no PID in the answer']);
});

test('learned lengths take the place of the usual ones', () => {
  const learned = new Map([...PID_LENGTHS, [0x06, 2]]);
  expect(split('410680800D32', learned)).toEqual([
    [
      [0x06, '8080'],
      [0x0d, '32'],
    ],
    undefined,
  ]);
});

test('an answer to one PID has whatever length it has', () => {
  expect(singleService01(bytes('41068081'))).toEqual({ pid: 0x06, data: bytes('8081') });
  expect(singleService01(bytes('41'))).toBeUndefined();
  expect(singleService01(bytes('7F0112'))).toBeUndefined();
});

test('any list of PIDs survives being packed into one answer', () => {
  const answers = fc.array(
    fc.constantFrom(...PID_LENGTHS).chain(([pid, length]) =>
      fc.record({
        pid: fc.constant(pid),
        data: fc.uint8Array({ minLength: length, maxLength: length }),
      }),
    ),
    { minLength: 1, maxLength: 6 },
  );
  const property = fc.property(answers, (items) => {
    const pdu = Uint8Array.from([0x41, ...items.flatMap(({ pid, data }) => [pid, ...data])]);
    expect(splitService01(pdu, PID_LENGTHS)).toEqual({ items, fault: undefined });
  });
  fc.assert(property);
});

test('a freeze frame carries its number between PID and data', () => {
  expect(splitService02(bytes('4202000301'), PID_LENGTHS)).toEqual({
    items: [{ pid: 0x02, frame: 0, data: bytes('0301') }],
    fault: undefined,
  });
  expect(splitService02(bytes('420C011AF80D0132'), PID_LENGTHS)?.items).toEqual([
    { pid: 0x0c, frame: 1, data: bytes('1AF8') },
    { pid: 0x0d, frame: 1, data: bytes('32') },
  ]);
  expect(splitService02(bytes('420C'), PID_LENGTHS)?.fault).toBe('PID 0C is cut short');
});

// biome-ignore format: one answer a line
test.each<[pdu: string, framing: Framing, status: string, codes: string[], fault?: string]>([
  ['4300',             'can',   'confirmed', []],
  ['430201430196',     'can',   'confirmed', ['P0143', 'P0196']],
  ['4701D016',         'can',   'pending',   ['U1016']],
  ['4A010420',         'can',   'permanent', ['P0420']],
  ['4301030155AA55',   'can',   'confirmed', ['P0301']],
  ['430301430196',     'can',   'confirmed', ['P0143', 'P0196'], '3 codes announced, 2 came whole'],
  ['43',               'can',   'confirmed', [],                 'no count of codes'],
  ['43013300000000',   'other', 'confirmed', ['P0133']],
  ['43000000000000',   'other', 'confirmed', []],
  ['43010401050106',   'other', 'confirmed', ['P0104', 'P0105', 'P0106']],
  ['4301040105',       'other', 'confirmed', ['P0104', 'P0105']],
  ['43010401',         'other', 'confirmed', ['P0104'],          '2 codes announced, 1 came whole'],
])('codes of %s on %s', (pdu, framing, status, codes, fault) => {
  expect(parseDtcs(bytes(pdu), framing)).toEqual({ status, codes, fault });
});

test.each([
  ['0902', '490201', true],
  ['0902', '490401', false],
  ['0902', '49', false],
  ['07', '4700', true],
  ['07', '43010301', false],
  ['010C0D', '410D320C1AF8', true],
  ['0602', '4601', false],
])('an answer to %s or not: %s', (hex, pdu, expected) => {
  expect(isAnswerTo(hex, bytes(pdu))).toBe(expected);
});

test('a refusal names the service and the reason', () => {
  expect(parseNegative(bytes('7F0422'))).toEqual({
    service: 0x04,
    nrc: 0x22,
    text: 'conditions not correct',
    pending: false,
  });
  expect(parseNegative(bytes('7F0978'))?.pending).toBe(true);
  expect(parseNegative(bytes('7F01AA'))?.text).toBe('reason AA');
  expect(parseNegative(bytes('7F01'))).toBeUndefined();
  expect(parseNegative(bytes('410D32'))).toBeUndefined();
});

test('no decoder throws on anything', () => {
  const heads = [0x41, 0x42, 0x43, 0x46, 0x47, 0x49, 0x4a, 0x7f];
  const pdus = fc
    .tuple(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 80 }))
    .map(([head, rest]) => Uint8Array.from([head, ...rest]));
  const property = fc.property(fc.oneof(pdus, fc.uint8Array({ maxLength: 80 })), (pdu) => {
    splitService01(pdu, PID_LENGTHS);
    splitService02(pdu, PID_LENGTHS);
    singleService01(pdu);
    parseDtcs(pdu, 'can');
    parseDtcs(pdu, 'other');
    parseNegative(pdu);
    parseMonitorTests(pdu);
    service09.joinRows([pdu, pdu]);
    service09.parseInfoTypes(pdu);
    service09.parseVin(pdu);
    service09.parseCalibrationIds(pdu);
    service09.parseVerificationNumbers(pdu);
    service09.parseEcuName(pdu);
    service09.parseInUse(pdu);
  });
  fc.assert(property, { numRuns: 3000 });
});
