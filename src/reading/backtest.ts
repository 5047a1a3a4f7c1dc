import { wallMs } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import { covers, type Stream } from '#core/stream.ts';
import { backtest, type Came } from '../alerts/backtest/backtest.ts';
import { neededBy } from '../alerts/backtest/lead.ts';
import type { EventRow, Range, StoredStream } from '../codec/columns.ts';
import { localTime } from '../io/clock.ts';
import { readingsOf } from '../sources/replay/readings.ts';
import type { EventKey } from '../store/keys.ts';
import type { StoreReader } from '../store/reading/reader.ts';
import type { BacktestQuestion, SessionBacktest } from './questions.ts';
import { rangeOf } from './stretches.ts';

/** Rules against stored sessions, from a reader that was made for the question. */

/** Events that are held at a time. */
const PAGE_EVENTS = 256;

/**
 * UTF-8 of the JSON of `{sessions: SessionBacktest[]}`, in pieces. While a session is gone through
 * there is a line feed for each piece of work, so that nobody takes the connection for dead: JSON
 * allows it there.
 */
export function* backtestPieces(
  reader: StoreReader,
  question: BacktestQuestion,
): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let before = '{"sessions":[';
  for (const made of backtests(reader, question)) {
    if (made === undefined) yield encoder.encode('\n');
    else {
      yield encoder.encode(`${before}${JSON.stringify(made)}`);
      before = ',';
    }
  }
  yield encoder.encode(before === ',' ? ']}' : `${before}]}`);
}

/** One for each session in turn, and undefined for every piece of work in between. */
export function* backtests(
  reader: StoreReader,
  { rules, versions, sessions, studies }: BacktestQuestion,
): Generator<SessionBacktest | undefined> {
  const catalogue = new Catalogue(reader);
  const streamOf = (id: string): Stream | undefined => catalogue.today(id);
  const needed = new Set(rules.flatMap(neededBy));
  for (const { session, stretches } of sessions) {
    const before = reader.damaged.count;
    const result = yield* backtest({
      ...{ rules, versions, stretches, studies, streamOf },
      localTime: (epoch, t) => (epoch.trust === 'none' ? undefined : localTime(wallMs(epoch, t))),
      readings: (stretch, streams) => readings(reader, stretch, catalogue.wanted(streams)),
    });
    const missing = [...needed].flatMap((id) => catalogue.missing(id, stretches));
    const damaged = reader.damaged.count - before;
    const notes = damaged > 0 ? [...missing, `${damaged} damaged entries were left out`] : missing;
    yield { session, ...result, notes };
  }
}

/** The streams that are stored. */
class Catalogue {
  readonly #reader: StoreReader;
  readonly #streams: readonly StoredStream[];
  /** What each id stands for. Of several that it has stood for, it is the last. */
  readonly #today: ReadonlyMap<string, Stream>;

  constructor(reader: StoreReader) {
    this.#reader = reader;
    this.#streams = reader.streams();
    this.#today = new Map(this.#streams.map(({ stream }) => [stream.id, stream]));
  }

  today(id: string): Stream | undefined {
    return this.#today.get(id);
  }

  /** Those with these ids or patterns whose values can be compared with what a rule says today. */
  wanted(patterns: ReadonlySet<string>): StoredStream[] {
    return this.#streams.filter(({ stream }) => {
      return this.#isToday(stream) && [...patterns].some((one) => covers(one, stream.id));
    });
  }

  /** What to know of an id or a pattern of which a session has nothing that can be used. */
  missing(pattern: string, stretches: readonly Stretch[]): string[] {
    const recorded = this.#streams.filter((one) => {
      return covers(pattern, one.stream.id) && this.#hasData(one, stretches);
    });
    if (recorded.some(({ stream }) => this.#isToday(stream))) return [];
    const [other] = recorded;
    if (!other) return [`stream ${pattern}: nothing was recorded of it in this session`];
    return [
      `stream ${pattern}: it was recorded as ${other.stream.kind} in ${other.stream.unit} then`,
    ];
  }

  #isToday({ id, unit, kind }: Stream): boolean {
    const today = this.#today.get(id);
    return today?.unit === unit && today.kind === kind;
  }

  #hasData({ number, stream }: StoredStream, stretches: readonly Stretch[]): boolean {
    return stretches.some((stretch) => {
      const range = rangeOf(stretch);
      return stream.kind === 'event'
        ? this.#reader.events(range, { streams: [number], limit: 1 }).length > 0
        : this.#reader.columns(number, range).next().done !== true;
    });
  }
}

function readings(
  reader: StoreReader,
  stretch: Stretch,
  wanted: readonly StoredStream[],
): Iterable<Came> {
  const range = rangeOf(stretch);
  const numbers = new Map(wanted.map(({ number, stream }) => [stream, number]));
  const events = wanted.filter(({ stream }) => stream.kind === 'event');
  const recording = {
    title: '',
    streams: [...numbers.keys()],
    stretches: [stretch],
    columns: (stream: Stream) => reader.columns(numbers.get(stream) ?? -1, range),
    events: () => eventsOf(reader, range, events),
  };
  return readingsOf(recording, stretch);
}

function* eventsOf(
  reader: StoreReader,
  range: Range,
  of: readonly StoredStream[],
): Generator<EventRow> {
  const streams = of.map(({ number }) => number);
  let after: EventKey | undefined;
  while (streams.length > 0) {
    const page = reader.events(range, { streams, limit: PAGE_EVENTS, ...(after && { after }) });
    for (const { row } of page) yield row;
    if (page.length < PAGE_EVENTS) return;
    after = page.at(-1)?.key;
  }
}
