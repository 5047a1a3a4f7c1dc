import { Problem } from './problem.ts';

/** Bytes from `from` to `to`, which is not one of them. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** More digits are no number of bytes, and would lose their last ones. */
const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/i;

/**
 * The part of a file that a request wants, RFC 9110 clause 14.2; undefined for all of it. A Range that
 * makes no sense counts for nothing, as does one of several parts, which clause 14.2 allows, and one
 * of a file that has changed since (If-Range, clause 13.1.5).
 *
 * @throws Problem 416 for a part behind the end
 */
export function parseRange(
  headers: ReadonlyMap<string, string>,
  { etag, bytes }: { readonly etag: string; readonly bytes: number },
): ByteRange | undefined {
  const condition = headers.get('if-range');
  if (condition !== undefined && condition !== etag) return undefined;
  const [match, first, last] = RANGE.exec(headers.get('range')?.trim() ?? '') ?? [];
  if (match === undefined || (first === '' && last === '')) return undefined;
  const range = first === '' ? suffix(Number(last), bytes) : part(Number(first), last, bytes);
  if (range === undefined || range.from < range.to) return range;
  throw new Problem(416, `The file has ${bytes} bytes, and none of these.`, [], {
    'content-range': `bytes */${bytes}`,
  });
}

/** The last `length` bytes. */
function suffix(length: number, bytes: number): ByteRange {
  return { from: Math.max(0, bytes - length), to: length === 0 ? 0 : bytes };
}

/** Undefined for one that ends before it begins: it is no range. */
function part(first: number, last: string | undefined, bytes: number): ByteRange | undefined {
  if (!last) return { from: first, to: bytes };
  if (Number(last) < first) return undefined;
  return { from: first, to: Math.min(bytes, Number(last) + 1) };
}
