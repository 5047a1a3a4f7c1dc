/** How the commands write and read what people write and read. */
import { getSystemErrorMap } from 'node:util';
import { codeOf } from '#core/errors.ts';
import { UsageError } from './errors.ts';

const KB = 1024;
const UNITS = ['B', 'KB', 'MB', 'GB'] as const;
/** Characters of a cell; the rest is cut off. */
const CELL_CHARS_MAX = 28;

/** Columns as wide as what is in them; numbers to the right. The first row is the heading. */
export function table(rows: readonly (readonly string[])[], right: readonly number[]): string {
  const cells = rows.map((row) => row.map(cellOf));
  const count = Math.max(0, ...cells.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) =>
    Math.max(...cells.map((row) => row[i]?.length ?? 0)),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, i) => {
        const width = widths[i] ?? 0;
        return right.includes(i) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** What a person wrote may hold anything; a terminal obeys control characters. */
function cellOf(text: string): string {
  const plain = text.replaceAll(/\p{C}/gu, '?');
  return plain.length <= CELL_CHARS_MAX ? plain : `${plain.slice(0, CELL_CHARS_MAX - 3)}...`;
}

/** Local time to the minute: `2026-03-01 07:45`. */
export function localTime(ms: number): string {
  const date = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

export function bytesText(bytes: number): string {
  const power = bytes < KB ? 0 : Math.min(3, Math.floor(Math.log(bytes) / Math.log(KB)));
  return `${(bytes / KB ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}

/** What of the system's calls a person has heard of. */
const DONE: ReadonlyMap<string, string> = new Map([
  ['open', 'opened'],
  ['read', 'read'],
  ['write', 'written'],
  ['rename', 'renamed'],
]);

/**
 * What the system refused, as a sentence: Node's own words begin with a code and end with a call. What
 * is no error of a system's call is told in its own words.
 */
export function errorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof Error) || !('errno' in error)) return message;
  const [, words] = getSystemErrorMap().get(Number(error.errno)) ?? [];
  if (words === undefined || !message.startsWith(`${codeOf(error)}: `)) return message;
  const what = 'path' in error ? String(error.path) : 'a file';
  const done = DONE.get('syscall' in error ? String(error.syscall) : '') ?? 'used';
  const hint = PERMISSIONS.includes(codeOf(error)) ? '; it may belong to another user' : '';
  return `${what} cannot be ${done}: ${words}${hint}`;
}

const PERMISSIONS = ['EACCES', 'EPERM'];

/** Microseconds of `90`, `90s`, `5m`, `1h30m`. @throws UsageError */
export function parseDuration(text: string, flag: string): number {
  const pattern = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,6})?)s?)?$/;
  const parts = pattern.exec(text);
  if (text === '' || parts === null) {
    const found = JSON.stringify(text);
    throw new UsageError(`${flag}: expected a time such as 90s, 5m or 1h30m, found ${found}`);
  }
  const [hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return Math.round(((hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1e6);
}
