import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as v from 'valibot';
import type { Micros, Stream } from '#core/stream.ts';
import { NUMBER_MAX, STORE_ID } from './ack.ts';
import { BatchError } from './batch-error.ts';
import { DECLARATIONS } from './declarations.ts';

/**
 * The head of a batch: whose it is, of which stream, and which part of it. It is JSON and declares the
 * whole stream each time, so that the cloud need not remember anything to understand a batch. 10 s of
 * values that are asked for five times a second are 80 bytes, and a head like that has 330: deflated
 * (RFC 1951) with a dictionary, the words that are in every one, some 100 are left.
 *
 * The dictionary is part of version 1 of the format: a change of one letter makes all that was written
 * before it unreadable. What is near its end costs least.
 */
const DICTIONARY = new TextEncoder().encode(
  [
    ...DECLARATIONS,
    ...['temperature', 'pressure', 'voltage', 'position', 'throttle', 'fuel.', 'air.', 'game.'],
    ...['face.', 'can.', 'gateway.source.', 'Source ', '"states":{"0":"failed","1":"waiting"'],
    ...[',"2":"ok"}', '"states":{"0":"off","1":"on"}', 'ession', 'EEG', 'eeg.', '.raw', 'fatigue.'],
    ...['"unit":"uV"', '"unit":"1"', '"unit":"V"', '"unit":"kPa"', '"unit":"Cel"', '"unit":"deg"'],
    ...['"unit":"km/h"', '"unit":"/min"', '"unit":"g/s"', '"unit":"%"', '"range":[-32768,32767]'],
    ...[',"range":[-40,215],"hz":1', ',"range":[0,1]', ',"range":[0,255]', ',"range":[0,65535]'],
    ...[
      ',"range":[0,0],"hz":0,"kind":"event"}',
      ',"hz":512,"kind":"wave","lsb":0.',
      '"session":null',
    ],
    ...[
      ',"hz":0,"kind":"frame"}',
      ',"range":[0,100],"hz":10,"kind":"sample"},"first":',
      '"acked":',
    ],
    ...['{"v":1,"dev":"vigil","store":"', '","epoch":1', ',"session":1', ',"number":1'],
    ...[',"stream":{"id":"obd.engine.', '","name":"Engine ', '","unit":"', ',"n":100,"t0":'],
  ].join(''),
);
/** The head as JSON, and the room that is made to inflate one. */
const HEAD_BYTES_MAX = 4096;
const T_US_MAX = 2 ** 52;

/** What is told of a batch. */
export interface BatchHead {
  readonly v: 1;
  /** Name of the gateway, `device` of its settings. */
  readonly dev: string;
  /** Random id of the store that the seqs are of, 16 hexadecimal digits. */
  readonly store: string;
  readonly epoch: number;
  /** Of the session that was open, if any. */
  readonly session: number | null;
  /** Of the stream in that store, u16. */
  readonly number: number;
  /** Its declaration; `step` is left out, as the values come as numbers. */
  readonly stream: Stream;
  /** Seq of the first sample, frame, event, or of the first that is missing. */
  readonly first: number;
  /** How many there are, or are missing: at least 1. */
  readonly n: number;
  /** The earliest time in it; of a gap when it began, as far as is known. */
  readonly t0: Micros;
  /**
   * All before this seq was acknowledged to the gateway, so that it will not come again; 0 where left
   * out. A cloud that has been set up anew learns from it where the stream goes on.
   */
  readonly acked?: number;
}

const Text = v.pipe(v.string(), v.maxLength(200));
const Whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const U32 = v.pipe(Whole, v.maxValue(0xffff_ffff));
const Finite = v.pipe(v.number(), v.finite());
const DeclaredStream = v.object({
  id: v.pipe(v.string(), v.maxLength(200), v.regex(/^[a-z0-9_-]{1,23}(\.[a-z0-9_-]{1,23})*$/)),
  name: Text,
  unit: Text,
  range: v.tuple([Finite, Finite]),
  hz: v.pipe(Finite, v.minValue(0)),
  kind: v.picklist(['sample', 'wave', 'frame', 'event']),
  states: v.exactOptional(v.record(v.string(), Text)),
  lsb: v.exactOptional(Finite),
});
const Head = v.object({
  v: v.literal(1),
  dev: v.pipe(v.string(), v.regex(/^[a-z0-9_-]{1,23}$/)),
  store: v.pipe(v.string(), v.regex(STORE_ID)),
  epoch: U32,
  session: v.nullable(U32),
  number: v.pipe(Whole, v.maxValue(NUMBER_MAX)),
  stream: DeclaredStream,
  first: Whole,
  n: v.pipe(Whole, v.minValue(1)),
  t0: v.pipe(v.number(), v.safeInteger(), v.minValue(-T_US_MAX), v.maxValue(T_US_MAX)),
  acked: v.exactOptional(Whole),
});

/** @throws RangeError for a head above HEAD_BYTES_MAX, or one that could not be read back */
export function encodeHead(head: BatchHead): Uint8Array {
  const { v: version, dev, store, epoch, session, number, stream, first, n, t0, acked } = head;
  const { step: _, ...declared } = stream;
  const json = JSON.stringify({
    ...{ v: version, dev, store, epoch, session, number, stream: declared, first, n, t0 },
    ...(acked !== undefined && { acked }),
  });
  const bytes = new TextEncoder().encode(json);
  if (bytes.length > HEAD_BYTES_MAX) {
    throw new RangeError(`a head of ${bytes.length} bytes: ${HEAD_BYTES_MAX} at most`);
  }
  const wrong = faultOf(JSON.parse(json));
  if (wrong !== undefined) throw new RangeError(`a head that nobody could read: ${wrong}`);
  return deflateRawSync(bytes, { dictionary: DICTIONARY, level: 9 });
}

/** @throws BatchError BAD_HEAD */
export function decodeHead(bytes: Uint8Array): BatchHead {
  const told = parsed(bytes);
  const read = v.safeParse(Head, told);
  if (!read.success) throw new BatchError('BAD_HEAD', `its head: ${sentenceOf(read.issues[0])}`);
  const head = read.output;
  if (!Number.isSafeInteger(head.first + head.n)) {
    throw new BatchError(
      'BAD_HEAD',
      `its head: ${head.n} from ${head.first} on are beyond any seq`,
    );
  }
  return head;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    const options = { dictionary: DICTIONARY, maxOutputLength: HEAD_BYTES_MAX };
    return JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(inflateRawSync(bytes, options)),
    );
  } catch (cause) {
    // zlib's codes, a bad character and a bad JSON are all one to the reader.
    throw new BatchError('BAD_HEAD', `its head of ${bytes.length} bytes is no deflated JSON`, {
      cause,
    });
  }
}

function faultOf(head: unknown): string | undefined {
  const read = v.safeParse(Head, head);
  return read.success ? undefined : sentenceOf(read.issues[0]);
}

function sentenceOf(issue: v.BaseIssue<unknown>): string {
  return `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`;
}
