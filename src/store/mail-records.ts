import type { MailRecords, StoredMail } from '../alerts/mail/shelf.ts';
import { numberKey } from './keys.ts';
import type { Store } from './store.ts';
import { TableRecords } from './table-records.ts';

/** The mails that wait, in the store. What leaves together leaves in one commit. */
export class MailTable implements MailRecords {
  readonly #store: Pick<Store, 'reads' | 'commit'>;
  readonly #records: TableRecords<number, StoredMail>;

  constructor(store: Pick<Store, 'reads' | 'commit'>) {
    this.#store = store;
    this.#records = new TableRecords(store, 'mail', numberKey);
  }

  list(): readonly StoredMail[] {
    return this.#records.list();
  }

  put(mail: StoredMail): Promise<void> {
    return this.#records.put(mail);
  }

  async remove(ids: readonly number[]): Promise<void> {
    const changes = ids.map((id) => {
      return { table: 'mail', key: numberKey(id), value: undefined } as const;
    });
    await this.#store.commit(changes);
  }
}
