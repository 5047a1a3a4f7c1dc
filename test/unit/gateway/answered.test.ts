import { expect, test } from 'vitest';
import { Answered } from '../../../src/gateway/answered.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

function start(max = 2) {
  const clock = new FakeClock();
  return { clock, answered: new Answered<string>({ clock, ms: 1_000, max }) };
}

test('an answer is found under its key, for who asked, as long as it is kept', async () => {
  const { clock, answered } = start();
  answered.keep('a', 'k', Promise.resolve('done'));
  expect(await answered.find('a', 'k')).toBe('done');
  expect(answered.find('b', 'k')).toBeUndefined();
  expect(answered.find('a', 'other')).toBeUndefined();
  await clock.advance(1_000);
  expect(await answered.find('a', 'k')).toBe('done');
  await clock.advance(1);
  expect(answered.find('a', 'k')).toBeUndefined();
});

test('one that is about to be is shared; a failure is forgotten, but not what came after it', async () => {
  const { answered } = start();
  const { promise, reject } = Promise.withResolvers<string>();
  answered.keep('a', 'k', promise);
  expect(answered.find('a', 'k')).toBe(promise);
  answered.keep('a', 'later', promise);
  answered.keep('a', 'later', Promise.resolve('done'));
  reject(new Error('lost'));
  await settle();
  expect(answered.find('a', 'k')).toBeUndefined();
  expect(await answered.find('a', 'later')).toBe('done');
});

test('there are never more than there may be: the oldest goes', () => {
  const { answered } = start(2);
  for (const key of ['1', '2', '3']) answered.keep('a', key, Promise.resolve(key));
  expect(['1', '2', '3'].map((key) => answered.find('a', key) !== undefined)).toEqual([
    ...[false, true, true],
  ]);
});
