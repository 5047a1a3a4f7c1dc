import { expect, test } from 'vitest';
import { readDid } from '../../../../src/sources/obd/did-reading.ts';
import { answers, ENGINE } from '../../../support/diagnosis.ts';
import { talkTo } from './talk.ts';

const VIN = '1G1YY22G965104367';
const VIN_HEX = Buffer.from(VIN, 'latin1').toString('hex');

test('a value is read as the bytes that the control unit sends', async () => {
  const { talk, asked } = talkTo({ '22F190': answers(`${ENGINE} 62F190${VIN_HEX}`) });
  expect(await readDid(talk, 0xf190)).toEqual({
    ecu: ENGINE,
    did: 0xf190,
    data: Uint8Array.from(Buffer.from(VIN, 'latin1')),
  });
  expect(asked).toEqual([`${ENGINE} 22F190`]);
});

test.each([
  ['the value of something else', '62F18C31'],
  ['half an answer', '62F1'],
])('%s is none', async (_what, pdu) => {
  const { talk } = talkTo({ '22F190': answers(`${ENGINE} ${pdu}`) });
  await expect(readDid(talk, 0xf190)).rejects.toMatchObject({
    code: 'NO_ANSWER',
    message: '7e8 has answered something else',
  });
});

test.each([-1, 0x10000, 1.5, Number.NaN])('%s is no identifier', async (did) => {
  const { talk, asked } = talkTo({});
  await expect(readDid(talk, did)).rejects.toThrow(RangeError);
  expect(asked).toEqual([]);
});
