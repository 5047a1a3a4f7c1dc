import { describe, expect, test } from 'vitest';
import type { Clock } from '#core/clock.ts';
import { Head } from '../../../src/sim/head.ts';
import { HeadBytes, headPort, noFaults, type TrueSample } from '../../../src/sim/thinkgear-head.ts';

const HZ = 512;
const seconds = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Mean power at a frequency over `length` seconds from `start`, in squared microvolts. */
function power(head: Head, hz: number, start: number, length: number): number {
  const n = length * HZ;
  let re = 0;
  let im = 0;
  for (let i = 0; i < n; i++) {
    const t = start + i / HZ;
    const uv = head.microvolts(t * 1e6);
    re += uv * Math.cos(2 * Math.PI * hz * t);
    im += uv * Math.sin(2 * Math.PI * hz * t);
  }
  return (re * re + im * im) / n;
}

function bandPower(head: Head, from: number, to: number, start: number): number {
  let sum = 0;
  for (let hz = from; hz <= to; hz += 0.25) sum += power(head, hz, start, 4);
  return sum;
}

describe('Head', () => {
  const head = new Head(1);
  const drowsyAt = seconds(180).find((s) => head.drowsiness(s * 1e6) > 0.6) ?? 0;

  test('is a pure function of seed and time', () => {
    const other = new Head(1);
    const times = seconds(200).map((s) => s * 777_777);
    expect(times.map((t) => other.counts(t))).toEqual(
      times
        .toReversed()
        .map((t) => head.counts(t))
        .toReversed(),
    );
    expect(times.map((t) => new Head(2).counts(t))).not.toEqual(times.map((t) => head.counts(t)));
  });

  test('is awake for the first minute, and drowsy once in every three minutes', () => {
    for (let episode = 0; episode < 5; episode++) {
      const level = seconds(180).map((s) => head.drowsiness((180 * episode + s) * 1e6));
      expect(Math.max(...level.slice(0, 60))).toBe(0);
      expect(Math.max(...level)).toBeGreaterThanOrEqual(0.7);
      expect(Math.max(...level)).toBeLessThanOrEqual(1);
      const drowsy = level.filter((d) => d > 0.35).length;
      expect(drowsy).toBeGreaterThan(25);
      expect(drowsy).toBeLessThan(75);
    }
  });

  test('drowsiness raises alpha and theta, longer blinks, less attention', () => {
    const awake = [5, 15, 25, 35].map((s) => bandPower(head, 8, 12, s));
    const drowsy = [2, 10, 18, 26].map((s) => bandPower(head, 8, 12, drowsyAt + s));
    const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
    expect(sum(drowsy)).toBeGreaterThan(3 * sum(awake));
    expect(head.mind((drowsyAt + 5) * 1e6).attention).toBeLessThan(head.mind(30e6).attention);
    const blinks = seconds(50).map((n) => head.blink(n));
    const mean = (list: { lengthS: number }[]) => sum(list.map((b) => b.lengthS)) / list.length;
    const sleepy = blinks.filter((b) => head.drowsiness(b.startS * 1e6) > 0.6);
    const alert = blinks.filter((b) => head.drowsiness(b.startS * 1e6) === 0);
    expect(mean(sleepy)).toBeGreaterThan(1.4 * mean(alert));
  });

  test('blinks 15 to 20 times a minute, seen as a bump on the forehead', () => {
    const starts = seconds(200).map((n) => head.blink(n).startS);
    const minutes = seconds(10).map((m) => starts.filter((s) => Math.floor(s / 60) === m).length);
    for (const count of minutes) {
      expect(count).toBeGreaterThanOrEqual(15);
      expect(count).toBeLessThanOrEqual(20);
    }
    const { startS, lengthS, peakUv } = head.blink(4);
    const peak = head.microvolts((startS + 0.35 * lengthS) * 1e6);
    expect(Math.abs(peak - peakUv)).toBeLessThan(60);
  });

  test('stays within what a forehead shows', () => {
    for (let i = 0; i < 20 * HZ; i++) {
      expect(Math.abs(head.microvolts((i * 1e6) / HZ))).toBeLessThan(400);
    }
  });
});

describe('HeadBytes', () => {
  test('512 samples and one packet of 36 bytes a second, after the greeting', () => {
    const bytes = new HeadBytes({ seed: 1 }, 0);
    const greeting = bytes.until(-1);
    expect([...greeting]).toEqual([0xaa, 0xaa, 2, 0xba, 4, 0x41, 0xaa, 0xaa, 2, 0xbc, 4, 0x3f]);
    expect(bytes.until(999_999)).toHaveLength(512 * 8 + 36);
    expect(bytes.until(1_999_999)).toHaveLength(512 * 8 + 36);
  });

  test('the steps in which it is asked make no difference', () => {
    const whole = new HeadBytes({ seed: 1 }, 0).until(3e6);
    const steps = new HeadBytes({ seed: 1 }, 0);
    const parts = seconds(300).map((i) => Buffer.from(steps.until((i + 1) * 1e4)));
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
  });

  test('samples are those of the head, at the rate of the crystal', () => {
    const truth: TrueSample[] = [];
    new HeadBytes({ seed: 1, rateErrorPpm: 10_000, onSample: (s) => truth.push(s) }, 5e6).until(
      6e6,
    );
    const head = new Head(1);
    expect(truth).toHaveLength(518);
    expect(truth.map(({ v }) => v)).toEqual(truth.map(({ t }) => head.counts(t)));
    expect(truth[101]?.t).toBeCloseTo(5e6 + (101 / 517.12) * 1e6, 3);
  });

  test('faults are as frequent as asked for, and can be switched', () => {
    const truth: TrueSample[] = [];
    const faults = { ...noFaults(), lossProbability: 0.05, corruptProbability: 0.1 };
    const bytes = new HeadBytes({ seed: 1, faults, onSample: (s) => truth.push(s) }, 0);
    bytes.until(20e6);
    const share = (fate: string) => truth.filter((s) => s.fate === fate).length / truth.length;
    expect(Math.abs(share('lost') - 0.05)).toBeLessThan(0.01);
    expect(Math.abs(share('damaged') - 0.095)).toBeLessThan(0.01);
    faults.lossProbability = 0;
    faults.corruptProbability = 0;
    truth.length = 0;
    bytes.until(30e6);
    expect(share('sent')).toBe(1);
  });

  test('off the head there is no contact, and nothing is computed', () => {
    const faults = { ...noFaults(), off: true };
    const second = new HeadBytes({ seed: 1, faults }, 0).until(999_999).subarray(-36);
    expect([...second.subarray(0, 7)]).toEqual([0xaa, 0xaa, 32, 2, 200, 0x83, 24]);
    expect([...second.subarray(-5, -1)]).toEqual([4, 0, 5, 0]);
  });

  test('bursts leave at multiples of their length', () => {
    const bytes = new HeadBytes({ seed: 1, faults: { ...noFaults(), burstMs: 100 } }, 0);
    bytes.until(0);
    expect(bytes.until(99_999)).toHaveLength(0);
    expect(bytes.until(100_000)).toHaveLength(51 * 8);
  });
});

test('a port delivers as time goes by, and stops when it is closed', async () => {
  let t = 0;
  const naps: number[] = [];
  const clock: Clock = {
    now: () => t,
    sleep: (ms, signal) => {
      signal?.throwIfAborted();
      naps.push(ms);
      t += ms * 1000;
      return new Promise((resolve) => void setImmediate(resolve));
    },
  };
  const port = await headPort({ seed: 1 }, clock)(new AbortController().signal);
  let bytes = 0;
  for await (const chunk of port.input) {
    bytes += chunk.length;
    if (t > 2e6) await port[Symbol.asyncDispose]();
  }
  expect(bytes).toBeGreaterThan(2 * 4132 - 400);
  expect(naps.every((ms) => ms >= 20 && ms <= 60)).toBe(true);
  const { length } = naps;
  await new Promise((resolve) => void setImmediate(resolve));
  expect(naps.length).toBeLessThanOrEqual(length + 1);
});
