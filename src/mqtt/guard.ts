import { Duplex } from 'node:stream';
import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';
import type { Cut } from './cut.ts';
import { Framing } from './framing.ts';

/** Handed to the connection at a time: as much has to leave within `stallMs`, or the client is dead. */
const PIECE_BYTES = 16 * 1024;

export interface GuardOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Waiting to leave, from which on `writableNeedDrain` is set. */
  readonly unsentBytes: number;
  /** Whether a PUBLISH to this topic may have up to INGEST_PACKET_BYTES_MAX. */
  readonly mayBeLarge: (topic: string) => boolean;
}

/**
 * Stands between a connection and the broker. What comes in goes on only as long as it can be packets of
 * a size that is taken; what goes out leaves in pieces, each with the time since when it waits, so that a
 * client that is slow can be told from one that is dead: both have a full buffer. A phone that leaves the
 * hotspot closes nothing.
 *
 * It has an error, a Cut or one of the system, where the connection does not end by itself.
 */
export class Guard extends Duplex {
  /** When something came in last. */
  heardAt: Micros;
  /** Since when the piece waits that is to leave next; undefined while nothing waits. */
  waitingSince: Micros | undefined;
  readonly #connection: Duplex;
  readonly #clock: GuardOptions['clock'];
  readonly #framing: Framing;
  #isHeld = false;

  /** @param connection a socket, or what behaves like one; it is the guard's from now on */
  constructor(connection: Duplex, options: GuardOptions) {
    super({ writableHighWaterMark: options.unsentBytes, allowHalfOpen: false });
    this.#connection = connection;
    this.#clock = options.clock;
    this.#framing = new Framing(options.mayBeLarge);
    this.heardAt = options.clock.now();
  }

  /** Begins to read. */
  begin(): void {
    this.#connection
      .on('data', (chunk: Buffer) => this.#take(chunk))
      .on('end', () => this.push(null))
      .on('error', (error) => this.destroy(error))
      .on('close', () => this.destroy());
  }

  /** Reads no more until `release`: a client over TCP has to wait then. */
  hold(): void {
    this.#isHeld = true;
    this.#connection.pause();
  }

  release(): void {
    if (this.#isHeld) this.#connection.resume();
    this.#isHeld = false;
  }

  override _read(): void {
    if (!this.#isHeld) this.#connection.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#send(chunk, done);
  }

  /** What was written meanwhile leaves together: a packet comes here in up to five parts. */
  override _writev(
    chunks: { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#connection.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.waitingSince = undefined;
    this.#connection.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    if (this.destroyed) return;
    this.heardAt = this.#clock.now();
    const fault: Cut | undefined = this.#framing.take(chunk);
    if (fault) this.destroy(fault);
    else if (!this.push(chunk)) this.#connection.pause();
  }

  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    this.waitingSince = this.#clock.now();
    this.#connection.write(bytes.subarray(0, PIECE_BYTES), (error) => {
      this.waitingSince = undefined;
      // Where it failed the connection tells by an error of its own.
      if (error || bytes.length <= PIECE_BYTES) done(error);
      else this.#send(bytes.subarray(PIECE_BYTES), done);
    });
  }
}
