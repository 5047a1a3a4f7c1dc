/** Of an id of a stream: core/stream.ts. */
const SEGMENT_CHARS_MAX = 23;
const HASH_CHARS = 6;
const HASHES = 36 ** HASH_CHARS;

export interface Named {
  readonly name: string;
  /** Tells it from others of the same name, and stays what it is when the file changes elsewhere. */
  readonly key: string;
}

/**
 * Names as segments of stream ids, `[a-z0-9_-]{1,23}`, one for each and no two alike: lower case, with `_`
 * for what must not be there. Where that is too long, or the same for several, each of those is cut and
 * ends with a hash of its key. What comes out depends on the names and keys and not on their order, so
 * that recordings go on under the same ids when a file is sorted anew.
 */
export function segmentsOf(items: readonly Named[]): string[] {
  const plain = items.map(({ name }) => name.toLowerCase().replace(/[^a-z0-9_-]/g, '_'));
  const alike = Map.groupBy(plain, (segment) => segment);
  const isGood = (segment: string): boolean =>
    segment.length <= SEGMENT_CHARS_MAX && alike.get(segment)?.length === 1;
  const taken = new Set(plain.filter(isGood));
  const segments = [...plain];
  const others = items
    .map(({ key }, index) => ({ key, index, segment: plain[index] ?? '' }))
    .filter(({ segment }) => !isGood(segment))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  for (const { key, index, segment } of others) {
    const stem = segment.slice(0, SEGMENT_CHARS_MAX - HASH_CHARS - 1);
    let hashed = `${stem}-${hashOf(key)}`;
    // Two hashes may meet, or one a name of the file; the next try is as good.
    for (let turn = 1; taken.has(hashed); turn++) hashed = `${stem}-${hashOf(`${key} ${turn}`)}`;
    taken.add(hashed);
    segments[index] = hashed;
  }
  return segments;
}

/** FNV-1a of 32 bits over UTF-16 code units, in base 36. It is in stored ids: it must never change. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return ((hash >>> 0) % HASHES).toString(36).padStart(HASH_CHARS, '0');
}
