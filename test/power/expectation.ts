/** What has to be on the disk after a cut, and what may be, from the acknowledgements around it. */
import { RING_TABLES } from './model.ts';
import type { Ack, Oldest } from './writer.ts';

export interface EpochExpectation {
  readonly epoch: number;
  /** By stream id: elements from the epoch's first up to before this one were acknowledged. */
  readonly acked: Readonly<Record<string, number>>;
  /** By stream id: from this one on nothing had been taken. Null where that is not known. */
  readonly taken: Readonly<Record<string, number>> | null;
}

export interface Expectation {
  readonly epochs: readonly EpochExpectation[];
  /** By table: what is older may have been evicted. */
  readonly oldest: Readonly<Record<string, Oldest>>;
  /** Number of the last record acknowledged; one more may be there. */
  readonly records: number;
}

/**
 * @param acks of the whole recording, in order
 * @param at bytes of the log at the cut, with acknowledgements behind it
 */
export function expectationAt(acks: readonly Ack[], at: number): Expectation {
  const before = acks.filter((ack) => ack.at <= at);
  const after = acks.filter((ack) => ack.at > at);
  const epochs = [...Map.groupBy(before, ({ epoch }) => epoch)].map(([epoch, own]) => {
    const taken = after[0]?.epoch === epoch ? after[0].taken : null;
    return { epoch, acked: own.at(-1)?.next ?? {}, taken };
  });
  return { epochs, oldest: oldestOf(after), records: before.at(-1)?.records ?? 0 };
}

/**
 * The writer looks up what is the oldest after an acknowledgement. An eviction that the disk had at
 * the cut is seen by the second one behind it: the first may have looked while it was committed.
 */
function oldestOf(after: readonly Ack[]): Record<string, Oldest> {
  const [first, second] = after.map(({ oldest }) => oldest).filter((oldest) => oldest !== null);
  const none = { epoch: 0, t: 0 };
  return Object.fromEntries(
    RING_TABLES.map((table) => [table, (second ?? first)?.[table] ?? none] as const),
  );
}
