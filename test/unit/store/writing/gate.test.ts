import { expect, test } from 'vitest';
import { Gate } from '../../../../src/store/writing/gate.ts';

test('one thing at a time, in order, and a failure keeps nothing from the next', async () => {
  const gate = new Gate();
  const said: string[] = [];
  const first = gate.run(async () => {
    said.push('a begins');
    await Promise.resolve();
    said.push('a ends');
    throw new Error('a failed');
  });
  const second = gate.run(() => Promise.resolve(said.push('b')));
  await expect(first).rejects.toThrow('a failed');
  expect(await second).toBe(3);
  expect(said).toEqual(['a begins', 'a ends', 'b']);
});
