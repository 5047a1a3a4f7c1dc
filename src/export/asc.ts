import { EXTENDED_FLAG } from '#core/stream.ts';
import { framesOf, notesOf, shiftOf, startOf } from './bus-log.ts';
import { merge } from './merge.ts';
import type { Rows } from './rows.ts';
import type { ExportSource } from './source.ts';
import { TextWriter } from './text.ts';

/**
 * Vector's ASCII log, which CANoe, CANalyzer and python-can can read:
 *
 *   date Sat Nov 22 12:29:12.123 am 2025
 *   base hex  timestamps absolute
 *   internal events logged
 *   Begin Triggerblock Sat Nov 22 12:29:12.123 am 2025
 *      0.001234 1  123             Rx   d 8 11 22 33 44 55 66 77 88
 *   End TriggerBlock
 *
 * Seconds since the date, channel, identifier (`x` behind one of 29 bits), direction, length, data.
 * The date has three digits behind the second (CANoe takes no other number of them) and no zone: it is
 * the local time of who writes it, and python-can reads it so. What else there is to say stands in
 * comments.
 */
const SECOND_US = 1_000_000;
const SECOND_CHARS = 4;
const ID_CHARS = 15;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = [
  ...['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'],
  ...['Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
];
/** ` 00` to ` FF`. */
const BYTES: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => ` ${byte.toString(16).toUpperCase().padStart(2, '0')}`,
);

export function* asc(source: ExportSource): Generator<Uint8Array> {
  const out = new TextWriter();
  const frames = framesOf(source);
  const date = dateText(new Date(startOf(frames)));
  out.ascii(`date ${date}\nbase hex  timestamps absolute\ninternal events logged\n`);
  for (const note of notesOf(frames)) out.text(`// ${note}\n`);
  out.ascii(`Begin Triggerblock ${date}\n   0.000000 Start of measurement\n`);
  for (const stretch of frames.stretches) {
    const shift = shiftOf(frames, stretch);
    for (const rows of merge(frames, stretch)) {
      for (let i = 0; i < rows.n; i++) {
        writeFrame(out, rows, i, shift);
        if (out.full) yield out.take();
      }
    }
  }
  out.ascii('End TriggerBlock\n');
  yield out.take();
}

function writeFrame(out: TextWriter, rows: Rows, i: number, shift: number): void {
  const us = (rows.t[i] ?? 0) + shift;
  const second = Math.floor(us / SECOND_US);
  out.ascii(`${String(second).padStart(SECOND_CHARS)}.`);
  out.digits(us - second * SECOND_US, 6);
  const id = rows.v[i] ?? 0;
  const extended = id >= EXTENDED_FLAG;
  const digits = (extended ? id - EXTENDED_FLAG : id).toString(16).toUpperCase();
  const length = rows.length[i] ?? 0;
  const text = `${digits}${extended ? 'x' : ''}`.padEnd(ID_CHARS);
  out.ascii(` ${(rows.stream[i] ?? 0) + 1}  ${text} Rx   d ${length}`);
  for (let at = i * 8; at < i * 8 + length; at++) out.ascii(BYTES[rows.data[at] ?? 0] ?? '');
  out.char(0x0a);
}

/** `Sat Nov 22 12:29:12.123 am 2025`, by the local time. */
function dateText(date: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const hours = date.getHours();
  const time = `${two(hours % 12 || 12)}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  const day = `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${two(date.getDate())}`;
  return `${day} ${time}.${ms} ${hours < 12 ? 'am' : 'pm'} ${date.getFullYear()}`;
}
