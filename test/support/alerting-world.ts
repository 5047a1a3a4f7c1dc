import { once } from 'node:events';
import { expect, onTestFinished } from 'vitest';
import type { Alert, AlertRule } from '#core/alert.ts';
import { Bus } from '#core/bus.ts';
import type { Epoch } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import type { Reading, Stream } from '#core/stream.ts';
import type { StoredMail } from '../../src/alerts/mail/shelf.ts';
import { Alerting, type AlertingOptions } from '../../src/gateway/alerting.ts';
import { readConfig } from '../../src/settings/config.ts';
import { HOT as FIXTURE, MemoryRecords } from './alert-fixture.ts';
import { FakeClock } from './fake-clock.ts';

/** Of one boot, 100 s apart. */
const EPOCH: Epoch = { id: 7, wallMs: 0, trust: 'none', bootId: 'boot', monotonicMs: 100_000 };
const BEFORE: Epoch = { ...EPOCH, id: 6, monotonicMs: 0 };
/** No rule that comes with the gateway watches it. */
export const OVEN: Stream = {
  ...{ id: 'oven.coolant', name: 'Oven', unit: 'Cel', range: [-40, 215], hz: 1, kind: 'sample' },
};
export const HOT: AlertRule = {
  ...FIXTURE,
  stream: OVEN.id,
  when: { op: '>', value: 110, clear: 105 },
};

interface World {
  readonly rules?: readonly AlertRule[];
  readonly alerts?: readonly Alert[];
  /** Flags. */
  readonly flags?: readonly string[];
  /** The store never opens, and takes nothing. */
  readonly stuck?: boolean;
}

/** `Alerting` with everything around it but what a test is about; it stops with the test. */
export function createAlerting({
  rules = [HOT],
  alerts = [],
  flags = [],
  stuck = false,
}: World = {}) {
  const clock = new FakeClock();
  const bus = new Bus(setImmediate);
  const seen: Reading[] = [];
  bus.attach({ name: 'seen', capacity: 999, take: (batch) => void seen.push(...batch) });
  const logged: string[] = [];
  const say = (level: string) => (fields: object, text: string) => {
    logged.push([level, Object(fields).source, text].join(' '));
  };
  const source: { status: PartHealth['status'] } = { status: 'ok' };
  const recording = {
    epoch: EPOCH,
    epochs: () => new Map([BEFORE, EPOCH].map((one) => [one.id, one])),
    openSessions: () => [],
    streams: () => [],
    alertTables: () => {
      const tables = {
        rules: new MemoryRecords<string, AlertRule>(rules),
        alerts: new MemoryRecords<string, Alert>(alerts),
        mail: new MemoryRecords<number, StoredMail>(),
      };
      for (const table of Object.values(tables)) table.failing = stuck;
      return tables;
    },
    opened: async (signal: AbortSignal) => {
      if (stuck) await once(signal, 'abort');
      return !stuck;
    },
    storeHealth: () => ({ id: 'store', status: 'ok', text: '', details: {} }),
  };
  const alerting = new Alerting({
    config: readConfig(flags, {}, () => '').config,
    ...{ clock, realTime: clock, bus },
    recording: recording as unknown as AlertingOptions['recording'],
    log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
    streams: () => [OVEN],
    sources: () => [{ id: 'obd', status: source.status, text: '', details: {} }],
  });
  const stop = new AbortController();
  const running = alerting.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
    expect(clock.sleepers).toBe(0);
  });
  const hear = (v: number): void => {
    bus.emit({ kind: 'sample', stream: OVEN, t: clock.now(), v });
  };
  return { alerting, clock, hear, logged, seen, source };
}
