import { expect, test } from 'vitest';
import { DTC_STATUS_BITS, statusBits } from '../../../../src/sources/obd/uds/dtcs.ts';
import { toldDid, toldDtc, udsCodesOf } from '../../../../src/sources/obd/uds-told.ts';
import { VehicleReport } from '../../../../src/sources/obd/vehicle-report.ts';
import { bytes } from './uds/bytes.ts';

const NOW = 100e6;

test('codes are told by the control units that have told them, with what matters of their status', () => {
  const report = new VehicleReport();
  report.of('7e9').codes.set('confirmed', ['P0700']);
  const engine = report.of('7e8');
  engine.udsCodes = [
    { code: 'P0301-11', failure: 'circuit short to ground', status: statusBits(0x89) },
    { code: 'U1234-00', failure: undefined, status: statusBits(0x44) },
  ];
  engine.udsCodesAt = NOW - 2_500_000;
  expect(udsCodesOf(report, NOW)).toEqual([
    {
      ...{ ecu: '7e8', ageS: 2.5, format: null },
      codes: [
        {
          ...{ code: 'P0301-11', text: 'Misfire in cylinder 1', specific: true },
          ...{ failure: 'circuit short to ground', states: ['failing', 'confirmed', 'lamp'] },
          status: ['testFailed', 'confirmedDTC', 'warningIndicatorRequested'],
        },
        {
          ...{ code: 'U1234-00', text: expect.stringMatching(/^Network/), specific: false },
          ...{ failure: null, states: ['pending'] },
          status: ['pendingDTC', 'testNotCompletedThisOperationCycle'],
        },
      ],
    },
  ]);
});

test('a value is told with its name, as people read it and as bytes', () => {
  expect(toldDid({ ecu: '7e8', did: 0xf18c, data: bytes('41 31 00') })).toEqual({
    ...{ ecu: '7e8', id: 'F18C', name: 'ECU serial number', text: 'A1', hex: '413100' },
  });
  expect(toldDid({ ecu: '7e8', did: 0x00ab, data: bytes('01') })).toEqual({
    ...{ ecu: '7e8', id: '00AB', name: null, text: '01', hex: '01' },
  });
});

test('what is stored with a code is told, with what could not be taken apart', () => {
  const head = { ecu: '7e8', dtc: 0x030111, status: 0xff };
  const content = new Map([[0xf40c, bytes('0C 80')]]);
  expect(
    toldDtc({
      ...head,
      snapshots: { records: [{ record: 1, content }], rest: bytes('02 01 AB') },
      extendedData: { records: [{ record: 0x90, content: bytes('07 00') }], rest: bytes('') },
    }),
  ).toEqual({
    ...{ ecu: '7e8', code: 'P0301-11', text: 'Misfire in cylinder 1', specific: true },
    ...{ failure: 'circuit short to ground', status: DTC_STATUS_BITS },
    states: ['failing', 'pending', 'confirmed', 'lamp'],
    snapshots: {
      records: [
        {
          record: 1,
          values: [{ id: 'F40C', name: 'Engine speed', text: '800 /min', hex: '0C80' }],
        },
      ],
      rest: '0201AB',
    },
    extendedData: { records: [{ record: 0x90, hex: '0700' }], rest: '' },
  });
  expect(toldDtc({ ...head, snapshots: undefined, extendedData: undefined })).toMatchObject({
    ...{ snapshots: null, extendedData: null },
  });
});
