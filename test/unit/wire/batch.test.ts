import { crc32, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '#core/stream.ts';
import {
  BATCH_BYTES_MAX,
  type Batch,
  batchOf,
  decodeBatch,
  type EventRun,
  encodeBatch,
  GAP_REASONS,
  type Gap,
  type Origin,
} from '../../../src/wire/batch.ts';
import { BatchError, type BatchErrorCode } from '../../../src/wire/batch-error.ts';
import { encodeHead } from '../../../src/wire/head.ts';
import { columns, scalars, streamFor, streamOf } from '../codec/columns-arbitrary.ts';

const ORIGIN: Origin = {
  dev: 'car-1',
  store: '0123456789abcdef',
  epoch: 7,
  session: 3,
  number: 12,
  stream: streamOf('event'),
};

const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.constant(null));
const json: fc.Arbitrary<Json> = fc.oneof(leaf, fc.array(leaf), fc.dictionary(fc.string(), leaf));
const events: fc.Arbitrary<EventRun> = fc.record({
  kind: fc.constant('events' as const),
  seq: fc.nat(),
  events: fc.array(
    fc.record({
      t: fc.integer({ min: -1e9, max: 2 ** 48 }),
      data: fc.dictionary(fc.string({ unit: 'binary' }), json).map(asJson),
    }),
    { minLength: 1, maxLength: 20 },
  ),
});
const gap: fc.Arbitrary<Gap> = fc.record({
  kind: fc.constant('gap' as const),
  seq: fc.nat(),
  n: fc.integer({ min: 1, max: 2 ** 40 }),
  reason: fc.constantFrom(...GAP_REASONS),
});
const measured = columns
  .filter(({ seq }) => seq < 2 ** 52)
  .map((columns) => batchOf({ ...ORIGIN, stream: withoutStep(columns) }, columns));
const batch: fc.Arbitrary<Batch> = fc.oneof(
  measured,
  events.map((run) => batchOf(ORIGIN, run)),
  gap.map((gap) => batchOf(ORIGIN, gap, 5)),
);

/** What JSON makes of it: -0 is 0 there. */
function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

function withoutStep(columns: Parameters<typeof streamFor>[0]): Origin['stream'] {
  const { step: _, ...stream } = streamFor(columns);
  return stream;
}

/** A batch by hand, with a check that holds. */
function forged(form: number, head: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = Buffer.concat([
    Uint8Array.of(0x56, 0x57, 1, form, 0, 0),
    head,
    body,
    Buffer.alloc(4),
  ]);
  bytes.writeUInt16LE(head.length, 4);
  return sealed(bytes);
}

function sealed(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 4;
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

function codeOf(bytes: Uint8Array): BatchErrorCode | 'fine' {
  try {
    decodeBatch(bytes);
    return 'fine';
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
    expect(error.message).toMatch(/^\S.{10,}/);
    return error.code;
  }
}

test('a batch gives back what went in', () => {
  fc.assert(
    fc.property(batch, (batch) => {
      expect(decodeBatch(encodeBatch(batch))).toEqual(batch);
    }),
    { numRuns: 500 },
  );
});

test('a stream keeps its meaning, and what was acknowledged goes with it', () => {
  const stream = streamOf('sample', { states: { 0: 'off', 1: 'on' }, name: 'Zündung', unit: '1' });
  const content = {
    kind: 'scalars',
    seq: 4,
    t: Float64Array.of(1000),
    v: Float64Array.of(1),
  } as const;
  const { head } = decodeBatch(encodeBatch(batchOf({ ...ORIGIN, stream, acked: 3 }, content)));
  expect(head).toEqual({ ...ORIGIN, stream, acked: 3, v: 1, first: 4, n: 1, t0: 1000 });
});

test('the earliest time is told, also where the first sample is not the earliest', () => {
  const t = Float64Array.of(9000, 2000, 5000);
  const content = { kind: 'scalars', seq: 0, t, v: Float64Array.of(1, 2, 3) } as const;
  const batch = batchOf({ ...ORIGIN, stream: streamOf('sample') }, content);
  expect(batch.head.t0).toBe(2000);
  const other = { ...batch, head: { ...batch.head, t0: 9000 } };
  expect(decodeBatch(encodeBatch(other)).content).toEqual(content);
});

test('every byte that is flipped is found', () => {
  fc.assert(
    fc.property(batch, fc.nat(), fc.integer({ min: 1, max: 255 }), (batch, nat, mask) => {
      const bytes = encodeBatch(batch);
      const at = nat % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      expect(codeOf(bytes)).not.toBe('fine');
    }),
    { numRuns: 1000 },
  );
});

test('a batch that is cut anywhere is damage', () => {
  fc.assert(
    fc.property(batch, fc.nat(), (batch, nat) => {
      const bytes = encodeBatch(batch);
      expect(codeOf(bytes.subarray(0, nat % bytes.length))).not.toBe('fine');
    }),
  );
});

test('damage under a check that holds is another batch or damage', () => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(batch, fc.array(change, { minLength: 1, maxLength: 4 }), (batch, changes) => {
      const bytes = encodeBatch(batch);
      for (const [at, byte] of changes) bytes[at % (bytes.length - 4)] = byte;
      codeOf(sealed(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('any body under a good head is another batch or damage', () => {
  const head = batchOf({ ...ORIGIN, stream: streamOf('sample') }, { ...ONE, seq: 0 }).head;
  const top = encodeHead(head);
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 3, 4, 0x81, 0x82),
      fc.uint8Array({ maxLength: 100 }),
      (form, body) => {
        codeOf(forged(form, top, body));
      },
    ),
    { numRuns: 2000 },
  );
});

const ONE = { kind: 'scalars', seq: 0, t: Float64Array.of(0), v: Float64Array.of(1) } as const;
const SAMPLES = { ...ORIGIN, stream: streamOf('sample') };

test('a bomb is refused, and a number in a head makes no array', () => {
  const top = encodeHead({ ...batchOf(SAMPLES, ONE).head, n: 2 ** 40 });
  expect(codeOf(forged(0x81, top, zstdCompressSync(new Uint8Array(50e6))))).toBe('BAD_BODY');
  expect(codeOf(forged(1, top, Uint8Array.of(1, 0, 0, 0)))).toBe('BAD_BODY');
  const deep = Buffer.from(`[0,{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`);
  expect(codeOf(forged(2, encodeHead(batchOf(ORIGIN, EVENT).head), deep))).toBe('BAD_BODY');
});

test('an event that nobody could read is not written: it would come again and again', () => {
  const nested = (depth: number): EventRun => {
    // The line has two levels of its own.
    const data = JSON.parse(`{"a":${'['.repeat(depth - 2)}${']'.repeat(depth - 2)}}`);
    return { kind: 'events', seq: 0, events: [{ t: 1, data }] };
  };
  expect(decodeBatch(encodeBatch(batchOf(ORIGIN, nested(64)))).content).toEqual(nested(64));
  expect(() => encodeBatch(batchOf(ORIGIN, nested(65)))).toThrow(RangeError);
});

const EVENT: EventRun = { kind: 'events', seq: 0, events: [{ t: 1, data: { a: 1 } }] };

test('what is wrong is told by its code', () => {
  const good = encodeBatch(batchOf(ORIGIN, EVENT));
  const changed = (at: number, byte: number): Uint8Array => {
    const bytes = Uint8Array.from(good);
    bytes[at] = byte;
    return bytes;
  };
  const top = encodeHead(batchOf(ORIGIN, EVENT).head);
  const body = (text: string): BatchErrorCode | 'fine' => codeOf(forged(2, top, Buffer.from(text)));
  expect(codeOf(new Uint8Array(0))).toBe('SHORT_BATCH');
  expect(codeOf(changed(0, 1))).toBe('BAD_MAGIC');
  expect(codeOf(changed(2, 9))).toBe('NEWER_VERSION');
  expect(codeOf(changed(good.length - 1, 0xff ^ (good.at(-1) ?? 0)))).toBe('BAD_CRC');
  expect(codeOf(sealed(changed(5, 0xff)))).toBe('SHORT_BATCH');
  expect(codeOf(new Uint8Array(BATCH_BYTES_MAX + 1))).toBe('TOO_LARGE');
  expect(codeOf(forged(2, Buffer.from('no head'), Buffer.from('[0,{}]')))).toBe('BAD_HEAD');
  expect(codeOf(forged(9, top, Buffer.from('[0,{}]')))).toBe('NEWER_VERSION');
  expect(codeOf(forged(1, top, Buffer.from('[0,{}]')))).toBe('BAD_BODY');
  expect(codeOf(forged(3, top, Buffer.from('tired')))).toBe('BAD_BODY');
  expect(body('[0,{}]')).toBe('fine');
  for (const text of [
    '',
    '[0,{}]\n[0,{}]',
    '[0]',
    '[0.5,{}]',
    '[0,[]]',
    '[null,{}]',
    '{"a":1}',
    '[0,',
  ]) {
    expect(body(text)).toBe('BAD_BODY');
  }
});

test('what no gateway has is refused where it is written', () => {
  const { head, content } = batchOf(SAMPLES, ONE);
  expect(() => encodeBatch({ head: { ...head, n: 2 }, content })).toThrow('a head of 2 from 0 on');
  const dev = { ...head, dev: 'Car/1' };
  expect(() => encodeBatch({ head: dev, content })).toThrow('dev');
  const name = { ...head, stream: { ...head.stream, name: 'x'.repeat(5000) } };
  expect(() => encodeBatch({ head: name, content })).toThrow('a head of');
});

test('ten seconds of a value that is asked for ten times a second stay small', () => {
  fc.assert(
    fc.property(scalars, (columns) => {
      const origin = { ...ORIGIN, stream: withoutStep(columns) };
      const { length } = encodeBatch(batchOf(origin, columns));
      expect(length).toBeLessThan(160 + columns.t.length * 20);
    }),
  );
});

/** What is on its way, or waits in a queue, has to be read by every later release. */
test('a batch of version 1 stays readable', () => {
  const bytes = Buffer.from(GOLDEN, 'base64');
  expect(decodeBatch(bytes)).toEqual({
    head: { ...ORIGIN, acked: 40, v: 1, first: 41, n: 2, t0: 1_000_000 },
    content: {
      kind: 'events',
      seq: 41,
      events: [
        { t: 1_000_000, data: { state: 'started', rule: 'coolant' } },
        { t: 3_000_000, data: { state: 'ended', rule: 'coolant' } },
      ],
    },
  });
});

const GOLDEN =
  'VlcBgk4AQ3VEcmKRriGSIwwMjYxNTM3MLSwTk5JTUtMQjjJHcpQxkqOMMFxVklpcopefh9zlyUsllJkMMeMKGnomhmAPGEGcb2gABjqwMDUxqAUAKLUv/SBVvQEAdAJbMCx7InN0YXRlIjpydGVkIiwicnVsY29vbGFudCJ9XQpbMjBlbmQFAFCpkcoA3CmahmaVJBnmFhI=';
