import type { Json, Reading } from '#core/stream.ts';
import { type Asker, Diagnostics } from '../../src/sources/obd/diagnostics.ts';
import type { BusKind, Outcome } from '../../src/sources/obd/scan-tool.ts';
import { Vehicle } from '../../src/sources/obd/vehicle.ts';
import { VehicleReport } from '../../src/sources/obd/vehicle-report.ts';

const S = 1e6;
/** ECUs of the car on CAN; on the older buses they are 10 and 18. */
export const ENGINE = '7e8';
export const TRANSMISSION = '7e9';
export const SILENT: Outcome = { kind: 'silent' };

/** Answers in the form `7e8 43010301`, one for each ECU or row. */
export function answers(...list: readonly string[]): Outcome & { kind: 'answered' } {
  const responses = list.map((line) => {
    const [ecu = '', pdu = ''] = line.split(' ');
    return { ecu, pdu: Uint8Array.from(Buffer.from(pdu, 'hex')) };
  });
  return { kind: 'answered', responses, lines: list.length, whole: true };
}

/** The same, where something else of the answer was lost. */
export function damaged(...list: readonly string[]): Outcome {
  return { ...answers(...list), whole: false };
}

export interface Script {
  readonly bus?: BusKind;
  /** By request, one outcome after the other, the last one for ever; silence for all others. */
  readonly replies: Readonly<Record<string, Outcome | readonly Outcome[]>>;
  /** The same of one ECU alone, as `7e8 19020D`; left out where single ECUs cannot be asked. */
  readonly alone?: Readonly<Record<string, Outcome | readonly Outcome[]>>;
  /** One for every request of a service, where none is told for the request itself. */
  readonly services?: Readonly<Record<string, Outcome>>;
  readonly report?: VehicleReport;
  readonly seconds?: number;
  /** Somebody wants the codes read then. */
  readonly refreshAtS?: number;
}

/** Diagnosis of a car that answers from a script, a step a second. */
export async function diagnose({
  refreshAtS,
  bus = 'can11',
  replies,
  alone,
  services = {},
  report = new VehicleReport(),
  seconds = 60,
}: Script) {
  const asked: string[] = [];
  const patiently: string[] = [];
  const counts = new Map<string, number>();
  const tell = (request: string, outcomes: Outcome | readonly Outcome[]): Promise<Outcome> => {
    asked.push(request);
    const told = [outcomes].flat();
    const turn = counts.get(request) ?? 0;
    counts.set(request, turn + 1);
    return Promise.resolve(told[Math.min(turn, told.length - 1)] ?? SILENT);
  };
  const request = (hex: string): Promise<Outcome> =>
    tell(hex, replies[hex] ?? services[hex.slice(0, 2)] ?? SILENT);
  const requestPatiently = (hex: string): Promise<Outcome> => {
    patiently.push(hex);
    return request(hex);
  };
  const adapter: Asker = {
    ...{ bus, request, requestPatiently },
    ...(alone && {
      askEcu: (ecu: string, hex: string) => tell(`${ecu} ${hex}`, alone[`${ecu} ${hex}`] ?? SILENT),
    }),
  };
  const legacy = bus !== 'can11' && bus !== 'can29';
  const [engine, other] = legacy ? ['10', '18'] : [ENGINE, TRANSMISSION];
  const vehicle = new Vehicle(
    new Map([
      [engine, new Set([0x0c])],
      [other, new Set([0x0d])],
    ]),
  );
  const diagnostics = new Diagnostics(adapter, vehicle, report);
  const events: (readonly Json[])[] = [];
  const emit = (reading: Reading): void => {
    if (reading.kind !== 'event') return;
    const { code, status, present } = reading.data;
    events.push([code ?? null, status ?? null, present ?? null]);
  };
  for (let s = 0; s < seconds; s++) {
    if (s === refreshAtS) diagnostics.refresh();
    if (diagnostics.due(s * S)) await diagnostics.step(() => s * S, emit);
  }
  const times = (hex: string): number => asked.filter((other) => other === hex).length;
  return { report, asked, patiently, events, times };
}
