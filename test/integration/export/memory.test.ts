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
import { BUS, EEG, exampleSource, RPM } from '../../support/example-export.ts';

const ROWS = 7_000_000;
const GROWTH_MAX_MB = 50;
/** 300 s at 512 Hz, as the store keeps it. */
const PIECE_ROWS = 153_600;
const PERIOD_US = 1953;

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** Megabytes that are in use. */
function inUse(): number {
  if (typeof collect === 'function') collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

/** Made up as it is asked for: a wave of ROWS samples, a slow signal, and few frames. */
function lazySource(streams: ExportSource['streams']): ExportSource {
  const example = exampleSource(1, streams);
  return {
    ...example,
    stretches: example.stretches.slice(0, 1),
    *columns(stream) {
      for (let at = 0; at < ROWS; at += PIECE_ROWS) {
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

test.each<readonly [ExportFormatName, number]>([
  ['csv', 40],
  ['csv-wide', 40],
  ['jsonl', 5],
  ['parquet', 0.5],
  ['parquet-wide', 0.5],
])('%s of a long recording stays small in memory', (format, bytesMin) => {
  const streams = format.endsWith('wide') ? [EEG, RPM] : [EEG, RPM, BUS];
  const before = inUse();
  let growth = 0;
  let bytes = 0;
  let measuredAt = 0;
  for (const piece of FORMATS[format].export(lazySource(streams))) {
    bytes += piece.length;
    if (bytes - measuredAt < ROWS * bytesMin * 0.1) continue;
    measuredAt = bytes;
    growth = Math.max(growth, inUse() - before);
  }
  expect(bytes).toBeGreaterThan(ROWS * bytesMin);
  expect(growth).toBeGreaterThan(0);
  expect(growth).toBeLessThan(GROWTH_MAX_MB);
});
