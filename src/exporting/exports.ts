import type { Clock } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Micros } from '#core/stream.ts';
import type { ExportRequest } from '../reading/service.ts';
import { ExportJobError } from './errors.ts';

/**
 * Large exports: they are made into files, which clients fetch when they are done, in parts and again
 * if they like. Nothing of them outlives the process: at the start all files are removed.
 */

/** Of all files together. At the limit the oldest that is done goes; an export that is too large fails. */
const BYTES_MAX = 2 ** 30;
/** Of the disk: the recording needs it more. With less no export begins, and one under way fails. */
const FREE_BYTES_MIN = 256 * 2 ** 20;
/** Written before the disk is asked again. */
const CHECK_BYTES = 8 * 2 ** 20;
/** Kept, those that failed included. At the limit the oldest that is over goes. */
const JOBS_MAX = 20;
/** A day. Older ones go when somebody asks for any. */
const AGE_US_MAX = 24 * 3_600e6;
/** Between two reports of the progress of one. */
const REPORT_US = 1_000_000;
const ID_BYTES = 16;
/** What is not known to be whole is not told to be. */
const PROGRESS_MAX = 0.99;

export interface ExportJob {
  /** Random, 22 characters of base64url. */
  readonly id: string;
  /** Id of the account that it is made for. */
  readonly owner: string;
  /** Id. */
  readonly session: number;
  /** Whether names and positions are in it. */
  readonly names: boolean;
  readonly state: 'running' | 'done' | 'failed';
  /** Written so far; of one that is done, the length of the file. */
  readonly bytes: number;
  /** 0 to 1, by estimate until it is done. */
  readonly progress: number;
  /** Of lower-case ASCII letters, digits, `-`, `_` and dots. */
  readonly fileName: string;
  readonly mime: string;
  /** Why it failed, in a sentence; else empty. */
  readonly error: string;
}

/** A file as it is made. */
export interface ExportPieces {
  readonly fileName: string;
  readonly mime: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}

export interface ExportOrder {
  readonly owner: string;
  readonly session: number;
  readonly names: boolean;
  /** About how many bytes it will be; above 0. */
  readonly estimate: number;
  /** By which the same is asked for again: then it is not made twice, as long as it is kept. */
  readonly key?: string | undefined;
  /** What tells it from others under the same key. */
  readonly what: string;
  /** What it rejects with is for the one who asked; then there is no export. */
  begin(): Promise<ExportPieces>;
}

/** Where the files are: `Spool` of io/spool.ts is one. */
export interface ExportFiles {
  clear(): Promise<void>;
  free(): Promise<number>;
  create(
    name: string,
  ): Promise<{ write(bytes: Uint8Array): Promise<void>; close(): Promise<void> }>;
  read(name: string, from: number, to: number): AsyncIterable<Uint8Array>;
  remove(name: string): Promise<void>;
}

export interface ExportsOptions {
  readonly files: ExportFiles;
  /** In which clients wait. */
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** About how many bytes a file will have. What it throws is for the one who asked. */
  readonly estimate: (request: ExportRequest) => number;
  /** Of all files together, when it is not to be BYTES_MAX. */
  readonly bytesMax?: number;
}

interface Kept extends Pick<ExportOrder, 'key' | 'what'> {
  job: ExportJob;
  readonly startedAt: Micros;
  reportedAt: Micros;
  isWanted: boolean;
}

interface Beginning extends Pick<ExportOrder, 'key' | 'what'> {
  readonly job: Promise<ExportJob>;
}

export class Exports {
  readonly #options: ExportsOptions;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();
  /** Accounts with an export that begins or is under way. */
  readonly #busy = new Set<string>();
  /** Exports that begin, by account. */
  readonly #beginning = new Map<string, Beginning>();
  readonly #listeners = new Set<(job: ExportJob) => void>();
  /** Why there are no exports; empty where there are. */
  #off = 'the place for files is not there yet';
  #failed = 0;
  #removed = 0;

  constructor(options: ExportsOptions) {
    this.#options = options;
  }

  /** Removes what an earlier start has left. Where the disk refuses, exports of this kind are. */
  async open(): Promise<void> {
    try {
      await this.#options.files.clear();
      this.#off = '';
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#off = error.message;
    }
  }

  /** About how many bytes a file will have. */
  estimate(request: ExportRequest): number {
    return this.#options.estimate(request);
  }

  /**
   * Begins an export, which goes on by itself.
   *
   * @throws ExportJobError OFF, RUNNING, NO_ROOM, KEY_REUSED; what `begin` rejects with
   */
  async start(order: ExportOrder): Promise<ExportJob> {
    const { owner } = order;
    const before = this.#under(order);
    if (before !== undefined) return before;
    if (this.#off !== '') throw new ExportJobError('OFF', `no files are kept: ${this.#off}`);
    if (this.#busy.has(owner)) {
      throw new ExportJobError('RUNNING', 'an export of yours is under way; wait for it or end it');
    }
    this.#busy.add(owner);
    const { key, what } = order;
    const job = this.#begin(order);
    this.#beginning.set(owner, { key, what, job });
    try {
      return await job;
    } catch (error) {
      this.#busy.delete(owner);
      throw error;
    } finally {
      this.#beginning.delete(owner);
    }
  }

  /** @throws ExportJobError NOT_FOUND */
  get(id: string): ExportJob {
    return this.#find(id).job;
  }

  /** Bytes of a file that is done. @throws ExportJobError NOT_FOUND, NOT_DONE */
  read(id: string, from: number, to: number): AsyncIterable<Uint8Array> {
    const { state } = this.get(id);
    if (state !== 'done') throw new ExportJobError('NOT_DONE', `the export is ${state}`);
    return this.#options.files.read(id, from, to);
  }

  /** Ends an export that is under way, and removes its file. @throws ExportJobError NOT_FOUND */
  async remove(id: string): Promise<void> {
    await this.#discard(this.#find(id));
  }

  /** As `remove`, of all that hold what somebody has deleted. */
  async removeAll(isOf: (job: ExportJob) => boolean): Promise<void> {
    for (const kept of [...this.#kept.values()]) if (isOf(kept.job)) await this.#discard(kept);
  }

  /** Tells of every export that begins, gets on or is over, until what is returned is called. */
  onChange(listener: (job: ExportJob) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  health(): PartHealth {
    const running = this.#busy.size;
    const bytes = this.#bytes();
    return {
      id: 'exports',
      status: 'ok',
      text: this.#off === '' ? `${running} under way, ${this.#kept.size} kept` : this.#off,
      details: {
        running,
        kept: this.#kept.size,
        bytes,
        failed: this.#failed,
        removed: this.#removed,
      },
    };
  }

  /** The same, asked for before. @throws ExportJobError KEY_REUSED */
  #under({ owner, key, what }: ExportOrder): ExportJob | Promise<ExportJob> | undefined {
    if (key === undefined) return undefined;
    const beginning = this.#beginning.get(owner);
    const kept = [...this.#kept.values()].find((one) => one.key === key && one.job.owner === owner);
    const before = beginning?.key === key ? beginning : kept;
    if (!before || before.what === what) return before?.job;
    throw new ExportJobError('KEY_REUSED', 'this key has been used for another export');
  }

  async #begin(order: ExportOrder): Promise<ExportJob> {
    await this.#sweep();
    await this.#makeRoom(order.estimate);
    const { pieces, ...head } = await order.begin();
    const kept = this.#keep(order, head);
    // A rejection is a bug: it is left unhandled, which ends the process.
    void this.#run(kept, order, pieces).finally(() => this.#busy.delete(order.owner));
    return kept.job;
  }

  #keep(
    { owner, session, names, key, what }: ExportOrder,
    head: Omit<ExportPieces, 'pieces'>,
  ): Kept {
    const id = Buffer.from(this.#options.random(ID_BYTES)).toString('base64url');
    const now = this.#options.clock.now();
    const job: ExportJob = {
      ...{ id, owner, session, names, ...head },
      ...{ state: 'running', bytes: 0, progress: 0, error: '' },
    };
    const kept = { job, key, what, startedAt: now, reportedAt: now, isWanted: true };
    this.#kept.set(id, kept);
    this.#tell(job);
    return kept;
  }

  async #run(kept: Kept, order: ExportOrder, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { files } = this.#options;
    const { id } = kept.job;
    try {
      await this.#write(kept, order, pieces);
      if (kept.isWanted) this.#change(kept, { state: 'done', progress: 1 });
      else await files.remove(id);
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#failed++;
      this.#change(kept, { state: 'failed', bytes: 0, error: error.message });
      await files.remove(id).catch(() => {}); // The disk fails; the next start removes it.
    }
  }

  async #write(
    kept: Kept,
    { estimate }: ExportOrder,
    pieces: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { clock, files } = this.#options;
    const writer = await files.create(kept.job.id);
    let checkAt = CHECK_BYTES;
    try {
      for await (const piece of pieces) {
        if (!kept.isWanted) return;
        await writer.write(piece);
        const bytes = kept.job.bytes + piece.length;
        kept.job = { ...kept.job, bytes, progress: Math.min(PROGRESS_MAX, bytes / estimate) };
        if (bytes >= checkAt) {
          await this.#makeRoom(0);
          checkAt += CHECK_BYTES;
        }
        if (clock.now() - kept.reportedAt < REPORT_US) continue;
        kept.reportedAt = clock.now();
        this.#tell(kept.job);
      }
    } finally {
      await writer.close();
    }
  }

  /** Of the oldest that are over, as many go as are in the way. @throws ExportJobError NO_ROOM */
  async #makeRoom(bytes: number): Promise<void> {
    const { files, bytesMax = BYTES_MAX } = this.#options;
    while (this.#bytes() + bytes > bytesMax) {
      // What is too large for all of it is in nobody's way.
      if (bytes <= bytesMax && (await this.#removeOldest())) continue;
      throw new ExportJobError('NO_ROOM', `exports may keep ${bytesMax} bytes, which is too few`);
    }
    const free = await files.free();
    if (free - bytes < FREE_BYTES_MIN) {
      throw new ExportJobError('NO_ROOM', `the disk has ${free} bytes left, which is too few`);
    }
  }

  async #discard(kept: Kept): Promise<void> {
    const { id, state } = kept.job;
    this.#kept.delete(id);
    kept.isWanted = false;
    // One under way removes its file itself, when it has let go of it.
    if (state !== 'running') await this.#options.files.remove(id);
  }

  async #removeOldest(): Promise<boolean> {
    const oldest = [...this.#kept.values()].find(({ job }) => job.state !== 'running');
    if (!oldest) return false;
    this.#removed++;
    await this.#discard(oldest);
    return true;
  }

  async #sweep(): Promise<void> {
    const now = this.#options.clock.now();
    for (const kept of [...this.#kept.values()]) {
      if (kept.job.state === 'running' || now - kept.startedAt < AGE_US_MAX) continue;
      this.#removed++;
      await this.#discard(kept);
    }
    // Those under way are few: the reading thread has a limit of its own.
    while (this.#kept.size >= JOBS_MAX && (await this.#removeOldest()));
  }

  #bytes(): number {
    return [...this.#kept.values()].reduce((sum, { job }) => sum + job.bytes, 0);
  }

  /** One that is too old is not there any more. */
  #find(id: string): Kept {
    const kept = this.#kept.get(id);
    const age = this.#options.clock.now() - (kept?.startedAt ?? 0);
    if (kept && (kept.job.state === 'running' || age < AGE_US_MAX)) return kept;
    throw new ExportJobError('NOT_FOUND', 'there is no such export');
  }

  #change(kept: Kept, change: Partial<ExportJob>): void {
    kept.job = { ...kept.job, ...change };
    if (kept.isWanted) this.#tell(kept.job);
  }

  #tell(job: ExportJob): void {
    for (const listener of this.#listeners) listener(job);
  }
}
