import { describe, expect, test } from 'vitest';
import { VehicleReport } from '../../../../src/sources/obd/vehicle-report.ts';
import {
  answers,
  damaged,
  diagnose,
  ENGINE,
  SILENT,
  TRANSMISSION,
} from '../../../support/diagnosis.ts';

const ASK = '19020D';
const OF_ENGINE = `${ENGINE} ${ASK}`;
const OF_TRANSMISSION = `${TRANSMISSION} ${ASK}`;
/** P0301-11 confirmed and failing now, with the lamp. */
const CODES = answers(`${ENGINE} 5902FF03011189`);
const NONE = answers(`${TRANSMISSION} 5902FF`);

test('each control unit is asked alone, and its codes stand beside those of J1979', async () => {
  const { report, times } = await diagnose({
    replies: { '03': answers(`${ENGINE} 43010301`) },
    alone: { [OF_ENGINE]: CODES, [OF_TRANSMISSION]: NONE },
    seconds: 25,
  });
  expect(report.of(ENGINE).codes.get('confirmed')).toEqual(['P0301']);
  expect(report.of(ENGINE).udsCodes).toEqual([
    {
      code: 'P0301-11',
      failure: expect.stringMatching(/ground/i),
      status: ['testFailed', 'confirmedDTC', 'warningIndicatorRequested'],
    },
  ]);
  expect(report.of(TRANSMISSION).udsCodes).toEqual([]);
  expect(times(OF_ENGINE)).toBe(1);
  expect(report.summary()['ecus']).toMatchObject([
    {
      stored: ['P0301'],
      uds: [
        {
          code: 'P0301-11',
          status: ['testFailed', 'confirmedDTC', 'warningIndicatorRequested'],
        },
      ],
    },
    { uds: [] },
  ]);
});

test('they are asked for once, after those of J1979, and again when those have changed', async () => {
  const { times, asked } = await diagnose({
    replies: {
      '03': [answers(`${ENGINE} 4300`), answers(`${ENGINE} 4300`), answers(`${ENGINE} 43010301`)],
    },
    alone: { [OF_ENGINE]: CODES },
    seconds: 59,
  });
  expect(times('03')).toBe(2);
  expect(times(OF_ENGINE)).toBe(1);
  expect(asked.indexOf(OF_ENGINE)).toBeGreaterThan(asked.indexOf('0A'));
  const changed = await diagnose({
    replies: { '03': [answers(`${ENGINE} 4300`), answers(`${ENGINE} 43010301`)] },
    alone: { [OF_ENGINE]: CODES },
    seconds: 70,
  });
  expect(changed.times(OF_ENGINE)).toBe(2);
});

test('they are asked for again when somebody wants to know', async () => {
  const { times } = await diagnose({
    replies: {},
    alone: { [OF_ENGINE]: CODES, [OF_TRANSMISSION]: NONE },
    seconds: 29,
    refreshAtS: 15,
  });
  expect([times(OF_ENGINE), times(OF_TRANSMISSION)]).toEqual([2, 2]);
});

test.each([
  ['refuses', answers(`${TRANSMISSION} 7F1911`)],
  ['is silent', { kind: 'silent' }],
] as const)('a control unit that %s is not asked again in this connection', async (_what, told) => {
  const { report, times } = await diagnose({
    replies: {},
    alone: { [OF_ENGINE]: CODES, [OF_TRANSMISSION]: told },
    seconds: 120,
    refreshAtS: 60,
  });
  expect([times(OF_ENGINE), times(OF_TRANSMISSION)]).toEqual([2, 1]);
  expect(report.of(TRANSMISSION).udsCodes).toBeUndefined();
  expect(report.abandoned).toBe(2); // Services 06 and 09.
});

test.each([
  ['that asks for time', answers(`${ENGINE} 7F1978`)],
  ['that is busy', answers(`${ENGINE} 7F1921`)],
  ['whose answer was cut off', { kind: 'disturbed', alert: 'a message cut short' }],
  ['whose list does not add up', answers(`${ENGINE} 5902FF030111`)],
  ['that answers something else', answers(`${ENGINE} 590AFF03011189`)],
] as const)('a control unit %s is asked again a little later', async (_what, told) => {
  const { report, times } = await diagnose({
    replies: {},
    alone: { [OF_ENGINE]: [told, CODES] },
    seconds: 29,
  });
  expect(times(OF_ENGINE)).toBe(2);
  expect(report.of(ENGINE).udsCodes).toHaveLength(1);
});

test('a list that was cut does not replace a whole one', async () => {
  const report = new VehicleReport();
  await diagnose({ report, replies: {}, alone: { [OF_ENGINE]: CODES }, seconds: 20 });
  await diagnose({
    report,
    replies: {},
    alone: { [OF_ENGINE]: damaged(`${ENGINE} 5902FF0301`) },
    seconds: 20,
  });
  expect(report.of(ENGINE).udsCodes).toHaveLength(1);
});

test('an adapter that cannot ask one control unit is not asked to', async () => {
  const { report, asked } = await diagnose({ replies: {}, seconds: 30 });
  expect(asked.filter((request) => request.includes('19'))).toEqual([]);
  expect(report.of(ENGINE).udsCodes).toBeUndefined();
});

describe('what codes are made of', () => {
  const FORMAT_OF_ENGINE = `${ENGINE} 19010D`;
  const FORMAT = answers(`${ENGINE} 5901FF040001`);

  test('is asked once, when codes have been told', async () => {
    const { report, asked, times } = await diagnose({
      replies: {},
      alone: { [OF_ENGINE]: CODES, [FORMAT_OF_ENGINE]: FORMAT },
      seconds: 60,
      refreshAtS: 25,
    });
    expect(report.of(ENGINE).udsFormat).toBe('SAE J2012-DA, two bytes and a failure type');
    expect([times(OF_ENGINE), times(FORMAT_OF_ENGINE)]).toEqual([2, 1]);
    expect(asked.indexOf(FORMAT_OF_ENGINE)).toBeGreaterThan(asked.indexOf(OF_ENGINE));
    expect(times(`${TRANSMISSION} 19010D`)).toBe(0); // It tells no codes.
  });

  test.each([
    ['refuses', answers(`${ENGINE} 7F1912`)],
    ['is silent', SILENT],
  ] as const)('is not known of one that %s, which is not asked again', async (_what, told) => {
    const { report, times } = await diagnose({
      replies: {},
      alone: { [OF_ENGINE]: CODES, [FORMAT_OF_ENGINE]: told },
      seconds: 60,
      refreshAtS: 25,
    });
    expect(report.of(ENGINE).udsFormat).toBeUndefined();
    expect([times(OF_ENGINE), times(FORMAT_OF_ENGINE)]).toEqual([2, 1]);
    expect(report.of(ENGINE).udsCodes).toHaveLength(1);
  });

  test('is asked again of one that was cut short', async () => {
    const { report, times } = await diagnose({
      replies: {},
      alone: { [OF_ENGINE]: CODES, [FORMAT_OF_ENGINE]: [answers(`${ENGINE} 5901FF04`), FORMAT] },
      seconds: 30,
    });
    expect(times(FORMAT_OF_ENGINE)).toBe(2);
    expect(report.of(ENGINE).udsFormat).toMatch(/J2012/);
  });
});
