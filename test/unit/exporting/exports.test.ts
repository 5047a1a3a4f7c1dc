import { expect, test } from 'vitest';
import {
  type ExportFiles,
  type ExportJob,
  type ExportOrder,
  Exports,
  type ExportsOptions,
} from '../../../src/exporting/exports.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

const DAY_MS = 24 * 3_600_000;

/** A disk in memory. */
class Files implements ExportFiles {
  readonly files = new Map<string, Uint8Array[]>();
  freeBytes = 2 ** 40;
  /** While set, what is written is refused with it. */
  refusal: Error | undefined;
  open = 0;

  async clear(): Promise<void> {
    if (this.refusal) throw this.refusal;
    this.files.clear();
  }

  async free(): Promise<number> {
    return this.freeBytes;
  }

  async create(name: string) {
    const pieces: Uint8Array[] = [];
    this.files.set(name, pieces);
    this.open++;
    return {
      write: async (bytes: Uint8Array) => {
        if (this.refusal) throw this.refusal;
        pieces.push(bytes);
      },
      close: async () => {
        this.open--;
      },
    };
  }

  async *read(name: string, from: number, to: number): AsyncGenerator<Uint8Array> {
    yield Buffer.concat(this.files.get(name) ?? []).subarray(from, to);
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }
}

async function open(options: Partial<ExportsOptions> = {}) {
  const files = new Files();
  const clock = new FakeClock();
  let n = 0;
  const random = (bytes: number) => new Uint8Array(bytes).fill(++n);
  const exports = new Exports({ files, clock, random, estimate: () => 100, ...options });
  await exports.open();
  const told: ExportJob[] = [];
  exports.onChange((job) => void told.push(job));
  return { files, clock, exports, told };
}

/** An export whose pieces come when they are let go. */
function order(
  owner = 'ada',
  bytes = 10,
): { order: ExportOrder; next(): Promise<void>; returned: boolean } {
  const gates: (() => void)[] = [];
  const made = {
    returned: false,
    next: async () => {
      await settle();
      gates.shift()?.();
      await settle();
    },
    order: {
      ...{ owner, session: 1, names: true, estimate: 4 * bytes, what: 'csv' },
      begin: async () => ({ fileName: 'vigil-session-1.csv', mime: 'text/csv', pieces: pieces() }),
    },
  };
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (let i = 0; i < 2; i++) {
        await new Promise<void>((go) => gates.push(go));
        yield new Uint8Array(bytes).fill(i);
      }
    } finally {
      made.returned = true;
    }
  }
  return made;
}

const refusal = () => Object.assign(new Error('no space left'), { code: 'ENOSPC' });

test('an export is written piece by piece and told of once a second', async () => {
  const { exports, told, clock, files } = await open();
  const made = order();
  const { id } = await exports.start(made.order);
  expect(exports.get(id)).toMatchObject({ state: 'running', bytes: 0, progress: 0 });
  expect(() => exports.read(id, 0, 1)).toThrow(expect.objectContaining({ code: 'NOT_DONE' }));
  await made.next();
  expect(exports.get(id)).toMatchObject({ state: 'running', bytes: 10, progress: 0.25 });
  await clock.advance(1_000);
  await made.next();
  expect(exports.get(id)).toMatchObject({ state: 'done', bytes: 20, progress: 1 });
  expect(told.map(({ state, progress }) => [state, progress])).toEqual([
    ['running', 0],
    ['running', 0.5],
    ['done', 1],
  ]);
  for await (const read of exports.read(id, 9, 12)) expect(read).toEqual(Buffer.of(0, 1, 1));
  expect.assertions(7);
  expect(files.open).toBe(0);
});

test('an account has one at a time, and others are not in its way', async () => {
  const { exports } = await open();
  const first = order();
  await exports.start(first.order);
  await expect(exports.start(order().order)).rejects.toMatchObject({ code: 'RUNNING' });
  const other = await exports.start(order('bob').order);
  expect(other.state).toBe('running');
  await first.next();
  await first.next();
  expect((await exports.start(order().order)).state).toBe('running');
});

test('what cannot begin leaves nothing, and is told', async () => {
  const { exports, told, files } = await open();
  const bad = { ...order().order, begin: () => Promise.reject(refusal()) };
  await expect(exports.start(bad)).rejects.toMatchObject({ code: 'ENOSPC' });
  expect([told, files.files.size]).toEqual([[], 0]);
  expect((await exports.start(order().order)).state).toBe('running');
});

test('a disk that refuses fails the export, which leaves no file', async () => {
  const { exports, files } = await open();
  const made = order();
  const { id } = await exports.start(made.order);
  files.refusal = refusal();
  await made.next();
  expect(exports.get(id)).toMatchObject({ state: 'failed', bytes: 0, error: 'no space left' });
  expect([files.files.size, files.open, made.returned]).toEqual([0, 0, true]);
  expect(exports.health().details).toMatchObject({ failed: 1, running: 0 });
});

test('without a place for files there are none, and it is said why', async () => {
  const files = new Files();
  files.refusal = refusal();
  const { exports } = await open({ files });
  await expect(exports.start(order().order)).rejects.toMatchObject({
    ...{ code: 'OFF', message: 'no files are kept: no space left' },
  });
  expect(exports.health().text).toBe('no space left');
});

test('one that is removed while it is made ends, and its file goes', async () => {
  const { exports, files, told } = await open();
  const made = order();
  const { id } = await exports.start(made.order);
  await made.next();
  await exports.remove(id);
  expect(() => exports.get(id)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  await made.next();
  expect([files.files.size, files.open, made.returned]).toEqual([0, 0, true]);
  expect(told.map(({ state }) => state)).toEqual(['running']);
  expect(exports.health().details['running']).toBe(0);
});

async function finished(exports: Exports, owner = 'ada', bytes = 10): Promise<string> {
  const made = order(owner, bytes);
  const { id } = await exports.start(made.order);
  await made.next();
  await made.next();
  expect(exports.get(id).state).toBe('done');
  return id;
}

test('the oldest makes room, and what has no room is refused', async () => {
  const { exports, files } = await open({ bytesMax: 100 });
  const ids = [await finished(exports), await finished(exports), await finished(exports)];
  // 60 bytes are kept, and 40 more are expected.
  ids.push(await finished(exports));
  expect(files.files.size).toBe(4);
  ids.push(await finished(exports));
  expect([...files.files.keys()]).toEqual(ids.slice(1));
  await expect(exports.start(order('bob', 30).order)).rejects.toMatchObject({ code: 'NO_ROOM' });
  expect(exports.health().details).toMatchObject({ kept: 4, removed: 1 });
  files.freeBytes = 0;
  await expect(exports.start(order().order)).rejects.toMatchObject({ code: 'NO_ROOM' });
});

test('20 are kept at most, for a day at most', async () => {
  const { exports, clock, files } = await open();
  const ids: string[] = [];
  for (let i = 0; i < 21; i++) ids.push(await finished(exports));
  expect([...files.files.keys()]).toEqual(ids.slice(1));
  await clock.advance(DAY_MS);
  expect(() => exports.get(ids[20] ?? '')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  const next = await finished(exports);
  expect([...files.files.keys()]).toEqual([next]);
});

test('what is asked for again under its key is not made again', async () => {
  const { exports } = await open();
  const made = order();
  const job = await exports.start({ ...made.order, key: 'k' });
  const again = { ...order().order, key: 'k' };
  expect((await exports.start(again)).id).toBe(job.id);
  await made.next();
  await made.next();
  expect(await exports.start(again)).toMatchObject({ id: job.id, state: 'done' });
  await expect(exports.start({ ...again, what: 'jsonl' })).rejects.toMatchObject({
    code: 'KEY_REUSED',
  });
  const others = await exports.start({ ...order('bob').order, key: 'k' });
  expect(others.id).not.toBe(job.id);
  await exports.remove(job.id);
  expect((await exports.start(again)).id).not.toBe(job.id);
});

test('what begins is not made again under its key either, and others wait', async () => {
  const { exports } = await open();
  const made = order();
  let begun = 0;
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = {
    ...{ ...made.order, key: 'k' },
    begin: async () => {
      begun++;
      await gate;
      return await made.order.begin();
    },
  };
  const first = exports.start(slow);
  await settle();
  const again = exports.start(slow);
  await expect(exports.start({ ...slow, what: 'jsonl' })).rejects.toMatchObject({
    code: 'KEY_REUSED',
  });
  await expect(exports.start({ ...slow, key: 'l' })).rejects.toMatchObject({ code: 'RUNNING' });
  go();
  expect((await again).id).toBe((await first).id);
  expect(begun).toBe(1);
});

test('who waits for what begins under their key is told, too, when it cannot', async () => {
  const { exports } = await open();
  const bad = { ...order().order, key: 'k', begin: () => Promise.reject(refusal()) };
  const both = await Promise.allSettled([exports.start(bad), exports.start(bad)]);
  expect(both).toMatchObject([
    { status: 'rejected', reason: { code: 'ENOSPC' } },
    { status: 'rejected', reason: { code: 'ENOSPC' } },
  ]);
  expect((await exports.start({ ...order().order, key: 'k' })).state).toBe('running');
});

test('exports of what is deleted go, those under way too', async () => {
  const { exports, files } = await open();
  const [done, running, other] = [order('ada'), order('bob'), order('eve')];
  const first = await exports.start(done.order);
  await done.next();
  await done.next();
  const second = await exports.start(running.order);
  const third = await exports.start({ ...other.order, session: 2 });
  await exports.removeAll(({ session }) => session === 1);
  for (const { id } of [first, second]) {
    expect(() => exports.get(id)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  }
  await running.next();
  await running.next();
  expect([...files.files.keys()]).toEqual([third.id]);
});
