import { SAMPLE_TICK_US, type Stream } from '#core/stream.ts';
import { FRAMES, type Head, readBody, WAVE, writeBody } from './body.ts';
import type { Columns } from './columns.ts';
import { ByteReader, ByteWriter } from './varint.ts';

/**
 * A piece: what the journal holds of one stream for one second. The journal packs and checks a whole
 * record at once, and sixty headers of blocks would be most of it. So:
 *
 *   u8      value codec, as in a block (block.ts)
 *   varint  n
 *   varint  sequence number of the first sample in its stream
 *   number  t0, in milliseconds for scalars, else in microseconds
 *   varint  for waves: span, in microseconds
 *   ...     the body, as in a block, to the end of the piece
 */

const head = new ByteWriter();
const body = new ByteWriter();

/** @throws RangeError as writeBody */
export function encodePiece(columns: Columns, stream: Stream): Uint8Array {
  head.clear();
  body.clear();
  const { codec, n, seq, t0, span } = writeBody(body, columns, stream);
  head.byte(codec);
  head.varint(n);
  head.varint(seq);
  head.number(t0 / tickOf(codec));
  if (codec === WAVE) head.varint(span);
  const piece = new Uint8Array(head.length + body.length);
  piece.set(head.written());
  piece.set(body.written(), head.length);
  return piece;
}

/** @throws BlockError BAD_PAYLOAD, NEWER_VERSION */
export function decodePiece(bytes: Uint8Array): Columns {
  const reader = new ByteReader(bytes);
  const codec = reader.byte();
  const n = reader.varint();
  const seq = reader.varint();
  const t0 = reader.number() * tickOf(codec);
  if (!Number.isSafeInteger(t0)) throw reader.bad(`a time of ${t0} us`);
  const span = codec === WAVE ? reader.varint() : 0;
  return readBody(reader.take(reader.left), { codec, n, seq, t0, span });
}

function tickOf(codec: Head['codec']): number {
  return codec === WAVE || codec === FRAMES ? 1 : SAMPLE_TICK_US;
}
