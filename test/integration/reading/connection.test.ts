/** One life of a thread, whatever it does. */
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Connection } from '../../../src/reading/connection.ts';
import { FakeClock } from '../../support/fake-clock.ts';

test('a thread that sends what cannot be read does not live on', async () => {
  const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
  const failures: string[] = [];
  const connection = new Connection(worker, new FakeClock(), ({ code }) => failures.push(code));
  const step = connection.step({ type: 'next', id: 1 }).catch((error: unknown) => error);
  worker.emit('messageerror', new Error('unknown class'));
  expect(await step).toMatchObject({
    code: 'CRASHED',
    message: 'the reading thread sent what cannot be read: unknown class',
  });
  await connection.gone;
  expect(failures).toEqual(['CRASHED']);
});
