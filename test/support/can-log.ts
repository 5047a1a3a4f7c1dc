/** Logs of a bus, read by our own reader. */
import { EXTENDED_FLAG } from '#core/stream.ts';
import type { ExportSource } from '../../src/export/source.ts';
import { seededRandom } from '../../src/sim/random.ts';
import { type LogFrame, LogTally } from '../../src/sources/replay/log/log-frame.ts';
import { AnyLogReader } from '../../src/sources/replay/log/log-reader.ts';
import { BUS, exampleSource } from './example-export.ts';
import type { LogRow } from './python-can.ts';

const PIECE_FRAMES = 20_000;

/** A whole file, in pieces of so many bytes each. @throws LogError */
export function readLog(bytes: Uint8Array, sizes: readonly number[] = [65_536]) {
  const tally = new LogTally();
  const reader = new AnyLogReader(tally);
  const frames: LogFrame[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    frames.push(...reader.frames(bytes.subarray(at, at + size)));
    at += size;
  }
  frames.push(...reader.end());
  return { frames, tally };
}

/** As python-can tells it. */
export function rowOf({ t, channel, id, extended, data }: LogFrame): LogRow {
  return [t, channel, id, extended, Buffer.from(data).toString('hex')];
}

/** Frames of a lively bus, from a seed, in the order of time; buses from 0. */
export function randomRows(count: number, seed: number): LogRow[] {
  const random = seededRandom(seed);
  let t = 1_763_771_352_123_456;
  return Array.from({ length: count }, (): LogRow => {
    t += Math.floor(random() * 2_000);
    const extended = random() < 0.3;
    const id = Math.floor(random() * (extended ? 0x2000_0000 : 0x800));
    const length = Math.floor(random() * 9);
    const data = Uint8Array.from({ length }, () => Math.floor(random() * 256));
    return [t, random() < 0.8 ? 0 : 1, id, extended, Buffer.from(data).toString('hex')];
  });
}

/** One bus of 500 kbit/s at 40 %, made up as it is asked for: so many frames, a multiple of 20,000. */
export function busySource(frames: number): ExportSource {
  const { stretches, ...example } = exampleSource(1, [BUS]);
  const [first] = stretches;
  const from = first?.from ?? 0;
  return {
    ...example,
    stretches: first ? [{ ...first, to: from + frames * 700 }] : [],
    *columns() {
      for (let seq = 0; seq < frames; seq += PIECE_FRAMES) {
        const indices = Array.from({ length: PIECE_FRAMES }, (_, i) => seq + i);
        const length = Uint8Array.from(indices, (i) => (i % 11 ? 8 : i % 9));
        yield {
          ...{ kind: 'frames', seq, length },
          t: Float64Array.from(indices, (i) => from + i * 613 + (i % 7)),
          id: Uint32Array.from(indices, (i) => (i % 3 ? i % 60 : EXTENDED_FLAG + (i % 60) * 1_237)),
          data: Uint8Array.from({ length: PIECE_FRAMES * 8 }, (_, k) =>
            k % 8 < (length[k >> 3] ?? 0) ? ((seq + k) * 7919) >> (k % 8) : 0,
          ),
        };
      }
    },
  };
}
