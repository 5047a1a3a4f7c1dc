/**
 * An export holds a piece of each stream and a block of its output, whatever the length of the
 * recording. By hand, 20 million rows were run with the same limit; here, as many as already cost
 * more than twice the limit if their times and values alone were held, in a few seconds.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { type ExportFormatName, FORMATS } from '../../../src/export/formats.ts';
import type { ExportSource } from '../../../src/export/source.ts';
import { LogTally } from '../../../src/sources/replay/log/log-frame.ts';
import { AnyLogReader } from '../../../src/sources/replay/log/log-reader.ts';
import { busySource } from '../../support/can-log.ts';
import { BUS, EEG, exampleSource, RPM } from '../../support/example-export.ts';

const ROWS = 7_000_000;
const GROWTH_MAX_MB = 50;
/** 300 s at 512 Hz, as the store keeps it. */
const PIECE_ROWS = 153_600;
const PERIOD_US = 1953;
/** Times, identifiers and data of so many are more than twice the limit, too. */
const FRAMES = 5_000_000;

/** Measurements in an export, at least. */
const MEASURED_MIN = 9;

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** Megabytes that are in use. What there was before may take several rounds to go. */
function inUse(): number {
  if (typeof collect !== 'function') throw new Error('this Node collects nothing when it is told');
  let least = Number.POSITIVE_INFINITY;
  for (;;) {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const now = (heapUsed + arrayBuffers) / 1e6;
    if (now > least - 0.1) return now;
    least = now;
  }
}

/** Made up as it is asked for: a wave of so many samples, a slow signal, and few frames. */
function lazySource(streams: ExportSource['streams'], rows: number): ExportSource {
  const example = exampleSource(1, streams);
  return {
    ...example,
    stretches: example.stretches.slice(0, 1),
    *columns(stream) {
      for (let at = 0; at < rows; at += PIECE_ROWS) {
        const t0 = at * PERIOD_US;
        if (stream.kind === 'wave') {
          const v = Int32Array.from({ length: PIECE_ROWS }, (_, i) => ((at + i) * 7919) % 4096);
          yield { kind: 'waves', seq: at, t0, span: (PIECE_ROWS - 1) * PERIOD_US, v };
        } else if (stream.kind === 'sample') {
          const t = Float64Array.from({ length: 1500 }, (_, i) => t0 + i * 200_000);
          yield { kind: 'scalars', seq: 0, t, v: t.map((x) => x % 977) };
        } else {
          const t = Float64Array.of(t0);
          const [id, length, data] = [Uint32Array.of(1), Uint8Array.of(8), new Uint8Array(8)];
          yield { kind: 'frames', seq: 0, t, id, length, data };
        }
      }
    },
  };
}

/** By how many megabytes an export makes grow what is in use, measured at every `step` bytes of it. */
function growthOf(pieces: Iterable<Uint8Array>, step: number, take: (piece: Uint8Array) => void) {
  const before = inUse();
  let growth = Number.NEGATIVE_INFINITY;
  let measured = 0;
  let bytes = 0;
  let measuredAt = 0;
  for (const piece of pieces) {
    bytes += piece.length;
    take(piece);
    if (bytes - measuredAt < step) continue;
    measuredAt = bytes;
    measured++;
    growth = Math.max(growth, inUse() - before);
  }
  return { growth, measured, bytes };
}

test.each<readonly [ExportFormatName, number]>([
  ['csv', 40],
  ['csv-wide', 40],
  ['jsonl', 5],
  ['parquet', 0.5],
  ['parquet-wide', 0.5],
])('%s of a long recording stays small in memory', (format, bytesMin) => {
  const streams = format.endsWith('wide') ? [EEG, RPM] : [EEG, RPM, BUS];
  const pieces = FORMATS[format].export(lazySource(streams, ROWS));
  const { growth, measured, bytes } = growthOf(pieces, ROWS * bytesMin * 0.1, () => {});
  expect(bytes).toBeGreaterThan(ROWS * bytesMin);
  expect(measured).toBeGreaterThanOrEqual(MEASURED_MIN);
  expect(growth).toBeLessThan(GROWTH_MAX_MB);
});

test.each<readonly [ExportFormatName, number]>([
  ['candump', 40],
  ['asc', 50],
  ['blf', 5],
])(
  '%s of a long recording stays small in memory, and so does what reads it',
  (format, bytesMin) => {
    const tally = new LogTally();
    const reader = new AnyLogReader(tally);
    let read = 0;
    const pieces = FORMATS[format].export(busySource(FRAMES));
    const { growth, measured } = growthOf(pieces, FRAMES * bytesMin * 0.1, (piece) => {
      read += [...reader.frames(piece)].length;
    });
    read += [...reader.end()].length;
    expect(read).toBe(FRAMES);
    expect(tally.malformed).toBe(0);
    expect(measured).toBeGreaterThanOrEqual(MEASURED_MIN);
    expect(growth).toBeLessThan(GROWTH_MAX_MB);
  },
);

test('an export that is held is seen in the same measure', () => {
  const rows = ROWS / 4;
  const pieces = FORMATS.csv.export(lazySource([EEG, RPM, BUS], rows));
  const held: Uint8Array[] = [];
  const { growth, bytes } = growthOf(pieces, rows * 4, (piece) => held.push(piece));
  expect(held.length).toBeGreaterThan(bytes / 1e5);
  expect(growth).toBeGreaterThan(GROWTH_MAX_MB);
});
