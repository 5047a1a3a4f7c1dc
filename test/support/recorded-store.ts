/** Stores as gateways left them, or have them open at this moment. */
import type { AlertRule } from '#core/alert.ts';
import type { Epoch } from '#core/clock.ts';
import type { Session } from '#core/session.ts';
import type { Micros, Reading, Stream } from '#core/stream.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import { createLog } from '../../src/io/log.ts';
import { nameKey, numberKey } from '../../src/store/keys.ts';
import { encodeRecord } from '../../src/store/record.ts';
import { Store } from '../../src/store/store.ts';

const stream = (id: string, kind: Stream['kind'], hz: number): Stream => ({
  ...{ id, name: id, unit: '1', kind, hz },
  range: [-1e9, 1e9],
});
export const SPEED: Stream = { ...stream('obd.vehicle.speed', 'sample', 1), unit: 'km/h' };
export const EEG: Stream = { ...stream('eeg.raw', 'wave', 100), unit: 'uV', lsb: 1 };
export const MARK = stream('marker', 'event', 0);
const WAVE_SAMPLES = 50;
/** A record of the journal has so many seconds. */
export const RECORD_S = 10;

/** What a car at 36 km/h and a head say in one second: 1 sample, 100 of a wave, 1 event. */
export function secondOf(second: number): Reading[] {
  const t = second * 1e6;
  const wave = (half: number): Reading => {
    const seq = second * 2 * WAVE_SAMPLES + half * WAVE_SAMPLES;
    const v = Int16Array.from({ length: WAVE_SAMPLES }, (_, i) => (seq + i) % 1000);
    return { kind: 'wave', stream: EEG, t: t + half * 5e5, hz: 100, v, seq, lost: 0 };
  };
  return [
    { kind: 'sample', stream: SPEED, t, v: 36 },
    wave(0),
    wave(1),
    { kind: 'event', stream: MARK, t, data: { second } },
  ];
}

export function epochOf(id: number): Epoch {
  const wallMs = Date.UTC(2026, 10, id, 12);
  return { id, wallMs, trust: id === 1 ? 'ntp' : 'none', bootId: `boot ${id}`, monotonicMs: 0 };
}

export function sessionOf(id: number, epoch: number, from: Micros, to: Micros | null): Session {
  return {
    ...{ id, startedBy: 'ignition', endedBy: to === null ? null : 'ignition', stats: null },
    spans: [{ epoch, from, to }],
    ...{ owner: null, driver: 'Ada', vehicle: null, study: null, tags: ['test', 'wet'], notes: '' },
    ...{ consent: null, pinned: id === 1 },
  };
}

interface Recorded {
  readonly epoch: number;
  readonly seconds: number;
  readonly sessions: readonly Session[];
  readonly rules?: readonly AlertRule[];
}

/** A store with some seconds in it, which `close` seals. */
export async function recordInto(
  directory: string,
  { epoch, seconds, sessions, rules = [] }: Recorded,
): Promise<{ close(): Promise<void> }> {
  const clock = monotonicClock();
  const log = createLog({ level: 'error', journald: false, now: clock.now, write: () => {} });
  const store = new Store({
    ...{ directory, clock, log, epoch: epochOf(epoch) },
    quotaBytes: 32 * 2 ** 20,
    lowBytes: 0,
    pinned: () => [],
  });
  const stopping = new AbortController();
  const ended = store.run(stopping.signal);
  await store.opened(stopping.signal);
  for (let second = 0; second < seconds; second++) {
    store.take(secondOf(second));
    if ((second + 1) % RECORD_S === 0) await store.durable();
  }
  await store.durable();
  await store.commit([
    ...sessions.map((session) => {
      const key = numberKey(session.id);
      return { table: 'sessions', key, value: encodeRecord(key, session) } as const;
    }),
    ...rules.map((rule) => {
      const key = nameKey(rule.id);
      return { table: 'rules', key, value: encodeRecord(key, rule) } as const;
    }),
  ]);
  return {
    async close() {
      stopping.abort();
      await ended;
    },
  };
}
