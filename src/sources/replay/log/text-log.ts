import type { LogFrame, LogReader, LogTally } from './log-frame.ts';

/** What a line of a format is. */
export interface LineFormat {
  /**
   * The frame of a line, or undefined where it has none.
   *
   * @param from first byte of the line
   * @param to behind its last one; the line feed is not part of it
   * @param where for the tally
   */
  line(bytes: Uint8Array, from: number, to: number, where: () => string): LogFrame | undefined;
}

/** A longer line is no line of a log: it is counted, and left out up to its end. */
const LINE_BYTES_MAX = 4_096;
const LF = 0x0a;

/** Lines out of pieces. Holds the beginning of a line at most. */
export class TextLog implements LogReader {
  readonly #format: LineFormat;
  readonly #tally: LogTally;
  readonly #held = new Uint8Array(LINE_BYTES_MAX);
  #length = 0;
  #skipping = false;
  #number = 0;
  readonly #where = (): string => `line ${this.#number}`;

  constructor(format: LineFormat, tally: LogTally) {
    this.#format = format;
    this.#tally = tally;
  }

  *frames(piece: Uint8Array): Generator<LogFrame> {
    let from = 0;
    for (let to = piece.indexOf(LF); to >= 0; to = piece.indexOf(LF, from)) {
      const frame = this.#line(piece, from, to);
      from = to + 1;
      if (frame) yield frame;
    }
    this.#hold(piece.subarray(from));
  }

  *end(): Generator<LogFrame> {
    if (this.#length === 0) return;
    const frame = this.#line(new Uint8Array(), 0, 0);
    if (frame) yield frame;
  }

  #line(piece: Uint8Array, from: number, to: number): LogFrame | undefined {
    this.#number++;
    if (this.#length === 0 && !this.#skipping && to - from <= LINE_BYTES_MAX) {
      return this.#format.line(piece, from, to, this.#where);
    }
    this.#hold(piece.subarray(from, to));
    const length = this.#length;
    const tooLong = this.#skipping;
    this.#length = 0;
    this.#skipping = false;
    if (!tooLong) return this.#format.line(this.#held, 0, length, this.#where);
    this.#tally.fault(this.#where(), `longer than ${LINE_BYTES_MAX} bytes`);
    return undefined;
  }

  #hold(part: Uint8Array): void {
    if (this.#length + part.length > LINE_BYTES_MAX) this.#skipping = true;
    if (this.#skipping) {
      this.#length = LINE_BYTES_MAX; // There is a line, whose bytes nobody needs.
      return;
    }
    this.#held.set(part, this.#length);
    this.#length += part.length;
  }
}
