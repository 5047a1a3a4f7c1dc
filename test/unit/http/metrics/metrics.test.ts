import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Health, PartHealth } from '#core/health.ts';
import { exposition } from '../../../../src/http/metrics/exposition.ts';
import { metricsOf } from '../../../../src/http/metrics/metrics.ts';
import { alertOf } from '../../../support/alert-fixture.ts';
import { parseExposition } from './exposition-parser.ts';

const machine = {
  eventLoop: { p50Ms: 0.14, p99Ms: 4, maxMs: 17.22 },
  memory: { rssMB: 100.5, heapMB: 40, externalMB: 3, freeMB: 900 },
  disk: { freeMB: 1000, totalMB: 2000 },
};

function part(id: string, details: PartHealth['details']): PartHealth {
  return { id, status: 'ok', text: '', details };
}

function told(parts: readonly PartHealth[], extra: Partial<Health> = {}) {
  const health: Health = {
    ...{ status: 'degraded', version: '1', uptimeS: 12.5, epoch: 7, clockTrust: 'ntp' },
    parts,
    consumers: [{ name: 'live', queued: 1, dropped: 2, delivered: 3 }],
    ...extra,
  };
  return parseExposition(exposition(metricsOf({ health, ongoing: [alertOf()], machine })));
}

test('the whole, the bus, the alerts and the computer', () => {
  const metrics = told([part('alerts', { started: 4, latencyMsP50: 0.5, latencyMsP99: null })]);
  const value = (name: string, labels = '') => metrics.get(`vigil_${name}`)?.values.get(labels);
  expect(value('uptime_seconds')).toBe(12.5);
  expect(value('status', '{status="degraded"}')).toBe(1);
  expect(value('status', '{status="ok"}')).toBe(0);
  expect(value('clock_trust', '{trust="ntp"}')).toBe(1);
  expect(value('part_status', '{part="alerts",status="ok"}')).toBe(1);
  expect(value('bus_queued', '{consumer="live"}')).toBe(1);
  expect(value('bus_dropped_total', '{consumer="live"}')).toBe(2);
  expect(value('bus_delivered_total', '{consumer="live"}')).toBe(3);
  const { severity } = alertOf();
  expect(value('alerts_active', `{severity="${severity}"}`)).toBe(1);
  expect(value('alerts_started_total')).toBe(4);
  expect(metrics.get('vigil_alert_latency_seconds')?.values).toEqual(
    new Map([['{quantile="0.5"}', 0.0005]]),
  );
  expect(value('event_loop_delay_seconds', '{quantile="0.99"}')).toBe(0.004);
  expect(value('process_resident_memory_bytes')).toBe(100.5 * 2 ** 20);
  expect(value('disk_free_bytes')).toBe(1000 * 2 ** 20);
});

test('what a part counts has a name, a type and a base unit', () => {
  const metrics = told([
    part('http', { requests: 5, clients: 2 }),
    part('store', { usedMB: 1.5, bytes: { samples: 3, waves: 4 }, pressed: false }),
    part('obd', {
      ...{ failures: 1, timing: { requestMs: 28.6 }, answerMs: { '7e8': 12.5, '7e9': 20 } },
      ...{ isoTp: { received: 4 }, guard: { requests: 6, refused: { rate: 0, service: 1 } } },
    }),
    part('eeg', { failures: 2, lost: { link: 9, last: [{ n: 1 }] } }),
    part('can', { bus: { received: 7 }, load: 12.5, signals: { told: 3 }, stoppedIds: [{ n: 1 }] }),
  ]);
  const of = (name: string) => Object.fromEntries(metrics.get(`vigil_${name}`)?.values ?? []);
  expect(of('http_requests_total')).toEqual({ '': 5 });
  expect(metrics.get('vigil_ws_clients')?.type).toBe('gauge');
  expect(of('store_used_bytes')).toEqual({ '': 1.5 * 2 ** 20 });
  expect(of('store_class_bytes')).toEqual({ '{class="samples"}': 3, '{class="waves"}': 4 });
  expect(of('can_received_total')).toEqual({ '{part="can"}': 7 });
  expect(of('can_load_ratio')).toEqual({ '{part="can"}': 0.125 });
  expect(of('can_samples_total')).toEqual({ '{part="can"}': 3 });
  expect(of('store_pressed')).toEqual({ '': 0 });
  expect(of('part_failures_total')).toEqual({ '{part="obd"}': 1, '{part="eeg"}': 2 });
  expect(of('obd_answer_seconds')).toEqual({
    '{part="obd",ecu="7e8"}': 0.0125,
    '{part="obd",ecu="7e9"}': 0.02,
  });
  expect(of('isotp_received_total')).toEqual({ '{part="obd"}': 4 });
  expect(of('can_guard_requests_total')).toEqual({ '{part="obd"}': 6 });
  expect(of('can_guard_refused_total')).toEqual({
    '{part="obd",reason="rate"}': 0,
    '{part="obd",reason="service"}': 1,
  });
  expect(of('obd_request_seconds')).toEqual({ '{part="obd"}': 0.0286 });
  expect(of('eeg_lost_samples_total')).toEqual({ '{part="eeg",cause="link"}': 9 });
});

test('the broker, what it keeps and the bridge have names of their own', () => {
  const metrics = told([
    part('mqtt', { clients: 2, received: 7, sent: 8, closed: { slow: 0, tooLarge: 1 } }),
    part('mqtt-store', { retained: 40, waiting: 3, failures: 1 }),
    part('mqtt-ingest', { taken: 5, refused: 1, notNow: 2, waiting: 4 }),
    part('mqtt-requests', { requests: 6, errors: 1, waiting: 1 }),
    part('mqtt-publisher', { published: 9, suppressed: 90, dropped: 1 }),
    part('home-broker', { published: 3, dropped: 2, waiting: 5, inFlight: 1 }),
    part('bridge', { backlogBytes: 1_000, acked: 3, retries: 2, budgetBytes: null }),
  ]);
  const of = (name: string) => Object.fromEntries(metrics.get(`vigil_${name}`)?.values ?? []);
  expect(of('mqtt_clients')).toEqual({ '': 2 });
  expect(of('mqtt_received_total')).toEqual({ '': 7 });
  expect(of('mqtt_closed_total')).toEqual({ '{reason="slow"}': 0, '{reason="tooLarge"}': 1 });
  expect(of('mqtt_offline')).toEqual({ '': 3 });
  expect(of('mqtt_pushes_not_now_total')).toEqual({ '': 2 });
  expect(of('mqtt_requests_total')).toEqual({ '': 6 });
  expect(of('mqtt_published_total')).toEqual({
    '{part="mqtt-publisher"}': 9,
    '{part="home-broker"}': 3,
  });
  expect(of('bridge_backlog_bytes')).toEqual({ '': 1_000 });
  expect(of('bridge_budget_bytes')).toEqual({});
  // None of it is taken for what actions or links of other parts count.
  for (const name of ['action_dropped_total', 'action_retries_total', 'part_failures_total']) {
    expect(of(name), name).toEqual({});
  }
  expect(of('action_waiting')).toEqual({});
  expect(of('part_detail')).toEqual({});
});

test('a number that nobody has named is told too', () => {
  const metrics = told([part('new', { depth: { deep: 3 }, word: 'x', list: [1] })]);
  expect(metrics.get('vigil_part_detail')?.values).toEqual(
    new Map([['{part="new",detail="depth.deep"}', 3]]),
  );
});

test('a disk that cannot be asked has no room that is told', () => {
  const health: Health = {
    ...{ status: 'ok', version: '1', uptimeS: 1, epoch: 1, clockTrust: 'none' },
    ...{ parts: [], consumers: [] },
  };
  const metrics = metricsOf({ health, ongoing: [], machine: { ...machine, disk: null } });
  expect([...parseExposition(exposition(metrics)).keys()]).not.toContain('vigil_disk_free_bytes');
});

test('whatever parts are called and count, it can be read', () => {
  const value = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.string(),
    fc.constant(null),
    fc.dictionary(fc.string(), fc.double()),
  );
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.string(), value), (id, details) => {
      told([part(id, details)]);
    }),
  );
});
