import { busOf, framesOf } from './bus-log.ts';
import { offsetsOf } from './describe.ts';
import { frameText } from './frame.ts';
import { merge } from './merge.ts';
import type { ExportSource } from './source.ts';
import { TextWriter } from './text.ts';

/**
 * The log of can-utils' `candump -l`, which canplayer, Wireshark and python-can can read:
 *
 *   (1436509052.249713) can0 123#DEADBEEF
 *
 * Seconds since 1970 with at least 10 digits (lib.c and candump.c), bus, frame; lines end in LF.
 * There is no place for how far the clock can be believed.
 */
const SECOND_US = 1_000_000;
const SECOND_DIGITS = 10;

export function* candump(source: ExportSource): Generator<Uint8Array> {
  const out = new TextWriter();
  const frames = framesOf(source);
  const buses = frames.streams.map(busOf);
  for (const stretch of frames.stretches) {
    const { wall } = offsetsOf(stretch);
    for (const rows of merge(frames, stretch)) {
      for (let i = 0; i < rows.n; i++) {
        const us = (rows.t[i] ?? 0) + wall;
        const second = Math.floor(us / SECOND_US);
        out.ascii(`(${String(second).padStart(SECOND_DIGITS, '0')}.`);
        out.digits(us - second * SECOND_US, 6);
        out.ascii(`) ${buses[rows.stream[i] ?? 0]} ${frameText(rows, i)}\n`);
        if (out.full) yield out.take();
      }
    }
  }
  if (!out.empty) yield out.take();
}
