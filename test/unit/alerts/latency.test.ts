import { expect, test } from 'vitest';
import { Latency } from '../../../src/alerts/latency.ts';

test('there is none before the first', () => {
  expect(new Latency().summary()).toEqual({ latencyMsP50: null, latencyMsP99: null });
});

test('half of them were faster than the first figure, 99 of 100 than the second', () => {
  const latency = new Latency();
  for (let us = 100_000; us > 0; us -= 1_000) latency.add(us);
  expect(latency.summary()).toEqual({ latencyMsP50: 50, latencyMsP99: 99 });
  latency.add(250_400);
  expect(latency.summary()).toEqual({ latencyMsP50: 51, latencyMsP99: 100 });
});

test('only the newest 1,000 count', () => {
  const latency = new Latency();
  latency.add(9e9);
  for (let i = 0; i < 999; i++) latency.add(2_000);
  expect(latency.summary().latencyMsP99).toBe(2);
  for (let i = 0; i < 11; i++) latency.add(9e9);
  expect(latency.summary()).toEqual({ latencyMsP50: 2, latencyMsP99: 9e6 });
  for (let i = 0; i < 1_000; i++) latency.add(3_000);
  expect(latency.summary()).toEqual({ latencyMsP50: 3, latencyMsP99: 3 });
});
