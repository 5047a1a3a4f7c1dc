import type { Session } from '#core/session.ts';
import { nameKey, numberKey } from './keys.ts';
import { encodeRecord, soundRecord } from './record.ts';
import type { Store } from './store.ts';
import { TableRecords } from './table-records.ts';

/** The largest id that was ever given, so that one of a removed session is not given again. */
const LAST_KEY = nameKey('lastSession');

/** The sessions in the store, for sessions.ts. */
export class SessionRecords extends TableRecords<number, Session> {
  readonly #store: Pick<Store, 'reads' | 'commit'>;

  constructor(store: Pick<Store, 'reads' | 'commit'>) {
    super(store, 'sessions', numberKey);
    this.#store = store;
  }

  /** Earlier versions had no accounts. */
  override list(): Session[] {
    return super.list().map((session) => ({ ...session, owner: session.owner ?? null }));
  }

  /** 0 before the first. */
  lastId(): number {
    const record = this.#store.reads.get('meta', LAST_KEY);
    if (record === undefined) return 0;
    return Number(Object(soundRecord(LAST_KEY, record)).id ?? 0);
  }

  override async put(session: Session): Promise<void> {
    const id = Math.max(session.id, this.lastId());
    const value = encodeRecord(LAST_KEY, { id });
    await super.put(session, [{ table: 'meta', key: LAST_KEY, value }]);
  }
}
