import { ALERT, ALERT_CHANGE } from '#core/alert.ts';
import type { Clock } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import type { Emit, Micros, Reading, Stream } from '#core/stream.ts';
import type { Source } from '../source.ts';
import { playedText } from './play.ts';
import { type Due, only, type Recording, readingsOf } from './readings.ts';

/**
 * Plays a recording: its readings come again, with the spacing in which they came, and with the times
 * of now. How fast is up to the clock that it is run on. What the gateway told of itself, its alerts
 * among it, is left out: whoever plays it finds alerts of its own and tells how it is.
 */

/** Of the streams in core/gateway-streams.ts that tell how its parts are. */
const GATEWAY_PREFIX = 'gateway.';
/** A longer gap between two stretches is played as one of this length. */
const GAP_US_MAX = 10_000_000;
/** Readings that are due within it are given out together. */
const TICK_MS = 20;
/** Readings of one turn; when more are due, what else there is to do comes in between. */
const TURN_READINGS_MAX = 4_000;
/**
 * A recording may be silent for hours, and its end is no fault: with less, the supervisor would play
 * it again and again. A quarter of it is the longest that a timer can count.
 */
const SILENCE_MS = 4 * (2 ** 31 - 1);

export interface ReplayOptions {
  readonly id: string;
  readonly recording: Recording;
}

/** One stretch on the axis that is played. */
export interface Part {
  readonly stretch: Stretch;
  /** Microseconds from the start of the replay. */
  readonly at: Micros;
  /** What its first gap lost, in microseconds. */
  readonly shortened: number;
}

/**
 * A source that plays `recording` once and then stays connected, saying that it is at the end: one
 * that ended would be opened again by the supervisor, as a lost link is.
 */
export function replaySource({ id, recording: stored }: ReplayOptions): Source {
  const recording = only(stored, (stream) => !isOfGateway(stream)); // As it came from the devices.
  const parts = partsOf(recording.stretches);
  const length = lengthOf(parts);
  const shortened = parts.reduce((sum, part) => sum + part.shortened, 0);
  let played = 0;
  let readings = 0;
  return {
    id,
    streams: recording.streams,
    silenceMs: SILENCE_MS,
    async run(emit, clock, signal) {
      const start = clock.now();
      played = 0;
      const positions = new Map<Stream, number>();
      const give: Emit = (reading) => {
        readings++;
        emit(renumbered(reading, positions));
      };
      for (const part of parts) {
        await play(part, { recording, start, emit: give, clock, signal }, (us) => {
          played = us;
        });
      }
      played = length;
      for (;;) await clock.sleep(SILENCE_MS / 4, signal);
    },
    note() {
      const where = playedText(recording.title, played, length);
      return played < length ? where : `${where}: at the end`;
    },
    health: () => ({
      recording: recording.title,
      playedS: Math.floor(played / 1e6),
      lengthS: Math.floor(length / 1e6),
      gapsShortenedS: Math.round(shortened / 1e6),
      readings,
    }),
  };
}

function isOfGateway({ id }: Stream): boolean {
  return id === ALERT.id || id === ALERT_CHANGE.id || id.startsWith(GATEWAY_PREFIX);
}

/** The stretches on one axis, on which the gaps between them are at most GAP_US_MAX long. */
export function partsOf(stretches: readonly Stretch[]): Part[] {
  const parts: Part[] = [];
  let end = 0;
  let at = 0;
  for (const [i, stretch] of stretches.entries()) {
    const gap = i === 0 ? 0 : Math.max(0, stretch.at - end);
    const kept = Math.min(gap, GAP_US_MAX);
    at += kept;
    parts.push({ stretch, at, shortened: gap - kept });
    end = stretch.at + stretch.to - stretch.from;
    at += stretch.to - stretch.from;
  }
  return parts;
}

/** How long all of them are together, with the gaps between them, in microseconds. */
export function lengthOf(parts: readonly Part[]): Micros {
  const last = parts.at(-1);
  return last === undefined ? 0 : last.at + last.stretch.to - last.stretch.from;
}

interface Playing {
  readonly recording: Recording;
  /** Time of the clock at which the replay began. */
  readonly start: Micros;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Resolves at the end of the part; rejects with the signal's reason. */
async function play(
  part: Part,
  { recording, start, emit, clock, signal }: Playing,
  report: (us: Micros) => void,
): Promise<void> {
  /** Added to times of the stretch's epoch. */
  const shift = start + part.at - part.stretch.from;
  const end = part.stretch.to + shift;
  using readings = readingsOf(recording, part.stretch);
  let next = readings.next();
  for (;;) {
    const now = clock.now();
    for (let n = 0; n < TURN_READINGS_MAX && isDue(next, now - shift); n++) {
      emit(moved(next.value.reading, shift));
      next = readings.next();
    }
    report(Math.min(now, end) - start);
    if (next.done && now >= end) return;
    const at = next.done ? end : next.value.at + shift;
    const late = at <= now;
    await clock.sleep(late ? 0 : Math.max(TICK_MS, (at - now) / 1000), signal);
  }
}

function isDue(next: IteratorResult<Due, void>, now: Micros): next is IteratorYieldResult<Due> {
  return !next.done && next.value.at <= now;
}

function moved(reading: Reading, shift: Micros): Reading {
  return { ...reading, t: reading.t + shift };
}

/** Positions of waves count from the start of the process, and go on over what was not recorded. */
function renumbered(reading: Reading, positions: Map<Stream, number>): Reading {
  if (reading.kind !== 'wave') return reading;
  const seq = (positions.get(reading.stream) ?? 0) + reading.lost;
  positions.set(reading.stream, seq + reading.v.length);
  return { ...reading, seq };
}
