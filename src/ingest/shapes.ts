/**
 * What clients send: batches of EEG, of what a camera saw of a face, of what happened in a driving
 * task, of alerts; markers; and how their clock goes. The same over HTTP and over a WebSocket.
 *
 * `t` is microseconds on the client's own clock, from any zero, which exchanges have tied to ours
 * (clock-map.ts); with `epoch` it is microseconds since the start of that epoch of the gateway.
 * `seq` numbers the batches of a kind of one client within a session: each number is stored once,
 * whatever the order, and however often it comes.
 *
 * EEG has its client in the ids of its streams. Those of faces and tasks are plain, `face.perclos60`,
 * so that a rule finds them whoever sends them, and would mix what two clients send: they are of the
 * client that sends first, in all sessions that are open together, until its session ends. Those of
 * another one have its name in them, `face.<client>.perclos60`, to the end of its session (holders.ts).
 * Alerts are all in one stream, `client.alert`, whose events say of whom they are.
 *
 * What was measured before the gateway was started again can be stored no more: the store writes into
 * the epoch that runs. A client that kept it meanwhile gets OTHER_EPOCH or BEFORE_SESSION for it, and
 * goes on with the number after it.
 *
 * All schemas are strict: a name that is not known is refused, and a number that JSON writes and
 * nothing can hold (1e999) lies above every limit.
 */
import * as v from 'valibot';
import { SEVERITIES } from '#core/alert.ts';

/** Channels of a headset; the largest that people wear has 256, those that drive 32. */
export const CHANNELS_MAX = 32;
/** Values of a channel in one batch: 8 s at 512 Hz. */
const CHANNEL_VALUES_MAX = 4_096;
/** Values of a batch in all channels: checking them takes some 5 ms, in which nothing else happens. */
export const BATCH_VALUES_MAX = 16_384;
/** Samples per second of the fastest amplifier that is worn. */
const HZ_MAX = 4_096;
/** Items of a batch: half a minute of a camera's pictures. */
const ITEMS_MAX = 1_000;
/** Of what is sent as `uV`. More is no EEG, and an electrode that is off is less. */
export const UV_MAX = 1_000_000;
/** Of what is sent as `counts`: 24 bits, as the ADCs of headsets have. */
export const COUNT_MAX = 0x7f_ffff;
const BAND_MAX = 1e9;
const ALERT_VALUE_MAX = 1e12;
const MARKER_CHARACTERS_MAX = 500;
/** Of a text in the data of an event. */
const TEXT_CHARACTERS_MAX = 500;
/** Members of the data of an event. */
const MEMBERS_MAX = 32;
const EXCHANGES_MAX = 16;
/** Beyond it a double has no half microseconds: 142 years. */
const TIME_US_MAX = 2 ** 52;
const SEQ_MAX = 2 ** 32 - 1;

/** Names that v.record leaves out without a word (valibot 1.5, _isValidObjectKey). */
const LEFT_OUT: readonly string[] = ['__proto__', 'constructor', 'prototype'];
const NO_SUCH_NAME = v.never(`expected no member called ${LEFT_OUT.join(', ')}`);

const SEGMENT = /^[a-z0-9_-]{1,23}$/;
const SEGMENT_EXPECTED = 'expected 1 to 23 of a-z, 0-9, _ and -';
const Name = v.pipe(v.string(), v.regex(SEGMENT, SEGMENT_EXPECTED));
/** As electrodes are called: `TP9`, `Fp1`. In the stream's id it is lower case. */
const Channel = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,23}$/, 'expected 1 to 23 of A-Z, a-z, 0-9, _ and -'),
);
const Time = v.pipe(v.number(), v.minValue(-TIME_US_MAX), v.maxValue(TIME_US_MAX));
const Seq = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(SEQ_MAX));
const Epoch = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)));
const Share = v.optional(between(0, 1));
const Score = v.optional(between(0, 100));
const Turn = between(-180, 180);

/** What every batch has. */
const Common = {
  /** What the client calls itself, in the ids of streams: `muse`, `cam`. */
  client: Name,
  seq: Seq,
  epoch: Epoch,
};

const Value = between(-COUNT_MAX, COUNT_MAX);
const Band = v.optional(between(0, BAND_MAX));

/** What a headset has computed, of which it need not tell all. Bands have no unit. */
const EegItem = v.strictObject({
  t: Time,
  attention: Score,
  meditation: Score,
  bands: v.optional(
    v.strictObject({
      ...{ delta: Band, theta: Band, alpha: Band, beta: Band, gamma: Band },
      ...{ low_alpha: Band, high_alpha: Band, low_beta: Band, high_beta: Band },
    }),
  ),
});

/** `t` is the time of the first value of each channel; the others follow at `hz`. */
export const EegBody = v.strictObject({
  ...Common,
  t: v.optional(Time),
  hz: v.optional(between(1, HZ_MAX)),
  /** `counts` are whole, and of an ADC of which nobody knows the step. */
  unit: v.optional(v.picklist(['uV', 'counts'])),
  channels: v.optional(
    recordOf(Channel, v.pipe(v.array(Value), v.minLength(1), v.maxLength(CHANNEL_VALUES_MAX))),
  ),
  items: v.optional(listOf(EegItem)),
});

/** One picture. Shares are 0 to 1, angles degrees: yaw to the left, pitch up, roll to the right. */
const FaceItem = v.strictObject({
  t: Time,
  faceDetected: v.boolean(),
  confidence: between(0, 1),
  /** Share of the last 60 s in which the eyes were at least 80 % closed. */
  perclos: Share,
  /** How far the eyes are closed: 0 open, 1 closed. */
  eyeClosure: Share,
  /** One began with this picture. */
  blink: v.optional(v.boolean()),
  yawn: v.optional(v.boolean()),
  headPose: v.optional(v.strictObject({ yaw: Turn, pitch: Turn, roll: Turn })),
  gaze: v.optional(v.strictObject({ yaw: Turn, pitch: Turn })),
});

export const FaceBody = v.strictObject({ ...Common, items: listOf(FaceItem) });

/** Two levels, which is what a row of a table holds and a reader of an export sees. */
const PLAIN_EXPECTED = `expected text of at most ${TEXT_CHARACTERS_MAX} characters, a number, true, false or null`;
const Plain = v.union(
  [
    v.pipe(v.string(), v.maxLength(TEXT_CHARACTERS_MAX)),
    between(-TIME_US_MAX, TIME_US_MAX),
    v.boolean(),
    v.null(),
  ],
  PLAIN_EXPECTED,
);
const Key = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const Flat = recordOf(Key, Plain, MEMBERS_MAX);
const List = v.pipe(v.array(Plain), v.maxLength(MEMBERS_MAX));
const Data = v.optional(
  recordOf(
    Key,
    v.union([Plain, List, Flat], `${PLAIN_EXPECTED}, or a list or an object of such`),
    MEMBERS_MAX,
  ),
);

/** Something that happened in the task. Numbers in `data` that MEASURES names are streams besides. */
const GameItem = v.strictObject({ t: Time, event: Name, data: Data });

export const GameBody = v.strictObject({ ...Common, items: listOf(GameItem) });

/** What a client has found by itself, such as that the driver is tired. */
const AlertItem = v.strictObject({
  t: Time,
  severity: v.picklist(SEVERITIES),
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(TEXT_CHARACTERS_MAX)),
  /** What it was found by, in whatever unit. */
  value: v.optional(between(-ALERT_VALUE_MAX, ALERT_VALUE_MAX)),
  /** Of which sort: `fatigue`. */
  kind: v.optional(Name),
});

/** They are kept as events, and nobody is called by them unless a rule watches `client.alert`. */
export const AlertBody = v.strictObject({ ...Common, items: listOf(AlertItem) });

/** What somebody says of a moment, in their words; of this one where there is no `t`. */
export const MarkerBody = v.strictObject({
  type: v.optional(v.literal('marker')),
  text: v.pipe(v.string(), v.minLength(1), v.maxLength(MARKER_CHARACTERS_MAX)),
  /** Of which sort; then the stream is `marker.<event>`. */
  event: v.optional(Name),
  data: Data,
  t: v.optional(Time),
  /** On whose clock `t` is. */
  client: v.optional(Name),
  epoch: Epoch,
});

/**
 * Exchanges of `time` messages: the client sent at `t1` and got the answer at `t4`, on its own clock;
 * we got it at `t2` and answered at `t3`, on ours.
 */
export const ClockBody = v.strictObject({
  client: Name,
  /** In which `t2` and `t3` count. */
  epoch: v.pipe(v.number(), v.integer(), v.minValue(0)),
  exchanges: v.pipe(
    v.array(v.strictObject({ t1: Time, t2: Time, t3: Time, t4: Time })),
    v.minLength(1),
    v.maxLength(EXCHANGES_MAX),
  ),
});

export type EegBody = v.InferOutput<typeof EegBody>;
export type FaceBody = v.InferOutput<typeof FaceBody>;
export type GameBody = v.InferOutput<typeof GameBody>;
export type AlertBody = v.InferOutput<typeof AlertBody>;
export type MarkerBody = v.InferOutput<typeof MarkerBody>;
export type ClockBody = v.InferOutput<typeof ClockBody>;

export type Batch =
  | { readonly kind: 'eeg'; readonly body: EegBody }
  | { readonly kind: 'face'; readonly body: FaceBody }
  | { readonly kind: 'game'; readonly body: GameBody }
  | { readonly kind: 'alert'; readonly body: AlertBody };

function between(min: number, max: number) {
  return v.pipe(v.number(), v.minValue(min), v.maxValue(max));
}

function listOf<S extends v.GenericSchema>(item: S) {
  return v.pipe(v.array(item), v.minLength(1), v.maxLength(ITEMS_MAX));
}

/** A record that refuses what v.record would leave out. */
function recordOf<K extends v.GenericSchema<string, string>, V extends v.GenericSchema>(
  key: K,
  value: V,
  most: number = Number.POSITIVE_INFINITY,
) {
  const text = `expected at most ${most} members`;
  const plain = v.record(key, value);
  const record = Number.isFinite(most) ? v.pipe(plain, v.maxEntries(most, text)) : plain;
  return v.lazy((input) => (hasLeftOut(input) ? NO_SUCH_NAME : record));
}

function hasLeftOut(input: unknown): boolean {
  return LEFT_OUT.some((name) => Object.hasOwn(Object(input), name));
}
