/** What the routes of diagnosis get of a gateway with one device, in a car that has been read. */
import type { Gateway } from '../../src/http/routes/index.ts';
import type { ToldUdsCode } from '../../src/sources/obd/uds-told.ts';

type Parts = Pick<Gateway, 'diagnosis' | 'sources' | 'system'>;
type Code = Awaited<ReturnType<Parts['diagnosis']['codes']>>['items'][number];
type Source = ReturnType<Parts['sources']['list']>[number];

const SOURCE: Source = {
  id: 'obd',
  kind: 'obd',
  device: '/dev/ttyUSB0',
  simulated: false,
  state: 'running',
  text: 'receiving data',
  sinceS: 12,
  failures: 1,
  restarts: 0,
  counters: { requests: 42, ecus: [{ id: '7e8', pids: 41 }] },
};

const CODE: Code = {
  ...{ code: 'P0301', state: 'stored', text: 'Cylinder 1 misfire detected', specific: true },
  ...{ ecu: '7e8', since: '2026-11-22T00:00:00.000Z' },
};

const VALUE = { stream: 'obd.engine.rpm', name: 'Engine speed', unit: '/min', value: 0, ageS: 0.2 };
const IDENTITY = {
  ...{ ecu: '7e8', name: 'ECM', vin: '1G1YY22G965104367' },
  ...{ calibrationIds: ['VIGIL-1'], verificationNumbers: ['1791BC82'] },
};
const UDS_CODE: ToldUdsCode = {
  ...{ code: 'P0301-11', text: CODE.text, specific: true, failure: 'circuit short to ground' },
  ...{ states: ['confirmed', 'lamp'], status: ['confirmedDTC', 'warningIndicatorRequested'] },
};
const NUMBER = {
  ...{ id: 'F187', name: 'Vehicle manufacturer spare part number' },
  ...{ text: '06A906032HN', hex: '303641393036303332484E' },
};
const UDS = [{ ecu: '7e8', ageS: 3, format: null, codes: [UDS_CODE] }];
const SINCE = { distanceKm: 842, minutes: 1_230, ageS: 3 };

export function parkedCar(): Parts {
  const connected = true;
  return {
    diagnosis: {
      pids: () => ({
        connected,
        ecus: [
          {
            ecu: '7e8',
            name: 'ECM',
            pids: [
              { pid: '0C', name: 'Engine speed', values: [VALUE] },
              { pid: 'A6', name: null, values: [] },
            ],
          },
        ],
      }),
      identity: () => ({ connected, vin: IDENTITY.vin, protocol: '6 (can11)', ecus: [IDENTITY] }),
      readiness: async () => ({
        ...{ connected, ageS: 3, mil: true },
        sinceCleared: { ...SINCE, warmUps: 31 },
        withMil: SINCE,
        ecus: [
          {
            ...{ ecu: '7e8', mil: true, dtcCount: 1, ignition: 'spark' },
            monitors: [{ name: 'misfire', complete: true, thisCycle: null }],
          },
        ],
      }),
      freezeFrames: () => ({
        connected,
        items: [
          {
            ...{ ecu: '7e8', code: CODE.code, text: CODE.text, ageS: 3 },
            values: [{ stream: 'obd.engine.rpm', unit: '/min', value: 1_726.5 }],
          },
        ],
      }),
      codes: async () => ({ connected, ageS: 3, clockTrust: 'ntp', items: [CODE], uds: UDS }),
      clear: async () => ({
        ...{ cleared: ['7e8'], had: ['P0301 stored'], remaining: [CODE] },
        repeated: false,
      }),
      ecus: {
        values: (ecu) => ({ ecu, items: [{ id: NUMBER.id, name: NUMBER.name }] }),
        value: async ({ ecu }) => ({ ecu, ...NUMBER }),
        code: async ({ ecu }) => ({
          ...{ ecu, ...UDS_CODE },
          snapshots: { records: [{ record: 1, values: [NUMBER] }], rest: '' },
          extendedData: { records: [{ record: 1, hex: '07' }], rest: '' },
        }),
      },
    },
    sources: { list: () => [SOURCE], restart: (id) => id === SOURCE.id },
    system: async () => ({
      versions: { gateway: '0.0.0', node: '24.0.0', lmdb: '3.5.6', kernel: '6.12.0' },
      device: 'test',
      uptimeS: 1,
      clock: { epoch: 1, time: '2026-11-22T00:00:00.000Z', trust: 'ntp' },
      sources: [SOURCE],
      store: { status: 'ok', text: 'recording', details: { usedMB: 1.5 } },
      eventLoop: { p50Ms: 0.1, p99Ms: 2, maxMs: 11 },
      memory: { rssMB: 90, heapMB: 20, externalMB: 4, freeMB: 200 },
      disk: { freeMB: 1_000, totalMB: 4_000 },
    }),
  };
}
