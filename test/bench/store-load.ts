/**
 * What a car full of devices sends, from a seed: the values of an OBD adapter that answers as fast as
 * it can, the wave of a headset, and the frames of a CAN bus. Made once for a while and then repeated,
 * so that making it costs next to nothing.
 */
import type { Reading, Stream } from '#core/stream.ts';
import { createCar } from '../../src/sim/car.ts';
import { Head } from '../../src/sim/head.ts';
import { ENGINE_PIDS, encodePid, type Snapshot } from '../../src/sim/pid-encoders.ts';
import { seededRandom } from '../../src/sim/random.ts';
import { TroubleMemory } from '../../src/sim/troubles.ts';
import { PID_BY_NUMBER } from '../../src/sources/obd/j1979/pid-table.ts';
import { DEFAULT_SCALING, decodePid } from '../../src/sources/obd/j1979/pids.ts';
import { canFrames } from './store-can.ts';

/** Before it repeats itself. */
const OBD_PERIOD_S = 900;
const EEG_PERIOD_S = 900;
const CAN_PERIOD_S = 60;
/** What the fastest adapters get out of a car. */
const OBD_PER_S = 286;
/** By how much an answer is late, at most. */
const OBD_LATE_US = 8_000;
/** What a store is given at once where its pace does not matter. */
const STEP_S = 60;
const EEG_HZ = 512;
const WAVE_SAMPLES = 32;
const SECOND_US = 1_000_000;
const SEED = 1;

const RAW: Stream = {
  id: 'eeg.raw',
  name: 'EEG, forehead',
  unit: 'uV',
  range: [-7_200, 7_200],
  hz: EEG_HZ,
  kind: 'wave',
  lsb: (1.8 / 4096 / 2000) * 1e6,
};
const CAN: Stream = {
  id: 'can.raw',
  name: 'CAN frames',
  unit: '1',
  range: [0, 0],
  hz: 0,
  kind: 'frame',
};

/** A source of readings. */
export interface Load {
  readonly name: string;
  readonly streams: readonly Stream[];
  /** What comes in the n-th second from the start, in the order of time. */
  second(n: number): Reading[];
}

/** Samples of waves, values and frames. */
export function samplesIn(readings: readonly Reading[]): number {
  return readings.reduce((sum, one) => sum + (one.kind === 'wave' ? one.v.length : 1), 0);
}

/** Readings of so many seconds, and the last of these. */
export function* steps(
  load: Load,
  seconds: number,
): Generator<{ readonly n: number; readonly readings: readonly Reading[] }> {
  for (let from = 0; from < seconds; from += STEP_S) {
    const readings = Array.from({ length: STEP_S }, (_, i) => load.second(from + i)).flat();
    yield { n: from + STEP_S - 1, readings };
  }
}

/** A car's answers: every PID that the simulated engine has, polled in proportion to its rate. */
export function obdLoad(): Load {
  return repeated('OBD', OBD_PERIOD_S, obdReadings());
}

export function eegLoad(): Load {
  return repeated('EEG', EEG_PERIOD_S, eegReadings());
}

export function canLoad(): Load {
  return repeated('CAN', CAN_PERIOD_S, canFrames(CAN, CAN_PERIOD_S, SEED));
}

/** One signal alone, at a rate of its own. */
export function signalLoad(hz: number): Load {
  const car = createCar(SEED);
  const random = seededRandom(SEED);
  const stream = [...(PID_BY_NUMBER.get(0x0c)?.signals ?? [])][0]?.stream;
  if (stream === undefined) throw new Error('no PID tells the speed of the engine');
  const readings = Array.from({ length: OBD_PERIOD_S * hz }, (_, i): Reading => {
    const t = Math.round((i * SECOND_US) / hz + OBD_LATE_US * random());
    return { kind: 'sample', stream, t, v: Math.round(4 * car.at(t).engine.rpm) / 4 };
  });
  return repeated(`${hz} Hz`, OBD_PERIOD_S, readings);
}

/** All of the loads at once. */
export function together(name: string, loads: readonly Load[]): Load {
  return {
    name,
    streams: loads.flatMap(({ streams }) => streams),
    second: (n) => loads.flatMap((load) => load.second(n)).sort((a, b) => a.t - b.t),
  };
}

/** So many cars in one: the same values in streams of their own. */
export function times(load: Load, cars: number): Load {
  if (cars === 1) return load;
  const copies = Array.from({ length: cars }, (_, i) => {
    return new Map(load.streams.map((one) => [one, { ...one, id: `car${i}.${one.id}` }]));
  });
  return {
    name: load.name,
    streams: copies.flatMap((copy) => [...copy.values()]),
    second: (n) => {
      const readings = load.second(n);
      return readings.flatMap((one) =>
        copies.map((copy) => ({ ...one, stream: copy.get(one.stream) ?? one.stream })),
      );
    },
  };
}

/** @param readings of `periodS` seconds, in any order */
function repeated(name: string, periodS: number, readings: readonly Reading[]): Load {
  const seconds = Array.from({ length: periodS }, (): Reading[] => []);
  for (const one of readings.toSorted((a, b) => a.t - b.t)) {
    seconds[Math.min(periodS - 1, Math.floor(one.t / SECOND_US))]?.push(one);
  }
  const streams = [...new Set(readings.map(({ stream }) => stream))];
  return {
    name,
    streams,
    second(n) {
      const lap = Math.floor(n / periodS);
      return (seconds[n % periodS] ?? []).map((one) => shifted(one, lap * periodS));
    },
  };
}

/** Written out, so that every copy has the shape of what a source makes. */
function shifted(reading: Reading, seconds: number): Reading {
  const { stream } = reading;
  const t = reading.t + seconds * SECOND_US;
  switch (reading.kind) {
    case 'sample':
      return { kind: 'sample', stream, t, v: reading.v };
    case 'wave': {
      const { hz, v, lost } = reading;
      return { kind: 'wave', stream, t, hz, v, seq: reading.seq + seconds * stream.hz, lost };
    }
    case 'frame': {
      const { id, extended, data } = reading;
      return { kind: 'frame', stream, t, id, extended, data };
    }
    case 'event':
      return { kind: 'event', stream, t, data: reading.data };
  }
}

function obdReadings(): Reading[] {
  const car = createCar(SEED);
  const troubles = new TroubleMemory(car);
  const random = seededRandom(SEED);
  const snapshotAt = (t: number): Snapshot => {
    const scaling = { lambdaMax: 0, mafMaxGs: 0 };
    return { car: car.at(t), troubles: troubles.at(t), scaling };
  };
  const readings: Reading[] = [];
  for (const [t, pid] of obdPolls(snapshotAt(0))) {
    const encoder = ENGINE_PIDS.find((one) => one.pid === pid);
    const row = PID_BY_NUMBER.get(pid);
    if (encoder === undefined || row === undefined) continue;
    const late = Math.round(t + OBD_LATE_US * random());
    const data = Uint8Array.from(encodePid(encoder, snapshotAt(t)));
    decodePid(row, data, DEFAULT_SCALING, (stream, v) =>
      readings.push({ kind: 'sample', stream, t: late, v }),
    );
  }
  return readings;
}

/** When each PID is asked for, in the order of time. */
function obdPolls(snapshot: Snapshot): (readonly [t: number, pid: number])[] {
  const rows = ENGINE_PIDS.flatMap((encoder) => {
    const row = PID_BY_NUMBER.get(encoder.pid);
    if (row === undefined || row.hz === 0) return [];
    let values = 0;
    const data = Uint8Array.from(encodePid(encoder, snapshot));
    decodePid(row, data, DEFAULT_SCALING, () => values++);
    return [{ pid: row.pid, hz: row.hz, values }];
  });
  const usual = rows.reduce((sum, { hz, values }) => sum + hz * values, 0);
  const polls = rows.flatMap(({ pid, hz }, phase) => {
    const period = SECOND_US / ((hz * OBD_PER_S) / usual);
    const first = (period * phase) / rows.length;
    const n = Math.floor((OBD_PERIOD_S * SECOND_US - OBD_LATE_US - first) / period);
    return Array.from({ length: n }, (_, i) => [first + i * period, pid] as const);
  });
  return polls.sort(([a], [b]) => a - b);
}

function eegReadings(): Reading[] {
  const head = new Head(SEED);
  const period = SECOND_US / EEG_HZ;
  return Array.from({ length: (EEG_PERIOD_S * EEG_HZ) / WAVE_SAMPLES }, (_, block): Reading => {
    const seq = block * WAVE_SAMPLES;
    const v = Int16Array.from({ length: WAVE_SAMPLES }, (_, i) => head.counts((seq + i) * period));
    return { kind: 'wave', stream: RAW, t: Math.round(seq * period), hz: EEG_HZ, v, seq, lost: 0 };
  });
}
