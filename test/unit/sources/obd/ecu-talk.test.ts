import { expect, test } from 'vitest';
import { checkEcu, EcuTalk } from '../../../../src/sources/obd/ecu-talk.ts';
import type { UdsAnswer } from '../../../../src/sources/obd/uds/answer.ts';
import { parseReadData } from '../../../../src/sources/obd/uds/read-data.ts';
import { Vehicle } from '../../../../src/sources/obd/vehicle.ts';
import { answers, ENGINE, SILENT } from '../../../support/diagnosis.ts';
import { STANDS, talkTo } from './talk.ts';

const REQUEST = '22F190';
const read = (pdu: Uint8Array): UdsAnswer<Uint8Array> => parseReadData(pdu, 0xf190);
const OPENED = { '1003': answers(`${ENGINE} 5003003201F4`), '1001': answers(`${ENGINE} 5001`) };

test.each([
  [
    'a refusal, in the words of the control unit',
    answers(`${ENGINE} 7F2231`),
    'REFUSED',
    '7e8 says request out of range (7F 22 31)',
  ],
  [
    'a control unit that has no time now',
    answers(`${ENGINE} 7F2221`),
    'BUSY',
    '7e8 says busy, repeat the request (7F 22 21)',
  ],
  [
    'an answer that was to follow',
    answers(`${ENGINE} 7F2278`),
    'NO_ANSWER',
    '7e8 asked for time and has not answered since',
  ],
  ['silence', SILENT, 'NO_ANSWER', '7e8 has not answered the request 22F190'],
  [
    'a bus in trouble',
    { kind: 'no-bus', alert: 'the bus has errors' },
    'NO_ANSWER',
    '7e8 has not answered the request 22F190',
  ],
  [
    'an answer to something else',
    answers(`${ENGINE} 410C1AF8`),
    'NO_ANSWER',
    '7e8 has answered something else',
  ],
] as const)('%s is told', async (_what, outcome, code, message) => {
  const { talk } = talkTo({ [REQUEST]: outcome });
  await expect(talk.ask(REQUEST, read)).rejects.toMatchObject({ code, message });
});

test('an answer that came after the control unit asked for time counts', async () => {
  const { talk } = talkTo({ [REQUEST]: answers(`${ENGINE} 7F2278`, `${ENGINE} 62F19041`) });
  expect(await talk.ask(REQUEST, read)).toEqual(Uint8Array.of(0x41));
});

test('an adapter that cannot ask one control unit says so, before anything is sent', async () => {
  const asked: string[] = [];
  const request = (hex: string) => {
    asked.push(hex);
    return Promise.resolve(STANDS);
  };
  const talk = new EcuTalk({ link: { request }, ecu: ENGINE, now: () => 0 });
  const refused = { code: 'REFUSED', message: expect.stringContaining('CAN bus itself') };
  await expect(talk.ask(REQUEST, read)).rejects.toMatchObject(refused);
  await expect(talk.inExtendedSession(() => talk.ask(REQUEST, read))).rejects.toMatchObject(
    refused,
  );
  expect(asked).toEqual([]);
});

test('the extended session is opened at standstill, and ended', async () => {
  const { talk, asked } = talkTo({ ...OPENED, [REQUEST]: answers(`${ENGINE} 62F19041`) });
  const value = await talk.inExtendedSession(() => talk.ask(REQUEST, read));
  expect(value).toEqual(Uint8Array.of(0x41));
  expect(asked).toEqual(['all 010D', '7e8 1003', '7e8 22F190', '7e8 1001']);
});

test.each([
  ['a refusal', answers(`${ENGINE} 7F2231`), 'REFUSED'],
  ['silence', SILENT, 'NO_ANSWER'],
] as const)('it is ended after %s too', async (_what, outcome, code) => {
  const { talk, asked } = talkTo({ ...OPENED, [REQUEST]: outcome });
  const asking = talk.inExtendedSession(() => talk.ask(REQUEST, read));
  await expect(asking).rejects.toMatchObject({ code });
  expect(asked.at(-1)).toBe('7e8 1001');
});

test.each([
  ['refused', answers(`${ENGINE} 7F1022`), 'REFUSED'],
  // Whether it has begun is not known then.
  ['not answered', SILENT, 'NO_ANSWER'],
] as const)(
  'a session that is %s is ended, and nothing is asked in it',
  async (_what, told, code) => {
    const { talk, asked } = talkTo({ '1003': told });
    const asking = talk.inExtendedSession(() => talk.ask(REQUEST, read));
    await expect(asking).rejects.toMatchObject({ code });
    expect(asked).toEqual(['all 010D', '7e8 1003', '7e8 1001']);
  },
);

test.each([
  ['moves', answers(`${ENGINE} 410D00`, '7e9 410D05'), 'MOVING'],
  ['does not tell its speed', SILENT, 'SPEED_UNKNOWN'],
] as const)('a car that %s is asked for its speed and no more', async (_what, speed, code) => {
  const { talk, asked } = talkTo(OPENED, speed);
  await expect(talk.inExtendedSession(async () => 1)).rejects.toMatchObject({ code });
  expect(new Set(asked)).toEqual(new Set(['all 010D']));
});

test('a session in which nothing was said for 2 s is kept, and others are not', async () => {
  const { talk, asked, time } = talkTo({ ...OPENED, [REQUEST]: answers(`${ENGINE} 62F190`) });
  await talk.inExtendedSession(async () => {
    for (const pause of [2_000_000, 2_000_001, 100_000]) {
      time.now += pause;
      await talk.ask(REQUEST, read);
    }
  });
  time.now += 10_000_000;
  await talk.ask(REQUEST, read);
  expect(asked.slice(2)).toEqual([
    '7e8 22F190',
    '7e8 3E80',
    '7e8 22F190',
    '7e8 22F190',
    '7e8 1001',
    '7e8 22F190',
  ]);
});

test('a control unit that the car has not is told, with those that it has', () => {
  const vehicle = new Vehicle(new Map([['7e8', new Set([0x0c])]]));
  expect(() => checkEcu(vehicle, '7e8')).not.toThrow();
  expect(() => checkEcu(vehicle, '7ea')).toThrow('the car has no control unit 7ea, but 7e8');
});
