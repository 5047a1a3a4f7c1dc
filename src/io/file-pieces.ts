import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/** Bytes read at a time. */
const PIECE_BYTES = 65_536;
/** RFC 1952 clause 2.3.1. */
const GZIP_MAGIC = 0x1f8b;

/**
 * A file from its beginning to its end, in pieces that are the taker's to keep; nothing is read ahead
 * but a piece or two. One compressed by gzip, which its first bytes tell, comes decompressed.
 *
 * Rejects with an error of the system as it comes, or with one of zlib (`Z_BUF_ERROR` where the file is
 * cut off) behind what could be decompressed.
 */
export async function* filePieces(file: string): AsyncGenerator<Uint8Array, void> {
  const isGzip = await beginsAs(file, GZIP_MAGIC);
  const read = createReadStream(file, { highWaterMark: PIECE_BYTES });
  if (!isGzip) {
    yield* read;
    return;
  }
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  // Whoever takes the pieces is told of a failure by the stream that they come from.
  const ended = pipeline(read, gunzip).catch(() => {});
  try {
    yield* gunzip;
  } finally {
    gunzip.destroy();
    await ended;
  }
}

async function beginsAs(file: string, magic: number): Promise<boolean> {
  await using handle = await open(file);
  const head = Buffer.alloc(2);
  const { bytesRead } = await handle.read(head, 0, head.length, 0);
  return bytesRead === head.length && head.readUInt16BE() === magic;
}
