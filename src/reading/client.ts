import type { Clock } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import type { Tail } from '../store/tail.ts';
import { type Connection, openConnection, stopping } from './connection.ts';
import { ReadingError } from './errors.ts';
import type { Reply } from './protocol.ts';
import type {
  Asked,
  BacktestQuestion,
  ExportHead,
  ExportQuestion,
  FileAsked,
  QuestionKind,
  Questions,
} from './questions.ts';

/**
 * Questions about what is stored, answered in a thread of their own: the gateway takes readings and
 * writes them while hours of data are gone through. The thread is started by the first question,
 * ended when there was none for a while, and begun anew after it ended by a fault.
 */

/** Questions that are answered at a time, in turn, piece by piece; more wait. */
const RUNNING_MAX = 8;
/** One more is refused, and counted. */
const WAITING_MAX = 64;
/**
 * Exports and backtests at a time, so that slow clients leave room for questions; one more is refused,
 * and counted.
 */
const EXPORTS_MAX = 4;
/** An export whose next piece nobody takes for so long is broken off. */
const STALLED_MS_MAX = 60_000;
/** The thread holds some 40 MB, which a Raspberry Pi can use otherwise. */
const IDLE_MS_MAX = 60_000;

/** What the thread needs of the gateway. */
export interface ReadingThreadParts {
  /** Of the store. */
  readonly file: string;
  readonly clock: Clock;
  /** What the file does not have yet, of streams with these numbers or of all. May throw. */
  tail(numbers?: ReadonlySet<number>): Tail;
}

export interface ExportFile extends ExportHead {
  /** To be gone through or to be returned early; what is left alone is broken off after a minute. */
  readonly pieces: AsyncIterableIterator<Uint8Array, undefined>;
}

export class ReadingThread {
  readonly #parts: ReadingThreadParts;
  #connection: Connection | undefined;
  /** Threads that are not gone yet: each has the file open until it is. */
  readonly #threads = new Set<Promise<void>>();
  #running = 0;
  #exports = 0;
  readonly #waiting: { readonly go: () => void; readonly fail: (error: Error) => void }[] = [];
  #lastId = 0;
  #closed = false;
  #idle = new AbortController();
  #fault = '';
  readonly #counts = { questions: 0, refused: 0, stalled: 0, faults: 0, damaged: 0 };

  constructor(parts: ReadingThreadParts) {
    this.#parts = parts;
  }

  /**
   * Answers a question.
   *
   * @param numbers of the streams it is about, where that is known: then only their newest data is sent
   * @throws ReadingError; what `tail` throws
   */
  async ask<K extends QuestionKind>(
    kind: K,
    question: Questions[K]['question'],
    numbers?: ReadonlySet<number>,
  ): Promise<Questions[K]['answer']> {
    const asked = { kind, question } as Asked; // The compiler does not see that K is the same in both.
    await this.#enter();
    let place: Place | undefined;
    try {
      place = this.#ask(asked, numbers);
      const reply = await place.first;
      return reply.piece as Questions[K]['answer']; // Made by answers.ts for this kind.
    } finally {
      place?.leave();
      this.#leave();
    }
  }

  /**
   * Begins an export. What is wrong with the question is thrown here, before there is a file.
   *
   * @throws ReadingError, as `pieces` does; what `tail` throws
   */
  export(question: ExportQuestion, numbers?: ReadonlySet<number>): Promise<ExportFile> {
    return this.#file({ kind: 'export', question }, numbers);
  }

  /** Begins a backtest, as `export` does an export. */
  backtest(question: BacktestQuestion, numbers?: ReadonlySet<number>): Promise<ExportFile> {
    return this.#file({ kind: 'backtest', question }, numbers);
  }

  async #file(asked: FileAsked, numbers: ReadonlySet<number> | undefined): Promise<ExportFile> {
    if (this.#exports >= EXPORTS_MAX) {
      throw this.#refuse(`${EXPORTS_MAX} exports or backtests are under way`);
    }
    this.#exports++;
    let place: Place | undefined;
    const leave = (): void => {
      place?.leave();
      this.#leave();
      this.#exports--;
    };
    try {
      await this.#enter();
    } catch (error) {
      this.#exports--;
      throw error;
    }
    try {
      place = this.#ask(asked, numbers);
      const { piece } = await place.first;
      // What the format cannot hold is only told with the first piece.
      const second = await place.next();
      const head = piece as ExportHead; // Made by answers.ts.
      return { ...head, pieces: this.#pieces(place, second, leave) };
    } catch (error) {
      leave();
      throw error;
    }
  }

  health(): PartHealth {
    const { faults } = this.#counts;
    const text = this.#connection ? 'answering' : 'at rest';
    return {
      id: 'reading',
      status: 'ok',
      text:
        faults === 0 ? text : `${text}; ended ${faults} times by a fault, at last: ${this.#fault}`,
      details: {
        ...this.#counts,
        running: this.#running,
        waiting: this.#waiting.length,
        exports: this.#exports,
      },
    };
  }

  /** Ends the thread; to be done before the store is closed. Whoever waits gets CLOSED. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { fail } of this.#waiting.splice(0)) fail(stopping());
    this.#end();
    await Promise.all(this.#threads);
  }

  /** Resolves when it is this question's turn. */
  async #enter(): Promise<void> {
    if (this.#closed) throw stopping();
    this.#idle.abort();
    if (this.#running < RUNNING_MAX) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) {
      throw this.#refuse(`${RUNNING_MAX} questions are under way and ${WAITING_MAX} wait`);
    }
    await new Promise<void>((go, fail) => this.#waiting.push({ go, fail }));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) {
      next.go();
      return;
    }
    this.#running--;
    if (this.#running === 0) this.#rest();
  }

  #refuse(why: string): ReadingError {
    this.#counts.refused++;
    return new ReadingError('BUSY', `${why}; ask again later`);
  }

  #rest(): void {
    this.#idle = new AbortController();
    void this.#parts.clock.sleep(IDLE_MS_MAX, this.#idle.signal).then(
      () => this.#end(),
      () => {}, // Another question has come.
    );
  }

  #end(): void {
    this.#idle.abort();
    void this.#connection?.end();
    this.#connection = undefined;
  }

  #connect(): Connection {
    if (this.#connection) return this.#connection;
    const { file, clock } = this.#parts;
    const connection = openConnection(file, clock, ({ message }) => {
      this.#counts.faults++;
      this.#fault = message;
      // It takes no more questions, although it may not be gone yet.
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#connection = connection;
    this.#threads.add(connection.gone);
    void connection.gone.then(() => this.#threads.delete(connection.gone));
    return connection;
  }

  /** The tail is taken last, so that it is as new as can be and the thread reads the file after it. */
  #ask(asked: Asked, numbers: ReadonlySet<number> | undefined): Place {
    if (this.#closed) throw stopping();
    const tail = this.#parts.tail(numbers);
    this.#counts.questions++;
    this.#lastId++;
    const count = (damaged: number): void => {
      this.#counts.damaged += damaged;
    };
    return new Place(this.#connect(), { type: 'ask', id: this.#lastId, asked, tail }, count);
  }

  #pieces(place: Place, first: Reply, leave: () => void): ExportFile['pieces'] {
    const stalled = (): ReadingError => {
      this.#counts.stalled++;
      const seconds = STALLED_MS_MAX / 1000;
      return new ReadingError(
        'STALLED',
        `nobody took the next piece of the export in ${seconds} s`,
      );
    };
    return new Pieces(place, first, { clock: this.#parts.clock, leave, stalled });
  }
}

/** A question's place in the thread. */
class Place {
  readonly first: Promise<Reply>;
  readonly #connection: Connection;
  readonly #id: number;
  readonly #count: (damaged: number) => void;
  #over = false;
  #damaged = 0;

  constructor(
    connection: Connection,
    ask: Parameters<Connection['step']>[0],
    count: (damaged: number) => void,
  ) {
    this.#connection = connection;
    this.#id = ask.id;
    this.#count = count;
    this.first = this.#take(connection.step(ask));
  }

  next(): Promise<Reply> {
    return this.#take(this.#connection.step({ type: 'next', id: this.#id }));
  }

  /** Nothing more is wanted. */
  leave(): void {
    if (!this.#over) this.#connection.cancel(this.#id);
    this.#over = true;
  }

  async #take(step: Promise<Reply>): Promise<Reply> {
    const reply = await step;
    const { piece, error, damaged } = reply;
    this.#count(damaged - this.#damaged);
    this.#damaged = damaged;
    if (piece === undefined) this.#over = true;
    if (error) throw new ReadingError(error.code, error.message);
    return reply;
  }
}

interface PiecesParts {
  readonly clock: Clock;
  /** Gives the place back; called once. */
  leave(): void;
  stalled(): ReadingError;
}

/** The pieces of an export, one being made while one is taken. A generator would do, if one that was
 * never begun could be returned. */
class Pieces implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #place: Place;
  readonly #parts: PiecesParts;
  #next: Promise<Reply>;
  #failure: ReadingError | undefined;
  #over = false;
  #watch = new AbortController();

  constructor(place: Place, first: Reply, parts: PiecesParts) {
    this.#place = place;
    this.#parts = parts;
    this.#next = Promise.resolve(first);
    this.#expect();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#watch.abort();
    if (this.#failure) throw this.#failure;
    if (this.#over) return { done: true, value: undefined };
    try {
      const { piece } = await this.#next;
      if (!(piece instanceof Uint8Array)) return this.#end();
      this.#next = this.#place.next();
      this.#next.catch(() => {}); // Whoever takes it is told.
      this.#expect();
      return { done: false, value: piece };
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    return Promise.resolve(this.#end());
  }

  #end(): IteratorResult<Uint8Array, undefined> {
    this.#watch.abort();
    if (!this.#over) this.#parts.leave();
    this.#over = true;
    return { done: true, value: undefined };
  }

  /** Somebody has to take what comes. */
  #expect(): void {
    this.#watch = new AbortController();
    void this.#parts.clock.sleep(STALLED_MS_MAX, this.#watch.signal).then(
      () => {
        this.#failure = this.#parts.stalled();
        this.#end();
      },
      () => {}, // Somebody has.
    );
  }
}
