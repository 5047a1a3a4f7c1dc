import type { Clock } from '#core/clock.ts';
import type { Reading, Sample, Wave } from '#core/stream.ts';
import { memoryPort } from '../../../../src/io/memory.ts';
import { seededRandom } from '../../../../src/sim/random.ts';
import {
  HeadBytes,
  type HeadFaults,
  noFaults,
  type TrueSample,
} from '../../../../src/sim/thinkgear-head.ts';
import { thinkgearSource } from '../../../../src/sources/eeg/eeg.ts';
import type { Source } from '../../../../src/sources/source.ts';

/** A clock that stands still until it is set. */
export class SetClock implements Clock {
  t = 0;

  now(): number {
    return this.t;
  }

  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

/** What a source that reads one in-memory line after the other says. */
export class Listener {
  readonly clock = new SetClock();
  readonly readings: Reading[] = [];
  readonly written: number[] = [];
  readonly source: Source;
  readonly stop = new AbortController();
  #line = memoryPort(() => {});

  constructor() {
    const open = () => Promise.resolve(this.#line.port);
    this.source = thinkgearSource({ id: 'eeg', device: '/dev/eeg', open });
  }

  /** Opens a line. Rejects as the source does, once it has ended. */
  run(): Promise<void> {
    this.#line = memoryPort((bytes) => void this.written.push(...bytes));
    return this.source.run(
      (reading) => void this.readings.push(reading),
      this.clock,
      this.stop.signal,
    );
  }

  /** A chunk that arrives at `t` microseconds. */
  async hear(bytes: ArrayLike<number>, t: number): Promise<void> {
    this.clock.t = Math.max(this.clock.t, Math.round(t));
    this.#line.device.feed(Uint8Array.from(bytes));
    await turn();
  }

  hangUp(): void {
    this.#line.device.hangUp();
  }

  get waves(): Wave[] {
    return this.readings.filter((reading) => reading.kind === 'wave');
  }

  samples(id: string): Sample[] {
    return this.readings.filter((r): r is Sample => r.kind === 'sample' && r.stream.id === id);
  }
}

/** Lets the reader of an in-memory line run. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

export interface Way {
  readonly seconds: number;
  readonly ppm?: number;
  readonly faults?: Partial<HeadFaults>;
  /** The line delivers about every so many milliseconds, in up to two chunks. */
  readonly burstMs?: number;
  /** A burst is late by up to this. */
  readonly jitterMs?: number;
  /** Nothing is delivered in these microseconds; `cut` says whether it is lost or comes after. */
  readonly pause?: { readonly from: number; readonly to: number; readonly cut: boolean };
}

const START = 1_000_000;

/** Sends a simulated head over a bad line. Returns what was heard, and the truth by sample number. */
export async function listen(way: Way): Promise<{ heard: Listener; truth: TrueSample[] }> {
  const truth: TrueSample[] = [];
  const faults = { ...noFaults(), ...way.faults };
  const options = { seed: 3, rateErrorPpm: way.ppm ?? 0, faults };
  const head = new HeadBytes({ ...options, onSample: (sample) => truth.push(sample) }, START);
  const heard = new Listener();
  const run = heard.run();
  const random = seededRandom(9);
  for (let t = START; t < START + way.seconds * 1e6; ) {
    t += (way.burstMs ?? 40) * 1000 * (0.5 + random());
    const { pause } = way;
    if (pause && t > pause.from && t < pause.to) {
      await heard.hear(head.until(pause.from), pause.from);
      t = pause.to;
      if (pause.cut) lose(truth, () => head.until(t));
    }
    const bytes = head.until(t);
    const arrival = t + (way.jitterMs ?? 0) * 1000 * random() ** 2;
    const cut = Math.floor(bytes.length * random());
    await heard.hear(bytes.subarray(0, cut), arrival);
    await heard.hear(bytes.subarray(cut), arrival);
  }
  heard.hangUp();
  await run;
  return { heard, truth };
}

/** Marks the samples of what `send` sends as lost. */
function lose(truth: TrueSample[], send: () => void): void {
  const from = truth.length;
  send();
  truth.splice(
    from,
    truth.length,
    ...truth.slice(from).map((s) => ({ ...s, fate: 'lost' as const })),
  );
}
