import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Stream, Wave } from '#core/stream.ts';
import { RawStream } from '../../../../src/sources/eeg/raw-stream.ts';
import { LossLedger } from '../../../../src/sources/eeg/sampling.ts';

const STREAM: Stream = {
  id: 'eeg.raw',
  name: 'EEG',
  unit: 'uV',
  range: [-1, 1],
  hz: 512,
  kind: 'wave',
};
const PERIOD = 1e6 / 512;

/** A headset with exact time: samples are numbered by `taken`, and their value is their number. */
class Bench {
  readonly ledger = new LossLedger();
  readonly raw = new RawStream(STREAM, this.ledger);
  readonly waves: Wave[] = [];
  taken = 0;
  readonly #emit = (reading: unknown) => void this.waves.push(reading as Wave);

  constructor() {
    this.raw.connected();
  }

  get now(): number {
    return Math.round(1e6 + this.taken * PERIOD);
  }

  /** `count` samples in chunks of 16; after `done` of them does what `at` says. */
  send(count: number, at: Readonly<Record<number, () => void>> = {}): void {
    for (let i = 0; i < count; i++) {
      if (i % 16 === 0) this.raw.chunkBegins(this.now, this.#emit);
      at[i]?.();
      this.raw.sample(this.taken++);
      if (i % 16 === 15 || i === count - 1) this.raw.chunkEnds(this.now, this.#emit);
    }
  }

  /** Samples that are taken and do not arrive. */
  lose(count: number): void {
    this.taken += count;
  }

  /** A whole second, with `lost` samples missing in its middle. */
  second(lost = 0): void {
    this.send(256);
    this.lose(lost);
    this.send(256 - lost);
    this.raw.second();
  }

  hangUp(): void {
    this.raw.disconnected(this.now, this.#emit);
  }

  /** How far `seq` is from the truth, at the first sample of each wave. */
  get shifts(): number[] {
    return [...new Set(this.waves.map(({ seq, v }) => seq - Number(v[0])))];
  }
}

describe('without losses', () => {
  test('waves of 32 samples follow one another without a gap', () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) bench.second();
    expect(bench.waves).toHaveLength(48);
    expect(bench.waves.every(({ v, lost }) => v.length === 32 && lost === 0)).toBe(true);
    expect(bench.shifts).toEqual([0]);
    for (const { t, seq } of bench.waves) {
      expect(Math.abs(t - (1e6 + (seq + 1) * PERIOD))).toBeLessThan(2);
    }
  });

  test('a wave leaves with the chunk that completes it', () => {
    const bench = new Bench();
    bench.send(31);
    expect(bench.waves).toHaveLength(0);
    bench.send(1);
    expect(bench.waves).toHaveLength(1);
  });

  test('what is left goes out at the end', () => {
    const bench = new Bench();
    bench.send(40);
    bench.hangUp();
    expect(bench.waves.map(({ v }) => v.length)).toEqual([32, 8]);
  });
});

describe('losses between two 1 Hz packets', () => {
  test.each([1, 26, 60, 100])('%i samples are found and stand before the next wave', (lost) => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) bench.second();
    bench.second(lost);
    const before = bench.waves.length;
    bench.second();
    const wave = bench.waves.slice(before - 1).find((w) => w.lost > 0);
    expect(wave).toMatchObject({ lost, seq: 2048 });
    expect(bench.ledger.entries).toMatchObject([
      { seq: 2048 - lost, count: lost, reason: 'unexplained' },
    ]);
    expect(bench.shifts).toEqual([0, -lost]);
    expect(bench.waves.at(-1)).toMatchObject({ seq: 5 * 512 - 32 });
  });

  test('a lost 1 Hz packet costs no sample', () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) bench.second();
    bench.send(512);
    bench.second();
    expect(bench.ledger.totals).toEqual({ checksum: 0, link: 0, unexplained: 0 });
    expect(bench.shifts).toEqual([0]);
  });

  test('samples lost along with a 1 Hz packet are found', () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) bench.second();
    bench.send(400);
    bench.lose(112);
    bench.second(10);
    bench.second();
    expect(bench.ledger.totals).toEqual({ checksum: 0, link: 0, unexplained: 122 });
    expect(bench.waves.at(-1)).toMatchObject({ seq: 6 * 512 - 32 });
  });

  test('time allows for a loss before it is counted', () => {
    const bench = new Bench();
    for (let i = 0; i < 10; i++) bench.second();
    bench.lose(100);
    bench.send(400);
    const { t, v } = bench.waves.at(-1) ?? { t: 0, v: [] };
    expect(Math.abs(t - (1e6 + (Number(v[0]) + 1) * PERIOD))).toBeLessThan(4_000);
  });

  test('samples that come twice never turn the position back, and the next losses make up for it', () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) bench.second();
    bench.send(256);
    bench.taken -= 3;
    bench.send(259);
    bench.raw.second();
    bench.second();
    expect(bench.raw.surplus).toBe(3);
    const positions = bench.waves.map(({ seq }) => seq);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    bench.second(5);
    bench.second();
    expect(bench.ledger.totals.unexplained).toBe(2);
    expect(bench.waves.at(-1)).toMatchObject({ seq: 7 * 512 - 32 });
  });
});

describe('damaged bytes', () => {
  const damage = (bench: Bench, bytes: number, bad: number) => () => {
    bench.lose(1);
    bench.raw.damaged(bytes, bad);
  };

  test('a damaged sample is missing in its place', () => {
    const bench = new Bench();
    bench.second();
    bench.send(511, { 100: damage(bench, 8, 1) });
    bench.raw.second();
    bench.second();
    expect(bench.shifts).toEqual([0]);
    expect(bench.ledger.entries).toMatchObject([{ seq: 612, count: 1, reason: 'checksum' }]);
    expect(bench.waves.find(({ lost }) => lost > 0)).toMatchObject({ seq: 613, lost: 1 });
  });

  test('bytes that may have been anything wait for the count', () => {
    const bench = new Bench();
    bench.second();
    bench.send(511, { 100: damage(bench, 7, 0) });
    bench.raw.second();
    bench.second();
    expect(bench.ledger.entries).toMatchObject([{ count: 1, reason: 'checksum' }]);
    expect(bench.shifts).toEqual([0, -1]);
  });

  test('noise between packets costs nothing', () => {
    const bench = new Bench();
    bench.second();
    bench.send(512, { 100: () => bench.raw.damaged(11, 1) });
    bench.raw.second();
    bench.second();
    expect(bench.ledger.entries).toEqual([]);
    expect(bench.shifts).toEqual([0]);
  });

  test('a damaged 1 Hz packet costs no sample', () => {
    const bench = new Bench();
    bench.second();
    bench.send(512);
    bench.raw.damaged(36, 1);
    bench.second();
    expect(bench.ledger.entries).toEqual([]);
    expect(bench.shifts).toEqual([0]);
  });
});

describe('interruptions', () => {
  test.each([200, 400, 5000])('%i samples lost in a pause stand where the pause was', (lost) => {
    const bench = new Bench();
    for (let i = 0; i < 10; i++) bench.second();
    bench.lose(lost);
    const rest = 512 - (lost % 512);
    bench.send(rest);
    bench.raw.second();
    bench.second();
    const at = bench.waves.find((wave) => wave.lost > 0);
    expect(at?.v[0]).toBe(5120 + lost);
    // The clock places it to some samples, and the count finds the rest.
    expect(Math.abs((at?.lost ?? 0) - lost)).toBeLessThan(8);
    const { link, unexplained } = bench.ledger.totals;
    expect(link + unexplained).toBe(lost);
    expect(bench.waves.at(-1)).toMatchObject({ seq: bench.taken - 32 });
  });

  test('a pause after which everything comes costs nothing', () => {
    const bench = new Bench();
    for (let i = 0; i < 10; i++) bench.second();
    // Half a second arrives at once, in one chunk a turn.
    const real = bench.taken;
    bench.taken += 256;
    const { now } = bench;
    bench.taken = real;
    const emit = (reading: unknown) => void bench.waves.push(reading as Wave);
    for (let chunk = 0; chunk < 16; chunk++) {
      bench.raw.chunkBegins(now, emit);
      for (let i = 0; i < 16; i++) bench.raw.sample(bench.taken++);
      bench.raw.chunkEnds(now, emit);
    }
    bench.send(256);
    bench.raw.second();
    expect(bench.ledger.entries).toEqual([]);
    for (const { t, seq } of bench.waves) {
      expect(Math.abs(t - (1e6 + (seq + 1) * PERIOD))).toBeLessThan(2_500);
    }
  });

  test('positions go on over a reconnection, and the outage is lost by the clock', () => {
    const bench = new Bench();
    for (let i = 0; i < 12; i++) bench.second();
    bench.hangUp();
    bench.lose(10_000);
    bench.raw.connected();
    bench.send(100);
    const { count = 0, reason, seq } = bench.ledger.entries[0] ?? {};
    expect({ reason, seq }).toEqual({ reason: 'link', seq: 12 * 512 });
    // The first chunk after it is all there is to go by.
    expect(Math.abs(count - 10_000)).toBeLessThan(20);
  });
});

test('what was lost before the first 1 Hz packet does not bend the clock', () => {
  const bench = new Bench();
  bench.second(40);
  for (let i = 0; i < 5; i++) bench.second();
  expect(Math.abs(bench.raw.hz - 512)).toBeLessThan(0.01);
});

interface Step {
  readonly pauseUs: number;
  readonly samples: number;
  readonly damaged: number;
  readonly bad: number;
  readonly second: boolean;
  readonly reconnect: boolean;
}

/** The waves made of numbered samples that arrive in chunks, one a step. */
function play(steps: readonly Step[]): { waves: Wave[]; sent: number } {
  const raw = new RawStream(STREAM, new LossLedger());
  const waves: Wave[] = [];
  const emit = (reading: unknown) => void waves.push(reading as Wave);
  let now = 0;
  let sent = 0;
  raw.connected();
  for (const step of steps) {
    now += step.pauseUs;
    raw.chunkBegins(now, emit);
    if (step.damaged > 0) raw.damaged(step.damaged, step.bad);
    for (let i = 0; i < step.samples; i++) raw.sample(sent++);
    if (step.second) raw.second();
    raw.chunkEnds(now, emit);
    if (!step.reconnect) continue;
    raw.disconnected(now, emit);
    raw.connected();
  }
  raw.disconnected(now, emit);
  return { waves, sent };
}

test('whatever happens, every sample comes out, and waves follow one another in position and time', () => {
  const step = fc.record({
    pauseUs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000_000 })),
    samples: fc.integer({ min: 0, max: 600 }),
    damaged: fc.nat(80),
    bad: fc.nat(2),
    second: fc.boolean(),
    reconnect: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { waves, sent } = play(steps);
      expect(waves.flatMap(({ v }) => [...v])).toEqual(Array.from({ length: sent }, (_, i) => i));
      let position = 0;
      let time = -1;
      for (const { seq, lost, v, t } of waves) {
        expect(lost).toBeGreaterThanOrEqual(0);
        expect(seq).toBe(position + lost);
        expect(t).toBeGreaterThan(time);
        position = seq + v.length;
        time = t;
      }
    }),
  );
});
