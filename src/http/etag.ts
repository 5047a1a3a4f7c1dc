/** Entity tags, by which a client says what it has already: RFC 9110 clause 8.8.3. */
import { createHash } from 'node:crypto';
import type { RequestHead } from './message.ts';

/** 132 bits: no two contents share them. */
const HASH_CHARS = 22;

/** What goes into the tag of a content, which no other has; without the quotes. */
export function contentHash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('base64url').slice(0, HASH_CHARS);
}

/**
 * Whether If-None-Match has a tag. By clause 13.1.2 the comparison is a weak one.
 *
 * @param etag with its quotes
 */
export function isKnown(headers: RequestHead['headers'], etag: string): boolean {
  const tags = (headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim());
  return tags.some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag);
}
