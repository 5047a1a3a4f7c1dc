import type { Consumer } from '#core/bus.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Span } from '#core/session.ts';
import type { Event, Reading, Stream } from '#core/stream.ts';
import { isInternal } from '#core/sys-streams.ts';
import type { Range } from '../codec/columns.ts';
import type { Log } from '../io/log.ts';
import { epochChange } from './changes.ts';
import { StoreError } from './errors.ts';
import type { Change, DatabaseUse, Reads } from './lmdb.ts';
import { type Opened, openStore } from './opening/opening.ts';
import { type NextStep, ringBytes } from './opening/preallocation.ts';
import type { LastSeen } from './opening/recovery.ts';
import type { Ground } from './outbox/outbox.ts';
import { StoreReader } from './reading/reader.ts';
import { shortageOf, storeDetails } from './store-details.ts';
import type { Tail } from './tail.ts';
import { Troubles } from './troubles.ts';
import { Intake } from './writing/intake.ts';
import { Recorder } from './writing/recorder.ts';
import type { StreamRegistry } from './writing/registry.ts';
import type { Unsent } from './writing/retention.ts';
import { Scrub } from './writing/scrub.ts';

/**
 * The ring store of the gateway: takes readings from the bus, keeps them, and never holds up anything
 * else. A disk that fails is told in health and in the log and tried again; live data goes on.
 */
const TICK_MS = 1_000;
/** Readings that may wait while a flush is under way: a second of everything, many times over. */
const CAPACITY = 200_000;
/** Pause before a store that could not be opened, or a seal that failed, is tried again. */
const RETRY_MS = 10_000;
/** Pieces of zeros (preallocation.ts) a tick, so that a young file does not starve the recording. */
const PIECES_PER_TICK = 2;
/** Readers that were killed keep pages until then. */
const READER_CHECK_MS = 60_000;

export interface StoreOptions {
  /** Which is there and ours. */
  readonly directory: string;
  readonly quotaBytes: number;
  readonly epoch: Epoch;
  readonly clock: Clock;
  readonly log: Log;
  /** Spans of sessions that are never evicted. */
  pinned(): readonly Span[];
  /** Bytes of the disk that stay free; see preallocation.ts. */
  readonly lowBytes?: number;
  /** Why nothing is recorded, as a sentence, and whether that is as it should be. */
  readonly off?: { readonly text: string; readonly wanted: boolean } | undefined;
}

/** An open store. */
interface Running {
  readonly opened: Opened;
  readonly recorder: Recorder;
  readonly scrub: Scrub;
  fileBytes: number;
  /** As of the last tick. */
  use: DatabaseUse;
}

export class Store implements Consumer {
  readonly name = 'store';
  readonly capacity = CAPACITY;
  /** How often it was opened. What was not durable before the last time may be gone. */
  openings = 0;
  readonly #opened = Promise.withResolvers<void>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #options: StoreOptions;
  readonly #intake = new Intake();
  #running: Running | undefined;
  #unsent: Unsent | undefined;
  /** Of the store as it was last open. */
  #registry: StreamRegistry | undefined;
  readonly #troubles: Troubles;
  /** Why it is not open, where nothing has failed. */
  #closed = 'opening';
  /** With the correction of its wall clock. */
  #epoch: Epoch;
  /** It will never open, so there is no use in keeping what comes. */
  #final: boolean;
  #held = '';
  #retryAt = 0;
  #readersAt = 0;
  /** Resolves when a store that broke is closed: LMDB opens the same file of a process only once. */
  #abandoned: Promise<void> = Promise.resolve();

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#epoch = options.epoch;
    this.#troubles = new Troubles(this.name, options.log);
    this.#final = options.off !== undefined;
    if (options.off === undefined) return;
    this.#closed = options.off.text;
    this.#settled.resolve();
  }

  /** The hot path: see intake.ts. */
  take(batch: readonly Reading[]): void {
    if (this.#final) return;
    let urgent = false;
    for (const reading of batch) {
      this.#intake.add(reading);
      if (reading.kind === 'event' && reading.data['severity'] === 'alarm') urgent = true;
    }
    // An alarm does not wait for the second to be over.
    if (urgent) void this.#try('flush', ({ recorder }) => recorder.flush());
  }

  /** Takes all of a batch now or none, of which the bus may bring each too. @throws StoreError OFF, BUSY */
  keep(batch: readonly Reading[]): void {
    const { registry } = this.#on().opened;
    const isKnown = batch.every(({ stream }) => registry.of(stream) !== undefined);
    if (isKnown && this.#intake.keep(batch)) return;
    throw new StoreError('BUSY', 'more waits for the disk than there is room for');
  }

  /** Resolves when the store was opened for the first time, or could not be. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  get isOpen(): boolean {
    return this.#running !== undefined;
  }

  /** Resolves with true when the store is open, with false when `signal` aborts before. */
  async opened(signal: AbortSignal): Promise<boolean> {
    const stopped = Promise.withResolvers<void>();
    if (signal.aborted) stopped.resolve();
    signal.addEventListener('abort', () => stopped.resolve(), { once: true });
    await Promise.race([this.#opened.promise, stopped.promise]);
    return this.isOpen && !signal.aborted;
  }

  /** The newest data of the epochs before this one; undefined where there is none or no store. */
  get lastSeen(): LastSeen | undefined {
    return this.#running?.opened.lastSeen;
  }

  /** For reading what is in LMDB. @throws StoreError OFF */
  get reads(): Reads {
    return this.#on().opened.database;
  }

  /** What LMDB does not have yet, up to the last second. @throws StoreError OFF */
  tail(numbers?: ReadonlySet<number>): Tail {
    return this.#on().recorder.tail(numbers);
  }

  /**
   * Every stream that was ever stored, but for those of the gateway itself; of a store that is not open,
   * as far as that was known.
   */
  streams(): readonly Stream[] {
    const streams = this.#registry?.list().map(({ stream }) => stream) ?? [];
    return streams.filter(({ id }) => !isInternal(id));
  }

  /** Number of every stream with this id. */
  numbersOf(ids: readonly string[]): Set<number> {
    return this.#numbersOf(({ id }) => ids.includes(id) && !isInternal(id));
  }

  /** What the queue sees of it; undefined while it is not open. See queue.ts. */
  ground(): Ground | undefined {
    if (this.#running === undefined) return undefined;
    const { opened, recorder } = this.#running;
    return {
      opening: this.openings,
      reads: opened.database,
      epoch: this.#epoch.id,
      progress: recorder.progress,
      streams: opened.registry.list(),
      contents: recorder.contents(),
    };
  }

  /** Events that must not be evicted; undefined for none. */
  keepUnsent(unsent: Unsent | undefined): void {
    this.#unsent = unsent;
  }

  /** Removes events of streams with this id whose data are meant, whenever they were. */
  async forget(id: string, isMeant: (data: Event['data']) => boolean): Promise<void> {
    const numbers = this.#numbersOf((stream) => stream.id === id);
    await this.#asked(({ recorder }) => recorder.forget([...numbers], isMeant));
  }

  /** Changes of the tables that are not recorded data; all or none, durable when it resolves. */
  async commit(changes: readonly Change[]): Promise<void> {
    await this.#asked(({ recorder }) => recorder.commit(changes));
  }

  /** Resolves when everything taken so far is durable. */
  async durable(): Promise<void> {
    await this.#asked(({ recorder }) => recorder.durable());
  }

  async erase(ranges: readonly Range[]): Promise<void> {
    await this.#asked(({ recorder }) => recorder.erase(ranges));
  }

  /** Corrects what ties this epoch to the wall clock. */
  async correct(epoch: Epoch): Promise<void> {
    this.#epoch = epoch;
    await this.commit([epochChange(epoch)]);
  }

  /** Opens the store, keeps it going, and closes it when `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      if (this.#running !== undefined) await this.#tick(this.#running);
      else if (!this.#final && clock.now() >= this.#retryAt) await this.#open(signal);
      await clock.sleep(TICK_MS, signal).catch(() => {}); // The stop ends it.
    }
    await this.#close();
  }

  health(): PartHealth {
    const running = this.#running;
    const { dropped, refused, bytes } = this.#intake;
    const base = {
      id: 'store',
      details: { dropped, refused, waitingBytes: bytes, failures: this.#troubles.failures },
    };
    if (running === undefined) {
      const status = this.#options.off?.wanted ? 'ok' : 'waiting';
      return { ...base, status, text: this.#troubles.text || this.#closed };
    }
    const trouble =
      this.#troubles.text || shortageOf(running, this.#options.quotaBytes, this.#held);
    return {
      id: 'store',
      status: trouble === '' ? 'ok' : 'waiting',
      text: trouble || this.#text(running),
      details: { ...base.details, ...storeDetails(running, this.#options.quotaBytes) },
    };
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    await this.#abandoned;
    try {
      const opened = await openStore({ ...this.#options, epoch: this.#epoch, signal });
      const running = this.#start(opened);
      for (const text of opened.problems) log.error({ source: 'store' }, text);
      for (const text of opened.notes) log.info({ source: 'store' }, text);
      if (opened.recovered > 0) {
        const text = 'values that the last stop left in the journal are in the store now';
        log.info({ source: 'store' }, `${opened.recovered} ${text}`);
      }
      this.#troubles.works('open', 'recording');
      this.#running = running;
      this.openings++;
      this.#opened.resolve();
    } catch (error) {
      if (signal.aborted && error === signal.reason) return; // The stop, not a failure.
      if (!isExpected(error)) throw error;
      this.#troubles.failed('open', `off, nothing is recorded: ${error.message}`);
      this.#final = error instanceof StoreError && error.code === 'NEWER';
      if (this.#final) this.#intake.clear();
      this.#retryAt = clock.now() + RETRY_MS * 1000;
    }
    this.#settled.resolve();
  }

  #start(opened: Opened): Running {
    const { quotaBytes, epoch, clock, pinned } = this.#options;
    const running: Running = {
      opened,
      fileBytes: opened.fileBytes,
      use: opened.database.use(),
      scrub: new Scrub(() => new StoreReader(opened.database, undefined).verify()),
      recorder: new Recorder(
        {
          ...opened,
          intake: this.#intake,
          epoch,
          clock,
          pinned,
          unsent: () => this.#unsent,
          limit: () => ringBytes(running.fileBytes, quotaBytes),
        },
        opened.sealed,
      ),
    };
    if (this.#registry) opened.registry.resume(this.#registry);
    this.#registry = opened.registry;
    return running;
  }

  async #tick(running: Running): Promise<void> {
    const { clock, log } = this.#options;
    await this.#try('flush', ({ recorder }) => recorder.flush());
    const now = clock.now();
    if (running.recorder.isDue && now >= this.#retryAt) {
      const sealed = await this.#try('seal', ({ recorder }) => recorder.seal());
      if (!sealed) this.#retryAt = now + RETRY_MS * 1000;
    }
    await this.#try('preallocate', (one) => this.#preallocate(one));
    if (this.#running !== running) return;
    for (const text of running.scrub.step(TICK_MS)) log.error({ source: 'store' }, text);
    if (now < this.#readersAt) return;
    this.#readersAt = now + READER_CHECK_MS * 1000;
    running.opened.database.checkReaders();
  }

  async #preallocate(running: Running): Promise<void> {
    const { database, preallocation } = running.opened;
    for (let piece = 0; piece < PIECES_PER_TICK; piece++) {
      const progress = await running.recorder.alone(async () => {
        if (this.#running !== running) return undefined; // It broke, and was closed, in between.
        running.use = database.use();
        return await preallocation.step(running.use.end);
      });
      if (progress === undefined) return;
      running.fileBytes = progress.fileBytes;
      this.#hold(progress.step);
      if (progress.step.kind !== 'extend') return;
    }
  }

  /** A disk that has no room for the ring is told when that begins. */
  #hold(step: NextStep): void {
    const text = step.kind === 'held' ? step.text : '';
    if (text !== '' && this.#held === '') this.#options.log.warn({ source: 'store' }, text);
    this.#held = text;
  }

  /** Does something with the disk. What fails is told, once, and tried again by the next tick. */
  async #try(what: string, work: (running: Running) => Promise<void>): Promise<boolean> {
    if (this.#running === undefined) return false;
    try {
      await this.#asked(work);
      this.#troubles.works(what, `${what} works again`);
      return true;
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#troubles.failed(what, `${what} failed: ${error.message}`);
      return false;
    }
  }

  /** Does something with the store that is open. @throws StoreError OFF, and as the work */
  async #asked(work: (running: Running) => Promise<void>): Promise<void> {
    const running = this.#on();
    try {
      await work(running);
    } catch (error) {
      const damaged = error instanceof StoreError && error.code === 'BAD_FILE';
      if (this.#running === running && (damaged || running.opened.database.isBroken)) {
        // What the journal has comes back with the next opening; what it has not was not acknowledged.
        this.#running = undefined;
        this.#retryAt = this.#options.clock.now() + RETRY_MS * 1000;
        const what = damaged ? 'the data file is damaged' : 'a write to the data file failed';
        this.#troubles.failed('open', `off: ${what}, and it has to be opened again`);
        const closed = running.recorder.alone(() => running.opened.close());
        this.#abandoned = closed.catch(() => {}); // Whoever met it is told.
        await closed;
      }
      throw error;
    }
  }

  async #close(): Promise<void> {
    this.#settled.resolve(); // When it never came to opening.
    await this.#try('seal', ({ recorder }) => recorder.finish());
    const running = this.#running;
    this.#running = undefined;
    this.#closed = 'closed';
    await this.#abandoned;
    // Behind whatever was asked for until now.
    await running?.recorder.alone(() => running.opened.close());
  }

  #numbersOf(isWanted: (stream: Stream) => boolean): Set<number> {
    const streams = this.#on().opened.registry.list();
    return new Set(streams.flatMap(({ number, stream }) => (isWanted(stream) ? [number] : [])));
  }

  #on(): Running {
    if (this.#running !== undefined) return this.#running;
    const why = this.#troubles.text || this.#closed;
    throw new StoreError('OFF', `the store is not open: ${why}`);
  }

  #text({ scrub }: Running): string {
    return scrub.damaged > 0
      ? `recording; ${scrub.damaged} stored entries are damaged`
      : 'recording';
  }
}
