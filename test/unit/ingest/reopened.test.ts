import { expect, test } from 'vitest';
import { StoreError } from '../../../src/store/errors.ts';
import { settle } from '../../support/fake-clock.ts';
import { after, createWorld, face, MemoryStore, SESSION } from './world.ts';

test('a store that fails too late takes nothing from the one that was opened since', async () => {
  /** The first who asks for receipts waits for a turn, and then the disk is gone. */
  class LateStore extends MemoryStore {
    #isFirst = true;
    override *newest(ids: readonly string[]) {
      if (!this.#isFirst) return yield* super.newest(ids);
      this.#isFirst = false;
      for (let i = 0; i < 1_000; i++) yield {};
      throw new StoreError('FAILED', 'the disk is gone');
    }
  }
  const { clock, store, ingest } = createWorld(new LateStore());
  await clock.advance(3_000);
  const late = ingest.send(SESSION, face(0));
  const told = expect(late).rejects.toMatchObject({ code: 'BUSY' });
  await settle();
  store.reopen();
  const taken = ingest.send(SESSION, face(1));
  // What it takes is known from the sequence alone.
  store.isFailing = true;
  await expect(after(clock, taken)).rejects.toMatchObject({ code: 'BUSY' });
  await told;
  store.isFailing = false;
  expect(await after(clock, ingest.send(SESSION, face(1)))).toMatchObject({ duplicate: true });
  expect(store.data()).toHaveLength(2);
});
