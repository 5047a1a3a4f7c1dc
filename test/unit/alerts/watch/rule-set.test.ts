import { expect, test } from 'vitest';
import type { AlertRule } from '#core/alert.ts';
import { RuleSet } from '../../../../src/alerts/watch/rule-set.ts';
import { ANYTIME, readingOf, rule, STREAMS, written } from './play.ts';

function over(id: string, stream: string, more: Partial<AlertRule> = {}): AlertRule {
  return rule({ stream, when: { op: '>', value: 1 } }, { id, name: id, ...more });
}

function setOf(rules: readonly AlertRule[], situation = ANYTIME): RuleSet {
  const set = new RuleSet(situation, (id) => STREAMS[id]);
  set.set(rules, 0);
  return set;
}

test('a reading gets to the rules that use its stream', () => {
  const set = setOf([
    over('one', 'a'),
    over('two', 'part.*'),
    over('three', 'b', { enabled: false }),
  ]);
  const told = ['a', 'part.x', 'b'].map((id) =>
    set.take(readingOf(1e6, id, 2)).map(({ rule }) => rule.id),
  );
  expect(told).toEqual([['one'], ['two'], []]);
  expect(set.stats.rules).toBe(2);
  expect(set.watch('three')).toBeUndefined();
});

test('what is due comes in the order of time', () => {
  const stale = (id: string, value: number) =>
    ({ ...over(id, 'a'), when: { op: 'stale', value } }) as AlertRule;
  const set = setOf([stale('slow', 9), stale('fast', 3)]);
  expect(set.dueAt).toBe(3e6);
  expect(set.advance(20e6).map(({ rule, t }) => [rule.id, t])).toEqual([
    ['fast', 3e6],
    ['slow', 9e6],
  ]);
  expect(set.dueAt).toBe(Infinity);
});

test('a rule that stays as it was keeps its alert; one that changes or goes ends it', () => {
  const set = setOf([over('same', 'a'), over('other', 'a'), over('gone', 'a')]);
  set.take(readingOf(1e6, 'a', 2));
  const kept = set.watch('same');
  const changes = set.set([over('same', 'a'), over('other', 'a', { severity: 'alarm' })], 5e6);
  expect(changes.map((change) => [change.rule.id, written(change)])).toEqual([
    ['other', 'ended 5 changed'],
    ['gone', 'ended 5 changed'],
  ]);
  expect(set.watch('same')).toBe(kept);
  expect(set.take(readingOf(6e6, 'a', 2)).map(({ rule }) => rule.id)).toEqual(['other']);
});

test('another name and other actions end nothing, and count from then on', () => {
  const set = setOf([over('one', 'a')]);
  set.take(readingOf(1e6, 'a', 2));
  expect(set.set([over('one', 'a', { name: 'Uno', actions: ['mail'] })], 2e6)).toEqual([]);
  const [end] = set.take(readingOf(3e6, 'a', 0));
  expect(end).toMatchObject({
    kind: 'ended',
    by: 'cleared',
    rule: { name: 'Uno', actions: ['mail'] },
  });
});

test('a session that ends is noticed without a reading', () => {
  const studies = new Set(['s1']);
  const set = setOf([over('one', 'still', { while: { study: 's1' } })], { ...ANYTIME, studies });
  set.take(readingOf(1e6, 'still', 2));
  expect(set.dueAt).toBe(Infinity);
  studies.clear();
  expect(set.dueAt).toBe(-Infinity);
  expect(set.advance(7e6).map(written)).toEqual(['ended 7 cleared']);
  expect(set.dueAt).toBe(Infinity);
});

test('counts are summed', () => {
  const set = setOf([over('one', 'a'), over('two', 'a')]);
  set.take(readingOf(2e6, 'a', 0));
  set.take(readingOf(1e6, 'a', 0));
  set.take(readingOf(3e6, 'a', Number.NaN));
  expect(set.stats).toMatchObject({ late: 2, notFinite: 2, refused: 0, latched: 0 });
});
