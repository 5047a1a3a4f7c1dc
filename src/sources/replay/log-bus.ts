import type { OpenCanBus } from '../../io/can/bus.ts';
import { dueFrames, type LogChannel, type LogFile } from './log/log-file.ts';
import { type LogFrame, LogTally } from './log/log-frame.ts';
import { Play } from './play.ts';
import { type DueFrame, playedBus, type Reading } from './played-bus.ts';

/** A bus whose frames come from a recording. */
export interface RecordedBus {
  /** `[a-z0-9_-]{1,23}`: its streams begin with `can.<name>`. */
  readonly name: string;
  /** For people: `can0 of drive.log`. */
  readonly device: string;
  readonly open: OpenCanBus;
  /** The playing of the whole recording. */
  readonly play: Play;
}

/** The buses of a log, each of which reads the file for itself. What is wrong in it counts for all. */
export function logBuses(log: LogFile): RecordedBus[] {
  const play = new Play(log);
  return log.channels.map((channel) => ({
    name: channel.bus,
    device: `${channel.name} of ${log.title}`,
    open: playedBus({ name: channel.bus, play, read: () => readingOf(log, channel) }),
    play,
  }));
}

function readingOf(log: LogFile, channel: LogChannel): Reading {
  const tally = new LogTally();
  return { frames: framesOf(log, channel, tally), faults: () => tally };
}

async function* framesOf(
  log: LogFile,
  { name }: LogChannel,
  tally: LogTally,
): AsyncGenerator<Iterable<DueFrame | undefined>> {
  for await (const frames of dueFrames(log, tally)) {
    yield ofChannel(frames, name);
  }
}

function* ofChannel(
  frames: Iterable<readonly [LogFrame, number]>,
  name: string,
): Generator<DueFrame | undefined> {
  for (const due of frames) yield due[0].channel === name ? due : undefined;
}
