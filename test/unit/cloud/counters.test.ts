import { expect, test } from 'vitest';
import { Counters, metricsText } from '../../../src/cloud/counters.ts';

const GAUGES = {
  ...{ brokerConnected: true, acksConnected: false, databaseReachable: true },
  ...{ waiting: 4, acksWaiting: 2 },
};

test('the metrics are lines that Prometheus reads', () => {
  const counters = new Counters();
  counters.batches = 12;
  counters.refuse('BAD_CRC');
  counters.refuse('BAD_CRC');
  const lines = metricsText(counters, GAUGES).trimEnd().split('\n');
  expect(lines).toContain('vigil_cloud_batches_total 12');
  expect(lines).toContain('vigil_cloud_refused_total{code="BAD_CRC"} 2');
  expect(lines).toContain('vigil_cloud_acks_connected 0');
  expect(lines).toContain('vigil_cloud_waiting 4');
  for (const line of lines) {
    expect(line).toMatch(
      /^(# (HELP|TYPE) vigil_cloud_[a-z_]+ .+|vigil_cloud_[a-z_]+(\{.*\})? [\d.e-]+)$/,
    );
  }
});

test('every figure has its help and its type before it, once', () => {
  const counters = new Counters();
  counters.refuse('BAD_CRC');
  counters.refuse('BAD_HEAD');
  const text = metricsText(counters, GAUGES);
  const all = (pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map(([, name]) => name ?? '');
  const helps = all(/^# HELP (\S+) \S.*$/gm);
  expect(new Set(helps).size).toBe(helps.length);
  expect(all(/^# TYPE (\S+) (?:counter|gauge)$/gm)).toEqual(helps);
  expect([...new Set(all(/^([a-z_]+)(?:\{.*\})? \S+$/gm))].sort()).toEqual(helps.toSorted());
  for (const name of helps) {
    const type = name.endsWith('_total') ? 'counter' : 'gauge';
    expect(text).toMatch(
      new RegExp(`^# HELP ${name} .+\n# TYPE ${name} ${type}\n${name}[ {]`, 'm'),
    );
  }
});
