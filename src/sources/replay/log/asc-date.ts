/**
 * Dates of Vector's ASC logs, as its programs write them in English and in German:
 *
 *   Sat Nov 22 12:29:12.123 am 2025
 *   Sam Mär 22 00:29:12 2025
 *
 * There is no zone in them: they are local time.
 */
const DATE =
  /^\S+\s+(\S+)\s+(\d{1,2})\s+(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*(am|pm)?\s+(\d{4})$/i;

/** By how they begin: `Mär` may be in any encoding. */
const MONTHS: readonly RegExp[] = [
  ...[/^jan/, /^feb/, /^m.{1,2}r/, /^apr/, /^ma[iy]/, /^jun/],
  ...[/^jul/, /^aug/, /^sep/, /^o[ck]t/, /^nov/, /^de[cz]/],
];

/** Microseconds since 1970, or undefined for what is no such date. */
export function ascDate(text: string): number | undefined {
  const [, month = '', day, hours, minutes, seconds, fraction = '', half, year] =
    DATE.exec(text.trim()) ?? [];
  const monthIndex = MONTHS.findIndex((begins) => begins.test(month.toLowerCase()));
  if (year === undefined || monthIndex < 0) return undefined;
  const hour = half === undefined ? Number(hours) : hour24(Number(hours), half.toLowerCase());
  const clock = [hour, Number(minutes), Number(seconds)] as const;
  const ms = new Date(Number(year), monthIndex, Number(day), ...clock).getTime();
  return ms * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

function hour24(hour: number, half: string): number {
  return (hour % 12) + (half === 'pm' ? 12 : 0);
}
