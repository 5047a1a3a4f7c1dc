import * as v from 'valibot';
import { ALERT_CHANGES, SEVERITIES } from '#core/alert.ts';
import { ExportJobShape } from '../routes/exports.ts';
import { SessionShape } from '../routes/sessions-shape.ts';
import { StreamShape } from '../routes/streams.ts';

/**
 * What the WebSockets send, for the documents and for clients: what clients send in their turn is
 * where it is checked. A test holds the messages of a gateway that runs against these.
 */

/** That of the message which is answered. */
const Id = v.optional(v.union([v.number(), v.string()]));
/** Microseconds since the start of the epoch that `hello` tells. */
const Micros = v.pipe(v.number(), v.integer());
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Numbers that JSON has no word for are null. */
const Value = v.nullable(v.number());
const Text = v.nullable(v.string());
const Instant = v.object({ epoch: Count, t: Micros });

/** Of every WebSocket: see gate.ts. */
export const GateMessage = v.variant('type', [
  v.object({ type: v.literal('authenticated'), id: Id }),
]);

const Hello = v.object({
  type: v.literal('hello'),
  protocol: Count,
  device: v.string(),
  epoch: Count,
  version: v.string(),
  simulated: v.optional(v.boolean()),
});
const Subscribed = v.object({
  type: v.literal('subscribed'),
  id: Id,
  streams: v.array(v.object({ ...StreamShape.entries, number: Count })),
});
const Pong = v.object({ type: v.literal('pong'), id: Id });
/** `seq` is that of the newest event, whoever got it. */
const Tick = v.object({ type: v.literal('tick'), t: Micros, seq: Count });
const Failure = v.object({
  type: v.literal('error'),
  id: Id,
  code: v.string(),
  message: v.string(),
});
const AlertMessage = v.object({
  type: v.literal('alert'),
  /** Of what is told again, which `snapshot` says, there is none. */
  seq: v.optional(Count),
  t: Micros,
  id: v.string(),
  state: v.picklist(ALERT_CHANGES),
  rule: v.object({ id: v.string(), name: v.string() }),
  cause: v.string(),
  severity: v.picklist(SEVERITIES),
  text: v.string(),
  stream: Text,
  value: Value,
  unit: Text,
  startedAt: Instant,
  endedAt: v.nullable(Instant),
  endedBy: v.nullable(v.picklist(['cleared', 'silent', 'changed'])),
  acknowledgedBy: Text,
  snapshot: v.optional(v.literal(true)),
});

/** Bytes as hexadecimal digits, of which a frame has 8 at most. */
const FrameData = v.pipe(v.string(), v.regex(/^([0-9A-F]{2}){0,8}$/));

/** See telemetry.ts, encode.ts and frames.ts. */
export const TelemetryMessage = v.variant('type', [
  Hello,
  Subscribed,
  v.object({ type: v.literal('unsubscribed'), id: Id }),
  Pong,
  v.object({ type: v.literal('time'), id: Id, t1: v.number(), t2: Micros, t3: Micros }),
  Tick,
  v.object({ type: v.literal('samples'), t: Micros, values: v.record(v.string(), Value) }),
  v.object({
    type: v.literal('wave'),
    stream: v.string(),
    seq: Count,
    t: Micros,
    hz: v.number(),
    values: v.array(v.number()),
  }),
  v.object({
    type: v.literal('frames'),
    stream: v.string(),
    /** Place of the first in its stream. */
    seq: Count,
    /** Of the first; each frame has its time after that. */
    t: Micros,
    /** Time, identifier with 2147483648 more where it has 29 bits, data. */
    frames: v.array(v.tuple([Count, Count, FrameData])),
  }),
  v.object({
    type: v.literal('event'),
    seq: Count,
    stream: v.string(),
    t: Micros,
    data: v.record(v.string(), v.unknown()),
  }),
  AlertMessage,
  /** Of events that cannot be told again `stream` is `*`. */
  v.object({ type: v.literal('gap'), stream: v.string(), lost: Count }),
  /** Why nothing is live, where nothing is. */
  v.object({ type: v.literal('status'), live: v.boolean(), reason: v.optional(v.string()) }),
  v.object({ type: v.literal('export'), ...ExportJobShape.entries }),
  Failure,
]);

const { id, state, startedAt, clockTrust, owner, driver } = SessionShape.entries;

/** See monitor.ts. */
export const MonitorMessage = v.variant('type', [
  Hello,
  Subscribed,
  v.object({
    type: v.literal('sessions'),
    items: v.array(
      v.object({
        ...{ id, state, startedAt, clockTrust, owner, driver },
        streams: Count,
        valuesHz: Count,
        alerts: Count,
        clients: Count,
      }),
    ),
    clients: Count,
    removed: Count,
  }),
  Pong,
  AlertMessage,
  Tick,
  Failure,
]);
