/** How fast logs of a bus are read, against python-can on the same files in the same run. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ExportFormatName, FORMATS } from '../../src/export/formats.ts';
import { filePieces } from '../../src/io/file-pieces.ts';
import { LogTally } from '../../src/sources/replay/log/log-frame.ts';
import { AnyLogReader } from '../../src/sources/replay/log/log-reader.ts';
import { busySource } from '../support/can-log.ts';
import { missingPythonCan, timeByPython } from '../support/python-can.ts';
import { type Bench, growth, interleave, Side, secondsOf } from './bench.ts';
import { temporary } from './directory.ts';
import { significant } from './stats.ts';

/** Two minutes of a bus of 500 kbit/s at 40 %. */
const FRAMES = 200_000;
const ROUNDS = 5;
const LOGS: readonly ExportFormatName[] = ['candump', 'asc', 'blf'];

export const canLog: Bench = {
  name: 'can-log',
  async *run({ scales }) {
    await using directory = await temporary();
    for (const format of LOGS) {
      const sides = new Map<number, Side>();
      for (const scale of scales) {
        const file = path.join(directory.path, `${scale}${FORMATS[format].extension}`);
        const frames = Math.round((FRAMES * scale) / 20_000) * 20_000;
        writeFileSync(file, '');
        for (const piece of FORMATS[format].export(busySource(frames))) {
          writeFileSync(file, piece, { flag: 'a' });
        }
        const ours = new Side(() => readAll(file, frames));
        const theirs = new Side(() => readByPython(file, frames));
        await interleave(ROUNDS, missingPythonCan === '' ? [ours, theirs] : [ours]);
        sides.set(scale, ours);
        yield {
          ...{ metric: `${format} x${scale}`, unit: 'frames/s', n: ROUNDS },
          value: significant(ours.median),
          ...(missingPythonCan === '' && {
            peer: { name: 'python-can', value: significant(theirs.median) },
            goal: '>= 1x',
          }),
        };
      }
      yield* growth(`ns/frame of ${format}`, sides, (rate) => 1e9 / rate);
    }
  },
};

/** Frames a second. */
async function readAll(file: string, expected: number): Promise<number> {
  const reader = new AnyLogReader(new LogTally());
  let frames = 0;
  const seconds = await secondsOf(async () => {
    for await (const piece of filePieces(file)) for (const _ of reader.frames(piece)) frames++;
    for (const _ of reader.end()) frames++;
  });
  return rate(frames, expected, seconds);
}

async function readByPython(file: string, expected: number): Promise<number> {
  const [seconds, frames] = await timeByPython(file);
  return rate(frames, expected, seconds);
}

function rate(frames: number, expected: number, seconds: number): number {
  if (frames !== expected) throw new Error(`${frames} frames were read, expected ${expected}`);
  return frames / seconds;
}
