import { EXTENDED_FLAG, type Json, type Stream } from '#core/stream.ts';
import type { Batch, EventItem } from '../wire/batch.ts';
import { CopyWriter } from './copy.ts';

/** What a batch becomes: rows of one table, or records. */

/** Hypertables, with the columns that rows are written in. */
export const TABLES = {
  eeg_data: 'feed, epoch, seq, ts, value',
  obd_data: 'feed, epoch, seq, ts, value',
  face_events: 'feed, epoch, seq, ts, value, data',
  game_events: 'feed, epoch, seq, ts, value, data',
  alerts: 'feed, epoch, seq, ts, value, data',
  events: 'feed, epoch, seq, ts, value, data',
  can_frames: 'feed, epoch, seq, ts, id, extended, data',
} as const;
export type Table = keyof typeof TABLES;

/** Which record of a gateway an event stream holds. */
export type RecordKind = 'sys.session' | 'sys.user' | 'sys.device' | 'sys.clock';

export function recordKindOf({ id }: Pick<Stream, 'id'>): RecordKind | undefined {
  return RECORD_KINDS.find((kind) => kind === id);
}

const RECORD_KINDS: readonly RecordKind[] = ['sys.session', 'sys.user', 'sys.device', 'sys.clock'];

/** By the id of the stream, as the tables are named after what they hold; what is left is the car's. */
export function tableOf({ id, kind }: { readonly id: string; readonly kind: string }): Table {
  if (kind === 'frame') return 'can_frames';
  if (under(id, 'face')) return 'face_events';
  if (under(id, 'game')) return 'game_events';
  if (kind === 'event') return under(id, 'alert') ? 'alerts' : 'events';
  return under(id, 'eeg') ? 'eeg_data' : 'obd_data';
}

function under(id: string, top: string): boolean {
  return id === top || id.startsWith(`${top}.`);
}

/** A process that runs longer, or an event that was longer ago when it began, is damage. */
const T_US_MAX = 2 * 366 * 86_400_000_000;
const BEFORE_US_MAX = 366 * 86_400_000_000;

/** Why the times of a batch are none that a gateway measures, if they are not. */
export function badTime({ content }: Batch): string | undefined {
  const times = timesOf(content);
  const bad = times.find((t) => !(t >= -BEFORE_US_MAX && t <= T_US_MAX));
  return bad === undefined ? undefined : `a time of ${bad} us since the start of its epoch`;
}

function timesOf(content: Batch['content']): ArrayLike<number> & { find: Float64Array['find'] } {
  switch (content.kind) {
    case 'gap':
      return new Float64Array(0);
    case 'waves':
      return Float64Array.of(content.t0, content.t0 + content.span);
    case 'events':
      return Float64Array.from(content.events, ({ t }) => t);
    default:
      return content.t;
  }
}

/** What is decided in the database of where a batch belongs. */
export interface Destination {
  readonly feed: number;
  /** Of its epoch, whole microseconds since 1970. */
  readonly baseUs: number;
  /** Microseconds of that epoch, of which nothing is to be stored: a person had them erased. */
  readonly erased?: readonly { readonly from: number; readonly to: number }[];
}

/** Rows for any number of batches, by table. */
export class RowWriter {
  readonly #tables = new Map<Table, CopyWriter>();

  /** @returns how many rows it is */
  add(batch: Batch, { feed, baseUs, erased = [] }: Destination): number {
    const table = tableOf(batch.head.stream);
    const writer = this.#tables.get(table) ?? new CopyWriter();
    this.#tables.set(table, writer);
    const before = writer.rows;
    const { epoch, first, n } = batch.head;
    const { fields, timeAt, write } = columnsOf(batch, table, writer);
    for (let i = 0; i < n && fields > 0; i++) {
      const t = timeAt(i);
      if (erased.some(({ from, to }) => t >= from && t < to)) continue;
      writer.row(4 + fields);
      writer.int4(feed);
      writer.int8(epoch);
      writer.int8(first + i);
      writer.time(Math.round(baseUs + t));
      write(i);
    }
    return writer.rows - before;
  }

  /** Each with its COPY data. */
  *tables(): Generator<{ readonly table: Table; readonly rows: number; readonly data: Buffer }> {
    for (const [table, writer] of this.#tables) {
      if (writer.rows > 0) yield { table, rows: writer.rows, data: writer.end() };
    }
  }
}

/** What a row has beside whose it is and when. */
interface Fields {
  /** How many; none where there are no rows. */
  readonly fields: number;
  readonly timeAt: (i: number) => number;
  readonly write: (i: number) => void;
}

function columnsOf({ head, content }: Batch, table: Table, writer: CopyWriter): Fields {
  // Tables of what people do have both measures and events.
  const mixed = table !== 'eeg_data' && table !== 'obd_data';
  const value = (v: number): void => {
    writer.float8(v);
    if (mixed) writer.null();
  };
  const fields = mixed ? 2 : 1;
  switch (content.kind) {
    case 'scalars':
      return {
        ...{ fields, timeAt: (i) => content.t[i] ?? 0 },
        write: (i) => value(content.v[i] ?? 0),
      };
    case 'waves': {
      const step = content.span / Math.max(1, content.v.length - 1);
      const lsb = head.stream.lsb ?? 1;
      return {
        ...{ fields, timeAt: (i) => content.t0 + i * step },
        write: (i) => value((content.v[i] ?? 0) * lsb),
      };
    }
    case 'frames':
      return {
        ...{ fields: 3, timeAt: (i) => content.t[i] ?? 0 },
        write: (i) => {
          const id = content.id[i] ?? 0;
          writer.int4(id & ~EXTENDED_FLAG);
          writer.boolean((id & EXTENDED_FLAG) !== 0);
          writer.bytes(content.data.subarray(i * 8, i * 8 + (content.length[i] ?? 0)));
        },
      };
    case 'events':
      return {
        ...{ fields: 2, timeAt: (i) => content.events[i]?.t ?? 0 },
        write: (i) => {
          writer.null();
          writer.jsonb(jsonText(content.events[i]?.data ?? {}));
        },
      };
    case 'gap':
      return { fields: 0, timeAt: () => 0, write: () => {} };
  }
}

/**
 * JSON that PostgreSQL takes as jsonb: its texts have neither U+0000 nor half a surrogate pair
 * (chapter "JSON Types"). What a client wrote so is no reason to lose the rest.
 */
export function jsonText(data: EventItem['data']): string {
  const text = JSON.stringify(data);
  return /\\u(0000|d[89a-f])/.test(text) ? JSON.stringify(cleaned(data)) : text;
}

function cleaned(value: Json): Json {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(cleaned);
  const entries = Object.entries(value).map(
    ([key, one]) => [cleanText(key), cleaned(one)] as const,
  );
  return Object.fromEntries(entries);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function cleanText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}

/** How many rows a batch is. */
export function rowCountOf({ head, content }: Batch): number {
  return content.kind === 'gap' ? 0 : head.n;
}
