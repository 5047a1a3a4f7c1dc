import { createHash } from 'node:crypto';
import type { Json } from '#core/stream.ts';
import type { Change, TableName } from './lmdb.ts';
import { encodeRecord } from './record.ts';
import type { Store } from './store.ts';
import { itemsIn } from './table-records.ts';

/**
 * What the MQTT broker keeps, in the store. Keys, big-endian:
 *
 *   0 u8 kind, 1 first 16 bytes of the SHA-256 of the owner, 17 u64 n       25 bytes
 *
 * Topics and client ids may be longer than a key of LMDB, so only their hash is in it; the record has
 * them too. What waits for one client lies together and in order: a burst for it dirties few pages.
 */
const KINDS = ['retained', 'session', 'outgoing', 'incoming', 'will'] as const;
export type MqttKind = (typeof KINDS)[number];
const OWNER_BYTES = 16;
const KEY_BYTES = 1 + OWNER_BYTES + 8;

export interface MqttPlace {
  readonly kind: MqttKind;
  /** The topic of a retained message; the client of everything else. */
  readonly owner: string;
  /** Tells those of one owner apart, and is their order; a whole number from 0. */
  readonly n: number;
}

export interface MqttRecord extends MqttPlace {
  readonly value: Json;
}

/** One put, or a removal where there is no value. */
export interface MqttChange extends MqttPlace {
  readonly value: Json | undefined;
}

export class MqttTable {
  readonly #store: Pick<Store, 'reads' | 'commit'>;

  constructor(store: Pick<Store, 'reads' | 'commit'>) {
    this.#store = store;
  }

  /** All of them; of one owner in the order of their numbers. @throws StoreError OFF, BAD_FILE */
  list(): MqttRecord[] {
    const { reads } = this.#store;
    return [...itemsIn<MqttRecord>(reads, 'retained'), ...itemsIn<MqttRecord>(reads, 'mqtt')];
  }

  /** All or none; durable when it resolves. Rejects as `Store.commit`. */
  async commit(changes: readonly MqttChange[]): Promise<void> {
    await this.#store.commit(changes.map(changeOf));
  }
}

function changeOf(change: MqttChange): Change {
  const { kind, value } = change;
  const table: TableName = kind === 'retained' ? 'retained' : 'mqtt';
  const key = keyOf(change);
  return { table, key, value: value === undefined ? undefined : encodeRecord(key, change) };
}

function keyOf({ kind, owner, n }: MqttPlace): Uint8Array {
  const key = Buffer.alloc(KEY_BYTES);
  // From 1: no key may be below those that a walk begins with.
  key.writeUInt8(KINDS.indexOf(kind) + 1, 0);
  createHash('sha256').update(owner).digest().copy(key, 1, 0, OWNER_BYTES);
  key.writeBigUInt64BE(BigInt(n), 1 + OWNER_BYTES);
  return key;
}
