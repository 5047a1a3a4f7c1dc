import path from 'node:path';
import { codeOf, isSystemError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import { filePieces } from '../../../io/file-pieces.ts';
import { LogError } from './errors.ts';
import { type LogClock, logClock } from './log-clock.ts';
import { type LogFrame, LogTally } from './log-frame.ts';
import { AnyLogReader } from './log-reader.ts';

/** A log of a bus, or of several, that can be played. */
export interface LogFile {
  readonly path: string;
  /** For people: `drive.log`. */
  readonly title: string;
  readonly channels: readonly LogChannel[];
  /** What plays take, in microseconds: long gaps are shortened. */
  readonly length: number;
  /** Of the whole file. */
  readonly tally: LogTally;
}

export interface LogChannel {
  /** As the file has it. */
  readonly name: string;
  /** As the bus is called here: made of `a-z`, `0-9`, `_` and `-`, at most 23, another one for each. */
  readonly bus: string;
  readonly frames: number;
}

/** More are not played: their frames are counted as `other`. */
const CHANNELS_MAX = 16;
const BUS_CHARS_MAX = 23;
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file'],
  ['ENOTDIR', 'no such file'],
  ['EISDIR', 'a directory, not a file'],
  ['EACCES', 'no permission to read it'],
]);

/**
 * Goes through a file once, to tell what is in it: of 100 MB it takes a second or two.
 *
 * @throws LogError
 */
export async function openLog(file: string): Promise<LogFile> {
  const tally = new LogTally();
  const { counts, length } = await survey(file, tally);
  if (counts.size === 0) {
    const unread = `${tally.fd} CAN FD frames, which this version does not read`;
    const [found = tally.fd > 0 ? unread : ''] = tally.faults;
    const why = found === '' ? '' : `; ${found}`;
    throw new LogError('NO_FRAMES', `${file}: there is no classical CAN frame in it${why}`);
  }
  const buses = busNames([...counts.keys()]);
  const channels = [...counts].map(([name, frames], i) => ({
    name,
    frames,
    bus: buses[i] ?? name,
  }));
  return { path: file, title: path.basename(file), channels, length, tally };
}

/** How many frames each channel has, and what all of them take to play. @throws LogError */
async function survey(
  file: string,
  tally: LogTally,
): Promise<{ readonly counts: ReadonlyMap<string, number>; readonly length: Micros }> {
  const counts = new Map<string, number>();
  const clock = logClock();
  let length = 0;
  try {
    for await (const frames of logFrames(file, tally)) {
      for (const { channel, t } of frames) {
        const count = counts.get(channel);
        if (count === undefined && counts.size === CHANNELS_MAX) {
          tally.other++;
          continue;
        }
        counts.set(channel, (count ?? 0) + 1);
        length = clock(t);
      }
    }
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'NOT_A_LOG') throw error;
    throw new LogError(error.code, `${file}: ${error.message}`, { cause: error });
  }
  return { counts, length };
}

/** The frames, with when each is due: microseconds from the first one of the file. */
export async function* dueFrames(
  { path: file, channels }: LogFile,
  tally: LogTally,
): AsyncGenerator<Iterable<readonly [LogFrame, number]>, void> {
  const clock = logClock();
  const known = new Set(channels.map(({ name }) => name));
  for await (const frames of logFrames(file, tally)) yield dueOf(frames, clock, known);
}

function* dueOf(
  frames: Iterable<LogFrame>,
  clock: LogClock,
  known: ReadonlySet<string>,
): Generator<readonly [LogFrame, number]> {
  for (const frame of frames) if (known.has(frame.channel)) yield [frame, clock(frame.t)];
}

/**
 * Piece by piece. What is wrong in the middle of a file is counted.
 *
 * @throws LogError UNREADABLE; NOT_A_LOG, which does not name the file, when the frames are taken
 */
async function* logFrames(file: string, tally: LogTally): AsyncGenerator<Iterable<LogFrame>, void> {
  const reader = new AnyLogReader(tally);
  try {
    for await (const piece of filePieces(file)) yield reader.frames(piece);
  } catch (error) {
    if (isSystemError(error)) {
      // zlib's errors have a number, too: what is there before the damage is played.
      if (codeOf(error).startsWith('Z_')) tally.fault('gzip', 'the file is damaged or cut off');
      else throw unreadable(file, error);
    } else throw error;
  }
  yield reader.end();
}

function unreadable(file: string, error: Error): LogError {
  const why = UNREADABLE.get(codeOf(error)) ?? error.message;
  return new LogError('UNREADABLE', `${file}: ${why}`, { cause: error });
}

/** Another one for each: what is not is numbered. */
function busNames(names: readonly string[]): string[] {
  const taken: string[] = [];
  for (const name of names) {
    const plain = plainName(name);
    let bus = plain;
    for (let n = 2; taken.includes(bus); n++) bus = `${plain.slice(0, BUS_CHARS_MAX - 3)}-${n}`;
    taken.push(bus);
  }
  return taken;
}

function plainName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '-')
    .slice(0, BUS_CHARS_MAX);
}
