import { streamOfAlert } from '#core/alert.ts';
import type { SessionStats, Stretch } from '#core/session.ts';
import type { StreamKind } from '#core/stream.ts';
import { exportFileName, FORMATS } from '../export/formats.ts';
import type { ExportSource } from '../export/source.ts';
import { sessionStats } from '../sessions/statistics.ts';
import type { EventKey } from '../store/keys.ts';
import { exportSource, hasData } from '../store/reading/export-source.ts';
import type { StoreReader } from '../store/reading/reader.ts';
import { backtestPieces } from './backtest.ts';
import { ReadingError } from './errors.ts';
import type {
  Asked,
  EventPage,
  EventsQuestion,
  ExportHead,
  ExportQuestion,
  SessionEvent,
  StatisticsQuestion,
} from './questions.ts';
import { checkKnown, series } from './series.ts';
import { rangeOf } from './stretches.ts';

/**
 * The answers, from a reader that was made for the question: in the reading thread, and in a program
 * on the files of a gateway that does not run.
 */

const BACKTEST_HEAD: ExportHead = { fileName: 'backtest.json', mime: 'application/json' };

/** Any answer, piece by piece; the work is done between two pieces. */
export function* answer(reader: StoreReader, asked: Asked): Generator<unknown> {
  switch (asked.kind) {
    case 'statistics':
      yield statistics(reader, asked.question);
      break;
    case 'series':
      yield new TextEncoder().encode(JSON.stringify(series(reader, asked.question)));
      break;
    case 'events':
      yield events(reader, asked.question);
      break;
    case 'export':
      yield exportHead(asked.question);
      yield* exportPieces(reader, asked.question);
      break;
    case 'backtest':
      yield BACKTEST_HEAD;
      yield* backtestPieces(reader, asked.question);
      break;
  }
}

export function statistics(reader: StoreReader, { stretches }: StatisticsQuestion): SessionStats {
  return sessionStats({
    stretches,
    *columns(streamId, stretch) {
      for (const number of reader.numbersOf(streamId)) {
        yield* reader.columns(number, rangeOf(stretch));
      }
    },
    summary: (stretch) => reader.summary(rangeOf(stretch)),
  });
}

/** @throws ReadingError BAD_CURSOR */
function events(reader: StoreReader, question: EventsQuestion): EventPage {
  const { stretches, limit, after } = question;
  const streams = eventNumbers(reader, question);
  const first = after === undefined ? 0 : stretches.findIndex((one) => continues(one, after));
  if (first < 0) throw new ReadingError('BAD_CURSOR', 'the cursor is of no page of these events');
  const found: { readonly key: EventKey; readonly item: SessionEvent }[] = [];
  for (const [i, stretch] of stretches.slice(first).entries()) {
    const shift = stretch.at - stretch.from;
    // One more than is wanted tells whether there is another page.
    const page = reader.events(rangeOf(stretch), {
      ...(streams && { streams }),
      limit: limit + 1 - found.length,
      ...(i === 0 && after && { after }),
    });
    for (const { key, row } of page) {
      found.push({ key, item: { t: row.t + shift, stream: row.stream.id, data: row.data } });
    }
    if (found.length > limit) break;
  }
  const items = found.slice(0, limit);
  const next = found.length > limit ? (items.at(-1)?.key ?? null) : null;
  return { items: items.map(({ item }) => item), next };
}

/** Whether the page behind this event begins in the stretch. */
function continues({ epoch, from, to }: Stretch, { epoch: id, t }: EventKey): boolean {
  return epoch.id === id && t >= from && t < to;
}

/** What is kept of each batch of a client, for the gateway itself: told only to who asks for it. */
const RECEIPTS = 'ingest';

/** Numbers of the event streams that were asked for; undefined for all. */
function eventNumbers(
  reader: StoreReader,
  { types, without = [] }: EventsQuestion,
): number[] | undefined {
  const all = reader.streams().filter(({ stream }) => stream.kind === 'event');
  const wanted = all.filter(({ stream: { id } }) => {
    const isWanted = types ? isUnder(types, id) : !isUnder([RECEIPTS], id);
    return isWanted && !isUnder(without, id);
  });
  // Reading all is faster than reading each.
  return wanted.length === all.length ? undefined : wanted.map(({ number }) => number);
}

/** Whether an id is one of these or below one. */
function isUnder(ids: readonly string[], id: string): boolean {
  return ids.some((one) => `${id}.`.startsWith(`${one}.`));
}

function exportHead({ title, format }: ExportQuestion): ExportHead {
  return { fileName: exportFileName(title, format), mime: FORMATS[format].mime };
}

/**
 * A file, in pieces of some 64 KB that belong to whoever takes them.
 *
 * @throws ReadingError UNKNOWN_STREAM, ExportError: at the first piece
 */
export function* exportPieces(
  reader: StoreReader,
  { title, about, format, stretches, without = [], ...question }: ExportQuestion,
): Generator<Uint8Array> {
  const wanted = question.streams ?? recordedIds(reader, stretches, FORMATS[format].kinds);
  const streams = wanted.filter((id) => !isUnder(without, id));
  checkKnown(reader, streams);
  const source = exportSource({ title, reader, streams: [...new Set(streams)], stretches });
  yield* FORMATS[format].export({ ...source, events: shownEvents(source, without), about });
}

/** Without alerts about streams that are left out. */
function shownEvents(source: ExportSource, without: readonly string[]): ExportSource['events'] {
  return function* (stretch) {
    for (const row of source.events(stretch)) {
      const about = streamOfAlert(row.stream.id, row.data);
      if (about === undefined || !isUnder(without, about)) yield row;
    }
  };
}

/** Ids of streams of these kinds that have data, in the order in which they were first stored. */
function recordedIds(
  reader: StoreReader,
  stretches: readonly Stretch[],
  kinds: readonly StreamKind[],
): string[] {
  const recorded = reader.streams().filter((stored) => {
    if (!kinds.includes(stored.stream.kind)) return false;
    return stretches.some((stretch) => hasData(reader, stored, stretch));
  });
  return [...new Set(recorded.map(({ stream }) => stream.id))];
}
