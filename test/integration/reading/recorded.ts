/**
 * A drive over two starts of the process in a real store: the first start is sealed, of the second
 * the last part is in memory only. Everything is a formula, so that a test can tell what is right.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Epoch } from '#core/clock.ts';
import type { Session } from '#core/session.ts';
import type { Reading as Measured, Stream } from '#core/stream.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { createReading, type Reading } from '../../../src/reading/service.ts';
import { type SessionRecords, Sessions } from '../../../src/sessions/sessions.ts';
import { DATA_FILE } from '../../../src/store/opening/opening.ts';
import { Store } from '../../../src/store/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const base = { unit: '1', range: [-1e9, 1e9], hz: 10 } as const;
export const SPEED: Stream = {
  ...base,
  id: 'obd.vehicle.speed',
  name: 'Road speed',
  unit: 'km/h',
  kind: 'sample',
};
export const EEG: Stream = {
  ...base,
  ...{ id: 'eeg.raw', name: 'EEG', unit: 'uV', kind: 'wave', hz: 512, lsb: 0.25 },
};
export const ALERTS: Stream = {
  ...base,
  id: 'alert.fatigue',
  name: 'Alerts',
  hz: 0,
  kind: 'event',
};
export const MARKS: Stream = { ...base, id: 'marker', name: 'Markers', hz: 0, kind: 'event' };

/** Of both starts, which were ten minutes apart. */
const FIRST: Epoch = epoch(1, 0);
export const SECOND: Epoch = epoch(2, 600_000);
export const FIRST_S = 400;
/** What the second start had sealed, and where it has got to. */
const SEALED_S = 320;
export const NOW_S = 400;
/** A block of the EEG: half a second. */
const BLOCK = 256;

function epoch(id: number, laterMs: number): Epoch {
  const wallMs = Date.UTC(2026, 10, 22) + laterMs;
  return { id, wallMs, trust: id === 1 ? 'ntp' : 'rtc', bootId: 'boot', monotonicMs: laterMs };
}

/** Kilometres per hour, `s` after the start. */
export function speedAt(s: number): number {
  return Math.round(60 + 30 * Math.sin(s));
}

/** Counts of the ADC. */
export function countAt(i: number): number {
  return (i * 7919) % 2048;
}

/** What comes in between two times: 10 speeds, 512 samples and a marker a second, an alert a minute. */
function readings(fromS: number, toS: number): Measured[] {
  const all: Measured[] = [];
  for (let i = fromS * 10; i < toS * 10; i++) {
    all.push({ kind: 'sample', stream: SPEED, t: i * 100_000, v: speedAt(i / 10) });
  }
  for (let i = fromS * 512; i < toS * 512; i += BLOCK) {
    const v = Int16Array.from({ length: BLOCK }, (_, k) => countAt(i + k));
    const t = Math.round((i * 1e6) / 512);
    all.push({ kind: 'wave', stream: EEG, t, hz: 512, v, seq: i, lost: 0 });
  }
  for (let s = fromS; s < toS; s++) {
    all.push({ kind: 'event', stream: MARKS, t: s * 1e6, data: { s } });
    if (s % 60 === 0) all.push({ kind: 'event', stream: ALERTS, t: s * 1e6, data: { level: 3 } });
  }
  return all.sort((a, b) => a.t - b.t);
}

const NOTES = {
  ...{ owner: null, driver: null, vehicle: null, study: null, tags: [], notes: '', consent: null },
  pinned: false,
};

/** Of the drive, over both starts: 10 s to 210 s of the first, then 5 s to 395 s of the second. */
export const DRIVE: Session = {
  ...NOTES,
  ...{ id: 1, startedBy: 'ignition', endedBy: 'ignition', stats: null },
  spans: [
    { epoch: 1, from: 10e6, to: 210e6 },
    { epoch: 2, from: 5e6, to: 395e6 },
  ],
};
/** Where the second part of the drive begins on its axis: the starts were ten minutes apart. */
export const SECOND_AT_S = 600 + 5 - 10;
export const DRIVE_S = 200 + 390;

export class Recorded {
  readonly reading: Reading;
  readonly sessions: Sessions;
  /** That in which clients wait; the time of the recording stands still at NOW_S. */
  readonly clock = new FakeClock();
  readonly store: Store;
  readonly file: string;
  readonly #directory: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(directory: string) {
    this.#directory = directory;
    this.file = path.join(directory, DATA_FILE);
    this.store = storeOf(directory, SECOND);
    this.#running = this.store.run(this.#stop.signal);
    const epochs = () => new Map([FIRST, SECOND].map((one) => [one.id, one]));
    const now = () => NOW_S * 1e6;
    this.sessions = new Sessions(records([DRIVE]), {
      ...{ epoch: SECOND, epochs, now },
      statistics: (spans) => this.reading.statistics(spans),
      erase: (ranges) => this.store.erase(ranges),
      tell: () => {},
    });
    const { store, sessions, clock, file } = this;
    this.reading = createReading({ store, sessions, epochs, now, clock, file });
  }

  async begin(): Promise<this> {
    await this.store.settled;
    await this.sessions.open({ lastSeen: this.store.lastSeen });
    this.store.take(readings(0, SEALED_S));
    await this.store.erase([]); // Seals.
    this.store.take(readings(SEALED_S, NOW_S));
    await this.store.durable();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reading.close();
    this.#stop.abort();
    await this.#running;
    await rm(this.#directory, { recursive: true });
  }
}

export async function recorded(): Promise<Recorded> {
  const directory = await mkdtemp(path.join(tmpdir(), 'vigil-reading-'));
  const store = storeOf(directory, FIRST);
  const stop = new AbortController();
  const running = store.run(stop.signal);
  await store.settled;
  store.take(readings(0, FIRST_S));
  await store.durable();
  stop.abort();
  await running;
  return await new Recorded(directory).begin();
}

export function storeOf(directory: string, epoch: Epoch): Store {
  const ignore = (): void => {};
  return new Store({
    ...{ directory, epoch, quotaBytes: 2 ** 26, clock: monotonicClock() },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    pinned: () => [],
    off: undefined,
  });
}

function records(sessions: readonly Session[]): SessionRecords {
  return {
    list: () => sessions,
    lastId: () => sessions.length,
    put: async () => {},
    remove: async () => {},
  };
}
