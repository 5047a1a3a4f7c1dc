import type { Epoch } from '#core/clock.ts';
import { StoreError } from './errors.ts';
import { eventIndexKey, eventKey, nameKey, numberKey, rollupKey } from './keys.ts';
import type { Change, Reads } from './lmdb.ts';
import { decodeRecord, encodeRecord } from './record.ts';
import { decodeRollup, encodeRollup, type HourRollup, mergeRollup } from './rollup/rollup.ts';
import type { Unsealed } from './writing/unsealed.ts';

/** What the records of the store look like, for those who write them, and how its few of `meta` read. */

/** Up to which record of the journal LMDB has everything. */
const SEALED_KEY = nameKey('sealed');
/** The epoch whose rollups are written, up to before an hour. */
const ROLLED_KEY = nameKey('rolled');
/** The index of events has keys only, and LMDB wants a value. */
const NOTHING = new Uint8Array();

export function sealedChange(seq: number): Change {
  return { table: 'meta', key: SEALED_KEY, value: encodeRecord(SEALED_KEY, { seq }) };
}

/** @throws StoreError BAD_RECORD: then nothing tells what the journal has beyond the database */
export function sealedSeq(reads: Pick<Reads, 'get'>): number {
  const record = reads.get('meta', SEALED_KEY);
  return record === undefined ? 0 : Number(Object(decodeRecord(SEALED_KEY, record)).seq);
}

export function rolledChange(epoch: number, hour: number): Change {
  return { table: 'meta', key: ROLLED_KEY, value: encodeRecord(ROLLED_KEY, { epoch, hour }) };
}

export function rolledUpTo(reads: Pick<Reads, 'get'>): { epoch: number; hour: number } {
  const record = reads.get('meta', ROLLED_KEY);
  if (record === undefined) return { epoch: 0, hour: 0 };
  const { epoch, hour } = Object(decodeRecord(ROLLED_KEY, record));
  return { epoch: Number(epoch), hour: Number(hour) };
}

/** Puts or corrects the record that ties an epoch to the wall clock. */
export function epochChange(epoch: Epoch): Change {
  const key = numberKey(epoch.id);
  return { table: 'epochs', key, value: encodeRecord(key, epoch) };
}

export function eventChanges({ epoch, events }: Unsealed): Change[] {
  return events.flatMap(({ stream, t, seq, ordinal, data }): Change[] => {
    const key = eventKey({ epoch, t, seq });
    return [
      { table: 'events', key, value: encodeRecord(key, { stream, ordinal, data }) },
      { table: 'eventIndex', key: eventIndexKey(stream, { epoch, t, seq }), value: NOTHING },
    ];
  });
}

export function rollupChange(rollup: HourRollup): Change {
  return { table: 'rollups', key: rollupKey(rollup), value: encodeRollup(rollup) };
}

/** An hour with what was written of it before. Where that is damaged it goes: its blocks tell it too. */
export function addedRollup(reads: Pick<Reads, 'get'>, rollup: HourRollup): Change {
  const key = rollupKey(rollup);
  const written = reads.get('rollups', key);
  if (written === undefined) return rollupChange(rollup);
  try {
    return rollupChange(mergeRollup(decodeRollup(rollup, written), rollup));
  } catch (error) {
    if (error instanceof StoreError) return { table: 'rollups', key, value: undefined };
    throw error;
  }
}
