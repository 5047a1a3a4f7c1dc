import type { Clock, Epoch } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { Span } from '#core/session.ts';
import type { Event, Micros } from '#core/stream.ts';
import { readHeader } from '../../codec/block.ts';
import { countOf, type Range } from '../../codec/columns.ts';
import { SLOT_US, slotOf } from '../../codec/slot.ts';
import { addedRollup, eventChanges, rolledChange, sealedChange } from '../changes.ts';
import { encodeBatch } from '../journal/batch.ts';
import type { Journal } from '../journal/journal.ts';
import { HOUR_US } from '../keys.ts';
import type { Change, Database } from '../lmdb.ts';
import { addHour } from '../opening/recovery.ts';
import { Progress } from '../outbox/progress.ts';
import { sealChanges } from '../outbox/seal-record.ts';
import type { HourRollup } from '../rollup/rollup.ts';
import type { RollupHours } from '../rollup/rollup-hours.ts';
import type { Tail } from '../tail.ts';
import { erasures, forgetting } from './erase.ts';
import { Gate } from './gate.ts';
import type { Intake, Taken } from './intake.ts';
import type { StreamRegistry } from './registry.ts';
import { bytesOfChanges, planEviction, type Unsent } from './retention.ts';
import { BlockKeys, type Sealed, Unsealed } from './unsealed.ts';

/**
 * The way of what is recorded: intake -> journal -> blocks in LMDB.
 *
 *   flush  once a second: what the intake has becomes one record of the journal, and is durable
 *   seal   once a slot, or when the journal fills up: what the journal has becomes blocks, rollups
 *          and events, in one commit that also says up to which record that is, and drops as much of
 *          the oldest as the ring has to
 *
 * When the journal takes no record, what is in it waits in memory for the next flush, and a seal
 * takes it to LMDB all the same. When a commit fails, the blocks wait for the next seal.
 */

/** Blocks of frames and waves that pinned sessions leave no room for are given up in this order. */
const GIVEN_UP = ['frames', 'waves'] as const;
/** What the journal does not take for so long is sealed without it. */
const WAITING_US_MAX = 5_000_000;
/** What waits for a journal that takes nothing, in samples; beyond it the oldest are dropped. */
const WAITING_MAX = 4_000_000;

export interface RecorderParts {
  readonly database: Database;
  readonly journal: Journal;
  readonly registry: StreamRegistry;
  readonly hours: RollupHours;
  readonly intake: Intake;
  readonly epoch: Epoch;
  readonly clock: Clock;
  /** Bytes that may be in use; changes as the file is made longer. */
  limit(): number;
  /** Spans of sessions that are never evicted. */
  pinned(): readonly Span[];
  /** What is still to be sent; undefined where nobody sends anything. */
  unsent?(): Unsent | undefined;
}

/** What has been done since the start. */
class RecorderStats {
  records = 0;
  recordBytes = 0;
  seals = 0;
  blocks = 0;
  evicted = 0;
  /** Records of them that were to be kept until they are sent. */
  unsentEvicted = 0;
  /** Samples, frames and events that were given up, for whatever reason. */
  lost = 0;
  /** Bytes that pinned sessions keep at the old end of the ring, when it last gave something up. */
  pinnedBytes = 0;
  /** The last seal found no room although everything that may go had gone. */
  pressed = false;
}

export class Recorder {
  readonly stats = new RecorderStats();
  /** How far each stream is on the disk. */
  readonly progress: Progress;
  readonly #parts: RecorderParts;
  readonly #keys: BlockKeys;
  /** Flushes and seals, one after the other. */
  readonly #gate = new Gate();
  /** Streams that the current segment of the journal has defined. */
  #defined = new Set<number>();
  /** Taken from the intake, and not in the journal yet. */
  #waiting: Taken[] = [];
  #unsealed: Unsealed;
  /** What a seal is taking to LMDB. */
  #sealing: Sealing | undefined;
  /** The seal has something that the journal refused: only LMDB will make that durable. */
  #exposed = false;
  /** The journal's last record that is in LMDB. */
  #sealed: number;
  #slot: number;
  #finished = false;
  /** Since when the journal has not taken what waits. */
  #waitingSince: Micros | undefined;

  /** @param sealed the journal's last record that is in LMDB */
  constructor(parts: RecorderParts, sealed: number) {
    this.#parts = parts;
    this.#sealed = sealed;
    this.progress = new Progress(parts.registry);
    this.#keys = new BlockKeys(parts.database);
    this.#unsealed = new Unsealed(parts.epoch.id, this.#keys);
    this.#slot = slotOf(parts.clock.now());
  }

  /** Samples, frames and events that are not in the journal although it was tried. */
  get waiting(): number {
    return countOfAll(this.#waiting);
  }

  /** Whether a seal is due: the slot is over, or the journal is filling up. */
  get isDue(): boolean {
    return (
      this.#sealing !== undefined ||
      this.#parts.journal.isNearlyFull ||
      this.#hasWaitedLong() ||
      slotOf(this.#parts.clock.now()) !== this.#slot
    );
  }

  /** A place that the journal cannot write is got over by a seal, which also begins another segment. */
  #hasWaitedLong(): boolean {
    const since = this.#waitingSince;
    return since !== undefined && this.#parts.clock.now() - since >= WAITING_US_MAX;
  }

  /** Takes what the intake has, and what waits, into the journal. */
  flush(): Promise<void> {
    return this.#gate.run(() => this.#flush());
  }

  /** Resolves when everything that the intake had is durable, wherever that is. */
  durable(): Promise<void> {
    return this.#gate.run(async () => {
      const failure = await this.#tryFlush();
      if (failure !== undefined || this.#exposed) await this.#sealAll();
    });
  }

  /** Takes everything to LMDB. */
  seal(): Promise<void> {
    return this.#gate.run(() => this.#seal());
  }

  /** Takes everything to LMDB, with the rollups of the hour that is not over: nothing comes after. */
  finish(): Promise<void> {
    return this.#gate.run(async () => {
      this.#finished = true;
      await this.#sealAll();
    });
  }

  /** Changes that do not come from what is recorded; durable when it resolves. */
  commit(changes: readonly Change[]): Promise<void> {
    return this.#gate.run(() => this.#parts.database.commit(changes));
  }

  /** Runs something while no record is written and no commit is under way. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.run(work);
  }

  /** Erases stretches of this store; see erase.ts. What is not sealed yet is sealed first. */
  erase(ranges: readonly Range[]): Promise<void> {
    return this.#gate.run(async () => {
      await this.#sealAll();
      for (const range of ranges) await this.#erase(range);
    });
  }

  /** Removes events of some streams whose data are meant, whenever they were. */
  forget(numbers: readonly number[], isMeant: (data: Event['data']) => boolean): Promise<void> {
    const { database } = this.#parts;
    return this.#gate.run(async () => {
      await this.#sealAll();
      for (const changes of forgetting(database, numbers, isMeant)) await database.commit(changes);
    });
  }

  async #erase(range: Range): Promise<void> {
    const { database, registry, hours, epoch } = this.#parts;
    for (const changes of erasures(database, registry, range)) await database.commit(changes);
    if (range.epoch !== epoch.id) return;
    const open = new Set(hours.open().map(({ hour }) => hour));
    for (const hour of open) {
      if (hour < hourAt(range.from) || hour > hourAt(range.to)) continue;
      hours.drop(epoch.id, hour);
      // What of it cannot be read, the scrub tells.
      addHour(hours, { database, registry }, epoch.id, hour);
    }
  }

  /** What LMDB does not have yet, in the order in which it came. Of it not all may be durable. */
  contents(): Unsealed[] {
    return [this.#sealing?.content, this.#unsealed].filter((one) => one !== undefined);
  }

  /** What LMDB does not have yet, of some streams or of all. */
  tail(numbers?: ReadonlySet<number>): Tail {
    const contents = this.contents();
    const hours = this.#sealing?.hours ?? this.#parts.hours.open();
    const all = contents.flatMap((content) => content.streams().map(({ number }) => number));
    const wanted = [...new Set(all)].filter((number) => numbers?.has(number) ?? true);
    return {
      epoch: this.#parts.epoch.id,
      sealed: this.#sealed,
      streams: this.#parts.registry.list(),
      pieces: new Map(
        wanted.map((number) => [number, contents.flatMap((one) => one.columns(number))]),
      ),
      events: contents.flatMap(({ events }) => events),
      hours: hours.filter(({ stream }) => numbers?.has(stream) ?? true),
    };
  }

  async #flush(): Promise<void> {
    const { intake, registry, journal, epoch, clock } = this.#parts;
    this.#waiting.push(...intake.drain(registry));
    if (this.#waiting.length === 0) return;
    this.#trim();
    const defined = new Set(this.#defined);
    const payload = encodeBatch(this.#waiting, defined);
    this.#waitingSince ??= clock.now();
    await journal.append(epoch.id, payload);
    this.#waitingSince = undefined;
    this.progress.flushed(this.#waiting);
    this.#defined = defined;
    this.stats.records++;
    this.stats.recordBytes += payload.length;
    this.#keep();
  }

  /** What the journal refused. A flush of its own tells of it; LMDB takes all the same. */
  async #tryFlush(): Promise<Error | undefined> {
    try {
      await this.#flush();
      return undefined;
    } catch (error) {
      if (!isExpected(error)) throw error;
      return error;
    }
  }

  async #seal(): Promise<void> {
    await this.#tryFlush();
    this.#sealing ??= this.#begin();
    this.#sealing.changes ??= await this.#prepare(this.#sealing);
    await this.#commit(this.#sealing.changes);
    this.progress.committed(this.#sealing.content);
    this.#sealed = this.#sealing.upTo;
    this.#sealing = undefined;
    this.#exposed = false;
    this.#parts.journal.retired();
    this.#keys.settle();
    this.stats.seals++;
  }

  /** Also what came after a seal that failed, and is only now made up for. */
  async #sealAll(): Promise<void> {
    await this.#seal();
    if (this.#unsealed.count > 0 || this.#waiting.length > 0) await this.#seal();
  }

  #begin(): Sealing {
    const { journal, clock, epoch, hours } = this.#parts;
    // What the journal does not take goes to LMDB without it.
    this.#exposed = this.#waiting.length > 0;
    this.#waitingSince = undefined;
    this.#keep();
    const content = this.#unsealed;
    this.#unsealed = new Unsealed(epoch.id, this.#keys);
    this.#defined = new Set();
    this.#slot = slotOf(clock.now());
    const shown = structuredClone(hours.open());
    return { content, upTo: journal.swap(), hours: shown, changes: undefined };
  }

  /** What waited is in the journal, or is to be sealed without it. */
  #keep(): void {
    for (const taken of this.#waiting) this.#unsealed.add(taken);
    this.#waiting = [];
  }

  /** A journal that takes nothing for minutes must not take the memory. */
  #trim(): void {
    while (this.waiting > WAITING_MAX && this.#waiting.length > 1) {
      this.stats.lost += countOfAll(this.#waiting.splice(0, 1));
    }
  }

  async #prepare({ content, upTo }: Sealing): Promise<SealChanges> {
    const { database, registry, clock, hours } = this.#parts;
    const blocks: Change[] = [];
    const byStream = new Map<number, readonly Sealed[]>();
    for (const { number, stream } of content.streams()) {
      const { sealed, columns } = content.seal(number);
      for (const { table, key, block } of sealed) blocks.push({ table, key, value: block });
      byStream.set(number, sealed);
      for (const part of columns) hours.add(number, stream, content.epoch, part);
      await clock.sleep(0); // Encoding everything in one turn would hold up whatever else is to do.
    }
    const from = (number: number): number => this.progress.sealed(number);
    const rest = [
      ...eventChanges(content),
      ...sealChanges(database, content, byStream, { from, now: clock.now() }),
      ...this.#rollupChanges(hourAt(this.#slot * SLOT_US) + (this.#finished ? 1 : 0)),
      ...registry.changes(),
      sealedChange(upTo),
    ];
    return { blocks, rest };
  }

  /** The rollups of the hours that are over. Samples that came late for a written one are added to it. */
  #rollupChanges(before: number): Change[] {
    const { database, hours, epoch } = this.#parts;
    const closed = hours.close(before);
    if (closed.length === 0) return [];
    const whole = closed.map((rollup) => addedRollup(database, rollup));
    return [...whole, rolledChange(epoch.id, before)];
  }

  async #commit({ blocks, rest }: SealChanges): Promise<void> {
    const { database } = this.#parts;
    const { kept, evicted } = this.#makeRoom(blocks, rest);
    if (evicted.length > 0) {
      // On its own, so that what it frees is there for what comes.
      await database.commit(evicted);
      this.stats.evicted += evicted.length;
    }
    await database.commit([...kept, ...rest]);
    this.stats.blocks += kept.length;
    this.stats.lost += samplesIn(blocks, kept);
  }

  /** What the ring gives up for a seal, or of the seal, when nothing older may go. */
  #makeRoom(
    blocks: readonly Change[],
    rest: readonly Change[],
  ): { kept: readonly Change[]; evicted: readonly Change[] } {
    const { database, limit, pinned, unsent } = this.#parts;
    const plan = (changes: readonly Change[]) => {
      const room = { limit: limit(), needed: bytesOfChanges(changes), unsent: unsent?.() };
      return planEviction(database, database.use(), room, pinned());
    };
    let kept = blocks;
    let eviction = plan([...kept, ...rest]);
    for (const table of GIVEN_UP) {
      if (eviction.enough) break;
      kept = kept.filter((change) => change.table !== table);
      eviction = plan([...kept, ...rest]);
    }
    this.stats.pressed = kept.length < blocks.length;
    this.stats.pinnedBytes = eviction.pinnedBytes;
    this.stats.unsentEvicted += eviction.unsent;
    return { kept, evicted: eviction.changes };
  }
}

interface SealChanges {
  readonly blocks: readonly Change[];
  readonly rest: readonly Change[];
}

interface Sealing {
  readonly content: Unsealed;
  /** The journal's last record of it. */
  readonly upTo: number;
  /** The open hours without it: what a tail shows until LMDB has it. */
  readonly hours: readonly HourRollup[];
  /** What it comes to. A commit that failed is tried again with the same. */
  changes: SealChanges | undefined;
}

function hourAt(t: number): number {
  return Math.floor(t / HOUR_US);
}

/** Samples of the blocks that were not kept. */
function samplesIn(blocks: readonly Change[], kept: readonly Change[]): number {
  const left = new Set(kept);
  return blocks.reduce(
    (sum, change) => sum + (left.has(change) || !change.value ? 0 : readHeader(change.value).n),
    0,
  );
}

function countOfAll(taken: readonly Taken[]): number {
  return taken.reduce(
    (sum, { columns, events }) =>
      columns.reduce((count, piece) => count + countOf(piece), sum + events.length),
    0,
  );
}
