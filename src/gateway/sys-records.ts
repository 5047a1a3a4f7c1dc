import type { User } from '#core/account.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { Session, Span } from '#core/session.ts';
import type { Event, Json, Reading, Stream } from '#core/stream.ts';
import { SYS_CLOCK, SYS_DEVICE, SYS_SESSION, SYS_USER } from '#core/sys-streams.ts';
import type { SessionRecords } from '../sessions/sessions.ts';

/**
 * Notes what happens beside the measurements in the store, where the bridge finds it in order: see
 * core/sys-streams.ts. Nothing waits for a note, and a store that is off takes none: what is noted is kept
 * elsewhere as well, and told again with the next change or start.
 */

/** What is noted before the store opens: the device, and accounts. More are dropped, and counted. */
const EARLY_MAX = 1_000;

export interface SysStore {
  /** @throws StoreError OFF, BUSY */
  keep(batch: readonly Reading[]): void;
  /** Resolves when everything that was taken is durable. @throws StoreError */
  durable(): Promise<void>;
  /** Removes events of a stream whose data are meant. @throws StoreError */
  forget(id: string, isMeant: (data: Event['data']) => boolean): Promise<void>;
}

/** What a device says of itself. */
export interface DeviceNote {
  readonly name: string;
  readonly version: string;
  readonly simulated: boolean;
}

export class SysRecords {
  /** Notes that the store did not take. */
  dropped = 0;
  readonly #store: SysStore;
  readonly #clock: Pick<Clock, 'now'>;
  /** Until the store opens. */
  #early: Event[] | undefined = [];
  /** Since the last session was removed. */
  readonly #erased: Span[] = [];
  /** What was noted of each account last, by id. */
  readonly #users = new Map<string, string>();

  constructor(store: SysStore, clock: Pick<Clock, 'now'>) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The store is open: what was noted before goes into it. */
  open(epoch: Epoch): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    this.#note(SYS_CLOCK, clockNote(epoch));
    for (const event of early) this.#keep(event);
  }

  /** How an epoch is tied to the wall clock by now. Resolves when that is durable, or the disk refuses. */
  async clock(epoch: Epoch): Promise<void> {
    this.#note(SYS_CLOCK, clockNote(epoch));
    await this.#settled();
  }

  device({ name, version, simulated }: DeviceNote): void {
    this.#note(SYS_DEVICE, { name, version, simulated });
  }

  /** All accounts as they are: notes those that are other than before, and those that are gone. */
  users(users: readonly User[]): void {
    const notes = new Map(users.map((user) => [user.id, userNote(user)] as const));
    for (const [id, note] of notes) {
      const text = JSON.stringify(note);
      if (this.#users.get(id) === text) continue;
      this.#users.set(id, text);
      this.#note(SYS_USER, note);
    }
    for (const id of this.#users.keys()) {
      if (notes.has(id)) continue;
      this.#users.delete(id);
      this.#note(SYS_USER, { id, removed: true });
    }
  }

  /** What the recording has lost by somebody's wish. The removal of its session, which follows, tells it. */
  erased(spans: readonly Span[]): void {
    this.#erased.push(...spans);
  }

  /** The same records, each change of which is noted when it is durable. */
  sessions(records: SessionRecords): SessionRecords {
    return {
      list: () => records.list(),
      lastId: () => records.lastId(),
      put: async (session) => {
        await records.put(session);
        this.#note(SYS_SESSION, sessionNote(session));
        await this.#settled();
      },
      remove: async (id) => {
        // One that makes room for another takes nothing of the recording with it.
        const spans = this.#erased.splice(0).map(({ epoch, from, to }) => ({ epoch, from, to }));
        // What was noted of it before has its driver in it, and goes with it.
        await this.#store.forget(SYS_SESSION.id, (data) => data['id'] === id);
        await records.remove(id);
        this.#note(SYS_SESSION, { id, removed: true, spans });
        await this.#settled();
      },
    };
  }

  #note(stream: Stream, data: Event['data']): void {
    const event: Event = { kind: 'event', stream, t: Math.floor(this.#clock.now()), data };
    if (this.#early === undefined) this.#keep(event);
    else if (this.#early.length < EARLY_MAX) this.#early.push(event);
    else this.dropped++;
  }

  /** Who has heard that a change is durable finds it in the cloud as well. */
  async #settled(): Promise<void> {
    try {
      await this.#store.durable();
    } catch (error) {
      // The change itself is on the disk, and the note follows when the disk takes it.
      if (!isExpected(error)) throw error;
    }
  }

  #keep(event: Event): void {
    try {
      this.#store.keep([event]);
    } catch (error) {
      // The store says what is wrong with it.
      if (!isExpected(error)) throw error;
      this.dropped++;
    }
  }
}

function clockNote({ id, wallMs, trust, bootId, monotonicMs }: Epoch): Event['data'] {
  return { epoch: id, wallMs, trust, bootId, monotonicMs };
}

/** Without what opens anything: the hash of the password is no part of a User, and is left out by name. */
function userNote({ id, username, role, enabled }: User): Event['data'] {
  return { id, username, role, enabled, removed: false };
}

function sessionNote({ spans, tags, stats, ...session }: Session): Record<string, Json> {
  return {
    ...session,
    spans: spans.map(({ epoch, from, to }) => ({ epoch, from, to })),
    tags: [...tags],
    stats: stats && { ...stats, streams: {} },
    removed: false,
  };
}
