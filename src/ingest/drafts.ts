import type { Event, Json, Stream } from '#core/stream.ts';
import { IngestError } from './errors.ts';
import {
  type AlertBody,
  BATCH_VALUES_MAX,
  type Batch,
  CHANNELS_MAX,
  type EegBody,
  type FaceBody,
  type GameBody,
  UV_MAX,
} from './shapes.ts';
import {
  CLIENT_ALERT,
  FACE,
  featureStream,
  gameEvent,
  MEASURES,
  rawStream,
  underClient,
} from './streams.ts';

/**
 * What a batch comes to, still on the client's clock. Everything about it that no schema can say is
 * checked here.
 */
export type Draft = {
  readonly stream: Stream;
  /** On the client's clock. */
  readonly t: number;
  /** Where the time is in the batch. */
  readonly pointer: string;
} & (
  | { readonly kind: 'sample'; readonly v: number }
  | { readonly kind: 'event'; readonly data: Event['data'] }
  | { readonly kind: 'wave'; readonly v: Int32Array; readonly hz: number }
);

/**
 * @param plain whether the ids without a client are this one's, where there are such (holders.ts)
 * @throws IngestError INVALID
 */
export function draftsOf(batch: Batch, plain: boolean): Draft[] {
  const drafts = plainDrafts(batch);
  if (plain) return drafts;
  const { client } = batch.body;
  return drafts.map((draft) => ({ ...draft, stream: underClient(draft.stream, client) }));
}

function plainDrafts(batch: Batch): Draft[] {
  switch (batch.kind) {
    case 'eeg':
      return eegDrafts(batch.body);
    case 'face':
      return faceDrafts(batch.body);
    case 'game':
      return gameDrafts(batch.body);
    case 'alert':
      return alertDrafts(batch.body);
  }
}

function eegDrafts(body: EegBody): Draft[] {
  const { client, items = [], channels } = body;
  if (channels === undefined && items.length === 0) {
    throw new IngestError('INVALID', 'expected channels, items or both, found neither');
  }
  const features = items.flatMap(({ t, attention, meditation, bands = {} }, i) => {
    const named = Object.entries({ attention, meditation, ...prefixed('bands.', bands) });
    const pointer = `/items/${i}/t`;
    return named.flatMap(([name, v]): Draft[] => {
      return v === undefined ? [] : [sampleDraft(featureStream(client, name), { t, v, pointer })];
    });
  });
  return [...(channels === undefined ? [] : waveDrafts(body, channels)), ...features];
}

function waveDrafts(
  { client, t, hz, unit }: EegBody,
  channels: Readonly<Record<string, readonly number[]>>,
): Draft[] {
  if (t === undefined) missing('t');
  if (hz === undefined) missing('hz');
  if (unit === undefined) missing('unit');
  const named = Object.entries(channels);
  const [first] = named;
  if (!first || named.length > CHANNELS_MAX) {
    const text = `expected 1 to ${CHANNELS_MAX} channels, found ${named.length}`;
    throw new IngestError('INVALID', text, { pointer: '/channels' });
  }
  const n = first[1].length;
  if (n * named.length > BATCH_VALUES_MAX) {
    const text = `expected at most ${BATCH_VALUES_MAX} values in all channels, found more`;
    throw new IngestError('INVALID', text, { pointer: '/channels' });
  }
  const ids = new Set<string>();
  return named.map(([channel, values]): Draft => {
    const stream = rawStream(client, channel, { hz, unit });
    const pointer = `/channels/${channel}`;
    if (ids.has(stream.id)) {
      throw new IngestError('INVALID', `two channels are called ${channel}`, { pointer });
    }
    ids.add(stream.id);
    if (values.length !== n) {
      const text = `expected a list of ${n} like ${first[0]}, found a list of ${values.length}`;
      throw new IngestError('INVALID', text, { pointer });
    }
    const v = unit === 'uV' ? steps(values, pointer, stream.lsb ?? 1) : counts(values, pointer);
    return { kind: 'wave', stream, t, pointer: '/t', v, hz };
  });
}

/** Microvolts in steps of the stream. */
function steps(values: readonly number[], pointer: string, lsb: number): Int32Array {
  const wrong = values.findIndex((value) => Math.abs(value) > UV_MAX);
  if (wrong >= 0) {
    const text = `expected -${UV_MAX} to ${UV_MAX} uV, found ${values[wrong]}`;
    throw new IngestError('INVALID', text, { pointer: `${pointer}/${wrong}` });
  }
  return Int32Array.from(values, (value) => Math.round(value / lsb));
}

function counts(values: readonly number[], pointer: string): Int32Array {
  const wrong = values.findIndex((value) => !Number.isInteger(value));
  if (wrong >= 0) {
    const text = `expected a whole number, found ${values[wrong]}`;
    throw new IngestError('INVALID', text, { pointer: `${pointer}/${wrong}` });
  }
  return Int32Array.from(values);
}

function faceDrafts({ client, items }: FaceBody): Draft[] {
  return items.flatMap((item, i) => {
    const { t, headPose, gaze } = item;
    const pointer = `/items/${i}/t`;
    const values: readonly (readonly [Stream, number | undefined])[] = [
      [FACE.detected, Number(item.faceDetected)],
      [FACE.confidence, item.confidence],
      [FACE.perclos, item.perclos],
      [FACE.eyeClosure, item.eyeClosure],
      [FACE.headYaw, headPose?.yaw],
      [FACE.headPitch, headPose?.pitch],
      [FACE.headRoll, headPose?.roll],
      [FACE.gazeYaw, gaze?.yaw],
      [FACE.gazePitch, gaze?.pitch],
    ];
    const samples = values.flatMap(([stream, v]) =>
      v === undefined ? [] : [sampleDraft(stream, { t, v, pointer })],
    );
    const happened = [...(item.blink ? [FACE.blink] : []), ...(item.yawn ? [FACE.yawn] : [])];
    const events = happened.map((stream): Draft => {
      return { kind: 'event', stream, t, pointer, data: { client, clientT: t } };
    });
    return [...samples, ...events];
  });
}

function gameDrafts({ client, items }: GameBody): Draft[] {
  return items.flatMap(({ t, event, data = {} }, i) => {
    const pointer = `/items/${i}/t`;
    const stream = gameEvent(event, `/items/${i}/event`);
    const measures = Object.entries(data).flatMap(([name, value]): Draft[] => {
      const measure = Object.hasOwn(MEASURES, name) ? MEASURES[name] : undefined;
      if (!measure) return [];
      const v = measured(measure, value, `/items/${i}/data/${name}`);
      return [sampleDraft(measure, { t, v, pointer })];
    });
    // What the client says of it is by itself: it may use any name.
    const about = { client, clientT: t, data };
    return [{ kind: 'event', stream, t, pointer, data: about }, ...measures];
  });
}

function alertDrafts({ client, items }: AlertBody): Draft[] {
  return items.map(({ t, severity, text, value, kind }, i) => {
    const more = { ...(value !== undefined && { value }), ...(kind !== undefined && { kind }) };
    const data = { client, clientT: t, severity, text, ...more };
    return { kind: 'event', stream: CLIENT_ALERT, t, pointer: `/items/${i}/t`, data };
  });
}

function measured({ range: [min, max], unit }: Stream, value: Json, pointer: string): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  const found = typeof value === 'number' ? value : 'no number';
  const text = `expected ${min} to ${max} ${unit}, found ${found}`;
  throw new IngestError('INVALID', text, { pointer });
}

function sampleDraft(stream: Stream, of: Pick<Draft, 't' | 'pointer'> & { v: number }): Draft {
  return { kind: 'sample', stream, ...of };
}

function prefixed<T>(prefix: string, record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, v]) => [`${prefix}${key}`, v]));
}

function missing(name: string): never {
  throw new IngestError('INVALID', 'this is missing where there are channels', {
    pointer: `/${name}`,
  });
}
