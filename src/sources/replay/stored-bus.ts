import type { Stream } from '#core/stream.ts';
import type { Frames } from '../../codec/columns.ts';
import type { RecordedBus } from './log-bus.ts';
import { Play } from './play.ts';
import { type DueFrame, playedBus } from './played-bus.ts';
import { frameAt, only, type Recording } from './readings.ts';
import { lengthOf, partsOf } from './replay.ts';

const PREFIX = 'can.';
const NO_FAULTS = { remote: 0, fd: 0, errorFrames: 0, malformed: 0, faults: [] };

/** A recording that is to be decoded anew, and the rest of it. */
export interface Split {
  readonly buses: readonly RecordedBus[];
  /** Without these buses, and without what was decoded of them when they were recorded. */
  readonly rest: Recording;
}

/**
 * Takes the buses out of a recording whose frames are to be decoded again, as with a DBC file that came
 * later: their frames come over a bus, and whatever reads it makes of them what it makes of a real one.
 *
 * @param isDecoded by the name of the bus: whether there is anything to decode it with
 */
export function splitBuses(recording: Recording, isDecoded: (bus: string) => boolean): Split {
  const length = lengthOf(partsOf(recording.stretches));
  const play = new Play({ title: recording.title, length });
  const taken = recording.streams.filter((stream) => {
    const bus = busOf(stream);
    return bus !== undefined && isDecoded(bus);
  });
  const ids = taken.map(({ id }) => id);
  const isOfTaken = ({ id }: Stream): boolean =>
    ids.some((taken) => id === taken || id.startsWith(`${taken}.`));
  return {
    buses: taken.map((stream) => busFrom(recording, stream, play)),
    rest: only(recording, (stream) => !isOfTaken(stream)),
  };
}

/** The name of the bus of a stream of frames. */
function busOf({ id, kind }: Stream): string | undefined {
  const name = id.slice(PREFIX.length);
  return kind === 'frame' && id.startsWith(PREFIX) && !name.includes('.') ? name : undefined;
}

function busFrom(recording: Recording, stream: Stream, play: Play): RecordedBus {
  const name = busOf(stream) ?? stream.id;
  const read = () => ({ frames: framesOf(recording, stream), faults: () => NO_FAULTS });
  const open = playedBus({ name, play, read });
  return { name, device: `${name} of ${play.title}`, open, play };
}

/** Piece by piece, on the axis on which everything else of the recording is played. */
function* framesOf(recording: Recording, stream: Stream): Generator<Iterable<DueFrame>, void> {
  let latest = 0;
  for (const { stretch, at } of partsOf(recording.stretches)) {
    const due = (t: number): number => {
      latest = Math.max(latest, at + t - stretch.from);
      return latest;
    };
    for (const piece of recording.columns(stream, stretch)) {
      if (piece.kind === 'frames') yield dueOf(piece, due);
    }
  }
}

function* dueOf(frames: Frames, due: (t: number) => number): Generator<DueFrame> {
  for (const [i, t] of frames.t.entries()) yield [frameAt(frames, i), due(t)];
}
