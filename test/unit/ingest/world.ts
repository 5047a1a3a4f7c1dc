/** What clients send to, without a disk: a store that can fail, lose what is not durable and start again. */
import type { Session } from '#core/session.ts';
import type { Event, Reading, Stream } from '#core/stream.ts';
import { Ingest, type IngestStore } from '../../../src/ingest/ingest.ts';
import type { FaceBody } from '../../../src/ingest/shapes.ts';
import { StoreError } from '../../../src/store/errors.ts';
import { FakeClock } from '../../support/fake-clock.ts';

export const EPOCH = 7;
export const SESSION = 3;

export class MemoryStore implements IngestStore {
  /** What a power cut leaves. */
  readonly kept: Reading[] = [];
  waiting: Reading[] = [];
  isFailing = false;
  isFull = false;
  flushes = 0;
  #openings = 1;

  openings(): number {
    return this.#openings;
  }

  keep(batch: readonly Reading[]): void {
    if (this.isFull) throw new StoreError('BUSY', 'full');
    this.waiting.push(...batch);
  }

  durable(): Promise<void> {
    if (this.isFailing) return Promise.reject(new StoreError('FAILED', 'the disk does not answer'));
    this.flushes++;
    this.kept.push(...this.waiting);
    this.waiting = [];
    return Promise.resolve();
  }

  streams(): readonly Stream[] {
    return [...new Set(this.kept.map(({ stream }) => stream))];
  }

  *newest(ids: readonly string[]): Generator<Event['data']> {
    for (const reading of this.kept.toReversed()) {
      if (reading.kind === 'event' && ids.includes(reading.stream.id)) yield reading.data;
    }
  }

  /** It broke, and is open again: what was not durable is gone. */
  reopen(): void {
    this.waiting = [];
    this.#openings++;
  }

  /** Without what is kept for the gateway itself. */
  data(): Reading[] {
    return this.kept.filter(({ stream }) => !stream.id.startsWith('ingest.'));
  }
}

export function createWorld(store = new MemoryStore()) {
  const clock = new FakeClock();
  const emitted: Reading[] = [];
  const session: { -readonly [K in keyof Session]: Session[K] } = {
    ...{ id: SESSION, owner: null, driver: null, vehicle: null, study: null, tags: [], notes: '' },
    ...{ consent: null, pinned: false, startedBy: 'manual', endedBy: null, stats: null },
    spans: [{ epoch: EPOCH, from: 1_000_000, to: null }],
  };
  const ingest = new Ingest({
    ...{ clock, realTime: clock, epoch: EPOCH, store },
    emit: (reading) => void emitted.push(reading),
    session: () => session,
    ownStreams: () => [
      { id: 'face.confidence2', name: '', unit: '1', range: [0, 1], hz: 1, kind: 'sample' },
    ],
  });
  return { clock, store, emitted, session, ingest };
}

/** A batch of one picture at a time of the epoch. */
export function face(seq: number, t = 2_000_000, more: Partial<FaceBody['items'][number]> = {}) {
  const items = [{ t, faceDetected: true, confidence: 0.5, ...more }];
  return { kind: 'face', body: { client: 'cam', seq, epoch: EPOCH, items } } as const;
}

/** What a call comes to, while time passes. */
export async function after<T>(clock: FakeClock, work: Promise<T>, ms = 1_000): Promise<T> {
  work.catch(() => {}); // Whoever awaits it below is told.
  await clock.advance(ms);
  return await work;
}
