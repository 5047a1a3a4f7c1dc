import * as v from 'valibot';
import { BatchError } from './batch-error.ts';

/**
 * What the cloud has stored, published retained on `v1/<tenant>/<d>/ack` after its commit:
 *
 *   {"store":"0123456789abcdef","next":{"12":4711}}
 *
 * `next` is by number of the stream in that store: the seq of the first sample that is still wanted,
 * all before it are stored or known to be lost. Each says all of the store, as a retained message
 * replaces the one before it. It may be late, and then tells less than an earlier one: a cursor takes
 * the larger number.
 */
export interface Ack {
  /** Random id of a gateway's store, 16 hexadecimal digits. */
  readonly store: string;
  readonly next: ReadonlyMap<number, number>;
}

export const STORE_ID = /^[0-9a-f]{16}$/;
export const NUMBER_MAX = 0xffff;
/** Some 30 bytes a stream, and a store has hundreds of streams at most. */
const ACK_BYTES_MAX = 256 * 1024;

const Seq = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Shape = v.object({
  store: v.pipe(v.string(), v.regex(STORE_ID)),
  next: v.record(v.pipe(v.string(), v.regex(/^\d{1,5}$/)), Seq),
});

export function encodeAck({ store, next }: Ack): string {
  return JSON.stringify({ store, next: Object.fromEntries(next) });
}

/** @throws BatchError TOO_LARGE, BAD_BODY */
export function decodeAck(payload: Uint8Array): Ack {
  if (payload.length > ACK_BYTES_MAX) {
    throw new BatchError(
      'TOO_LARGE',
      `an ack of ${payload.length} bytes, ${ACK_BYTES_MAX} at most`,
    );
  }
  const read = v.safeParse(Shape, parsed(payload));
  if (!read.success) {
    throw new BatchError(
      'BAD_BODY',
      `no ack: ${v.getDotPath(read.issues[0]) ?? 'it'}: ${read.issues[0].message}`,
    );
  }
  const entries = Object.entries(read.output.next).map(([key, seq]) => [Number(key), seq] as const);
  return { store: read.output.store, next: new Map(entries) };
}

function parsed(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(payload));
  } catch (cause) {
    throw new BatchError('BAD_BODY', 'no ack: it is no JSON', { cause });
  }
}
