import { expect, test } from 'vitest';
import type { Reading, Wave } from '#core/stream.ts';
import { memoryPort } from '../../../src/io/memory.ts';
import type { OpenPort } from '../../../src/io/port.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import {
  HeadBytes,
  type HeadFaults,
  noFaults,
  type TrueSample,
} from '../../../src/sim/thinkgear-head.ts';
import { thinkgearSource } from '../../../src/sources/eeg/eeg.ts';
import { supervise } from '../../../src/sources/supervise.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const SEED = 3;
const HOUR_MS = 3_600_000;
const STEP_MS = 10_000;
/** Before the faults begin: the sample clock needs some points for a rate that is far off. */
const LEARNING_MS = 20_000;
/** After they have ended, so that the last losses are counted. */
const CALM_MS = 5_000;
/** A line delivers about every so often, late mostly by a little and seldom by the whole jitter. */
const BURST_MS = 80;
const JITTER_MS = 20;
/**
 * A damaged length makes a packet out of several, whose check is right by chance once in 256 times:
 * good samples are then lost with it. That many at most, and so often in an hour at most.
 */
const SWALLOWED_MAX = 22;
const SWALLOWED_TIMES_MAX = 4;

/** Holds what a source says against what the headset measured. */
class Comparison {
  readonly faults: HeadFaults = noFaults();
  /** Samples that no good packet brought, and good ones inside of a false packet. */
  destroyed = 0;
  readonly swallowed: number[] = [];
  lost = 0;
  /** Errors of the waves' times in ms. */
  readonly timeErrors: number[] = [];
  /** How far `seq` is from the truth at the end of the last wave. */
  seqError = 0;
  readonly wrong: string[] = [];
  #expected: TrueSample[] = [];

  readonly measured = (sample: TrueSample): void => {
    if (sample.fate === 'sent') this.#expected.push(sample);
    else this.destroyed++;
  };

  readonly emit = (reading: Reading): void => {
    if (reading.kind === 'wave') this.#compare(reading);
  };

  #compare({ v, t, seq, lost }: Wave): void {
    const expected = this.#expected;
    let at = 0;
    let first: TrueSample | undefined;
    for (let i = 0; i < v.length; i++) {
      if (expected[at]?.v !== v[i]) at += this.#swallowed(v.subarray(i), at);
      first ??= expected[at];
      at++;
    }
    this.timeErrors.push((t - (first?.t ?? 0)) / 1000);
    this.seqError = seq + v.length - 1 - (expected[at - 1]?.n ?? 0);
    this.lost += lost;
    this.#expected = expected.slice(at);
  }

  /** How many samples from `at` on must have been swallowed for the rest of a wave to fit. */
  #swallowed(rest: Wave['v'], at: number): number {
    for (let count = 1; count <= SWALLOWED_MAX; count++) {
      if (!rest.every((v, i) => this.#expected[at + count + i]?.v === v)) continue;
      this.swallowed.push(count);
      return count;
    }
    this.wrong.push(`${rest} was measured nowhere near ${this.#expected[at]?.n}`);
    return 0;
  }
}

/** A headset at the far end of a line with bursts and jitter. */
function line(head: ConstructorParameters<typeof HeadBytes>[0], clock: FakeClock): OpenPort {
  return () => {
    const closed = new AbortController();
    const { port, device } = memoryPort(
      () => {},
      () => closed.abort(),
    );
    const bytes = new HeadBytes(head, clock.now());
    const random = seededRandom(head.seed);
    const pause = (ms: number) => clock.sleep(ms, closed.signal).catch(() => {});
    const pump = async (): Promise<void> => {
      while (!closed.signal.aborted) {
        await pause(BURST_MS * (0.5 + random()) - JITTER_MS / 2);
        const sent = bytes.until(clock.now());
        await pause(JITTER_MS * random() ** 2);
        device.feed(sent);
      }
    };
    void pump();
    return Promise.resolve(port);
  };
}

interface Way {
  readonly faults: Partial<HeadFaults>;
  readonly rateErrorPpm: number;
  /** The times of 95 % of the waves, and of all, are right to so many milliseconds. */
  readonly withinMs: readonly [most: number, all: number];
}

test.each<[string, Way]>([
  [
    'noise between packets',
    { faults: { garbageProbability: 0.01 }, rateErrorPpm: -9_000, withinMs: [2, 2] },
  ],
  ['losses', { faults: { lossProbability: 0.005 }, rateErrorPpm: 120, withinMs: [15, 30] }],
  // What a false packet swallows is more than a second of random losses takes.
  ['damage', { faults: { corruptProbability: 0.005 }, rateErrorPpm: -80, withinMs: [15, 50] }],
  [
    'losses, damage and noise',
    {
      faults: { lossProbability: 0.002, corruptProbability: 0.002, garbageProbability: 0.002 },
      rateErrorPpm: 5_000,
      withinMs: [15, 30],
    },
  ],
])(
  'an hour with %s: every sample that came is passed on, every other is counted',
  async (_, way) => {
    const clock = new FakeClock();
    const heard = new Comparison();
    const { faults, measured, emit } = heard;
    const { rateErrorPpm } = way;
    const open = line({ seed: SEED, rateErrorPpm, faults, onSample: measured }, clock);
    const source = thinkgearSource({ id: 'eeg', device: 'sim', open });
    const stop = new AbortController();
    const failures: string[] = [];
    const running = supervise(source, {
      clock,
      signal: stop.signal,
      emit,
      report: (status) => {
        if (status.state === 'waiting') failures.push(status.error.message);
      },
    });
    await clock.advance(LEARNING_MS);
    const learning = heard.timeErrors.length;
    Object.assign(faults, way.faults);
    for (let ms = 0; ms < HOUR_MS; ms += STEP_MS) await clock.advance(STEP_MS);
    Object.assign(faults, noFaults());
    await clock.advance(CALM_MS);
    stop.abort();
    await clock.advance(STEP_MS);
    await running;

    expect(heard.wrong).toEqual([]);
    expect(heard.seqError).toBe(0);
    expect(heard.swallowed.length).toBeLessThanOrEqual(SWALLOWED_TIMES_MAX);
    expect(heard.lost).toBe(heard.destroyed + sum(heard.swallowed));
    expect(source.health()['lost']).toMatchObject({ link: 0 });
    const { checksum, unexplained } = source.health()['lost'] as Record<string, number>;
    expect((checksum ?? 0) + (unexplained ?? 0)).toBe(heard.lost);
    expect(failures).toEqual([]);
    const [most, all] = way.withinMs;
    const errors = heard.timeErrors.slice(learning).map(Math.abs);
    expect(errors.filter((ms) => ms > most).length).toBeLessThan(errors.length * 0.05);
    expect(Math.max(...errors)).toBeLessThan(all);
    expect(clock.sleepers).toBe(0);
  },
  60_000,
);

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
