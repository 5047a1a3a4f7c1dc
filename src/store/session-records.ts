import type { Session } from '#core/session.ts';
import { StoreError } from './errors.ts';
import { nameKey, numberKey } from './keys.ts';
import type { Reads } from './lmdb.ts';
import { recordsOf } from './reading/walk.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import type { Store } from './store.ts';

/** The sessions in the store, for sessions.ts. */

/** The largest id that was ever given, so that one of a removed session is not given again. */
const LAST_KEY = nameKey('lastSession');

export class SessionRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  list(): readonly Session[] {
    return sessionsIn(this.#store.reads);
  }

  lastId(): number {
    const record = this.#store.reads.get('meta', LAST_KEY);
    if (record === undefined) return 0;
    return Number(Object(guarded(() => decodeRecord(LAST_KEY, record))).id ?? 0);
  }

  async put(session: Session): Promise<void> {
    const key = numberKey(session.id);
    const id = Math.max(session.id, this.lastId());
    await this.#store.commit([
      { table: 'sessions', key, value: encodeRecord(key, session) },
      { table: 'meta', key: LAST_KEY, value: encodeRecord(LAST_KEY, { id }) },
    ]);
  }

  async remove(id: number): Promise<void> {
    await this.#store.commit([{ table: 'sessions', key: numberKey(id), value: undefined }]);
  }
}

/** In the order of their ids. Damaged ones are left out: the scrub tells of them. */
export function sessionsIn(reads: Reads): Session[] {
  return [...recordsOf(reads, 'sessions')].flatMap(({ key, value }) => {
    const session = guarded(() => decodeRecord(key, value));
    return session === undefined ? [] : [session as unknown as Session]; // Its CRC says so.
  });
}

function guarded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'BAD_RECORD') return undefined;
    throw error;
  }
}
