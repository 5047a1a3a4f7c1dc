import { describe, expect, test } from 'vitest';
import { Journal, type OpenedJournal } from '../../../../src/store/journal/journal.ts';
import { RECORD_HEADER_BYTES } from '../../../../src/store/journal/journal-record.ts';
import { FaultyDisk } from '../../../support/disk.ts';

/** Small, so that segments fill up in a few records. */
const BYTES = 16 << 10;
const EPOCH = 7;

function open(disk: FaultyDisk, sealedSeq = 0): Promise<OpenedJournal> {
  return Journal.open([disk.open('j0', BYTES), disk.open('j1', BYTES)], sealedSeq);
}

function text(words: string): Uint8Array {
  return Buffer.from(words);
}

/** `seq:payload` of each. */
function replayed({ replay }: OpenedJournal): string[] {
  return replay.map(({ seq, payload }) => `${seq}:${Buffer.from(payload)}`);
}

/** A crash that leaves only what was synced, and one that leaves everything. */
const losesAll = (): (() => number) => first(0);
const writesAll = (): (() => number) => first(1);

function first(likely: number): () => number {
  let calls = 0;
  return () => (calls++ === 0 ? likely : 0.5);
}

describe('append', () => {
  test('is one write and one sync, and comes back at the next open', async () => {
    const disk = new FaultyDisk();
    const { journal, replay, problems } = await open(disk);
    expect([replay, problems]).toEqual([[], []]);
    const before = disk.operations;
    expect(await journal.append(EPOCH, text('a'))).toBe(1);
    expect(disk.operations - before).toBe(2);
    expect(await journal.append(EPOCH + 1, text('b'))).toBe(2);
    const again = await open(disk.crash(losesAll()));
    expect(replayed(again)).toEqual(['1:a', '2:b']);
    expect(again.replay.map(({ epoch }) => epoch)).toEqual([EPOCH, EPOCH + 1]);
  });

  test('calls at once are written one after the other', async () => {
    const disk = new FaultyDisk();
    const { journal } = await open(disk);
    const seqs = Array.from({ length: 10 }, (_, i) => journal.append(EPOCH, text(`${i}`)));
    expect(await Promise.all(seqs)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(disk.overlapping).toBe(1);
    expect(replayed(await open(disk))).toHaveLength(10);
  });

  test('copies the payload at once', async () => {
    const disk = new FaultyDisk();
    const { journal } = await open(disk);
    const payload = text('mine');
    const appended = journal.append(EPOCH, payload);
    payload.fill(0);
    await appended;
    expect(replayed(await open(disk))).toEqual(['1:mine']);
  });

  test('refuses the 17th at once, and goes on when the device answers', async () => {
    const { journal } = await open(new FaultyDisk());
    const appends = Array.from({ length: 17 }, () => journal.append(EPOCH, text('x')));
    const results = await Promise.allSettled(appends);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(results[16]).toMatchObject({ reason: { code: 'QUEUE_FULL' } });
    expect(await journal.append(EPOCH, text('y'))).toBe(17);
  });
});

describe('a segment', () => {
  test('takes what fills it to the last byte, and nothing more', async () => {
    const disk = new FaultyDisk();
    const { journal } = await open(disk);
    expect(journal.room).toBe(BYTES - RECORD_HEADER_BYTES);
    const tooLong = journal.append(EPOCH, new Uint8Array(journal.room + 1));
    await expect(tooLong).rejects.toMatchObject({
      code: 'SEGMENT_FULL',
      message: 'j0: a payload of 16365 bytes does not fit into 16364',
    });
    expect(await journal.append(EPOCH, new Uint8Array(journal.room))).toBe(1);
    expect(journal.room).toBe(0);
    await expect(journal.append(EPOCH, text(''))).rejects.toThrow('does not fit');
    expect((await open(disk)).replay).toHaveLength(1);
  });

  test('counts what is under way as taken', async () => {
    const { journal } = await open(new FaultyDisk());
    const half = new Uint8Array(BYTES / 2 - RECORD_HEADER_BYTES);
    const both = [journal.append(EPOCH, half), journal.append(EPOCH, half)];
    expect(journal.room).toBe(0);
    await expect(journal.append(EPOCH, text(''))).rejects.toMatchObject({ code: 'SEGMENT_FULL' });
    expect(await Promise.all(both)).toEqual([1, 2]);
  });

  test('tells from 75 % on that it is nearly full', async () => {
    const { journal } = await open(new FaultyDisk());
    await journal.append(EPOCH, new Uint8Array(BYTES * 0.75 - RECORD_HEADER_BYTES - 1));
    expect(journal.isNearlyFull).toBe(false);
    const appended = journal.append(EPOCH, text(''));
    expect(journal.isNearlyFull).toBe(true);
    await appended;
    journal.swap();
    expect(journal.isNearlyFull).toBe(false);
  });
});

describe('swap', () => {
  test('keeps both segments until the old one is retired', async () => {
    const disk = new FaultyDisk();
    const { journal } = await open(disk);
    await journal.append(EPOCH, text('a'));
    expect(journal.swap()).toBe(1);
    await journal.append(EPOCH, text('b'));
    expect(() => journal.swap()).toThrow('before the other segment was retired');
    expect(replayed(await open(disk))).toEqual(['1:a', '2:b']);
    expect(replayed(await open(disk, 1))).toEqual(['2:b']);
    journal.retired();
    expect(journal.swap()).toBe(2);
    await journal.append(EPOCH, text('c'));
    expect(replayed(await open(disk, 2))).toEqual(['3:c']);
    expect(replayed(await open(disk, 1))).toEqual(['2:b', '3:c']);
  });

  test('covers the appends that are under way', async () => {
    const disk = new FaultyDisk();
    const { journal } = await open(disk);
    const [a, b] = [journal.append(EPOCH, text('a')), journal.append(EPOCH, text('b'))];
    expect(journal.swap()).toBe(2);
    journal.retired();
    const c = journal.append(EPOCH, text('c'));
    expect(journal.swap()).toBe(3);
    const d = journal.append(EPOCH, text('d'));
    expect(await Promise.all([a, b, c, d])).toEqual([1, 2, 3, 4]);
    // The last went over the first: that is what retiring it had allowed.
    expect(replayed(await open(disk))).toEqual(['3:c', '4:d']);
  });
});

describe('open', () => {
  test('goes on behind what is not sealed, and seq with it', async () => {
    const disk = new FaultyDisk();
    const first = await open(disk);
    await first.journal.append(EPOCH, text('a'));
    first.journal.swap();
    await first.journal.append(EPOCH, text('b'));
    const { journal } = await open(disk);
    expect(() => journal.swap()).toThrow('retired');
    expect(await journal.append(EPOCH + 1, text('c'))).toBe(3);
    expect(replayed(await open(disk))).toEqual(['1:a', '2:b', '3:c']);
    journal.retired();
    expect(journal.swap()).toBe(3);
    await journal.append(EPOCH + 1, text('d'));
    expect(replayed(await open(disk, 3))).toEqual(['4:d']);
    expect(replayed(await open(disk))).toEqual(['2:b', '3:c', '4:d']);
  });

  test('with everything sealed begins anew, but not with seq', async () => {
    const disk = new FaultyDisk();
    const first = await open(disk);
    await first.journal.append(EPOCH, text('a'));
    const { journal, replay } = await open(disk, 41);
    expect([replay, journal.room]).toEqual([[], BYTES - RECORD_HEADER_BYTES]);
    expect(await journal.append(EPOCH, text('b'))).toBe(42);
    expect(journal.swap()).toBe(42);
  });

  test('refuses to count further than a u32', async () => {
    const { journal } = await open(new FaultyDisk(), 0xffff_ffff);
    await expect(journal.append(EPOCH, text('a'))).rejects.toThrow(RangeError);
  });
});

describe('a hole in seq', () => {
  test.each([
    // The last of the older segment, the first behind the sealed one, the last of all.
    {
      lost: 2,
      sealed: 0,
      problem: 'j1: records that are missing between record 1 and record 3: 1',
    },
    { lost: 1, sealed: 0, problem: undefined },
    {
      lost: 3,
      sealed: 2,
      problem: 'j1: records that are missing between record 2 and record 4: 1',
    },
    { lost: 4, sealed: 0, problem: undefined },
  ])(
    'record $lost lost behind $sealed is told, unless it may never have been whole',
    async (each) => {
      const disk = new FaultyDisk();
      const { journal } = await open(disk);
      for (const word of ['a', 'b']) await journal.append(EPOCH, text(word));
      journal.swap();
      for (const word of ['c', 'd']) await journal.append(EPOCH, text(word));
      const name = each.lost <= 2 ? 'j0' : 'j1';
      const image = disk.image(name);
      const at = ((each.lost - 1) % 2) * (RECORD_HEADER_BYTES + 1) + RECORD_HEADER_BYTES;
      image[at] = 1;
      disk.put(name, image);
      const again = await open(disk, each.sealed);
      const kept = [1, 2, 3, 4].filter((seq) => seq > each.sealed && seq !== each.lost);
      expect(again.replay.map(({ seq }) => seq)).toEqual(kept);
      const holes = again.problems.filter((text) => text.includes('are missing'));
      expect(holes).toEqual(each.problem === undefined ? [] : [each.problem]);
      expect(again.problems.length > 0).toBe(each.lost !== 4);
      const cut = ['the last record of the journal was cut off: up to a second is missing'];
      expect(again.notes).toEqual(each.lost === 4 ? cut : []);
    },
  );
});

describe('a damaged segment', () => {
  test('tells of it, and replays all else', async () => {
    const disk = new FaultyDisk();
    const { journal } = await open(disk);
    for (const word of ['a', 'b', 'c']) await journal.append(EPOCH, text(word));
    const image = disk.image('j0');
    image[41] = 1;
    disk.put('j0', image);
    const again = await open(disk);
    expect(replayed(again)).toEqual(['1:a', '3:c']);
    expect(again.problems).toEqual(['j0: damaged places with lost records: 1']);
  });

  test.each([0, 1, 100])('cut off to %i bytes costs what was behind', async (bytes) => {
    const disk = new FaultyDisk();
    const { journal } = await open(disk);
    for (const word of ['a', 'b', 'c', 'd', 'e', 'f']) await journal.append(EPOCH, text(word));
    journal.swap();
    await journal.append(EPOCH, text('g'));
    disk.put('j0', disk.image('j0').subarray(0, bytes));
    const again = await open(disk);
    const kept = ['1:a', '2:b', '3:c', '4:d'].slice(0, Math.floor(bytes / 21));
    expect(replayed(again)).toEqual([...kept, '7:g']);
    expect(await again.journal.append(EPOCH, text('h'))).toBe(8);
  });

  test('that cannot be read costs only itself', async () => {
    const disk = new FaultyDisk();
    const first = await open(disk);
    await first.journal.append(EPOCH, text('a'));
    first.journal.swap();
    await first.journal.append(EPOCH, text('b'));
    disk.failNext('read', 'EIO');
    const second = await open(disk);
    expect(replayed(second)).toEqual(['2:b']);
    expect(second.problems).toEqual(['j0: unreadable pieces of 256 KB, lost: 1 (EIO: read)']);
    // It may have been the newer one: nothing that is written now may look older than what it has.
    const seq = await second.journal.append(EPOCH, text('c'));
    expect(seq).toBeGreaterThan(1_000_000);
    expect(replayed(await open(disk))).toEqual(['1:a', '2:b', `${seq}:c`]);
  });

  test('with one unreadable piece costs no more than what is in it', async () => {
    const disk = new FaultyDisk();
    const files = [disk.open('j0', 1 << 20), disk.open('j1', 1 << 20)] as const;
    const { journal } = await Journal.open(files, 0);
    for (let i = 0; i < 100; i++) await journal.append(EPOCH, new Uint8Array(9980));
    disk.failNext('read', 'EIO');
    const { replay, problems } = await Journal.open(files, 0);
    expect(replay.map(({ seq }) => seq)).toEqual(Array.from({ length: 73 }, (_, i) => i + 28));
    expect(problems).toHaveLength(2);
  });

  test('a bug in a file is not taken for a bad disk', async () => {
    const [j0, j1] = [new FaultyDisk().open('j0', BYTES), new FaultyDisk().open('j1', BYTES)];
    const read = (): Promise<never> => Promise.reject(new TypeError('a bug'));
    await expect(Journal.open([j0, { ...j1, read }], 0)).rejects.toThrow('a bug');
  });
});

describe('an append that fails', () => {
  test.each(['write', 'sync'] as const)('in %s costs nothing but itself', async (operation) => {
    const disk = new FaultyDisk();
    const { journal } = await open(disk);
    await journal.append(EPOCH, text('a'));
    const room = journal.room;
    disk.failNext(operation, 'ENOSPC');
    const failed = journal.append(EPOCH, text('a long one that is rejected'));
    const next = journal.append(EPOCH, text('b'));
    await expect(failed).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await next).toBe(3);
    expect(journal.room).toBe(room - RECORD_HEADER_BYTES - 1);
    await journal.append(EPOCH, text('c'));
    const again = await open(disk.crash(losesAll()));
    expect(replayed(again)).toEqual(['1:a', '3:b', '4:c']);
    expect(again.problems).toEqual([]);
  });

  test('and is on the device all the same, is before the seal that follows', async () => {
    const disk = new FaultyDisk();
    const { journal } = await open(disk);
    disk.failNext('sync', 'EIO');
    await expect(journal.append(EPOCH, text('a'))).rejects.toThrow('EIO');
    const sealed = journal.swap();
    await journal.append(EPOCH, text('b'));
    const after = disk.crash(writesAll());
    expect(replayed(await open(after))).toEqual(['1:a', '2:b']);
    expect(replayed(await open(after, sealed))).toEqual(['2:b']);
  });
});
