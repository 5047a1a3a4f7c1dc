import { BlockError } from '../../codec/block-error.ts';
import { StoreError } from '../errors.ts';
import type { TableName } from '../lmdb.ts';

/** Keys that are told of; the rest are only counted. */
const KEYS_MAX = 10;

/** What could not be read. Each question counts anew, so one that is asked twice is counted twice. */
export class Damage {
  count = 0;
  /** `waves 0000000100020003abcd: its check says ...`; the first KEYS_MAX of them. */
  readonly first: string[] = [];

  add(table: TableName, key: Uint8Array, text: string): void {
    this.count++;
    if (this.first.length < KEYS_MAX) this.first.push(`${table} ${keyText(key)}: ${text}`);
  }

  /** The result, or undefined where what is stored there is damaged, which is counted. */
  guard<T>(table: TableName, key: Uint8Array, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.add(table, key, damageText(error));
      return undefined;
    }
  }
}

export function keyText(key: Uint8Array): string {
  return Buffer.from(key).toString('hex');
}

/** @throws what is no damage, but a bug */
export function damageText(error: unknown): string {
  if (error instanceof BlockError || error instanceof StoreError) return error.message;
  throw error;
}
