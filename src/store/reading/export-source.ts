import type { Stretch } from '#core/session.ts';
import type { Stream } from '#core/stream.ts';
import type { EventRow, Range, StoredStream } from '../../codec/columns.ts';
import type { ExportSource } from '../../export/source.ts';
import { StoreError } from '../errors.ts';
import type { EventKey } from '../keys.ts';
import type { StoreReader } from './reader.ts';

/** Events that are held at a time. */
const PAGE_EVENTS = 256;

export interface ExportOptions {
  /** For file names and headers: `session 12`. */
  readonly title: string;
  readonly reader: StoreReader;
  /** Ids, in the order of the columns. */
  readonly streams: readonly string[];
  readonly stretches: readonly Stretch[];
}

/** Numbers whose values mean the same, as one stream. */
interface Merged {
  readonly stream: Stream;
  readonly numbers: readonly number[];
}

/**
 * The store as exports read it. An id that has had several numbers is one stream, and they are read
 * one after the other; but values of another unit, scale or kind cannot stand in one column with
 * those of today: they are a stream of their own, `<id>.<number>`, where the export has any.
 *
 * @throws StoreError UNKNOWN_STREAM for an id that was never stored
 */
export function exportSource({ title, reader, streams, stretches }: ExportOptions): ExportSource {
  const merged = streams.flatMap((id) => mergedOf(reader, id, stretches));
  const numbers = new Map(merged.map((one) => [one.stream, one.numbers]));
  const events = new Map(
    merged
      .filter(({ stream }) => stream.kind === 'event')
      .flatMap((one) => one.numbers.map((number) => [number, one.stream] as const)),
  );
  return {
    title,
    streams: merged.map(({ stream }) => stream),
    stretches,
    *columns(stream, stretch) {
      for (const number of numbers.get(stream) ?? []) {
        yield* reader.columns(number, rangeOf(stretch));
      }
    },
    *events(stretch) {
      if (events.size > 0) yield* eventsOf(reader, stretch, events);
    },
  };
}

/** What an id stands for: the streams of today first, then what it meant before. */
function mergedOf(reader: StoreReader, id: string, stretches: readonly Stretch[]): Merged[] {
  const stored = reader.streams().filter(({ stream }) => stream.id === id);
  const newest = stored.at(-1);
  if (newest === undefined) {
    throw new StoreError('UNKNOWN_STREAM', `stream ${id}: nothing was ever stored of it`);
  }
  const groups = [...Map.groupBy(stored, ({ stream }) => meaningOf(stream)).values()];
  const isToday = (group: readonly StoredStream[]): boolean => group.includes(newest);
  const numbersOf = (group: readonly StoredStream[]) => group.map(({ number }) => number);
  const today = groups.filter(isToday).map((group) => ({
    stream: newest.stream,
    numbers: numbersOf(group),
  }));
  const before = groups
    .filter((group) => !isToday(group))
    .flatMap((group) => {
      const kept = group.filter((one) =>
        stretches.some((stretch) => hasData(reader, one, stretch)),
      );
      const last = kept.at(-1);
      if (last === undefined) return [];
      return { stream: { ...last.stream, id: `${id}.${last.number}` }, numbers: numbersOf(kept) };
    });
  return [...today, ...before];
}

function meaningOf({ kind, unit, lsb, states }: Stream): string {
  return JSON.stringify([kind, unit, lsb, states]);
}

/** Whether a stream has anything in a stretch. */
export function hasData(
  reader: StoreReader,
  { number, stream }: StoredStream,
  stretch: Stretch,
): boolean {
  const range = rangeOf(stretch);
  if (stream.kind !== 'event') return !reader.columns(number, range).next().done;
  return reader.events(range, { streams: [number], limit: 1 }).length > 0;
}

function* eventsOf(
  reader: StoreReader,
  stretch: Stretch,
  exported: ReadonlyMap<number, Stream>,
): Generator<EventRow> {
  const streams = [...exported.keys()];
  let after: EventKey | undefined;
  for (;;) {
    const query = { streams, limit: PAGE_EVENTS, ...(after && { after }) };
    const page = reader.events(rangeOf(stretch), query);
    for (const { number, row } of page) {
      yield { ...row, stream: exported.get(number) ?? row.stream };
    }
    if (page.length < PAGE_EVENTS) return;
    after = page.at(-1)?.key;
  }
}

function rangeOf({ epoch, from, to }: Stretch): Range {
  return { epoch: epoch.id, from, to };
}
