/**
 * What clients push over MQTT, by the last segment of the topic `car/<d>/ingest/<kind>`: the bodies of
 * shapes.ts, and in them besides
 *
 *   session      its id; where it is left out, the one session of the sender that is open
 *   transaction  comes back in the answer; who gives one is answered also when all is well
 *   key          of a marker, as Idempotency-Key over HTTP
 */
import * as v from 'valibot';
import { AlertBody, type Batch, EegBody, FaceBody, GameBody, MarkerBody } from './shapes.ts';

const SESSION_MAX = 0xffff_ffff;
const KEY_CHARACTERS_MAX = 128;
const TRANSACTION = /^[\w.:-]{1,64}$/;

/** What a client calls one request, so that it knows the answer to it. */
export const Transaction = v.union(
  [v.pipe(v.string(), v.regex(TRANSACTION)), v.pipe(v.number(), v.safeInteger())],
  'expected a whole number, or text of 1 to 64 of A-Z, a-z, 0-9, _ . : and -',
);
export type Transaction = v.InferOutput<typeof Transaction>;

export const SessionId = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(SESSION_MAX));

/** As Idempotency-Key over HTTP. */
export const MarkerKey = v.pipe(v.string(), v.minLength(1), v.maxLength(KEY_CHARACTERS_MAX));

const Envelope = {
  session: v.optional(SessionId),
  transaction: v.optional(Transaction),
};

/** By kind, which is the last segment of the topic. */
export const PUSHES = {
  eeg: v.strictObject({ ...Envelope, ...EegBody.entries }),
  face: v.strictObject({ ...Envelope, ...FaceBody.entries }),
  game: v.strictObject({ ...Envelope, ...GameBody.entries }),
  alert: v.strictObject({ ...Envelope, ...AlertBody.entries }),
  marker: v.strictObject({ ...Envelope, key: v.optional(MarkerKey), ...MarkerBody.entries }),
};
export type PushKind = keyof typeof PUSHES;

/** One push, with what is for the gateway taken apart from what is for the recording. */
export interface Push {
  readonly session: number | undefined;
  readonly content:
    | Batch
    | { readonly kind: 'marker'; readonly key: string | undefined; readonly body: MarkerBody };
}

export function isPushKind(text: string): text is PushKind {
  return Object.hasOwn(PUSHES, text);
}

/** @throws v.ValiError for what does not fit the shape of the kind */
export function pushOf(kind: PushKind, json: unknown): Push {
  switch (kind) {
    case 'eeg': {
      const { session, transaction, ...body } = v.parse(PUSHES.eeg, json);
      return { session, content: { kind, body } };
    }
    case 'face': {
      const { session, transaction, ...body } = v.parse(PUSHES.face, json);
      return { session, content: { kind, body } };
    }
    case 'game': {
      const { session, transaction, ...body } = v.parse(PUSHES.game, json);
      return { session, content: { kind, body } };
    }
    case 'alert': {
      const { session, transaction, ...body } = v.parse(PUSHES.alert, json);
      return { session, content: { kind, body } };
    }
    case 'marker': {
      const { session, transaction, key, ...body } = v.parse(PUSHES.marker, json);
      return { session, content: { kind, key, body } };
    }
  }
}
