/** The queue of a store that was just opened, and whether it gives all that is stored. */
import { expect } from 'vitest';
import type { Stream } from '#core/stream.ts';
import { readHeader } from '../../src/codec/block.ts';
import { eventIndexKey, parseBlockKey } from '../../src/store/keys.ts';
import type { Reads } from '../../src/store/lmdb.ts';
import type { Opened } from '../../src/store/opening/opening.ts';
import type { Position, Stretch } from '../../src/store/outbox/outbox.ts';
import { Progress } from '../../src/store/outbox/progress.ts';
import { Queue } from '../../src/store/outbox/queue.ts';
import { keyPages, recordsOf } from '../../src/store/reading/walk.ts';

const LIMITS = { values: 50_000, bytes: 2 ** 20 };

export function queueOf({ database, registry }: Opened): Queue {
  const ground = {
    ...{ opening: 1, reads: database, epoch: 0, contents: [] },
    progress: new Progress(registry),
    streams: registry.list(),
  };
  const store = { ground: () => ground, commit: async () => {}, keepUnsent: () => {} };
  return new Queue(store, (bytes) => new Uint8Array(bytes));
}

/** All of a stream, one stretch after the other. */
export function* stretchesOf(queue: Queue, number: number): Generator<Stretch> {
  let from = 0;
  let at: Position | undefined;
  for (;;) {
    const stretch = queue.read(number, from, at, LIMITS);
    if (stretch === undefined) return;
    expect(stretch.first).toBe(from);
    from += stretch.n;
    at = stretch.position;
    yield stretch;
  }
}

/** Whoever reads all that is recorded by seq gets every value of it, and no seq twice. */
export function expectQueueWhole(opened: Opened): void {
  const queue = queueOf(opened);
  for (const { number, stream, next } of queue.streams()) {
    let [end, found] = [0, 0];
    for (const { n, content } of stretchesOf(queue, number)) {
      end += n;
      if (content.kind !== 'gap') found += n;
      else expect(content.reason, stream.id).toBe('evicted');
    }
    expect(end, stream.id).toBe(next);
    expect(found, stream.id).toBe(storedOf(opened.database, number, stream));
  }
}

function storedOf(reads: Reads, number: number, { kind }: Stream): number {
  let n = 0;
  if (kind === 'event') {
    const start = eventIndexKey(number, { epoch: 0, t: 0, seq: 0 });
    const end = eventIndexKey(number + 1, { epoch: 0, t: 0, seq: 0 });
    for (const keys of keyPages(reads, 'eventIndex', { start, end, limit: 256 })) n += keys.length;
    return n;
  }
  const table = ({ sample: 'samples', wave: 'waves', frame: 'frames' } as const)[kind];
  for (const { key, value } of recordsOf(reads, table)) {
    if (parseBlockKey(key).stream === number) n += readHeader(value).n;
  }
  return n;
}
