import { expect, test } from 'vitest';
import {
  canLoad,
  eegLoad,
  type Load,
  obdLoad,
  samplesIn,
  signalLoad,
  times,
  together,
} from '../../bench/store-load.ts';

const obd = obdLoad();
const eeg = eegLoad();
const can = canLoad();
const all = together('all', [obd, eeg, can]);

function perSecond(load: Load, from: number, to: number): number {
  let samples = 0;
  for (let n = from; n < to; n++) samples += samplesIn(load.second(n));
  return samples / (to - from);
}

test('a second has as much as devices send', () => {
  expect(Math.abs(perSecond(obd, 0, 100) - 286)).toBeLessThan(3);
  expect(perSecond(eeg, 0, 10)).toBe(512);
  expect(Math.abs(perSecond(can, 0, 10) - 4110)).toBeLessThan(1);
  expect(Math.abs(perSecond(signalLoad(20), 0, 100) - 20)).toBeLessThan(0.1);
});

test('readings come in the order of time and in their second, also after a repetition', () => {
  for (const n of [0, 59, 60, 899, 900, 4321]) {
    const readings = all.second(n);
    const ts = readings.map(({ t }) => t);
    expect(ts).toEqual(ts.toSorted((a, b) => a - b));
    expect(ts[0]).toBeGreaterThanOrEqual(n * 1e6);
    expect(ts.at(-1)).toBeLessThan((n + 1) * 1e6);
  }
});

test('a wave goes on without a loss where the load repeats itself', () => {
  const waves = [...eeg.second(899), ...eeg.second(900)].filter((one) => one.kind === 'wave');
  for (const [i, wave] of waves.entries()) {
    const next = waves[i + 1];
    if (next) expect(next.seq).toBe(wave.seq + wave.v.length);
  }
});

test('frames that are protected count up and carry a check that changes with them', () => {
  const readings = [...can.second(0)].filter((one) => one.kind === 'frame' && one.id === 0x80);
  const frames = readings.filter((one) => one.kind === 'frame');
  expect(frames).toHaveLength(100);
  const counts = frames.map(({ data }) => (data[1] ?? 0) & 0x0f);
  expect(counts.slice(0, 16)).toEqual([...Array(15).keys(), 0]);
  expect(new Set(frames.map(({ data }) => data[0])).size).toBeGreaterThan(10);
});

test('two cars have every reading in a stream of each', () => {
  const two = times(all, 2);
  expect(samplesIn(two.second(3))).toBe(2 * samplesIn(all.second(3)));
  expect(new Set(two.second(3).map(({ stream }) => stream.id)).size).toBe(
    2 * new Set(all.second(3).map(({ stream }) => stream.id)).size,
  );
});

test('the same seed gives the same load', () => {
  expect(canLoad().second(7)).toEqual(can.second(7));
});
