import * as v from 'valibot';
import {
  AlertBody,
  ClockBody,
  EegBody,
  FaceBody,
  GameBody,
  MarkerBody,
} from '../../ingest/shapes.ts';
import { MessageId } from './incoming.ts';

/** What goes both ways over the WebSocket of a session, besides what goes over that of telemetry. */

const KEY_CHARACTERS_MAX = 128;

/** A batch, by its kind. The rest of it is the body that goes over HTTP. */
const DATA = {
  eeg: v.strictObject({
    ...{ type: v.literal('data'), id: MessageId, stream: v.literal('eeg') },
    ...EegBody.entries,
  }),
  face: v.strictObject({
    ...{ type: v.literal('data'), id: MessageId, stream: v.literal('face') },
    ...FaceBody.entries,
  }),
  game: v.strictObject({
    ...{ type: v.literal('data'), id: MessageId, stream: v.literal('game') },
    ...GameBody.entries,
  }),
  alert: v.strictObject({
    ...{ type: v.literal('data'), id: MessageId, stream: v.literal('alert') },
    ...AlertBody.entries,
  }),
};

export const SessionData = v.variant('stream', [DATA.eeg, DATA.face, DATA.game, DATA.alert]);

export const SessionMarker = v.strictObject({
  ...MarkerBody.entries,
  type: v.literal('marker'),
  id: MessageId,
  /** As Idempotency-Key over HTTP. */
  key: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(KEY_CHARACTERS_MAX))),
});

export const SessionClock = v.strictObject({
  type: v.literal('clock'),
  id: MessageId,
  ...ClockBody.entries,
});

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Told = v.optional(v.union([v.number(), v.string()]));
/** Which batch is answered; of a marker there is none. */
const Which = {
  stream: v.optional(v.picklist(['eeg', 'face', 'game', 'alert'])),
  client: v.optional(v.string()),
  seq: v.optional(Count),
};

/** What the gateway sends besides TelemetryMessage of messages.ts. */
export const SessionReply = v.variant('type', [
  v.object({
    type: v.literal('joined'),
    session: Count,
    /** Whether this client may send. */
    send: v.boolean(),
    /** Batches and markers without an answer that there may be. */
    window: Count,
  }),
  v.object({ type: v.literal('ack'), id: Told, ...Which, duplicate: v.boolean() }),
  v.object({
    type: v.literal('clock'),
    id: Told,
    client: v.string(),
    offset: v.number(),
    t: v.number(),
    drift: v.number(),
    roundTrip: v.number(),
  }),
  v.object({
    type: v.literal('error'),
    id: Told,
    ...Which,
    code: v.string(),
    message: v.string(),
    /** What in the message is wrong, RFC 6901. */
    pointer: v.optional(v.string()),
  }),
]);
