import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MailShelf, type StoredMail } from '../../../../src/alerts/mail/shelf.ts';
import { matterOf } from '../../../../src/alerts/mail/text.ts';
import { alertOf } from '../../../support/alert-fixture.ts';
import { settle } from '../../../support/fake-clock.ts';

const AT = { epoch: 7, t: 0 };

function mail(id: number, attempts: number): StoredMail {
  return {
    ...{ id, attempts, nextAt: null, messageId: null, done: [] },
    matter: matterOf('started', alertOf(), { at: AT, vehicle: null, driver: null }),
    queuedAt: { ...AT, wallMs: null },
  };
}

/** Records that a test lets go on one write at a time. */
function slowRecords() {
  const mails = new Map<number, StoredMail>();
  const writes: ((fails: boolean) => void)[] = [];
  const turn = (work: () => void) =>
    new Promise<void>((resolve, reject) => {
      writes.push((fails) => {
        if (fails) return reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
        work();
        return resolve();
      });
    });
  const records = {
    list: () => [...mails.values()],
    put: (one: StoredMail) => turn(() => mails.set(one.id, one)),
    remove: (ids: readonly number[]) =>
      turn(() => {
        for (const id of ids) mails.delete(id);
      }),
  };
  return { records, mails, writes };
}

type Step =
  | { readonly kind: 'put' | 'remove'; readonly id: number }
  | { readonly kind: 'write' | 'fail' };

test('whatever changes while writes go on or fail, the records have it in the end', async () => {
  const id = fc.integer({ min: 1, max: 4 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constantFrom('put', 'remove'), id }),
    fc.record({ kind: fc.constantFrom('write', 'fail') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { records, mails, writes } = slowRecords();
      const shelf = new MailShelf(records);
      const wanted = new Map<number, StoredMail>();
      for (const [n, one] of steps.entries()) {
        if (one.kind === 'put') {
          const changed = mail(one.id, n);
          wanted.set(one.id, changed);
          void shelf.put([changed]);
        } else if (one.kind === 'remove') {
          wanted.delete(one.id);
          void shelf.remove([one.id]);
        } else {
          writes.shift()?.(one.kind === 'fail');
        }
        await settle();
        expect(writes.length).toBeLessThanOrEqual(1);
      }
      const done = shelf.flush();
      while (shelf.unsaved > 0) {
        writes.shift()?.(false);
        await settle();
      }
      await done;
      expect(mails).toEqual(wanted);
    }),
  );
});

test('a digest is removed as a whole, before anything else is written', async () => {
  const { records, mails, writes } = slowRecords();
  for (const id of [1, 2, 3]) mails.set(id, mail(id, 1));
  const shelf = new MailShelf(records);
  expect(shelf.load().map(({ id }) => id)).toEqual([1, 2, 3]);
  const first = shelf.put([mail(4, 0), mail(5, 0)]);
  void shelf.remove([1, 2, 3]);
  writes.shift()?.(false);
  await settle();
  expect([...mails.keys()]).toEqual([1, 2, 3, 4]);
  writes.shift()?.(false);
  await settle();
  expect([...mails.keys()]).toEqual([4]);
  writes.shift()?.(false);
  await first;
  expect([...mails.keys()]).toEqual([4, 5]);
});

test('a bug of the records is no failure of the disk', async () => {
  const { records } = slowRecords();
  const shelf = new MailShelf({ ...records, put: () => Promise.reject(new TypeError('a bug')) });
  await expect(shelf.put([mail(1, 0)])).rejects.toThrow('a bug');
});
