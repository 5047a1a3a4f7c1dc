/**
 * What happened, as MQTT tells of it: `event/<severity>/<name>`, QoS 1 and never retained, as it has
 * happened once. `<name>` is the id of the stream with hyphens for dots, as a level has no dots: `obd-dtc`.
 *
 *   {"t":<us>,"stream":"obd.dtc","data":{...}}
 *
 * Alerts are in alert-board.ts. Two sorts are left out: receipts of what clients have sent, which are for
 * the gateway itself, and positions, as the topic does not tell whoever decides by it that it is one.
 */
import { SEVERITIES, type Severity } from '#core/alert.ts';
import type { Event } from '#core/stream.ts';

const LEFT_OUT: readonly string[] = ['ingest', 'gps'];

/** Undefined for what is not published. */
export function eventTopicName({ stream: { id } }: Event): string | undefined {
  if (LEFT_OUT.some((one) => `${id}.`.startsWith(`${one}.`))) return undefined;
  return id.replaceAll('.', '-');
}

/** `info` for what is no warning, or does not say. */
export function eventSeverity({ data }: Event): Severity {
  return SEVERITIES.find((one) => one === data['severity']) ?? 'info';
}

export function eventText({ t, stream, data }: Event): string {
  return JSON.stringify({ t, stream: stream.id, data });
}
