import { parentPort, workerData } from 'node:worker_threads';
import { BlockError } from '../codec/block-error.ts';
import { ExportError } from '../export/errors.ts';
import { StoreError } from '../store/errors.ts';
import { openDatabase } from '../store/lmdb.ts';
import { StoreReader } from '../store/reading/reader.ts';
import { answer } from './answers.ts';
import { ReadingError } from './errors.ts';
import type { Reply, ToWorker } from './protocol.ts';

/**
 * The program of the reading thread: answers questions from the file alone and the tail that comes
 * with each. It opens the file that the gateway has open, so it needs no look at it before.
 */

/** A question that is being answered. */
interface Open {
  readonly pieces: Iterator<unknown>;
  readonly reader: StoreReader;
}

if (parentPort === null) throw new Error('this is the program of a thread');
const port = parentPort;
// The size of an open file's map is that of who has opened it first.
const database = openDatabase(String(workerData), { fileBytes: 0, readOnly: true });
const open = new Map<number, Open>();

port.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'ask': {
      const reader = new StoreReader(database, message.tail);
      open.set(message.id, { pieces: answer(reader, message.asked), reader });
      step(message.id);
      break;
    }
    case 'next':
      step(message.id);
      break;
    case 'cancel':
      open.get(message.id)?.pieces.return?.();
      open.delete(message.id);
      break;
    case 'end':
      void database.close().then(() => port.close());
      break;
  }
});

/** Makes one piece and sends it. */
function step(id: number): void {
  const question = open.get(id);
  if (question === undefined) return; // Cancelled while this was on its way.
  const { pieces, reader } = question;
  let reply: Reply;
  try {
    const { value: piece, done } = pieces.next();
    if (done) open.delete(id);
    reply = { id, damaged: reader.damaged.count, ...(done ? {} : { piece }) };
  } catch (error) {
    open.delete(id);
    reply = { id, damaged: reader.damaged.count, error: expected(error) };
  }
  send(reply);
}

/** A piece that has its memory to itself is handed over, not copied. */
function send(reply: Reply): void {
  const { piece } = reply;
  const own =
    piece instanceof Uint8Array &&
    piece.buffer instanceof ArrayBuffer &&
    piece.byteLength === piece.buffer.byteLength;
  port.postMessage(reply, own ? [piece.buffer] : []);
}

/** What the store and the exports tell. Everything else is a bug, which ends the thread. */
function expected(error: unknown): Pick<ReadingError, 'code' | 'message'> {
  if (
    error instanceof ReadingError ||
    error instanceof StoreError ||
    error instanceof ExportError
  ) {
    return { code: error.code, message: error.message };
  }
  if (error instanceof BlockError) return { code: 'FAILED', message: error.message };
  // LMDB's errors have a number for a code.
  if (error instanceof Error && 'code' in error && typeof error.code === 'number') {
    return { code: 'FAILED', message: `the store could not be read: ${error.message}` };
  }
  throw error;
}
