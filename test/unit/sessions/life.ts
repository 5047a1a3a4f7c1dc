import type { Epoch } from '#core/clock.ts';
import type { Session, SessionStats, Span } from '#core/session.ts';
import type { Micros, Stream } from '#core/stream.ts';
import type { Range } from '../../../src/codec/columns.ts';
import { type Recording, type SessionRecords, Sessions } from '../../../src/sessions/sessions.ts';
import { ADAPTER_VOLTAGE, IGNITION } from '../../../src/sources/obd/streams.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

export const OFF = 0;
export const ON = 1;
export const RUNNING = 2;

const RPM: Stream = {
  id: 'obd.engine.rpm',
  name: 'Engine speed',
  unit: '/min',
  range: [0, 16_384],
  hz: 10,
  kind: 'sample',
};

const ATTENTION: Stream = { ...RPM, id: 'eeg.attention', unit: '1', range: [0, 100] };

export const STATS: SessionStats = { durationS: 1, distanceKm: 2, alerts: 3, streams: {} };

/** What outlives a power cut: the records, and the epochs. */
export class Disk implements SessionRecords {
  readonly sessions = new Map<number, Session>();
  readonly epochs = new Map<number, Epoch>();
  /** While set, every write is refused with it. */
  refusal: Error | undefined;
  /** Writes under way, and the most there were at a time. */
  writing = 0;
  writingMax = 0;
  writes = 0;
  #lastId = 0;

  list(): Session[] {
    return [...this.sessions.values()].reverse();
  }

  lastId(): number {
    return this.#lastId;
  }

  async put(session: Session): Promise<void> {
    await this.#write();
    this.#lastId = Math.max(this.#lastId, session.id);
    this.sessions.set(session.id, session);
  }

  async remove(id: number): Promise<void> {
    await this.#write();
    this.sessions.delete(id);
  }

  async #write(): Promise<void> {
    this.writing++;
    this.writes++;
    this.writingMax = Math.max(this.writingMax, this.writing);
    const { refusal } = this;
    await settle();
    this.writing--;
    if (refusal) throw refusal;
  }
}

/** As a store tells that it cannot. */
export function refusal(): Error {
  return Object.assign(new Error('no space left on the device'), { code: 'ENOSPC' });
}

/** One life of the process on a disk, in seconds. */
export class Life {
  readonly sessions: Sessions;
  readonly clock = new FakeClock();
  readonly epoch: Epoch;
  readonly erased: Range[] = [];
  readonly counted: (readonly Span[])[] = [];
  /** What a person would read in the log. */
  readonly told: string[] = [];
  /** While set, statistics and erasing are refused with it. */
  refusal: Error | undefined;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(disk: Disk, epoch: Partial<Epoch> = {}) {
    const id = disk.epochs.size + 1;
    this.epoch = { id, wallMs: 0, trust: 'none', bootId: 'boot', monotonicMs: 0, ...epoch };
    disk.epochs.set(id, this.epoch);
    const recording: Recording = {
      epoch: this.epoch,
      epochs: () => disk.epochs,
      now: () => this.clock.now(),
      statistics: async (spans) => {
        this.counted.push(spans);
        await settle();
        if (this.refusal) throw this.refusal;
        return STATS;
      },
      tell: (text) => void this.told.push(text),
      erase: async (ranges) => {
        await settle();
        if (this.refusal) throw this.refusal;
        this.erased.push(...ranges);
      },
    };
    this.sessions = new Sessions(disk, recording);
  }

  get now(): Micros {
    return this.clock.now();
  }

  /** @param lastSeen epoch and second of the newest reading that is stored */
  async begin(lastSeen?: readonly [epoch: number, s: number]): Promise<this> {
    const seen = lastSeen && { epoch: lastSeen[0], t: lastSeen[1] * 1e6 };
    await this.sessions.open({ lastSeen: seen });
    this.#running = this.sessions.run(this.clock, this.#stop.signal);
    return this;
  }

  /** A clean stop. A power cut is to do nothing more with this life. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await settle();
  }

  /** The car is in this state for so many seconds, and tells it as it does. */
  async car(state: number, seconds: number): Promise<void> {
    for (let s = 0; s < seconds; s++) {
      const t = this.now;
      const v = 12.4;
      this.sessions.take([
        { kind: 'sample', stream: ADAPTER_VOLTAGE, t, v },
        { kind: 'sample', stream: ATTENTION, t, v: 50 },
      ]);
      if (s % 10 === 0) this.sessions.take([{ kind: 'sample', stream: IGNITION, t, v: state }]);
      if (state !== OFF) this.sessions.take([{ kind: 'sample', stream: RPM, t, v: 800 }]);
      await this.clock.advance(1000);
    }
  }

  /** The adapter and the headset are there, the car is not. */
  async unplugged(seconds: number): Promise<void> {
    for (let s = 0; s < seconds; s++) {
      const t = this.now;
      this.sessions.take([
        { kind: 'sample', stream: ADAPTER_VOLTAGE, t, v: 12.4 },
        { kind: 'sample', stream: ATTENTION, t, v: 50 },
      ]);
      await this.clock.advance(1000);
    }
  }

  /** Id, what ended it, and the spans in seconds: `1 ignition 1:5-101`. */
  written(): string[] {
    return [...this.sessions.list({ limit: 1000 }).items].reverse().map(written);
  }
}

export function written({ id, endedBy, spans }: Session): string {
  const each = spans.map(
    ({ epoch, from, to }) => `${epoch}:${from / 1e6}-${to === null ? '' : to / 1e6}`,
  );
  return `${id} ${endedBy ?? 'open'} ${each.join(' ')}`;
}
