import type { AlertRule } from '#core/alert.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import {
  type Session,
  type SessionStats,
  type Span,
  type Stretch,
  timeline,
} from '#core/session.ts';
import { isPattern, type Micros, type Stream } from '#core/stream.ts';
import { neededBy } from '../alerts/backtest/lead.ts';
import { aboutSession } from '../export/about.ts';
import type { ExportFormatName } from '../export/formats.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { EventKey } from '../store/keys.ts';
import type { Reads } from '../store/lmdb.ts';
import type { Tail } from '../store/tail.ts';
import { type ExportFile, ReadingThread } from './client.ts';
import { ReadingError } from './errors.ts';
import { estimateBytes } from './estimate.ts';
import type { EventPage } from './questions.ts';
import { endOf, partOf, studyTimes, type Window, within } from './stretches.ts';

/** How long a client is kept waiting for the disk. */
const CHANGE_MS_MAX = 5_000;
/** Sessions that are asked for at a time. */
const LIST_SESSIONS = 1_000;

export interface ReadingParts {
  readonly store: {
    /** @throws StoreError OFF */
    readonly reads: Reads;
    /** @throws StoreError OFF */
    tail(numbers?: ReadonlySet<number>): Tail;
    /** @throws StoreError OFF */
    numbersOf(ids: readonly string[]): ReadonlySet<number>;
  };
  readonly sessions: Sessions;
  /** All that are known, by id, this one's included, as their wall clocks are known by now. */
  epochs(): ReadonlyMap<number, Epoch>;
  /** Time of the recording, which may pass faster than real time. */
  now(): Micros;
  /** Real time, in which clients wait. */
  readonly clock: Clock;
  /** The store's data. */
  readonly file: string;
}

export interface DataQuery extends Window {
  readonly streams: readonly string[];
  readonly points?: number | undefined;
}

export interface SessionEventsQuery {
  readonly types?: readonly string[] | undefined;
  readonly limit: number;
  readonly after?: EventKey | undefined;
  /** Ids of streams that are left out, each with all below it. */
  readonly without?: readonly string[] | undefined;
}

export interface ExportRequest extends Window {
  readonly session: number;
  readonly format: ExportFormatName;
  readonly streams?: readonly string[] | undefined;
  /** Ids of streams that are left out, each with all below it. */
  readonly without?: readonly string[] | undefined;
  /** What the file says in place of what the session does. */
  readonly said?: Pick<Session, 'driver' | 'notes' | 'consent'> | undefined;
}

export interface BacktestRequest {
  /** Ids. */
  readonly sessions: readonly number[];
  /** Checked ones. */
  readonly rules: readonly AlertRule[];
  /** Whether there are two of them, which are versions of one. */
  readonly versions: boolean;
}

export function createReading(parts: ReadingParts): Reading {
  const { store, clock, file } = parts;
  const tail = (numbers?: ReadonlySet<number>) => store.tail(numbers);
  return new Reading(parts, new ReadingThread({ file, clock, tail }));
}

/**
 * What was recorded, by session. While the store is not open everything here is refused with its
 * StoreError OFF; questions are refused with a ReadingError as well.
 */
export class Reading {
  readonly #parts: ReadingParts;
  readonly #thread: ReadingThread;

  /** Use `createReading`. */
  constructor(parts: ReadingParts, thread: ReadingThread) {
    this.#parts = parts;
    this.#thread = thread;
  }

  /** @throws StoreError OFF */
  sessions(): Sessions {
    void this.#parts.store.reads; // Throws while there is no store.
    return this.#parts.sessions;
  }

  epochs(): ReadonlyMap<number, Epoch> {
    return this.#parts.epochs();
  }

  /**
   * A change of a session, which resolves when the disk has it: for somebody who does not wait for
   * longer than a person would.
   *
   * @throws ReadingError TOO_SLOW; the change goes on, and is there when the disk works again
   */
  async inTime<T>(change: Promise<T>): Promise<T> {
    const over = new AbortController();
    const late = this.#parts.clock.sleep(CHANGE_MS_MAX, over.signal).then(() => {
      const text = `the disk has not taken it in ${CHANGE_MS_MAX / 1000} s; it is tried again and again`;
      throw new ReadingError('TOO_SLOW', text);
    });
    try {
      return await Promise.race([change, late]);
    } finally {
      late.catch(() => {}); // It is told above, or no longer of interest.
      over.abort();
    }
  }

  /** What is recorded in spans; an open one ends now. */
  statistics(spans: readonly Span[]): Promise<SessionStats> {
    return this.#thread.ask('statistics', { stretches: this.#timeline(spans) });
  }

  /**
   * Values of streams, as UTF-8 of the JSON of a Series.
   *
   * @throws SessionError NOT_FOUND; ReadingError BAD_WINDOW, UNKNOWN_STREAM, UNSUPPORTED, TOO_MANY_VALUES
   */
  async data(id: number, { streams, points, ...window }: DataQuery): Promise<Uint8Array> {
    const stretches = partOf(this.#timeline(this.sessions().get(id).spans), window, { gaps: true });
    return await this.#series(stretches, streams, points);
  }

  /**
   * The last seconds of an open session, as `data` gives them.
   *
   * @param id of the session; without it, of the one that began last
   * @throws ReadingError NO_SESSION where none is open, and as `data`
   */
  async recent(streams: readonly string[], seconds: number, id?: number): Promise<Uint8Array> {
    const current = this.sessions().current();
    const session = id === undefined ? current.at(-1) : current.find((one) => one.id === id);
    if (!session) throw new ReadingError('NO_SESSION', 'no session is open');
    const stretches = this.#timeline(session.spans);
    const last = stretches.at(-1);
    const from = last && endOf(last) - seconds * 1e6;
    return await this.#series(within(stretches, { from }), streams, undefined);
  }

  /** @throws SessionError NOT_FOUND; ReadingError BAD_CURSOR */
  async events(id: number, query: SessionEventsQuery): Promise<EventPage> {
    const stretches = this.#timeline(this.sessions().get(id).spans);
    // Events are in every tail; pieces of streams are not needed.
    return await this.#thread.ask('events', { stretches, ...query }, NO_NUMBERS);
  }

  /**
   * A file of a session, or of a part of it.
   *
   * @throws SessionError NOT_FOUND; ReadingError BAD_WINDOW, UNKNOWN_STREAM, and what ExportError has
   */
  async export(request: ExportRequest): Promise<ExportFile> {
    const { session: id, format, streams, without, said, ...window } = request;
    const session: Session = this.sessions().get(id);
    const whole = this.#timeline(session.spans);
    const stretches = partOf(whole, window, { gaps: false });
    const about = aboutSession({ ...session, ...said }, whole);
    const question = { title: `session ${id}`, about, format, streams, without, stretches };
    return await this.#thread.export(question, streams && this.#numbersOf(streams));
  }

  /**
   * About how many bytes a file will have.
   *
   * @param known streams that the gateway has at this moment
   * @throws SessionError NOT_FOUND; ReadingError BAD_WINDOW
   */
  estimate(request: ExportRequest, known: readonly Stream[]): number {
    const session = this.sessions().get(request.session);
    return estimateBytes(request, session, this.#timeline(session.spans), known);
  }

  /**
   * What rules would have found in sessions: JSON of `{sessions}`, each a SessionBacktest, in the order
   * in which they were asked for.
   *
   * @throws SessionError NOT_FOUND; ReadingError BUSY
   */
  async backtest({ sessions: ids, ...rules }: BacktestRequest): Promise<ExportFile> {
    const ledger = this.sessions();
    const sessions = ids.map((id) => {
      return { session: id, stretches: this.#timeline(ledger.get(id).spans) };
    });
    const studies = studyTimes(allOf(ledger), rules.rules, this.#parts.now());
    const question = { ...rules, sessions, studies };
    return await this.#thread.backtest(question, this.#numbersNeeded(rules.rules));
  }

  health(): PartHealth {
    return this.#thread.health();
  }

  /** To be done before the store is closed. */
  close(): Promise<void> {
    return this.#thread.close();
  }

  async #series(
    stretches: readonly Stretch[],
    streams: readonly string[],
    points: number | undefined,
  ): Promise<Uint8Array> {
    const question = { stretches, streams, points };
    return await this.#thread.ask('series', question, this.#numbersOf(streams));
  }

  #numbersOf(streams: readonly string[]): ReadonlySet<number> {
    return this.#parts.store.numbersOf(streams);
  }

  /** Undefined for all, as of a pattern nobody knows yet what it covers. */
  #numbersNeeded(rules: readonly AlertRule[]): ReadonlySet<number> | undefined {
    const ids = rules.flatMap(neededBy);
    return ids.some(isPattern) ? undefined : this.#numbersOf(ids);
  }

  #timeline(spans: readonly Span[]): Stretch[] {
    return timeline(spans, this.#parts.epochs(), this.#parts.now());
  }
}

function* allOf(sessions: Sessions): Generator<Session> {
  let before: number | undefined;
  do {
    const { items, next } = sessions.list({ limit: LIST_SESSIONS, before });
    yield* items;
    before = next ?? undefined;
  } while (before !== undefined);
}

const NO_NUMBERS: ReadonlySet<number> = new Set();
