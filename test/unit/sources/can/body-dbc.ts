/** A DBC file of a small car, and a source that reads its bus. */
import type { Reading } from '#core/stream.ts';
import type { CanFrame } from '../../../../src/io/can/bus.ts';
import { MemoryCan } from '../../../../src/io/can/memory-can.ts';
import { canSource } from '../../../../src/sources/can/can.ts';
import { parseDbc } from '../../../../src/sources/can/dbc/parse.ts';
import type { NamedDatabase } from '../../../../src/sources/can/decoding.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';

/** 0x100 has a counter, a speed and a door; 0x200 a temperature that is sent once a second. */
export const BODY = `VERSION ""
BS_:
BU_: ECU
BO_ 256 Drive: 4 ECU
 SG_ Count : 0|8@1+ (1,0) [0|255] "" ECU
 SG_ Speed : 8|16@1+ (0.01,0) [0|655.35] "km/h" ECU
 SG_ Door : 24|1@1+ (1,0) [0|1] "" ECU
BO_ 512 Engine: 8 ECU
 SG_ Temp : 0|8@1+ (1,-40) [-40|215] "degC" ECU
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 65535;
BA_ "GenMsgCycleTime" BO_ 512 5000;
VAL_ 256 Door 0 "shut" 1 "open" ;
`;

export function database(name = 'body', text = BODY): NamedDatabase {
  const { database: read, warnings, unlisted } = parseDbc(text);
  return { name, database: read, warnings: warnings.length + unlisted };
}

export function frame(id: number, ...data: number[]): CanFrame {
  return { id, extended: id > 0x7ff, data: Uint8Array.from(data) };
}

/** A source on a bus of its own, which runs; what it tells is in `readings`. */
export async function startSource(databases: readonly NamedDatabase[] = [database()]) {
  const clock = new FakeClock();
  const can = new MemoryCan({ clock });
  const car = can.node('car', () => undefined);
  const source = canSource({
    ...{ id: 'can', name: 'body', device: 'can0', open: can.opener('can0'), databases },
  });
  const readings: Reading[] = [];
  const stop = new AbortController();
  const running = source.run((reading) => void readings.push(reading), clock, stop.signal);
  running.catch(() => {}); // Those tests look at it that end it by an error.
  await settle();
  const send = async (...frames: readonly CanFrame[]): Promise<void> => {
    for (const one of frames) await car.send(one);
    await settle();
  };
  /** Samples of a stream since the last call, as [t in ms, value]. */
  const samples = (id: string): [number, number][] => {
    const found = readings.filter(({ kind, stream }) => kind === 'sample' && stream.id === id);
    for (const one of found) readings.splice(readings.indexOf(one), 1);
    return found.flatMap((one) => (one.kind === 'sample' ? [[one.t / 1000, one.v]] : []));
  };
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  return { clock, can, car, source, readings, running, stop, send, samples, end };
}
