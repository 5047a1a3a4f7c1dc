import { expect, test } from 'vitest';
import { readDtc } from '../../../../src/sources/obd/dtc-reading.ts';
import type { Outcome } from '../../../../src/sources/obd/scan-tool.ts';
import { answers, ENGINE, SILENT } from '../../../support/diagnosis.ts';
import { talkTo } from './talk.ts';
import { bytes } from './uds/bytes.ts';

/** P0301-11. */
const DTC = 0x030111;
const SNAPSHOTS = '1904030111FF';
const EXTENDED = (record: string) => `1906030111${record}`;
const say = (pdu: string): Outcome => answers(`${ENGINE} ${pdu.replaceAll(' ', '')}`);
const REFUSED = (sub: string) => say(`7F 19 ${sub}`);
const NO_SNAPSHOTS = { [SNAPSHOTS]: say('59 04 030111 2F') };

test('snapshots are taken apart as far as lengths are known', async () => {
  const { talk, asked } = talkTo({
    [SNAPSHOTS]: say('59 04 030111 2F 01 02 F40C0C80 F4055A 02 02 F4055B ABCD01'),
    [EXTENDED('FF')]: say('59 06 030111 2F'),
  });
  expect(await readDtc(talk, DTC)).toEqual({
    ...{ ecu: ENGINE, dtc: DTC, status: 0x2f },
    snapshots: expect.objectContaining({
      records: [
        {
          record: 1,
          content: new Map([
            [0xf40c, bytes('0C80')],
            [0xf405, bytes('5A')],
          ]),
        },
      ],
      rest: bytes('02 02 F4055B ABCD01'),
    }),
    extendedData: expect.objectContaining({ records: [], rest: bytes('') }),
  });
  expect(asked).toEqual([`7e8 ${SNAPSHOTS}`, `7e8 ${EXTENDED('FF')}`]);
});

test('extended data are asked for one by one, to learn where each ends', async () => {
  const { talk, asked } = talkTo({
    ...NO_SNAPSHOTS,
    [EXTENDED('FF')]: say('59 06 030111 2F 01 07 02 AABB 90 0102'),
    [EXTENDED('01')]: say('59 06 030111 2F 01 08'), // It has counted on by then.
    [EXTENDED('02')]: say('59 06 030111 2F 02 AABB'),
    [EXTENDED('90')]: say('59 06 030111 2F 90 0102'),
  });
  const { extendedData } = await readDtc(talk, DTC);
  expect(extendedData).toMatchObject({
    records: [
      { record: 0x01, content: bytes('07') },
      { record: 0x02, content: bytes('AABB') },
      { record: 0x90, content: bytes('0102') },
    ],
    rest: bytes(''),
  });
  expect(asked).toHaveLength(5);
});

test.each([
  ['refuses', REFUSED('31')],
  ['tells another one', say('59 06 030111 2F 03 AA')],
  ['tells more than there was', say('59 06 030111 2F 01 07 02 AA BB CC DD')],
  ['tells none', say('59 06 030111 2F')],
])('who %s when asked for one record has the rest told as bytes', async (_what, single) => {
  const { talk } = talkTo({
    ...NO_SNAPSHOTS,
    [EXTENDED('FF')]: say('59 06 030111 2F 01 07 02 AA'),
    [EXTENDED('01')]: single,
  });
  const { extendedData } = await readDtc(talk, DTC);
  expect(extendedData).toMatchObject({ records: [], rest: bytes('01 07 02 AA') });
});

test('however many records there are, only some are asked for', async () => {
  const records = ['01', '02', '03', '04', '05', '06', '07', '08'];
  const { talk, asked } = talkTo({
    ...NO_SNAPSHOTS,
    [EXTENDED('FF')]: say(`59 06 030111 2F ${records.map((one) => `${one} AA`).join('')}`),
    ...Object.fromEntries(records.map((one) => [EXTENDED(one), say(`59 06 030111 2F ${one} AA`)])),
  });
  const { extendedData } = await readDtc(talk, DTC);
  expect(extendedData?.records).toHaveLength(6);
  expect(extendedData?.rest).toEqual(bytes('07 AA 08 AA'));
  expect(asked).toHaveLength(8);
});

test('who refuses one of the two tells the other', async () => {
  const without = talkTo({
    [SNAPSHOTS]: REFUSED('12'),
    [EXTENDED('FF')]: say('59 06 030111 08'),
  });
  expect(await readDtc(without.talk, DTC)).toMatchObject({ status: 8, snapshots: undefined });
  const only = talkTo({ ...NO_SNAPSHOTS, [EXTENDED('FF')]: REFUSED('12') });
  expect(await readDtc(only.talk, DTC)).toMatchObject({ status: 0x2f, extendedData: undefined });
});

test.each([
  ['refuses both', REFUSED('31'), 'REFUSED', '7e8 says request out of range (7F 19 31)'],
  ['is silent', SILENT, 'NO_ANSWER', `7e8 has not answered the request ${SNAPSHOTS}`],
  ['tells another code', say('59 04 030112 2F'), 'NO_ANSWER', '7e8 has answered something else'],
  ['tells half a code', say('59 04 03 01'), 'NO_ANSWER', '7e8 has answered something else'],
] as const)('who %s tells nothing', async (_what, told, code, message) => {
  const { talk } = talkTo({ [SNAPSHOTS]: told, [EXTENDED('FF')]: REFUSED('12') });
  await expect(readDtc(talk, DTC)).rejects.toMatchObject({ code, message });
});
