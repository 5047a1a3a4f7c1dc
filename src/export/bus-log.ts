import { wallMs } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import type { Micros, Stream } from '#core/stream.ts';
import { offsetsOf } from './describe.ts';
import type { ExportSource } from './source.ts';

/**
 * What the logs of a bus share. They hold frames only: other streams are left out. Those of Vector
 * number the buses from 1, begin with a date in whole milliseconds, and count on from it.
 */
const BUS_PREFIX = 'can.';
/** Characters of the notes; what is longer is cut off. */
const NOTES_CHARS_MAX = 16_384;

export function framesOf(source: ExportSource): ExportSource {
  return {
    title: source.title,
    streams: source.streams.filter(({ kind }) => kind === 'frame'),
    stretches: source.stretches,
    columns: (stream, stretch) => source.columns(stream, stretch),
    events: (stretch) => source.events(stretch),
  };
}

export function busOf({ id }: Stream): string {
  return id.startsWith(BUS_PREFIX) ? id.slice(BUS_PREFIX.length) : id;
}

/** When a log begins: milliseconds since 1970, whole. 0 for one of nothing. */
export function startOf({ stretches: [first] }: ExportSource): number {
  return first ? Math.floor(Math.round(wallMs(first.epoch, first.from) * 1000) / 1000) : 0;
}

/**
 * What to add to the times of a stretch to have whole microseconds since the log's start, never below
 * 0. They run on the session's axis, and not by a wall clock that may have been set in between.
 */
export function shiftOf({ stretches: [first] }: ExportSource, stretch: Stretch): Micros {
  if (first === undefined) return 0;
  const wallUs = Math.round(wallMs(first.epoch, first.from) * 1000);
  return offsetsOf(stretch).session - Math.round(first.at) + (wallUs % 1000);
}

/**
 * What a reader has to know and the formats have no field for, in lines of text: the buses behind the
 * numbers, and how far the date can be believed.
 */
export function notesOf(source: ExportSource): string[] {
  const { title, streams, stretches } = source;
  const offset = -new Date(startOf(source)).getTimezoneOffset();
  const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, '0');
  const minutes = String(Math.abs(offset) % 60).padStart(2, '0');
  const lines = [
    `${title}, recorded by Vigil; the date is local time, UTC${offset < 0 ? '-' : '+'}${hours}:${minutes}`,
    ...streams.map((stream, i) => `channel ${i + 1} is ${busOf(stream)}`),
    ...stretches.flatMap((stretch, i) => {
      const { trust } = stretch.epoch;
      if (trust === stretches[i - 1]?.epoch.trust) return [];
      const seconds = ((stretch.from + shiftOf(source, stretch)) / 1e6).toFixed(6);
      return [`from ${seconds} s on, the trust in the wall clock is: ${trust}`];
    }),
  ];
  const text = lines.map((line) => line.replaceAll(/\p{Cc}/gu, ' ')).join('\n');
  return text.slice(0, NOTES_CHARS_MAX).split('\n');
}
