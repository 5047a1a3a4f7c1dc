import type { Session } from '#core/session.ts';
import { StoreError } from './errors.ts';
import { nameKey, numberKey } from './keys.ts';
import { entriesOf } from './opening/opening.ts';
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

  /** Damaged ones are left out: the scrub tells of them. */
  list(): readonly Session[] {
    return entriesOf(this.#store.reads, 'sessions').flatMap(({ key, value }) => {
      const session = guarded(() => decodeRecord(key, value));
      return session === undefined ? [] : [session as unknown as Session]; // Its CRC says so.
    });
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

function guarded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'BAD_RECORD') return undefined;
    throw error;
  }
}
