import { expect, test } from 'vitest';
import { type Clearer, clearCodes } from '../../../../src/sources/obd/clearing.ts';
import type { Outcome } from '../../../../src/sources/obd/scan-tool.ts';
import { VehicleReport } from '../../../../src/sources/obd/vehicle-report.ts';
import { answers, damaged, ENGINE, SILENT, TRANSMISSION } from '../../../support/diagnosis.ts';

const STANDS = answers(`${ENGINE} 410D00`, `${TRANSMISSION} 410D00`);
const CLEARED = answers(`${ENGINE} 44`, `${TRANSMISSION} 44`);

/** Clears with an adapter that tells these speeds, one after the other, and this answer to 04. */
async function clear(speeds: readonly Outcome[], answer: Outcome = CLEARED) {
  const sent: string[] = [];
  const told = [...speeds];
  const adapter: Clearer = {
    request: (hex) => {
      sent.push(hex);
      return Promise.resolve(told.shift() ?? SILENT);
    },
    clearCodes: () => {
      sent.push('04');
      return Promise.resolve(answer);
    },
  };
  const report = new VehicleReport();
  report.of(ENGINE).freezeFrame = { code: 'P0301', values: [] };
  report.of(ENGINE).codes.set('confirmed', ['P0301']);
  report.of(ENGINE).udsCodes = [{ code: 'P0301-11', failure: undefined, status: [] }];
  report.of(ENGINE).udsCodesAt = 0;
  const done = await clearCodes(adapter, report).then(
    (ecus) => ({ ecus, error: undefined }),
    (error: unknown) => ({ ecus: undefined, error }),
  );
  return { ...done, sent, report };
}

test('a car that stands still has its codes cleared, by all that answer', async () => {
  const { ecus, sent, report } = await clear([STANDS]);
  expect(ecus).toEqual([ENGINE, TRANSMISSION]);
  expect(sent).toEqual(['010D', '04']);
  expect(report.of(ENGINE).freezeFrame).toBeUndefined();
  const { udsCodes, udsCodesAt } = report.of(ENGINE);
  expect([udsCodes, udsCodesAt]).toEqual([undefined, undefined]);
  // They are told as gone when they are read as gone.
  expect(report.of(ENGINE).codes.get('confirmed')).toEqual(['P0301']);
});

test.each([
  ['one that moves', 'MOVING', [answers(`${ENGINE} 410D2A`)], /7e8 tells 42 km\/h/],
  [
    'one of which a single unit says that it moves',
    'MOVING',
    [answers(`${ENGINE} 410D00`, `${TRANSMISSION} 410D01`)],
    /7e9 tells 1 km\/h/,
  ],
  ['one that does not tell', 'SPEED_UNKNOWN', [SILENT], /may be moving/],
  [
    'an answer to something else',
    'SPEED_UNKNOWN',
    [answers(`${ENGINE} 410C0000`)],
    /may be moving/,
  ],
  ['a speed of two bytes', 'SPEED_UNKNOWN', [answers(`${ENGINE} 410D0000`)], /may be moving/],
  ['a speed that was cut off', 'SPEED_UNKNOWN', [answers(`${ENGINE} 410D`)], /may be moving/],
  [
    'answers of which one was lost, three times',
    'SPEED_UNKNOWN',
    [1, 2, 3].map(() => damaged(`${ENGINE} 410D00`)),
    /may be moving/,
  ],
] as const)('nothing is sent to %s', async (_what, code, speeds, text) => {
  const { error, sent } = await clear(speeds);
  expect(error).toMatchObject({ code, message: expect.stringMatching(text) });
  expect(sent).not.toContain('04');
});

test('a speed that was disturbed is asked for again', async () => {
  const { ecus, sent } = await clear([{ kind: 'disturbed', alert: 'timeout' }, STANDS]);
  expect(ecus).toHaveLength(2);
  expect(sent).toEqual(['010D', '010D', '04']);
});

test.each([
  [
    'a refusal, in the words of the control unit',
    'REFUSED',
    answers(`${ENGINE} 7F0422`, `${TRANSMISSION} 7F0422`),
    'the codes were not cleared: 7e8 says conditions not correct (7F 04 22), 7e9 says conditions not correct (7F 04 22)',
  ],
  [
    'a refusal by one of two',
    'REFUSED',
    answers(`${ENGINE} 7F0422`, `${TRANSMISSION} 44`),
    'the codes were not cleared: 7e8 says conditions not correct (7F 04 22); 7e9 cleared theirs',
  ],
  ['silence', 'NO_ANSWER', SILENT, 'whether the codes are cleared is not known: nobody answered'],
  [
    'an answer that was to follow',
    'NO_ANSWER',
    answers(`${ENGINE} 7F0478`),
    'whether the codes are cleared is not known: the answer was to follow, and did not',
  ],
  [
    'a lost answer',
    'NO_ANSWER',
    { kind: 'disturbed', alert: 'timeout' },
    'whether the codes are cleared is not known: the adapter says timeout',
  ],
  [
    'an answer to something else',
    'NO_ANSWER',
    answers(`${ENGINE} 410D00`),
    'whether the codes are cleared is not known: something else was answered',
  ],
] as const)('%s is told', async (_what, code, answer, message) => {
  const { error, sent } = await clear([STANDS], answer);
  expect(error).toMatchObject({ code, message });
  expect(sent.filter((hex) => hex === '04')).toHaveLength(1);
});

test('a control unit that asks for time and then does it has done it', async () => {
  const { ecus } = await clear([STANDS], answers(`${ENGINE} 7F0478`, `${ENGINE} 44`));
  expect(ecus).toEqual([ENGINE]);
});
