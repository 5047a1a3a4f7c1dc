/**
 * What python-can reads of our logs of a bus must be what was recorded; and what we read of its logs,
 * what it reads of them itself: every frame, to the microsecond.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ExportFormatName, FORMATS } from '../../../src/export/formats.ts';
import type { ExportSource } from '../../../src/export/source.ts';
import { busySource, randomRows, readLog, rowOf } from '../../support/can-log.ts';
import {
  ALL,
  exampleSource,
  expectedRows,
  sessionOf,
  wallOf,
} from '../../support/example-export.ts';
import {
  type LogRow,
  missingPythonCan,
  readByPython,
  writeByPython,
} from '../../support/python-can.ts';

const LARGE_FRAMES = 200_000;
const SEEDS = [1, 2, 3];
const LOGS: readonly ExportFormatName[] = ['candump', 'asc', 'blf'];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vigil-python-can-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

function write(source: ExportSource, format: ExportFormatName): string {
  const file = path.join(folder, `file${FORMATS[format].extension}`);
  writeFileSync(file, Buffer.concat([...FORMATS[format].export(source)]));
  return file;
}

/** What is in a log: times by the wall clock in candump, and on the session's axis in the others. */
function logRows(source: ExportSource, format: ExportFormatName): LogRow[] {
  const frames = expectedRows(source).filter(({ frame }) => frame !== undefined);
  const buses = source.streams.filter(({ kind }) => kind === 'frame');
  const [first] = source.stretches;
  if (!first) throw new Error('no stretch');
  const start = Math.round(first.epoch.wallMs * 1000) + first.from;
  return frames.map((row): LogRow => {
    const { stream, frame } = row;
    const name = stream.id === 'can.can0' ? 'can0' : 'body';
    const isText = format === 'candump';
    return [
      isText ? Number(wallOf(row)) : start + sessionOf(row),
      isText ? name : buses.indexOf(stream),
      frame?.id ?? 0,
      frame?.extended ?? false,
      frame?.data.toLowerCase() ?? '',
    ];
  });
}

/** Buses have numbers from 0 in python-can, and from 1 in the files. */
function named([t, channel, ...frame]: LogRow): LogRow {
  return [t, typeof channel === 'number' ? `can${channel + 1}` : channel, ...frame];
}

describe.each(LOGS)(`%s, written by us`, (format) => {
  test.runIf(missingPythonCan === '').each(SEEDS)('recording %i', async (seed) => {
    const source = exampleSource(seed, ALL);
    const expected = logRows(source, format);
    expect(expected.length).toBeGreaterThan(100);
    expect(await readByPython(write(source, format))).toEqual(expected);
  });

  test.each(SEEDS)('recording %i, read by us', (seed) => {
    const source = exampleSource(seed, ALL);
    const { frames, tally } = readLog(readFileSync(write(source, format)));
    expect(frames.map(rowOf)).toEqual(logRows(source, format).map(named));
    expect(tally).toMatchObject({ malformed: 0, fd: 0, remote: 0, errorFrames: 0 });
  });

  test.runIf(missingPythonCan === '')('a large recording', async () => {
    const source = busySource(LARGE_FRAMES);
    const file = write(source, format);
    const theirs = await readByPython(file);
    expect(theirs).toHaveLength(LARGE_FRAMES);
    expect(theirs).toEqual(logRows(source, format));
    const ours = readLog(readFileSync(file));
    expect(ours.frames.map(rowOf)).toEqual(theirs.map(named));
  });
});

describe.runIf(missingPythonCan === '').each(['log', 'asc', 'blf'])('.%s of python-can', (type) => {
  test.each([
    ['small', 500],
    ['large', LARGE_FRAMES],
  ])('a %s one', async (_, count) => {
    const file = path.join(folder, `theirs.${type}`);
    const rows = randomRows(count, 7);
    writeByPython(file, rows);
    const theirs = await readByPython(file);
    const { frames, tally } = readLog(readFileSync(file));
    expect(frames.map(rowOf)).toEqual(theirs.map(named));
    expect(tally.faults).toEqual([]);
    // python-can cuts the start of ASC and BLF to a millisecond, and so moves the whole file.
    const moved = (frames[0]?.t ?? 0) - (rows[0]?.[0] ?? 0);
    expect(Math.abs(moved)).toBeLessThan(1_000);
    expect(frames.map(({ t, id }) => [t - moved, id])).toEqual(rows.map(([t, , id]) => [t, id]));
  });
});
