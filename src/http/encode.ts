/**
 * Messages of the telemetry WebSocket that carry readings.
 *
 * JSON text:
 *   {"type":"samples","t":<us>,"values":{"<stream>":<number>,...}}   newest value per stream
 *   {"type":"wave","stream":"<id>","seq":<n>,"t":<us>,"hz":<n>,"values":[...]}
 *   {"type":"event","seq":<n>,"stream":"<id>","t":<us>,"data":{...}}
 *   {"type":"alert","seq":<n>,"t":<us>,"state":"started",...}        see below
 *   {"type":"gap","stream":"<id>","lost":<samples>}                  missing before what follows
 *
 * `t` is microseconds since the epoch's start; of `samples`, the time of the newest value in it. The
 * values of a wave are in the stream's unit, rounded to a decimal below the step of its ADC. The `seq`
 * of events and alerts counts all of them, whoever gets them, from 1 at the start of the process; what
 * is told again in a snapshot has none.
 *
 * Events of the streams `alert` and `alert.change` go out as `alert`, with what `alertEvent` of
 * core/alert.ts puts in: `state` is what happened (started, escalated, ended, acknowledged, silenced,
 * noted), the rest is the alert as it is then; its `stream` is the one that decided. Its times count
 * from the start of an epoch, `{"epoch":7,"t":<us>}`, as an alert may be older than this one.
 *
 * A wave in binary is codec/live/wave-message.ts.
 */
import { ALERT, ALERT_CHANGE } from '#core/alert.ts';
import type { Event, Micros, Sample, Stream, Wave } from '#core/stream.ts';

/** Values whose times lie further apart do not share a message, or the old would look fresh. */
const SAME_MESSAGE_US = 100_000;

const ALERTS: ReadonlySet<string> = new Set([ALERT.id, ALERT_CHANGE.id]);

/** UTF-8 of `message` as JSON. */
export function encodeJson(message: object): Uint8Array {
  return Buffer.from(JSON.stringify(message));
}

/** `"id":value`, the part of a `samples` message that every client shares. */
export function encodeValue({ stream, v }: Sample): string {
  return `"${stream.id}":${Number.isFinite(v) ? v : 'null'}`;
}

/** @param values of `encodeValue`, at least one */
export function encodeSamples(t: Micros, values: readonly string[]): Uint8Array {
  return Buffer.from(`{"type":"samples","t":${t},"values":{${values.join(',')}}}`);
}

/** Splits samples of any age into runs that may share one message, oldest first. */
export function runsByAge(samples: readonly Sample[]): Sample[][] {
  const runs: Sample[][] = [];
  for (const sample of samples.toSorted((a, b) => a.t - b.t)) {
    const run = runs.at(-1);
    if (run?.[0] && sample.t - run[0].t <= SAME_MESSAGE_US) run.push(sample);
    else runs.push([sample]);
  }
  return runs;
}

/** @param seq left out where it is told again */
export function encodeEvent({ stream, t, data }: Event, seq?: number): Uint8Array {
  if (ALERTS.has(stream.id)) return encodeJson({ type: 'alert', seq, t, ...data });
  return encodeJson({ type: 'event', seq, stream: stream.id, t, data });
}

/** @param lost samples */
export function encodeGap(stream: Stream, lost: number): Uint8Array {
  return encodeJson({ type: 'gap', stream: stream.id, lost });
}

export function encodeWaveJson({ stream, t, hz, v, seq }: Wave): Uint8Array {
  const lsb = stream.lsb ?? 1;
  const scale = 10 ** decimalsOf(lsb);
  const values = Array.from(v, (count) => Math.round(count * lsb * scale) / scale);
  return encodeJson({ type: 'wave', stream: stream.id, seq, t, hz, values });
}

/** Decimals at which the counts of an ADC with this step stay apart by at least ten units. */
function decimalsOf(lsb: number): number {
  return Math.max(0, Math.ceil(-Math.log10(lsb)) + 1);
}
