import type { Micros } from '#core/stream.ts';
import type { CanFrame } from '../../../io/can/bus.ts';

/** A data frame as a log has it. */
export interface LogFrame extends CanFrame {
  /** As the file calls the bus, `can0`; one that only has a number, from 1, is `can1`. */
  readonly channel: string;
  /** Since 1970, or since the file's own start where it tells no date; frames may go back in it. */
  readonly t: Micros;
}

/** Takes a file in pieces, cut anywhere. Whatever is in them, it throws nothing. */
export interface LogReader {
  /**
   * The frames that are whole with this piece. To be gone through before the next is given; the piece
   * must not be changed then or later.
   */
  frames(piece: Uint8Array): Iterable<LogFrame>;
  /** Those of what is left at the end of the file. */
  end(): Iterable<LogFrame>;
}

/** Faults that are kept in words; more are only counted. */
const FAULTS_KEPT = 8;

/** What was in a file beside data frames. The counters only grow. */
export class LogTally {
  remote = 0;
  /** CAN FD frames, which this version does not read. */
  fd = 0;
  errorFrames = 0;
  /** Lines or objects that are something else: statistics, comments, buses of another kind. */
  other = 0;
  /** Lines or objects that are broken, or cut off. */
  malformed = 0;
  /** The first of those: `line 17: ...`. */
  readonly faults: string[] = [];

  /** @param where in the file: `line 17`, `byte 4711` */
  fault(where: string, what: string): void {
    this.malformed++;
    if (this.faults.length < FAULTS_KEPT) this.faults.push(`${where}: ${what}`);
  }
}
