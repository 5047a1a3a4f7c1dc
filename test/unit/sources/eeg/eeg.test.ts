import { describe, expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import type { Wave } from '#core/stream.ts';
import { type TrueSample, thinkGearPacket } from '../../../../src/sim/thinkgear-head.ts';
import { thinkgearSource } from '../../../../src/sources/eeg/eeg.ts';
import { Listener, listen, type Way } from './line.ts';

/** For every wave, which sample of those that were sent is its first; throws if one is not among them. */
function align(waves: readonly Wave[], truth: readonly TrueSample[]): TrueSample[] {
  const sent = truth.filter(({ fate }) => fate === 'sent');
  let at = 0;
  return waves.map(({ v }, wave) => {
    const first = sent[at];
    if (!first || v.some((counts, i) => sent[at + i]?.v !== counts))
      throw new Error(`wave ${wave}`);
    at += v.length;
    return first;
  });
}

/** Errors of the waves' times in milliseconds, the first `after` seconds left out. */
function timeErrors(waves: readonly Wave[], truth: readonly TrueSample[], after: number): number[] {
  const firsts = align(waves, truth);
  return waves
    .map(({ t }, i) => (t - (firsts[i]?.t ?? 0)) / 1000)
    .filter((_, i) => (firsts[i]?.t ?? 0) > after * 1e6);
}

describe('a headset over a line that loses nothing', () => {
  const ways: readonly (readonly [string, Way])[] = [
    ['one chunk a packet or so', { seconds: 20, burstMs: 4 }],
    ['bursts and jitter', { seconds: 30, burstMs: 60, jitterMs: 20 }],
    ['a crystal that is 1 % fast', { seconds: 30, ppm: 10_000, jitterMs: 20 }],
    ['a crystal that is 1 % slow', { seconds: 30, ppm: -10_000, burstMs: 100, jitterMs: 20 }],
    ['noise between packets', { seconds: 30, faults: { garbageProbability: 0.02 } }],
    ['a pause of 0.6 s', { seconds: 30, pause: { from: 20e6, to: 20.6e6, cut: false } }],
  ];

  test.each(ways)('every sample arrives, in its place, to some ms: %s', async (_, way) => {
    const { heard, truth } = await listen(way);
    expect(align(heard.waves, truth).map(({ n }) => n)).toEqual(heard.waves.map(({ seq }) => seq));
    expect(heard.waves.reduce((sum, { v }) => sum + v.length, 0)).toBe(truth.length);
    for (const error of timeErrors(heard.waves, truth, 15)) {
      expect(error).toBeGreaterThan(-1);
      expect(error).toBeLessThan(3);
    }
    const rate = 512 * (1 + (way.ppm ?? 0) / 1e6);
    expect(Math.abs((heard.waves.at(-1)?.hz ?? 0) - rate)).toBeLessThan(0.1);
  });
});

describe('a headset over a line that loses packets', () => {
  test('all losses are found, to the sample', async () => {
    const { heard, truth } = await listen({
      seconds: 60,
      ppm: 10_000,
      burstMs: 60,
      jitterMs: 20,
      faults: { lossProbability: 0.05 },
    });
    const firsts = align(heard.waves, truth);
    // Where a 1 Hz packet has just settled the count, the distance to the truth is that of the first.
    const settled = heard.waves.flatMap(({ lost, seq }, i) =>
      lost > 0 ? [(firsts[i]?.n ?? 0) - seq] : [],
    );
    expect(settled.length).toBeGreaterThan(45);
    // A loss right after the 1 Hz packet is counted by the next one.
    const offset = Math.min(...settled);
    expect(settled.every((shift) => shift - offset <= 3)).toBe(true);
  });

  test('times stay within some ms, before the losses are counted, too', async () => {
    const { heard, truth } = await listen({
      seconds: 60,
      ppm: 10_000,
      burstMs: 60,
      jitterMs: 20,
      faults: { lossProbability: 0.05 },
    });
    const errors = timeErrors(heard.waves, truth, 20).map(Math.abs);
    const sorted = errors.toSorted((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length * 0.95)]).toBeLessThan(15);
    expect(sorted.at(-1)).toBeLessThan(30);
  });

  test('damaged packets are missing in their place, and say why', async () => {
    const way = { seconds: 30, faults: { corruptProbability: 0.02 } };
    const { heard, truth } = await listen(way);
    align(heard.waves, truth);
    const damaged = truth.filter(({ fate }) => fate === 'damaged').length;
    const { checksum = 0, unexplained = 0 } = losses(heard);
    expect(damaged).toBeGreaterThan(200);
    expect(checksum).toBeGreaterThan(damaged * 0.95);
    expect(checksum + unexplained).toBeLessThanOrEqual(damaged);
  });

  test('what a pause has cost is placed where it was', async () => {
    const pause = { from: 20e6, to: 20.6e6, cut: true };
    const { heard, truth } = await listen({ seconds: 30, jitterMs: 5, pause });
    const firsts = align(heard.waves, truth);
    const lost = truth.filter(({ fate }) => fate === 'lost').length;
    const { link = 0, unexplained = 0 } = losses(heard);
    expect(link + unexplained).toBe(lost);
    expect(unexplained).toBeLessThan(10);
    const last = heard.waves.length - 1;
    expect(heard.waves[last]?.seq).toBe(firsts[last]?.n);
    for (const error of timeErrors(heard.waves, truth, 15))
      expect(Math.abs(error)).toBeLessThan(12);
  });

  function losses(heard: Listener): Record<string, number> {
    return heard.source.health()['lost'] as Record<string, number>;
  }
});

const SECOND = thinkGearPacket([2, 51, 0x83, 24, ...new Array(24).fill(1), 4, 60, 5, 0]);
const SAMPLE = thinkGearPacket([0x80, 2, 0xff, 0xfe]);

describe('rows', () => {
  test('become samples of their streams, with one time', async () => {
    const heard = new Listener();
    const run = heard.run();
    await heard.hear([...SAMPLE, ...SECOND], 5e6);
    await heard.hear(thinkGearPacket([0x16, 200, 3, 70, 0x86, 2, 3, 0x20]), 6e6);
    heard.hangUp();
    await run;
    const values = heard.readings.flatMap((r) => (r.kind === 'sample' ? [[r.stream.id, r.v]] : []));
    expect(values).toEqual([
      ['eeg.quality.poor_signal', 51],
      ...['delta', 'theta', 'low_alpha', 'high_alpha'].map((id) => [`eeg.bands.${id}`, 0x10101]),
      ...['low_beta', 'high_beta', 'low_gamma', 'mid_gamma'].map((id) => [
        `eeg.bands.${id}`,
        0x10101,
      ]),
      ['eeg.attention', 60],
      ['eeg.blink', 200],
      ['eeg.heart_rate', 70],
      ['eeg.rr', 800],
    ]);
    expect(heard.readings[0]?.t).toBe(5e6);
    expect(heard.source.health()).toMatchObject({ contact: 'unknown', notComputed: 1 });
    expect(heard.waves).toMatchObject([{ v: Int16Array.of(-2), seq: 0, lost: 0 }]);
  });

  test('a headset without raw output is no lossy one', async () => {
    const heard = new Listener();
    const run = heard.run();
    for (let s = 1; s <= 5; s++) await heard.hear(SECOND, s * 1e6);
    expect(heard.source.health()).toMatchObject({ contact: 'poor (51 of 200)' });
    expect(heard.samples('eeg.attention').map(({ t }) => t)).toEqual([1e6, 2e6, 3e6, 4e6, 5e6]);
    expect(heard.source.health()['lost']).toMatchObject({ unexplained: 0, last: [] });
    heard.hangUp();
    await run;
  });

  test('values outside of their range are counted, not passed on', async () => {
    const heard = new Listener();
    const run = heard.run();
    await heard.hear(thinkGearPacket([2, 201, 4, 101, 0x16, 0]), 1e6);
    expect(heard.readings).toEqual([]);
    expect(heard.source.health()).toMatchObject({ outOfRange: 3 });
    heard.hangUp();
    await run;
  });

  test('a dongle on standby is told to connect, once each time it says so', async () => {
    const heard = new Listener();
    const run = heard.run();
    await heard.hear(thinkGearPacket([0xd4, 1, 0]), 1e6);
    await heard.hear(thinkGearPacket([0xd4, 1, 1]), 2e6);
    expect(heard.written).toEqual([0xc2]);
    await heard.hear(thinkGearPacket([0xd0, 2, 0x12, 0x34]), 3e6);
    expect(heard.samples('eeg.headset').map(({ v }) => v)).toEqual([0, 1, 2]);
    expect(heard.source.health()).toMatchObject({ headset: 'connected' });
    heard.hangUp();
    await run;
  });
});

describe('a connection', () => {
  test('that brings bytes but no packet for 3 s ends with what was seen', async () => {
    const heard = new Listener();
    const run = heard.run();
    const failure = expect(run).rejects.toThrow(
      new LinkError(
        'BAD_ANSWER',
        '/dev/eeg: 12 bytes in 3 s and no ThinkGear packet in them; ' +
          'another device or another baud rate? They begin with 45 4C 4D 33 32 37 0D 3E 45 4C 4D 33',
      ),
    );
    await heard.hear([0x45, 0x4c, 0x4d, 0x33, 0x32, 0x37, 0x0d, 0x3e], 1e6);
    await heard.hear([0x45, 0x4c, 0x4d, 0x33], 4e6);
    await failure;
  });

  test('full of noise that now and then passes for a packet brings no value, and ends', async () => {
    const heard = new Listener();
    const run = heard.run();
    const failure = expect(run).rejects.toThrow(/no ThinkGear packet/);
    const attention = [0xaa, 0xaa, 2, 0x04, 50, ~54 & 0xff];
    const noise = Array.from({ length: 400 }, (_, i) => (i * 37) % 160);
    for (let s = 1; s < 6; s++) await heard.hear([...noise, ...attention, ...noise], s * 1e6);
    await failure;
    expect(heard.samples('eeg.attention')).toEqual([]);
  });

  test('believes packets again that follow each other after the noise', async () => {
    const heard = new Listener();
    const run = heard.run();
    const attention = [0xaa, 0xaa, 2, 0x04, 50, ~54 & 0xff];
    await heard.hear([...new Array<number>(400).fill(1), ...attention, ...attention], 1e6);
    expect(heard.samples('eeg.attention')).toEqual([]);
    await heard.hear(attention, 1.1e6);
    expect(heard.samples('eeg.attention').map(({ v }) => v)).toEqual([50]);
    heard.hangUp();
    await run;
  });

  test('with packets among the nonsense goes on', async () => {
    const heard = new Listener();
    const run = heard.run();
    for (let s = 1; s < 20; s += 2) await heard.hear([1, 2, 3, ...SAMPLE, 4, 5], s * 1e6);
    heard.hangUp();
    await expect(run).resolves.toBeUndefined();
  });
});

describe('the end of a connection', () => {
  test('comes when it is told to stop, though nothing comes', async () => {
    const heard = new Listener();
    const run = heard.run();
    await heard.hear(SAMPLE, 1e6);
    heard.stop.abort();
    await expect(run).resolves.toBeUndefined();
    expect(heard.waves).toHaveLength(1);
  });

  test('is where the next one goes on', async () => {
    const heard = new Listener();
    const second = Array.from({ length: 64 }, () => SAMPLE).flat();
    const first = heard.run();
    await heard.hear(second, 1e6);
    heard.hangUp();
    await first;
    const again = heard.run();
    await heard.hear(second, 3e6);
    heard.hangUp();
    await again;
    const [, last, next] = heard.waves;
    expect(last).toMatchObject({ seq: 32, lost: 0 });
    // 2 s from the last sample to the last, less the 64 that came.
    expect(next).toMatchObject({ seq: 64 + 1024 - 64, lost: 1024 - 64 });
  });
});

test('each headset has streams of its own, with ids that fit the rule', () => {
  const open = () => Promise.reject(new Error('not opened in this test'));
  const ids = ['eeg', 'eeg2'].flatMap((id) =>
    thinkgearSource({ id, device: '/dev/eeg', open }).streams.map((stream) => stream.id),
  );
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^eeg2?(\.[a-z0-9_-]{1,23})+$/);
});
