/** Binary frames of a wave, as the gateway sends them. */

const FORMATS = { int16: 1, int24: 2, float32: 3 } as const;

export interface FrameFields {
  number: number;
  seq: number;
  t: number;
  mHz: number;
  counts: number[];
  format?: keyof typeof FORMATS;
}

/** The other end of decodeFrame, written from the layout. */
export function encode({
  number,
  seq,
  t,
  mHz,
  counts,
  format = 'int16',
}: FrameFields): ArrayBuffer {
  const size = FORMATS[format] + 1;
  const view = new DataView(new ArrayBuffer(24 + counts.length * size));
  view.setUint8(0, 1);
  view.setUint8(1, 1);
  view.setUint16(2, number, true);
  view.setUint32(4, seq, true);
  view.setBigInt64(8, BigInt(t), true);
  view.setUint16(16, counts.length, true);
  view.setUint8(18, 1);
  view.setUint8(19, FORMATS[format]);
  view.setUint32(20, mHz, true);
  counts.forEach((count, i) => {
    const at = 24 + i * size;
    if (format === 'int16') view.setInt16(at, count, true);
    else if (format === 'float32') view.setFloat32(at, count, true);
    else for (const byte of [0, 1, 2]) view.setUint8(at + byte, (count >> (8 * byte)) & 0xff);
  });
  return view.buffer;
}
