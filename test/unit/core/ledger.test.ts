import { expect, test } from 'vitest';
import { Ledger, type Records } from '#core/ledger.ts';
import { settle } from '../../support/fake-clock.ts';

interface Item {
  readonly id: string;
  readonly text: string;
}

/** What outlives a restart, and whatever refuses to be written to it. */
class Disk implements Records<string, Item> {
  readonly kept = new Map<string, string>();
  /** While set, every write is refused with it. */
  refusal: Error | undefined;
  writing = 0;
  writes = 0;

  list(): Item[] {
    return [...this.kept].map(([id, text]) => ({ id, text }));
  }

  put({ id, text }: Item): Promise<void> {
    return this.#write(() => this.kept.set(id, text));
  }

  remove(id: string): Promise<void> {
    return this.#write(() => this.kept.delete(id));
  }

  async #write(work: () => void): Promise<void> {
    this.writing++;
    this.writes++;
    await settle();
    this.writing--;
    if (this.refusal) throw this.refusal;
    work();
  }
}

const byId = (a: Item, b: Item): number => (a.id < b.id ? -1 : 1);
const item = { id: 'b', text: 'one' };

test('what was kept comes in its order, in front of what was put since the start', async () => {
  const disk = new Disk();
  disk.kept.set('c', '3').set('a', '1');
  const ledger = new Ledger(disk);
  await ledger.put(item);
  disk.kept.delete('b');
  expect(ledger.load(byId)).toEqual([
    { id: 'a', text: '1' },
    { id: 'c', text: '3' },
  ]);
  expect([...ledger.all()].map(({ id }) => id)).toEqual(['a', 'c', 'b']);
  expect(ledger).toMatchObject({ size: 3, unsaved: 0 });
});

test('an item put before the load is not undone by its record', () => {
  const disk = new Disk();
  disk.kept.set('b', 'before');
  const ledger = new Ledger(disk);
  void ledger.put(item);
  ledger.load(byId);
  expect(ledger.get('b')).toEqual(item);
});

test('an item that changes while another is written is written once, as it is then', async () => {
  const disk = new Disk();
  const ledger = new Ledger(disk);
  const first = ledger.put({ id: 'a', text: '1' });
  const all = ['x', 'y', 'z'].map((text) => ledger.put({ id: 'b', text }));
  expect(disk.writing).toBe(1);
  await Promise.all([first, ...all]);
  expect(disk.writes).toBe(2);
  expect(disk.kept.get('b')).toBe('z');
});

test('a removal that is refused is tried again, and memory is right meanwhile', async () => {
  const disk = new Disk();
  disk.kept.set('b', 'one');
  const ledger = new Ledger(disk);
  ledger.load(byId);
  disk.refusal = Object.assign(new Error('no space left on the device'), { code: 'ENOSPC' });
  const removed = ledger.remove('b');
  await ledger.flush();
  expect(ledger.get('b')).toBeUndefined();
  expect(ledger).toMatchObject({ unsaved: 1, failures: 1, failure: disk.refusal.message });
  disk.refusal = undefined;
  await ledger.flush();
  await removed;
  expect(disk.kept.size).toBe(0);
  expect(ledger).toMatchObject({ unsaved: 0, failure: '' });
});

test('a flush waits for the write that is under way', async () => {
  const disk = new Disk();
  const ledger = new Ledger(disk);
  void ledger.put(item);
  expect(disk.writing).toBe(1);
  await ledger.flush();
  expect(disk.kept.get('b')).toBe('one');
});

test('an error without a code is a bug and is not swallowed', async () => {
  const disk = new Disk();
  const ledger = new Ledger(disk);
  disk.refusal = new TypeError('a bug');
  void ledger.put(item);
  await expect(ledger.flush()).rejects.toBe(disk.refusal);
});

test('items that come and go while nothing can be written leave nothing behind', async () => {
  const disk = new Disk();
  disk.refusal = Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  const ledger = new Ledger(disk);
  void ledger.put(item);
  await ledger.flush();
  const kept = [];
  for (let n = 0; n < 9; n++) {
    kept.push(ledger.put({ id: `n${n}`, text: '' }), ledger.remove(`n${n}`));
  }
  await Promise.all(kept);
  expect(ledger).toMatchObject({ size: 1, unsaved: 1 });
  // What may have been written is removed for sure.
  const gone = ledger.remove(item.id);
  expect(ledger.unsaved).toBe(1);
  disk.refusal = undefined;
  await ledger.flush();
  await gone;
  expect(ledger.unsaved).toBe(0);
});
