import { expect, test } from 'vitest';
import { RecentEvents } from '../../../src/http/recent.ts';
import { blink, event } from './fakes.ts';

function filled(n: number, everyUs = 1_000): RecentEvents {
  const recent = new RecentEvents();
  for (let i = 1; i <= n; i++) expect(recent.add(event(blink, i), i * everyUs)).toBe(i);
  return recent;
}

const seqs = ({ events }: ReturnType<RecentEvents['since']>) => events.map(({ seq }) => seq);

test('what came after a number, again and again', () => {
  const recent = filled(5);
  for (let i = 0; i < 2; i++) {
    expect(seqs(recent.since(2, 5_000))).toEqual([3, 4, 5]);
    expect(recent.since(2, 5_000).lost).toBe(0);
  }
  expect(recent.since(5, 5_000)).toEqual({ lost: 0, events: [] });
  expect(recent.since(99, 5_000)).toEqual({ lost: 0, events: [] });
  expect(new RecentEvents().since(0, 0)).toEqual({ lost: 0, events: [] });
  expect(recent.seq).toBe(5);
});

test('500 are kept, for a minute, and the rest is counted', () => {
  const many = filled(700).since(100, 700_000);
  expect(many.lost).toBe(100);
  expect(seqs(many)).toEqual(Array.from({ length: 500 }, (_, i) => i + 201));
  const old = filled(10, 10e6).since(1, 100e6);
  expect(seqs(old)).toEqual([4, 5, 6, 7, 8, 9, 10]);
  expect(old.lost).toBe(2);
});

test('of large ones as many as there is room for, the newest', () => {
  const recent = new RecentEvents();
  for (let i = 1; i <= 10; i++) recent.add(event(blink, i, { text: 'x'.repeat(100_000) }), 0);
  const missed = recent.since(0, 0);
  expect(seqs(missed)).toEqual([6, 7, 8, 9, 10]);
  expect(missed.lost).toBe(5);
});
