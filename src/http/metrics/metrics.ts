import { type Alert, SEVERITIES } from '#core/alert.ts';
import { TRUST } from '#core/clock.ts';
import type { Health, PartHealth } from '#core/health.ts';
import type { MachineState } from '../../io/machine.ts';
import { detailMetrics } from './details.ts';
import type { Metric, Sample } from './exposition.ts';

const STATES = ['ok', 'waiting', 'failed'] as const;
const WHOLE = ['ok', 'degraded', 'failed'] as const;
const NO_LABELS = {};
const MB = 2 ** 20;
/** In the details of the alerts. */
const LATENCIES = [
  ['0.5', 'latencyMsP50'],
  ['0.99', 'latencyMsP99'],
] as const;

export interface Counted {
  readonly health: Health;
  /** Alerts that last. */
  readonly ongoing: readonly Alert[];
  readonly machine: Machine;
}

/** What of the computer is told. */
export type Machine = Pick<MachineState, 'eventLoop' | 'memory' | 'disk'>;

/** Everything that is counted. */
export function metricsOf({ health, ongoing, machine }: Counted): Metric[] {
  const { parts } = health;
  return [
    ...wholeMetrics(health),
    ...consumerMetrics(health),
    ...alertMetrics(parts, ongoing),
    ...machineMetrics(machine),
    ...detailMetrics(parts),
  ];
}

function wholeMetrics({ status, uptimeS, epoch, clockTrust, parts }: Health): Metric[] {
  const states = parts.flatMap(({ id, status }) => oneOf(STATES, status, 'status', { part: id }));
  return [
    gauge('status', 'Which of the states the gateway is in.', oneOf(WHOLE, status, 'status')),
    gauge('part_status', 'Which of the states each part is in.', states),
    gauge('uptime_seconds', 'Time since the start.', one(uptimeS)),
    gauge('epoch', 'Number of this start.', one(epoch)),
    gauge('clock_trust', 'What set the wall clock.', oneOf(TRUST, clockTrust, 'trust')),
  ];
}

function consumerMetrics({ consumers }: Health): Metric[] {
  const of = (key: 'queued' | 'dropped' | 'delivered'): Sample[] =>
    consumers.map((consumer) => ({ labels: { consumer: consumer.name }, value: consumer[key] }));
  return [
    gauge('bus_queued', 'Readings that wait for a consumer.', of('queued')),
    counter('bus_dropped_total', 'Readings that were too many for a consumer.', of('dropped')),
    counter('bus_delivered_total', 'Readings that a consumer was given.', of('delivered')),
  ];
}

function alertMetrics(parts: readonly PartHealth[], ongoing: readonly Alert[]): Metric[] {
  const lasting = SEVERITIES.map((severity) => {
    const value = ongoing.filter((alert) => alert.severity === severity).length;
    return { labels: { severity }, value };
  });
  const details = detailsOf(parts, 'alerts');
  const latency = LATENCIES.flatMap(([label, key]) => {
    const ms = details[key];
    return typeof ms === 'number' ? [quantile(label, ms)] : [];
  });
  return [
    gauge('alerts_active', 'Alerts that last, by severity.', lasting),
    summary('alert_latency_seconds', 'From the reading to the alert, of the last ones.', latency),
  ];
}

function machineMetrics({ eventLoop, memory, disk }: Machine): Metric[] {
  const delay = [quantile('0.5', eventLoop.p50Ms), quantile('0.99', eventLoop.p99Ms)];
  const late = 'How much later than due something ran, since the start.';
  const latest = one(eventLoop.maxMs / 1000);
  return [
    summary('event_loop_delay_seconds', late, delay),
    gauge('event_loop_delay_max_seconds', 'The latest that something ran.', latest),
    gauge('process_resident_memory_bytes', 'Memory of the gateway.', bytes(memory.rssMB)),
    gauge('process_heap_bytes', 'Memory that values take.', bytes(memory.heapMB)),
    gauge('process_external_bytes', 'Memory of buffers.', bytes(memory.externalMB)),
    gauge('memory_free_bytes', 'Memory that nobody uses.', bytes(memory.freeMB)),
    gauge('disk_free_bytes', 'Room where the data is.', bytes(disk?.freeMB)),
    gauge('disk_total_bytes', 'Size of the disk with the data.', bytes(disk?.totalMB)),
  ];
}

function detailsOf(parts: readonly PartHealth[], id: string): PartHealth['details'] {
  return parts.find((part) => part.id === id)?.details ?? {};
}

/** 1 for the state it is in and 0 for the others, so that each can be watched. */
function oneOf<T extends string>(
  all: readonly T[],
  now: T,
  label: string,
  labels: Sample['labels'] = NO_LABELS,
): Sample[] {
  return all.map((state) => ({
    labels: { ...labels, [label]: state },
    value: Number(state === now),
  }));
}

function bytes(megabytes: number | undefined): Sample[] {
  return megabytes === undefined ? [] : one(Math.round(megabytes * MB));
}

function one(value: number): Sample[] {
  return [{ labels: NO_LABELS, value }];
}

function quantile(label: string, ms: number): Sample {
  return { labels: { quantile: label }, value: ms / 1000 };
}

/** Of which only quantiles are known. */
function summary(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `vigil_${name}`, type: 'summary', help, samples };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `vigil_${name}`, type: 'gauge', help, samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name: `vigil_${name}`, type: 'counter', help, samples };
}
