/** Which PIDs share a request. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PollPlan } from '../../../../src/sources/obd/poll.ts';
import { eight, groupOf, groupsOf, learned, planOf, S } from './plans.ts';

describe('packing', () => {
  test('fills a request as soon as six lengths have been seen, and all of them in the end', () => {
    const plan = planOf(eight);
    for (const { pid } of eight.slice(2, 7)) {
      plan.answered(groupOf(plan, pid), 1);
      expect(plan.groups).toHaveLength(8);
    }
    plan.answered(groupOf(plan, 0x2f), 1);
    expect(groupsOf(plan)).toEqual([[0x0b, 0x0c, 0x0d, 0x0f, 0x11, 0x2f], [0x04], [0x05]]);
    plan.answered(groupOf(plan, 0x05), 1);
    expect(plan.groups).toHaveLength(3);
    plan.answered(groupOf(plan, 0x04), 1);
    expect(groupsOf(plan)).toEqual([
      [0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x11],
      [0x0f, 0x2f],
    ]);
  });

  test('starts at once with lengths known from before', () => {
    const plan = new PollPlan(eight, true, () => true);
    expect(plan.groups.map(({ pids }) => pids.length)).toEqual([6, 2]);
  });

  test('waits for the lengths that are not known from before', () => {
    const plan = new PollPlan(eight, true, (pid) => pid !== 0x0c);
    expect(plan.groups).toHaveLength(8);
    plan.answered(groupOf(plan, 0x0d), 1);
    expect(plan.groups).toHaveLength(8);
    plan.answered(groupOf(plan, 0x0c), 1);
    expect(plan.groups).toHaveLength(2);
  });

  test('does not happen off CAN', () => {
    expect(learned(eight, false).groups).toHaveLength(8);
  });

  test('does not wait for a PID that is announced but never answered', () => {
    const plan = planOf(eight);
    for (const { pid } of eight.slice(1)) plan.answered(groupOf(plan, pid), 1);
    for (let i = 0; i < 3; i++) {
      plan.missed(groupOf(plan, 0x04));
      plan.answered(groupOf(plan, 0x0c), 1);
    }
    expect(groupsOf(plan)).toEqual([[0x05, 0x0b, 0x0c, 0x0d, 0x0f, 0x11], [0x2f], [0x04]]);
    // It stays alone even when it answers later: the plan is made.
    plan.answered(groupOf(plan, 0x04), 1);
    expect(groupsOf(plan)).toContainEqual([0x04]);
  });
});

describe('packed PIDs', () => {
  test('are six at most while others are still unknown, however many are known from before', () => {
    const count = fc.integer({ min: 2, max: 60 });
    fc.assert(
      fc.property(count, fc.nat({ max: 60 }), (pids, known) => {
        const list = Array.from({ length: pids }, (_, pid) => ({ pid, hz: 1 + (pid % 3) }));
        const plan = new PollPlan(list, true, (pid) => pid < known);
        for (const { pid } of list.filter((row) => row.pid >= known)) {
          plan.answered(groupOf(plan, pid), 1);
          expect(Math.max(...plan.groups.map((group) => group.pids.length))).toBeLessThanOrEqual(6);
          expect(groupsOf(plan).flat().toSorted()).toEqual(list.map((row) => row.pid).toSorted());
        }
      }),
    );
  });

  test('are in groups of at most six, each PID in one, with no rates mixed that need not be', () => {
    const pids = fc.uniqueArray(
      fc.record({ pid: fc.nat(0xff), hz: fc.constantFrom(0.01, 0.1, 1, 2, 5, 10) }),
      { selector: ({ pid }) => pid, minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(pids, (list) => {
        const plan = learned(list);
        const hzOf = new Map(list.map(({ pid, hz }) => [pid, hz]));
        const rates = plan.groups.map((group) => group.pids.map((pid) => hzOf.get(pid) ?? 0));
        expect(groupsOf(plan).flat().toSorted()).toEqual(list.map(({ pid }) => pid).toSorted());
        expect(plan.groups).toHaveLength(Math.ceil(list.length / 6));
        for (const [i, group] of plan.groups.entries()) {
          expect(group.pids.length).toBeLessThanOrEqual(6);
          expect([...group.pids]).toEqual(group.pids.toSorted((a, b) => a - b));
          expect(group.hz).toBe(Math.max(...(rates[i] ?? [])));
          const slower = rates.slice(i + 1).flat();
          expect(Math.min(...(rates[i] ?? []))).toBeGreaterThanOrEqual(Math.max(0, ...slower));
        }
      }),
    );
  });
});

test('PIDs that were asked do not wait for those that were not because they share a request now', () => {
  const plan = planOf(eight);
  for (const [i, { pid }] of eight.slice(0, 6).entries()) {
    const group = groupOf(plan, pid);
    group.askedAt = i * 0.1 * S;
    plan.answered(group, 1);
  }
  const shared = groupOf(plan, 0x0c);
  expect(shared.pids).toHaveLength(6);
  expect(shared.askedAt).toBe(0);
  plan.next(0.6 * S);
  expect(plan.next(0.6 * S)).toBe(shared);
});
