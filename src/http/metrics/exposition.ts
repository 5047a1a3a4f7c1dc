/**
 * The text format of Prometheus, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/): for each metric two comments and its
 * samples, a line each.
 *
 *   # HELP vigil_http_requests_total Requests that came in.
 *   # TYPE vigil_http_requests_total counter
 *   vigil_http_requests_total 12
 *   vigil_bus_dropped_total{consumer="store"} 0
 *
 * Names are snake case with the base unit at the end, and `_total` behind it for what only grows.
 */

export type MetricType = 'counter' | 'gauge' | 'summary';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metric {
  /** `[a-z_]+`, beginning with `vigil_`. */
  readonly name: string;
  readonly type: MetricType;
  /** One sentence. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** That numbers are told with: a double has 15 that can be believed. */
const DIGITS = 15;

/** The media type. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A metric without samples is left out. */
export function exposition(metrics: readonly Metric[]): string {
  const lines = metrics
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, type, help, samples }) => [
      `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
      `# TYPE ${name} ${type}`,
      ...samples.map((sample) => line(name, sample)),
    ]);
  return `${lines.join('\n')}\n`;
}

function line(name: string, { labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  const set = pairs.length > 0 ? `{${pairs.join(',')}}` : '';
  return `${name}${set} ${number(value)}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** As Go reads it; without the digits that changing the unit has brought. */
function number(value: number): string {
  const rounded = Number(value.toPrecision(DIGITS));
  if (rounded === Infinity) return '+Inf';
  return rounded === -Infinity ? '-Inf' : String(rounded);
}
