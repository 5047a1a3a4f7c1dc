import { expect, test } from 'vitest';
import { FAULT_NAMES } from '../../../src/sim/elm-faults.ts';
import { PERSONALITIES, type PersonalityName } from '../../../src/sim/elm-personality.ts';
import type { ProtocolDigit } from '../../../src/sim/elm-protocols.ts';
import { Drive, type DriveOptions, EVERY_FAULT } from './drive.ts';

/** Of the five long drives together: 100,000. */
const REQUESTS = 20_000;
const REQUESTS_FEW = 5_000;
/** A prompt that is missing costs 20 s where a protocol is searched, and another fault may follow. */
const SILENCE_US_MAX = 30_000_000;
const SEED = 3;

/** Drives with every fault there is, and checks what must hold of any drive. */
async function badDrive(requests: number, options: Partial<DriveOptions> = {}): Promise<Drive> {
  const drive = new Drive({ seed: SEED, chances: EVERY_FAULT, ...options });
  await drive.untilRequests(requests);
  const which = `seed ${options.seed ?? SEED}`;
  expect(drive.lies, which).toEqual([]);
  expect(drive.silenceUsMax, which).toBeLessThan(SILENCE_US_MAX);
  // The only fault that costs the connection.
  expect(new Set(drive.failures), which).toEqual(new Set(['sim: the adapter hung up']));
  expect(drive.failures.length, which).toBe(drive.faults.get('disconnect'));
  expect(drive.source.health()['restarts'], which).toBeGreaterThan(0);
  expect(await drive.stop(), which).toBe(0);
  return drive;
}

test.each([1, 2, 3, 4, 5])(
  'no fault of an adapter makes the driver stop or tell a wrong value (seed %i)',
  async (seed) => {
    const drive = await badDrive(REQUESTS, { seed });
    expect([...drive.faults.keys()].sort()).toEqual([...FAULT_NAMES].sort());
    expect(Math.min(...drive.faults.values())).toBeGreaterThan(1);
  },
  60_000,
);

test.each<[ProtocolDigit, string, string]>([
  ['2', 'SAE J1850 VPW', '11'],
  ['3', 'ISO 9141-2', '11'],
  ['5', 'ISO 14230-4', '11'],
  ['6', 'CAN with 11 bits', '7e9'],
  ['7', 'CAN with 29 bits', '18daf111'],
])(
  'protocol %s (%s): the second control unit has streams of its own',
  async (protocol, _, ecu) => {
    const { streams } = await badDrive(REQUESTS_FEW, { protocol });
    const others = [...streams].filter((id) => id.startsWith(`obd.${ecu}.`));
    expect(others.sort()).toEqual([
      `obd.${ecu}.ecu.standard`,
      `obd.${ecu}.monitor.dtcs`,
      `obd.${ecu}.monitor.mil`,
      `obd.${ecu}.monitor.readiness`,
      `obd.${ecu}.transmission.ratio`,
      `obd.${ecu}.vehicle.speed`,
    ]);
    expect(streams).not.toContain('obd.transmission.ratio');
    expect(streams).toContain('obd.engine.rpm');
  },
  60_000,
);

test.each(Object.keys(PERSONALITIES) as PersonalityName[])(
  '%s: no wrong value, never stuck',
  async (personality) => {
    const drive = await badDrive(REQUESTS_FEW, { personality });
    expect(drive.streams).toContain('obd.engine.rpm');
  },
  60_000,
);

test('a good adapter is never interrupted, restarted or misunderstood', async () => {
  const drive = new Drive({ seed: SEED });
  await drive.untilRequests(REQUESTS_FEW);
  expect(drive.source.health()).toMatchObject({
    disturbed: 0,
    malformed: 0,
    restarts: 0,
    timeouts: 0,
    resyncs: 0,
    strayPrompts: 0,
    strayBytes: 0,
    garbageLines: 0,
    badLines: 0,
    incomplete: 0,
  });
  expect(drive.failures).toEqual([]);
  expect(drive.lies).toEqual([]);
  expect(await drive.stop()).toBe(0);
});

test('a parked car is asked at pauses that grow to five minutes, and is read once it is back', async () => {
  const drive = new Drive({ seed: SEED, car: { ignitionCycles: { onS: 60, offS: 7_200 } } });
  await drive.driveOn(70_000);
  expect(drive.source.health()['ignition']).toBe('off');
  const before = drive.busRequests.length;
  await drive.driveOn(3_600_000);
  // Pauses of 2, 4, 8 .. 256 s, and from then on 300 s, are 8 + 10 requests in the hour.
  expect(drive.busRequests.length - before).toBeLessThanOrEqual(19);
  expect(drive.busRequests.length - before).toBeGreaterThanOrEqual(15);
  await drive.driveOn(3_600_000);
  const asleep = drive.busRequests.length;
  await drive.driveOn(300_000);
  expect(drive.busRequests.length).toBeGreaterThan(asleep + 100);
  expect(drive.lies).toEqual([]);
  expect(drive.failures).toEqual([]);
  expect(await drive.stop()).toBe(0);
});
