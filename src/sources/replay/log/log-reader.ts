import { AscLines } from './asc-lines.ts';
import { BlfReader } from './blf-reader.ts';
import { CandumpLines } from './candump-lines.ts';
import { LogError } from './errors.ts';
import type { LogFrame, LogReader, LogTally } from './log-frame.ts';
import { TextLog } from './text-log.ts';

/** What of a file tells its format. */
const HEAD_BYTES = 4_096;
const FORMATS = 'a log of candump (candump -l), ASC or BLF';
const CANDUMP_LINE = /^[ \t]*\(\d+(\.\d+)?\)[ \t]+\S+[ \t]+[0-9a-f]+#/im;
const ASC_LINE =
  /^[ \t]*(date[ \t]+\S|base[ \t]+(hex|dec)\b|\d+\.\d+[ \t]+(canfd\b|\d+[ \t]+[0-9a-f]+x?[ \t]+[rt]x))/im;

/** A log of any of the formats, told by what is in it and not by its name. */
export class AnyLogReader implements LogReader {
  readonly #tally: LogTally;
  #head: Uint8Array = new Uint8Array();
  #reader: LogReader | undefined;

  constructor(tally: LogTally) {
    this.#tally = tally;
  }

  /** @throws LogError NOT_A_LOG */
  *frames(piece: Uint8Array): Generator<LogFrame> {
    if (this.#reader) {
      yield* this.#reader.frames(piece);
      return;
    }
    this.#head = Buffer.concat([this.#head, piece]);
    if (this.#head.length >= HEAD_BYTES) yield* this.#begin();
  }

  /** @throws LogError NOT_A_LOG */
  *end(): Generator<LogFrame> {
    if (!this.#reader) yield* this.#begin();
    if (this.#reader) yield* this.#reader.end();
  }

  *#begin(): Generator<LogFrame> {
    const head = this.#head;
    this.#head = new Uint8Array();
    this.#reader = readerOf(head.subarray(0, HEAD_BYTES), this.#tally);
    yield* this.#reader.frames(head);
  }
}

function readerOf(head: Uint8Array, tally: LogTally): LogReader {
  const text = Buffer.from(head).toString('latin1');
  if (text.startsWith('LOGG')) return new BlfReader(tally);
  if (CANDUMP_LINE.test(text)) return new TextLog(new CandumpLines(tally), tally);
  if (ASC_LINE.test(text)) return new TextLog(new AscLines(tally), tally);
  // What else it is stays untold: it may be any file of the computer.
  const found = text.length === 0 ? 'an empty file' : 'something else';
  throw new LogError('NOT_A_LOG', `expected ${FORMATS}, found ${found}`);
}
