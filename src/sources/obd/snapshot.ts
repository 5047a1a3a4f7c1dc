import type { Micros } from '#core/stream.ts';
import { hexByte } from './hex.ts';
import type { DtcStatus } from './j1979/answers.ts';
import { dtcText } from './j1979/dtcs.ts';
import type { MonitorStatus } from './j1979/monitors.ts';
import { PID_BY_NUMBER } from './j1979/pid-table.ts';
import { type Ecu, streamIdOf, type Vehicle } from './vehicle.ts';
import type { EcuReport, VehicleReport } from './vehicle-report.ts';

/**
 * What is known of a car, as clients get it. Nothing here asks the car: everything has its age in
 * seconds, and null stands for what has not been read or what the car does not tell.
 */

/** One signal of a parameter. */
export interface SignalValue {
  /** Id of the stream that carries it. */
  readonly stream: string;
  readonly name: string;
  readonly unit: string;
  readonly value: number | null;
  readonly ageS: number | null;
}

/** What one control unit announces. */
export interface EcuPids {
  /** Address: `7e8`. */
  readonly ecu: string;
  readonly name: string | null;
  readonly pids: readonly {
    /** Two hexadecimal digits: `0C`. */
    readonly pid: string;
    /** Null for one that this version cannot decode, which has no values then. */
    readonly name: string | null;
    readonly values: readonly SignalValue[];
  }[];
}

/** Service 01: each parameter that a control unit announces, with its newest values. */
export function pidsOf(vehicle: Vehicle, report: VehicleReport, now: Micros): EcuPids[] {
  return [...vehicle.ecus.values()].map((ecu) => ({
    ecu: ecu.id,
    name: report.ecus.find((other) => other.ecu === ecu.id)?.name ?? null,
    pids: [...ecu.supported]
      .filter((pid) => PID_BY_NUMBER.get(pid)?.kind !== 'bitmap')
      .sort((a, b) => a - b)
      .map((pid) => ({
        pid: hexByte(pid),
        name: PID_BY_NUMBER.get(pid)?.name ?? null,
        values: valuesOf(pid, ecu, vehicle, now),
      })),
  }));
}

/** A sensor with a wide-range twin has two signals and one stream, which is told once. */
function valuesOf(pid: number, ecu: Ecu, vehicle: Vehicle, now: Micros): SignalValue[] {
  const streams = PID_BY_NUMBER.get(pid)?.signals.map(({ stream }) => stream) ?? [];
  return [...new Set(streams)].map((stream) => {
    const latest = ecu.latest.get(stream.id);
    return {
      stream: streamIdOf(stream, ecu.id, vehicle),
      name: stream.name,
      unit: stream.unit,
      value: latest?.v ?? null,
      ageS: ageS(latest?.t, now),
    };
  });
}

/** What a control unit is called. */
export interface EcuIdentity {
  readonly ecu: string;
  readonly name: string | null;
  readonly vin: string | null;
  readonly calibrationIds: readonly string[];
  /** In the order of the calibrations; eight hexadecimal digits each. */
  readonly verificationNumbers: readonly string[];
}

/** Service 09. */
export function identitiesOf({ ecus }: VehicleReport): EcuIdentity[] {
  return ecus.map(({ ecu, name, vin, calibrationIds, verificationNumbers }) => ({
    ecu,
    name: name ?? null,
    vin: vin?.vin ?? null,
    calibrationIds,
    verificationNumbers,
  }));
}

/** Null where it is not known. */
interface Since {
  readonly distanceKm: number | null;
  readonly minutes: number | null;
  readonly ageS: number | null;
}

export interface Readiness {
  /** The malfunction indicator lamp is lit, by any control unit; null before one has told. */
  readonly mil: boolean | null;
  /** Since codes were cleared, as the engine's control unit counts. */
  readonly sinceCleared: Since & { readonly warmUps: number | null };
  /** With the lamp lit. */
  readonly withMil: Since;
  readonly ecus: readonly EcuReadiness[];
}

interface EcuReadiness {
  readonly ecu: string;
  readonly mil: boolean;
  readonly dtcCount: number;
  readonly ignition: MonitorStatus['ignition'];
  /** Those that it has. */
  readonly monitors: readonly {
    readonly name: string;
    /** Since codes were cleared. */
    readonly complete: boolean;
    /** In this drive cycle; null where the control unit does not tell (PID 41). */
    readonly thisCycle: { readonly enabled: boolean; readonly complete: boolean } | null;
  }[];
}

/** PIDs 01, 41, 21, 30, 31, 4D and 4E. */
export function readinessOf(
  vehicle: Vehicle | undefined,
  report: VehicleReport,
  now: Micros,
): Readiness {
  const ecus = report.ecus.flatMap(ecuReadinessOf);
  const engine = vehicle?.ecus.get(vehicle.engine ?? '');
  const value = (pid: number): number | null => newest(pid, engine)?.v ?? null;
  const age = (pid: number): number | null => ageS(newest(pid, engine)?.t, now);
  return {
    mil: ecus.length === 0 ? null : ecus.some(({ mil }) => mil),
    sinceCleared: {
      distanceKm: value(0x31),
      minutes: value(0x4e),
      warmUps: value(0x30),
      ageS: age(0x31),
    },
    withMil: { distanceKm: value(0x21), minutes: value(0x4d), ageS: age(0x21) },
    ecus,
  };
}

/** The newest value of a parameter that is one number. */
function newest(pid: number, ecu: Ecu | undefined) {
  const [signal] = PID_BY_NUMBER.get(pid)?.signals ?? [];
  return signal && ecu?.latest.get(signal.stream.id);
}

function ecuReadinessOf({ ecu, monitors }: EcuReport): EcuReadiness[] {
  const status = monitors.get('since-cleared');
  if (status === undefined) return [];
  const cycle = monitors.get('this-cycle')?.monitors;
  const supported = status.monitors.filter((monitor) => monitor.supported);
  return [
    {
      ecu,
      mil: status.mil,
      dtcCount: status.dtcCount,
      ignition: status.ignition,
      monitors: supported.map(({ name, complete }) => {
        const now = cycle?.find((other) => other.name === name);
        return { name, complete, thisCycle: now ? inCycle(now) : null };
      }),
    },
  ];
}

/** "Supported" reads "enabled in this cycle" there. */
function inCycle({ supported, complete }: MonitorStatus['monitors'][number]) {
  return { enabled: supported, complete };
}

/** The state of the car when a code was stored. */
export interface Frozen {
  readonly ecu: string;
  readonly code: string;
  readonly text: string;
  readonly ageS: number | null;
  readonly values: readonly {
    readonly stream: string;
    readonly unit: string;
    readonly value: number;
  }[];
}

/** Service 02. */
export function freezeFramesOf({ ecus }: VehicleReport, now: Micros): Frozen[] {
  return ecus.flatMap(({ ecu, freezeFrame, freezeFrameAt }) => {
    if (freezeFrame === undefined) return [];
    const { code, values } = freezeFrame;
    return [{ ecu, code, text: dtcText(code).text, ageS: ageS(freezeFrameAt, now), values }];
  });
}

/** As people call them; J1979 calls the first ones confirmed. */
export const CODE_STATES = ['stored', 'pending', 'permanent'] as const;
export type CodeState = (typeof CODE_STATES)[number];

const STATE_OF: Readonly<Record<DtcStatus, CodeState>> = {
  confirmed: 'stored',
  pending: 'pending',
  permanent: 'permanent',
};

export interface TroubleCode {
  readonly code: string;
  readonly state: CodeState;
  readonly text: string;
  /** False where the text only names the group of the code. */
  readonly specific: boolean;
  readonly ecu: string;
  /** When it was first seen; for one that was there at the start of the gateway, then. */
  readonly since: Micros | undefined;
}

/** Services 03, 07 and 0A. */
export function codesOf({ ecus }: VehicleReport): TroubleCode[] {
  return ecus.flatMap((report) =>
    [...report.codes].flatMap(([status, codes]) =>
      codes.map((code) => ({
        code,
        state: STATE_OF[status],
        ...dtcText(code),
        ecu: report.ecu,
        since: report.since(status, code),
      })),
    ),
  );
}

/** Seconds, to a tenth. */
export function ageS(t: Micros | undefined, now: Micros): number | null {
  return t === undefined ? null : Math.max(0, Math.round((now - t) / 1e5) / 10);
}
