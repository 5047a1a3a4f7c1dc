import type { Consumer } from '#core/bus.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import { Ledger, type Records } from '#core/ledger.ts';
import type { EndedBy, Session, SessionNotes, SessionStats, Span } from '#core/session.ts';
import type { Micros, Reading } from '#core/stream.ts';
import type { Range } from '../codec/columns.ts';
import {
  type Drive,
  type DriveAction,
  type DriveInput,
  driveStep,
  parked,
  pending,
} from './drive.ts';
import { SessionError } from './errors.ts';
import { page, type SessionPage, type SessionQuery } from './listing.ts';
import { changeNotes, NO_NOTES, type NotesChange } from './notes.ts';
import { interrupted, type LastSeen } from './restart.ts';
import { closed, uncovered } from './spans.ts';
import { StatisticsQueue } from './statistics-queue.ts';

/** Readings that may wait. Should some be dropped, the ignition is told again within 10 s. */
const QUEUE_READINGS_MAX = 10_000;
/** One more is refused. */
const OPEN_MANUAL_MAX = 10;
/**
 * About 1 KB each in memory. At the limit the oldest one that is ended and not pinned is forgotten,
 * and counted; what was recorded stays until the ring needs its place. Where there is none, nothing
 * is begun: a person is told, a drive is counted.
 */
const SESSIONS_MAX = 100_000;
const TICK_MS = 1_000;

const IGNITION = 'obd.ignition';
/** All streams of the car begin so. */
const CAR = 'obd.';
/** Comes from the adapter, also while the car is off. */
const VOLTAGE = 'obd.adapter.voltage';

/** Where sessions are kept over a restart. */
export interface SessionRecords extends Records<number, Session> {
  /** The largest id that was ever put, removed ones included; 0 before the first. */
  lastId(): number;
}

/** What the sessions have to do with the recording. */
export interface Recording {
  /** That of this process. */
  readonly epoch: Epoch;
  /** All that are known, by id, this one included. */
  epochs(): ReadonlyMap<number, Epoch>;
  now(): Micros;
  /**
   * What is recorded in closed spans, up to the last reading that has come, even if it is not on the
   * disk yet. Rejects with an error that has a `code` when it cannot be read now.
   */
  statistics(spans: readonly Span[]): Promise<SessionStats>;
  /** Deletes what is recorded in the ranges. Rejects with an error that has a `code`. */
  erase(ranges: readonly Range[]): Promise<void>;
  /** Tells a person who follows the log that a session has begun, goes on or has ended. */
  tell(text: string): void;
}

/**
 * All sessions: automatic ones, which follow the car (drive.ts), and manual ones, which a person
 * starts and ends. At most one automatic one is open, beside up to 10 manual ones.
 *
 * A stop ends none: an open session has an open span, and what becomes of it is decided at the next
 * start (restart.ts). Statistics are computed seconds after the end, when everything that belongs to it is
 * there, and `stats` is null until then; when they cannot be, they are tried again when somebody asks for the session, and at the next start.
 */
export class Sessions implements Consumer {
  readonly name = 'sessions';
  readonly capacity = QUEUE_READINGS_MAX;
  readonly #recording: Recording;
  readonly #records: SessionRecords;
  /** In the order of their ids. */
  readonly #ledger: Ledger<number, Session>;
  readonly #statistics: StatisticsQueue;
  readonly #open = new Set<number>();
  /** The largest id that a session has had. */
  #lastId = 0;
  #drive: Drive;
  /** The automatic session of the drive; none when a person ended it before the car did. */
  #driveId: number | undefined;
  /** Removals run one after the other: two that overlap must not spare each other's data. */
  #removing: Promise<unknown> = Promise.resolve();
  /** Sessions that made room for newer ones. */
  #forgotten = 0;
  /** Drives for which there was no room. */
  #refused = 0;

  constructor(records: SessionRecords, recording: Recording) {
    this.#recording = recording;
    this.#records = records;
    this.#ledger = new Ledger(records);
    this.#statistics = new StatisticsQueue(this.#ledger, (spans) => recording.statistics(spans));
    this.#drive = parked(0);
  }

  /**
   * Loads the sessions and decides about those that were open when the process ended. To be called
   * once, before anything else.
   *
   * @param lastSeen the newest stored time of earlier epochs
   */
  async open({ lastSeen }: { readonly lastSeen: LastSeen | undefined }): Promise<void> {
    const { epoch } = this.#recording;
    const restart = { lastSeen, epoch, epochs: this.#recording.epochs() };
    this.#drive = parked(this.#recording.now());
    const kept = this.#ledger.load((a, b) => a.id - b.id);
    this.#lastId = Math.max(this.#records.lastId(), kept.at(-1)?.id ?? 0);
    for (const before of kept) {
      if (before.endedBy !== null) {
        if (before.stats === null) this.#statistics.add(before.id);
        continue;
      }
      const { session, goesOn } = interrupted(before, restart);
      if (!goesOn) void this.#end(session, 'power');
      else if (session.startedBy === 'manual') this.#goOn(session, 0);
      else this.#await(session);
    }
    await this.#ledger.flush();
  }

  /** Ends what has to end by the passing of time, until aborted. Resolves when nothing is under way. */
  async run(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#step({ kind: 'tick', t: this.#recording.now() });
      // A rejection is a bug: it is left unhandled, which ends the process.
      void this.#ledger.flush();
      void this.#statistics.run();
      await clock.sleep(TICK_MS, signal).catch(() => {}); // An abort ends the loop.
    }
    await this.#statistics.stop();
    await this.#ledger.flush();
  }

  take(batch: readonly Reading[]): void {
    for (const reading of batch) {
      const { id } = reading.stream;
      if (!id.startsWith(CAR) || id === VOLTAGE) continue;
      const { t } = reading;
      if (id !== IGNITION) this.#step({ kind: 'life', t });
      else if (reading.kind === 'sample') this.#step({ kind: 'ignition', t, v: reading.v });
    }
  }

  /**
   * Starts a manual session. Resolves when it is durable, which is late when the device refuses
   * writes; it lasts from the call on anyway.
   *
   * @throws SessionError INVALID, TOO_MANY
   */
  async start(notes: NotesChange): Promise<Session> {
    const noted = changeNotes(NO_NOTES, notes);
    const manual = this.current().filter(({ startedBy }) => startedBy === 'manual');
    if (manual.length >= OPEN_MANUAL_MAX) {
      throw new SessionError(
        'TOO_MANY',
        `${OPEN_MANUAL_MAX} manual sessions are open; end one first`,
      );
    }
    if (!this.#makeRoom()) {
      throw new SessionError(
        'TOO_MANY',
        `${SESSIONS_MAX} sessions are pinned; unpin or delete some`,
      );
    }
    const session = this.#create('manual', this.#recording.now(), noted);
    await this.#ledger.put(session);
    return session;
  }

  /**
   * Ends a session, also an automatic one: then the rest of the drive is in none.
   *
   * @throws SessionError NOT_FOUND, ENDED
   */
  async end(id: number): Promise<Session> {
    const session = this.#find(id);
    if (session.endedBy !== null)
      throw new SessionError('ENDED', `session ${id} has ended already`);
    const spans = closed(session, this.#recording.now());
    return await this.#end({ ...session, spans }, 'manual');
  }

  /**
   * Changes what is said of a session, open or ended.
   *
   * @throws SessionError NOT_FOUND, INVALID
   */
  async update(id: number, change: NotesChange): Promise<Session> {
    const session = this.#find(id);
    const changed: Session = { ...session, ...changeNotes(session, change) };
    await this.#ledger.put(changed);
    return changed;
  }

  /**
   * Deletes an ended session and what is recorded in it, except for what another one covers. What
   * `erase` rejects with is passed on; the session is kept then.
   *
   * @throws SessionError NOT_FOUND, STILL_OPEN
   */
  remove(id: number): Promise<void> {
    const removed = this.#removing.then(() => this.#remove(id));
    this.#removing = removed.catch(() => {}); // Whoever asked for it is told.
    return removed;
  }

  /** @throws SessionError NOT_FOUND */
  get(id: number): Session {
    const session = this.#find(id);
    if (session.endedBy !== null && session.stats === null) this.#statistics.add(id);
    return session;
  }

  list(query: SessionQuery): SessionPage {
    const times = { epochs: this.#recording.epochs(), now: this.#recording.now() };
    return page(this.#ledger.all(), query, times);
  }

  /** The open ones, oldest first. */
  current(): Session[] {
    return [...this.#open].flatMap((id) => this.#ledger.get(id) ?? []);
  }

  /** What the ring must keep. */
  pinnedSpans(): Span[] {
    return [...this.#ledger.all()].flatMap(({ pinned, spans }) => (pinned ? spans : []));
  }

  health(): PartHealth {
    const { failure, failures, unsaved, size } = this.#ledger;
    const failing = failure !== '' && unsaved > 0;
    const automatic = this.#driveId ?? null;
    const manual = [...this.#open].filter((id) => id !== automatic);
    const drive = automatic === null ? 'no drive' : `drive ${automatic}`;
    return {
      id: this.name,
      status: failing ? 'waiting' : 'ok',
      text: failing
        ? `${unsaved} of ${size} sessions not saved, tried again every second: ${failure}`
        : `${drive}${manual.length === 0 ? '' : `, manual sessions ${manual.join(', ')}`}`,
      details: {
        car: this.#drive.phase,
        current: automatic,
        manual,
        sessions: size,
        unsaved,
        writeFailures: failures,
        forgotten: this.#forgotten,
        refusedDrives: this.#refused,
        ...this.#statistics.health(),
      },
    };
  }

  #find(id: number): Session {
    const session = this.#ledger.get(id);
    if (!session) throw new SessionError('NOT_FOUND', `there is no session ${id}`);
    return session;
  }

  #step(input: DriveInput): void {
    const { drive, actions } = driveStep(this.#drive, input);
    this.#drive = drive;
    for (const action of actions) this.#act(action);
  }

  #act(action: DriveAction): void {
    if (action.kind === 'begin') {
      this.#begin(action.t);
      return;
    }
    const session = this.#driveId === undefined ? undefined : this.#ledger.get(this.#driveId);
    if (!session) return; // A person has ended it.
    if (action.kind === 'resume') this.#goOn(session, action.t);
    else {
      const spans = action.kind === 'end' ? closed(session, action.t) : session.spans;
      void this.#end({ ...session, spans }, 'ignition');
    }
  }

  #begin(t: Micros): void {
    if (!this.#makeRoom()) {
      this.#refused++;
      return;
    }
    const session = this.#create('ignition', t, NO_NOTES);
    this.#driveId = session.id;
    void this.#ledger.put(session);
  }

  #create(startedBy: Session['startedBy'], from: Micros, notes: SessionNotes): Session {
    this.#lastId++;
    const id = this.#lastId;
    const spans = [{ epoch: this.#recording.epoch.id, from, to: null }];
    this.#open.add(id);
    this.#recording.tell(`${nameOf(startedBy, id)} begins`);
    return { ...notes, id, startedBy, endedBy: null, spans, stats: null };
  }

  /** A session of before the restart gets a span in this epoch. */
  #goOn(session: Session, from: Micros): void {
    const spans = [...session.spans, { epoch: this.#recording.epoch.id, from, to: null }];
    this.#open.add(session.id);
    this.#recording.tell(`${nameOf(session.startedBy, session.id)} goes on`);
    void this.#ledger.put({ ...session, spans });
  }

  /** The drive of before the restart: whether it goes on is for the car to say. */
  #await(session: Session): void {
    this.#open.add(session.id);
    this.#driveId = session.id;
    this.#drive = pending(this.#recording.now());
    void this.#ledger.put(session);
  }

  /** Resolves when it is durable. */
  async #end(session: Session, endedBy: EndedBy): Promise<Session> {
    const ended: Session = { ...session, endedBy };
    this.#open.delete(ended.id);
    this.#recording.tell(`${nameOf(ended.startedBy, ended.id)} has ended (${endedBy})`);
    if (this.#driveId === ended.id) this.#driveId = undefined;
    this.#statistics.add(ended.id);
    await this.#ledger.put(ended);
    return ended;
  }

  async #remove(id: number): Promise<void> {
    const { endedBy, spans } = this.#find(id);
    if (endedBy === null) throw new SessionError('STILL_OPEN', `session ${id} has not ended yet`);
    const others = [...this.#ledger.all()].filter((other) => other.id !== id);
    const rest = uncovered(
      spans,
      others.flatMap((other) => other.spans),
    );
    // First the data: should the power go in between, the session is still there to be removed.
    if (rest.length > 0) await this.#recording.erase(rest);
    this.#statistics.forget(id);
    await this.#ledger.remove(id);
  }

  /** Whether there is room for one more. */
  #makeRoom(): boolean {
    if (this.#ledger.size < SESSIONS_MAX) return true;
    for (const { id, pinned, endedBy } of this.#ledger.all()) {
      if (pinned || endedBy === null) continue;
      this.#statistics.forget(id);
      void this.#ledger.remove(id);
      this.#forgotten++;
      return true;
    }
    return false;
  }
}

function nameOf(startedBy: Session['startedBy'], id: number): string {
  return startedBy === 'ignition' ? `drive ${id}` : `recording ${id}`;
}
