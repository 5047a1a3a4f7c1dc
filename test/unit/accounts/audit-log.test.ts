import { expect, test } from 'vitest';
import { type AuditFact, nextEntry } from '../../../src/accounts/audit.ts';
import { MemoryAudit } from './memory-audit.ts';

const FACT: AuditFact = {
  ...{ action: 'login', who: 'ada', from: '10.0.0.2', target: '', result: 'done' },
  details: { b: [1, { c: null }], a: 'x' },
};

async function withEntries(count: number): Promise<MemoryAudit> {
  const audit = new MemoryAudit();
  for (let i = 0; i < count; i++) audit.log.note(FACT);
  await audit.log.flush();
  return audit;
}

test('entries are numbered, and each has the hash of the one before', async () => {
  const { entries, told } = await withEntries(3);
  expect(entries.map(({ n }) => n)).toEqual([1, 2, 3]);
  expect(entries.map(({ before }) => before)).toEqual([
    ...['', entries[0]?.hash, entries[1]?.hash],
  ]);
  expect(told).toEqual([FACT, FACT, FACT]);
});

test('whatever is changed in any entry is found', async () => {
  const changes = [
    ...[{ who: 'bob' }, { action: 'logout' }, { from: '' }, { target: 'y' }, { result: 'refused' }],
    ...[
      { time: '2026-11-23T00:00:00.000Z' },
      { at: { epoch: 1, t: 5 } },
      { at: { epoch: 2, t: 0 } },
    ],
    ...[{ details: {} }, { details: { ...FACT.details, a: 'y' } }, { hash: 'x' }, { before: 'x' }],
  ] as const;
  for (const n of [1, 5, 9]) {
    for (const change of changes) {
      const audit = await withEntries(9);
      audit.change(n, change);
      const { whole, brokenAt } = await audit.log.check();
      expect(whole, JSON.stringify([n, change])).toBe(false);
      expect([n, n + 1]).toContain(brokenAt);
    }
  }
});

test('an entry that was taken out, or put in, or has changed its place is found', async () => {
  const told = async (change: (audit: MemoryAudit) => void) => {
    const audit = await withEntries(9);
    change(audit);
    return (await audit.log.check()).brokenAt;
  };
  expect(await told((audit) => void audit.entries.splice(4, 1))).toBe(6);
  expect(await told((audit) => void audit.entries.pop())).toBe(9);
  expect(await told((audit) => void audit.entries.splice(0))).toBe(9);
  expect(
    await told((audit) => {
      const [a, b] = audit.entries.splice(3, 2);
      if (a && b) audit.entries.splice(3, 0, { ...b, n: a.n }, { ...a, n: b.n });
    }),
  ).toBe(4);
  // Anew from there on, but for those behind it.
  expect(
    await told((audit) => {
      const { at, time } = audit.entries[4] ?? { at: { epoch: 0, t: 0 }, time: '' };
      const forged = nextEntry(audit.entries[3], { ...FACT, who: 'bob' }, { at, time });
      audit.entries.splice(4, 1, forged);
    }),
  ).toBe(6);
  // The oldest go by and by.
  expect(await told((audit) => void audit.entries.splice(0, 4))).toBeNull();
});

test('the order of names in details, which a store may change, does not matter', async () => {
  const audit = await withEntries(2);
  audit.change(1, { details: { a: 'x', b: [1, { c: null }] } });
  expect((await audit.log.check()).whole).toBe(true);
});

test('a walk leaves the event loop to others', async () => {
  const audit = await withEntries(950);
  expect((await audit.log.check()).entries).toBe(950);
  expect(audit.rests).toBe(5);
});

test('a start goes on behind what is there', async () => {
  const audit = await withEntries(3);
  audit.log = audit.start();
  audit.log.note(FACT);
  await audit.log.flush();
  expect(audit.entries.map(({ n }) => n)).toEqual([1, 2, 3, 4]);
  expect((await audit.log.check()).whole).toBe(true);
});

test('what cannot be written waits, in order, with the time at which it was', async () => {
  const audit = await withEntries(1);
  audit.failure = Object.assign(new Error('full'), { code: 'ENOSPC' });
  for (const who of ['a', 'b']) audit.log.note({ ...FACT, who });
  await audit.log.flush();
  expect(audit.entries).toHaveLength(1);
  audit.failure = undefined;
  audit.log.note({ ...FACT, who: 'c' });
  await audit.log.flush();
  expect(audit.entries.map(({ who }) => who)).toEqual(['ada', 'a', 'b', 'c']);
  expect((await audit.log.check()).whole).toBe(true);
});

test('a store that opens late gets all of it, and what is too much is counted', async () => {
  const audit = new MemoryAudit();
  const log = audit.closed();
  for (let i = 0; i < 1_003; i++) log.note(FACT);
  expect(log.dropped).toBe(3);
  await log.flush();
  expect(audit.entries).toEqual([]);
  log.open();
  await log.flush();
  expect(audit.entries).toHaveLength(1_000);
});

test('a bug of the records is no reason to lose the log silently', async () => {
  const audit = new MemoryAudit();
  const log = audit.closed();
  log.note(FACT);
  audit.failure = new TypeError('a bug');
  log.open();
  await expect(log.flush()).rejects.toThrow('a bug');
});

test('whoever guesses passwords does not drive the others out of the log', async () => {
  const audit = new MemoryAudit();
  for (let i = 0; i < 500; i++) audit.log.note({ ...FACT, result: 'refused' });
  audit.log.note(FACT);
  await audit.log.flush();
  expect(audit.entries).toHaveLength(101);
  expect(audit.told).toHaveLength(501);
  await audit.clock.advance(5 * 60_000);
  audit.log.note({ ...FACT, result: 'refused' });
  await audit.log.flush();
  expect(audit.entries.at(-1)?.details).toEqual({ ...FACT.details, unkept: 400 });
});

test('a stolen token is in the log, whoever guesses passwords meanwhile', async () => {
  const audit = new MemoryAudit();
  for (let i = 0; i < 500; i++) audit.log.note({ ...FACT, result: 'refused' });
  audit.log.note({ ...FACT, action: 'token.reuse', result: 'refused' });
  await audit.log.flush();
  expect(audit.entries.at(-1)?.action).toBe('token.reuse');
});
