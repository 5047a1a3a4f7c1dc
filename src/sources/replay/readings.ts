import type { Stretch } from '#core/session.ts';
import { EXTENDED_FLAG, type Micros, type Reading, type Stream } from '#core/stream.ts';
import type { Columns, EventRow, Frames, Scalars, Waves } from '../../codec/columns.ts';

/**
 * What is stored of a stretch, as the readings that it was made of, in the order in which they came:
 * a wave came when its last sample was there.
 */

/** What is played. */
export interface Recording {
  /** For people: `session 12`. */
  readonly title: string;
  readonly streams: readonly Stream[];
  /** One after the other on the session's time axis. */
  readonly stretches: readonly Stretch[];
  /** Pieces of a sample, wave or frame stream, cut to the stretch, in the order of time. */
  columns(stream: Stream, stretch: Stretch): Iterable<Columns>;
  /** Events of all streams, in the order of time. */
  events(stretch: Stretch): Iterable<EventRow>;
}

/** A reading with the times of its epoch. */
export interface Due {
  /** When it came, in microseconds of the stretch's epoch. */
  readonly at: Micros;
  readonly reading: Reading;
}

/** Without the streams that are not wanted. */
export function only(recording: Recording, isWanted: (stream: Stream) => boolean): Recording {
  return {
    title: recording.title,
    streams: recording.streams.filter(isWanted),
    stretches: recording.stretches,
    columns: (stream, stretch) => recording.columns(stream, stretch),
    *events(stretch) {
      for (const event of recording.events(stretch)) if (isWanted(event.stream)) yield event;
    },
  };
}

/** Samples of a wave in one reading, as the headsets send them. */
const WAVE_SAMPLES_MAX = 64;

interface Cursor {
  readonly readings: Iterator<Due>;
  next: Due;
}

/** Ends the recording's iterators when it is left. */
export function* readingsOf(recording: Recording, stretch: Stretch): Generator<Due> {
  const open: Iterator<Due>[] = [];
  try {
    const waiting: Cursor[] = [];
    for (const readings of iteratorsOf(recording, stretch)) {
      open.push(readings);
      wait(waiting, readings);
    }
    for (let first = waiting.shift(); first; first = waiting.shift()) {
      yield first.next;
      wait(waiting, first.readings);
    }
  } finally {
    for (const readings of open) readings.return?.();
  }
}

function* iteratorsOf(recording: Recording, stretch: Stretch): Generator<Iterator<Due>> {
  for (const stream of recording.streams) {
    if (stream.kind !== 'event') yield piecesOf(stream, recording.columns(stream, stretch));
  }
  yield eventsOf(recording.events(stretch));
}

/** Puts the next reading of a stream where its turn is; behind those of the same time. */
function wait(waiting: Cursor[], readings: Iterator<Due>): void {
  const { value, done } = readings.next();
  if (done) return;
  const behind = waiting.findIndex(({ next }) => next.at > value.at);
  waiting.splice(behind < 0 ? waiting.length : behind, 0, { readings, next: value });
}

function* piecesOf(stream: Stream, pieces: Iterable<Columns>): Generator<Due> {
  let before: Waves | undefined;
  for (const piece of pieces) {
    if (piece.kind === 'scalars') yield* samplesOf(stream, piece);
    else if (piece.kind === 'frames') yield* framesOf(stream, piece);
    else {
      yield* wavesOf(stream, piece, before);
      before = piece;
    }
  }
}

function* samplesOf(stream: Stream, { t, v }: Scalars): Generator<Due> {
  for (const [i, at] of t.entries()) {
    yield { at, reading: { kind: 'sample', stream, t: at, v: v[i] ?? 0 } };
  }
}

function* framesOf(stream: Stream, frames: Frames): Generator<Due> {
  for (const [i, at] of frames.t.entries()) {
    yield { at, reading: { kind: 'frame', stream, t: at, ...frameAt(frames, i) } };
  }
}

/** A frame out of columns, with data of its own. */
export function frameAt({ id, length, data }: Frames, i: number) {
  const flagged = id[i] ?? 0;
  const extended = flagged >= EXTENDED_FLAG;
  return {
    id: extended ? flagged - EXTENDED_FLAG : flagged,
    extended,
    data: data.slice(i * 8, i * 8 + (length[i] ?? 0)),
  };
}

function* wavesOf(stream: Stream, piece: Waves, before: Waves | undefined): Generator<Due> {
  const { t0, span, v, seq } = piece;
  const period = v.length > 1 ? span / (v.length - 1) : 1e6 / Math.max(1, stream.hz);
  const hole = before ? Math.max(0, seq - (before.seq + before.v.length)) : 0;
  for (let from = 0; from < v.length; from += WAVE_SAMPLES_MAX) {
    const counts = v.slice(from, from + WAVE_SAMPLES_MAX);
    const t = Math.round(t0 + from * period);
    const reading = {
      kind: 'wave' as const,
      ...{ stream, t, v: counts, seq: seq + from },
      hz: 1e6 / period,
      lost: from === 0 ? hole : 0,
    };
    yield { at: Math.round(t0 + (from + counts.length - 1) * period), reading };
  }
}

function* eventsOf(events: Iterable<EventRow>): Generator<Due> {
  for (const { stream, t, data } of events) {
    yield { at: t, reading: { kind: 'event', stream, t, data } };
  }
}
