import { expect, test } from 'vitest';
import { Turns } from '#core/turns.ts';
import { settle } from '../../support/fake-clock.ts';

test('what has one name goes one after the other, and failures end nothing', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const work =
    (name: string, fails = false) =>
    async () => {
      log.push(`${name} begins`);
      await settle();
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };
  const all = await Promise.allSettled([
    turns.run('x', work('a')),
    turns.run('x', work('b', true)),
    turns.run('x', work('c')),
  ]);
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('other names do not wait', async () => {
  const turns = new Turns();
  const never = new Promise<void>(() => {});
  void turns.run('x', () => never);
  expect(await turns.run('y', async () => 1)).toBe(1);
});
