import { EXTENDED_FLAG, type Stream } from '#core/stream.ts';
import { describe, type Offsets, offsetsOf, statesOf } from './describe.ts';
import { dataText } from './frame.ts';
import { merge } from './merge.ts';
import type { Rows, WaveBlock } from './rows.ts';
import type { ExportSource } from './source.ts';
import { TextWriter } from './text.ts';

/**
 * JSON Lines (jsonlines.org): UTF-8, one JSON value a line, lines end in LF.
 *
 *   header  {"title","about"?:{"session","driver","vehicle","startedAt"...},
 *            "streams":[{"id","name","unit","kind","hz","states"?}...],
 *            "stretches":[{"from","to","t","clock"}...]}
 *   sample  {"time","t","stream","v","state"?}         v null: not a finite number
 *   wave    {"time","t","stream","hz","values":[...]}  values[i] was taken at t + i * 1e6 / hz
 *   frame   {"time","t","stream","id","extended","data":"DEADBEEF"}
 *   event   {"time","t","stream","data":{...}}
 *
 * `about` is what people said of the session, and when it was (about.ts).
 * `time` is RFC 3339 in UTC with microseconds, as believable as its stretch's `clock` says; `t` is
 * microseconds since the session's start. Lines are in the order of `t`, waves in that of their
 * first values.
 */
interface JsonStream {
  readonly kind: Stream['kind'];
  /** From `t` to what comes next: `,"stream":"eeg.raw",`. */
  readonly stream: Uint8Array;
  /** By number: `,"state":"closed loop"`. */
  readonly states: ReadonlyMap<number, string> | undefined;
}

const COMMA = 0x2c;
const encoder = new TextEncoder();

export function* jsonl(source: ExportSource): Generator<Uint8Array> {
  const out = new TextWriter();
  const streams = source.streams.map(jsonStream);
  out.text(`${JSON.stringify(describe(source))}\n`);
  for (const stretch of source.stretches) {
    const writer = { out, streams, offsets: offsetsOf(stretch) };
    for (const rows of merge(source, stretch, 'blocks')) {
      for (let i = 0; i < rows.n; ) {
        i = writeLines(writer, rows, i);
        if (out.full) yield out.take();
      }
    }
  }
  if (!out.empty) yield out.take();
}

interface JsonWriter {
  readonly out: TextWriter;
  readonly streams: readonly JsonStream[];
  readonly offsets: Offsets;
}

/** Writes rows from `from` on until a piece is full. Returns the first row that was not written. */
function writeLines({ out, streams, offsets }: JsonWriter, rows: Rows, from: number): number {
  let i = from;
  while (i < rows.n && !out.full) {
    const stream = streams[rows.stream[i] ?? 0];
    if (!stream) throw new Error(`row of stream ${rows.stream[i]}, of ${streams.length}`);
    writeTimes(out, rows.t[i] ?? 0, offsets);
    out.bytes(stream.stream);
    writeBody(out, stream, rows, i);
    out.ascii('}\n');
    i++;
  }
  return i;
}

function jsonStream(stream: Stream): JsonStream {
  const { id, kind } = stream;
  return {
    kind,
    stream: encoder.encode(`,"stream":${JSON.stringify(id)},`),
    states: statesOf(stream, (text) => `,"state":${JSON.stringify(text)}`),
  };
}

function writeTimes(out: TextWriter, t: number, { wall, session }: Offsets): void {
  out.ascii('{"time":"');
  out.time(t + wall);
  out.ascii('","t":');
  out.number(t + session);
}

function writeBody(out: TextWriter, stream: JsonStream, rows: Rows, i: number): void {
  const v = rows.v[i] ?? 0;
  switch (stream.kind) {
    case 'sample':
      out.ascii('"v":');
      writeNumber(out, v);
      if (stream.states) out.text(stream.states.get(v) ?? '');
      return;
    case 'wave':
      writeWave(out, rows.wave[i]);
      return;
    case 'frame':
      out.ascii(`"id":${v >= EXTENDED_FLAG ? v - EXTENDED_FLAG : v},`);
      out.ascii(`"extended":${v >= EXTENDED_FLAG},"data":"${dataText(rows, i)}"`);
      return;
    case 'event':
      out.text(`"data":${JSON.stringify(rows.event[i])}`);
      return;
  }
}

function writeWave(out: TextWriter, block: WaveBlock | undefined): void {
  if (!block) throw new Error('a wave without its block');
  const { hz, values } = block;
  out.ascii('"hz":');
  out.number(hz);
  out.ascii(',"values":[');
  for (let i = 0; i < values.length; i++) {
    if (i > 0) out.char(COMMA);
    out.number(values[i] ?? 0);
  }
  out.char(0x5d);
}

function writeNumber(out: TextWriter, v: number): void {
  if (Number.isFinite(v)) out.number(v);
  else out.ascii('null');
}
