import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PollGroup, PollPlan } from '../../../../src/sources/obd/poll.ts';
import { eight, groupOf, groupsOf, learned, planOf, rows, S } from './plans.ts';

/** What a car does with one request: how long it takes, and how the answer turns out. */
interface Reply {
  readonly us: number;
  readonly kind: 'answered' | 'mismatched' | 'missed' | 'disturbed';
}

function settle(plan: PollPlan, group: PollGroup, kind: Reply['kind']): void {
  if (kind === 'answered') plan.answered(group, 1);
  else if (kind === 'mismatched') plan.mismatched(group);
  else if (kind === 'missed') plan.missed(group);
}

/** Follows the plan through `us` of simulated time; returns when each PID was asked. */
function follow(
  plan: PollPlan,
  us: number,
  reply: (group: PollGroup, t: number) => Reply,
): Map<number, number[]> {
  const asked = new Map<number, number[]>();
  for (const pid of groupsOf(plan).flat()) asked.set(pid, []);
  let now = 0;
  while (now < us) {
    const group = plan.next(now);
    if (group === undefined) {
      // Whole milliseconds, as timers count.
      now += Math.max(1, Math.ceil((plan.dueAt() - now) / 1000)) * 1000;
      continue;
    }
    group.askedAt = now;
    for (const pid of group.pids) asked.get(pid)?.push(now);
    const { us: took, kind } = reply(group, now);
    now += took;
    settle(plan, group, kind);
  }
  return asked;
}

describe('rates', () => {
  test('are kept with a fast adapter', () => {
    const asked = follow(planOf(eight, false), 100 * S, () => ({ us: 2_000, kind: 'answered' }));
    for (const { pid, hz } of eight) {
      const times = asked.get(pid)?.length ?? 0;
      expect(times).toBeLessThanOrEqual(hz * 100 + 1);
      expect(times).toBeGreaterThan(hz * 100 * 0.9);
    }
  });

  test('shrink in proportion with a slow one', () => {
    const asked = follow(planOf(eight, false), 400 * S, () => ({ us: 200_000, kind: 'answered' }));
    const shares = eight.map(({ pid, hz }) => (asked.get(pid)?.length ?? 0) / (hz * 400));
    // Five requests a second for 37.1 that are wanted.
    for (const share of shares) expect(share).toBeCloseTo(5 / 37.1, 1);
  });

  test('come with nothing to ask between two of them', () => {
    const plan = planOf(rows([0x0c, 10]), false);
    const group = groupOf(plan, 0x0c);
    expect(plan.dueAt()).toBeLessThan(0);
    expect(plan.next(0)).toBe(group);
    group.askedAt = 0;
    expect(plan.dueAt()).toBe(0.1 * S);
    expect(plan.next(0.1 * S - 1)).toBeUndefined();
    expect(plan.next(0.1 * S)).toBe(group);
  });

  test('of what has not been asked yet do not matter: the slowest is asked soon', () => {
    const sixty = Array.from({ length: 60 }, (_, pid) => ({ pid, hz: pid < 4 ? 10 : 1 / 600 }));
    const asked = follow(planOf(sixty), 30 * S, () => ({ us: 200_000, kind: 'disturbed' }));
    for (const { pid } of sixty) expect(asked.get(pid)?.[0]).toBeLessThan(28 * S);
    // And the fastest do not wait for them.
    for (let pid = 0; pid < 4; pid++) expect(asked.get(pid)?.length).toBeGreaterThan(10);
  });

  test('do not matter for their order: PIDs are first asked in the order given', () => {
    const plan = planOf(rows([0x4f, 0.01], [0x50, 0.01], [0x0c, 10]));
    const order: number[] = [];
    follow(plan, 30_000, ({ pids }) => {
      order.push(...pids);
      return { us: 10_000, kind: 'disturbed' };
    });
    expect(order).toEqual([0x4f, 0x50, 0x0c]);
  });

  test('of a plan without PIDs are none', () => {
    const plan = planOf([]);
    expect(plan.next(0)).toBeUndefined();
    expect(plan.dueAt()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('a shared answer that does not add up', () => {
  test('three times in a row takes the group apart for good', () => {
    const plan = learned(eight);
    const group = groupOf(plan, 0x0c);
    plan.mismatched(group);
    plan.mismatched(group);
    expect(plan.groups).toHaveLength(2);
    plan.mismatched(group);
    expect(groupsOf(plan)).toEqual([[0x0f, 0x2f], [0x04], [0x05], [0x0b], [0x0c], [0x0d], [0x11]]);
    expect(groupOf(plan, 0x0c).hz).toBe(10);
    follow(plan, 100 * S, () => ({ us: 10_000, kind: 'answered' }));
    expect(plan.groups).toHaveLength(7);
  });

  test('before all lengths are known takes it apart for good too', () => {
    const plan = planOf(eight);
    for (const { pid } of eight.slice(0, 6)) plan.answered(groupOf(plan, pid), 1);
    const group = groupOf(plan, 0x0c);
    expect(group.pids).toHaveLength(6);
    for (let i = 0; i < 3; i++) plan.mismatched(group);
    expect(plan.groups).toHaveLength(8);
    plan.answered(groupOf(plan, 0x11), 1);
    plan.answered(groupOf(plan, 0x2f), 1);
    expect(groupsOf(plan)).toEqual([[0x11, 0x2f], [0x04], [0x05], [0x0b], [0x0c], [0x0d], [0x0f]]);
  });

  test('now and then is a disturbance', () => {
    const plan = learned(eight);
    const group = groupOf(plan, 0x0c);
    for (let i = 0; i < 20; i++) {
      plan.mismatched(group);
      plan.mismatched(group);
      plan.answered(group, 2);
    }
    expect(plan.groups).toHaveLength(2);
  });

  test('of a lone PID counts as none', () => {
    const plan = planOf(rows([0x0c, 10]));
    for (let i = 0; i < 3; i++) plan.mismatched(groupOf(plan, 0x0c));
    expect(plan.suspended).toBe(1);
  });

  test('is an answer: the group is not on its way to be suspended', () => {
    const plan = learned(eight);
    const [group, other] = [groupOf(plan, 0x0c), groupOf(plan, 0x2f)];
    for (const step of ['miss', 'miss', 'mismatch', 'miss', 'miss'] as const) {
      if (step === 'miss') plan.missed(group);
      else plan.mismatched(group);
      plan.answered(other, 1);
    }
    expect(plan.suspended).toBe(0);
  });
});

describe('a PID that is not answered', () => {
  const pair = rows([0x0c, 10], [0x0d, 10]);

  test('three times is asked once a minute, until it answers', () => {
    const plan = planOf(pair, false);
    const asked = follow(plan, 200 * S, ({ pids }, t) => ({
      us: 10_000,
      kind: pids.includes(0x0c) && t < 100 * S ? 'missed' : 'answered',
    }));
    const times = asked.get(0x0c) ?? [];
    expect(times.filter((t) => t < 60 * S)).toHaveLength(3);
    expect(times.filter((t) => t < 120 * S)).toHaveLength(4);
    expect(times.filter((t) => t >= 121 * S).length).toBeGreaterThan(700);
    expect(plan.suspended).toBe(0);
  });

  test('because nobody answers anything is not to blame: all are asked on', () => {
    const plan = planOf(eight, false);
    const cranking = (t: number): boolean => t > 10 * S && t < 13 * S;
    const asked = follow(plan, 20 * S, (_, t) => ({
      us: 20_000,
      kind: cranking(t) ? 'missed' : 'answered',
    }));
    expect(plan.suspended).toBe(0);
    const after = (asked.get(0x0c) ?? []).filter((t) => t >= 13 * S && t < 14 * S);
    expect(after.length).toBeGreaterThan(5);
  });
});

describe('the number of lines', () => {
  function answered(plan: PollPlan, ...lines: number[]): number | undefined {
    const group = groupOf(plan, 0x0c);
    for (const count of lines) plan.answered(group, count);
    return plan.framesFor(group);
  }

  test('is known after three equal answers', () => {
    const plan = planOf(rows([0x0c, 10]), false);
    expect(answered(plan)).toBeUndefined();
    expect(answered(plan, 2, 2)).toBeUndefined();
    expect(answered(plan, 2)).toBe(2);
  });

  test.each<[string, (plan: PollPlan, group: PollGroup) => void]>([
    ['another number of lines', (plan, group) => plan.answered(group, 1)],
    ['an answer that does not add up', (plan, group) => plan.mismatched(group)],
    ['no answer', (plan, group) => plan.missed(group)],
  ])('is forgotten after %s, and learned again', (_, disturb) => {
    const plan = planOf(rows([0x0c, 10]), false);
    answered(plan, 2, 2, 2);
    disturb(plan, groupOf(plan, 0x0c));
    expect(answered(plan, 2, 2)).toBeUndefined();
    expect(answered(plan, 2)).toBe(2);
  });

  test('is learned anew for PIDs that come to share a request', () => {
    const plan = planOf(rows([0x0c, 10], [0x0d, 10]));
    answered(plan, 1, 1, 1);
    plan.answered(groupOf(plan, 0x0d), 1);
    expect(plan.framesFor(groupOf(plan, 0x0c))).toBeUndefined();
  });

  test('is left out where it does not fit one digit', () => {
    const plan = planOf(rows([0x0c, 10]), false);
    expect(answered(plan, 15, 15, 15)).toBe(15);
    expect(answered(plan, 16, 16, 16, 16)).toBeUndefined();
  });

  test('is left out for an adapter that does not know it', () => {
    const plan = planOf(rows([0x0c, 10]), false);
    answered(plan, 1, 1, 1);
    plan.dropCounts();
    expect(answered(plan, 1)).toBeUndefined();
  });
});

test('no PID ever starves, whatever the adapter and the car do', () => {
  const pids = fc.uniqueArray(
    fc.record({ pid: fc.nat(0xff), hz: fc.constantFrom(1 / 600, 0.1, 1, 5, 20) }),
    { selector: ({ pid }) => pid, minLength: 1, maxLength: 20 },
  );
  const reply = fc.record({
    us: fc.integer({ min: 2_000, max: 400_000 }),
    kind: fc.constantFrom<Reply['kind']>(
      ...(['answered', 'answered', 'mismatched', 'missed', 'disturbed'] as const),
    ),
  });
  const replies = fc.array(reply, { minLength: 1, maxLength: 50 });
  const duration = 1_500;
  fc.assert(
    fc.property(pids, replies, fc.boolean(), (list, script, packing) => {
      let i = 0;
      const asked = follow(
        planOf(list, packing),
        duration * S,
        () => script[i++ % script.length] ?? { us: 0, kind: 'disturbed' },
      );
      const slowest = Math.max(...script.map(({ us }) => us)) / S;
      // A PID that is new counts as one of 1 Hz.
      const wanted = list.reduce((sum, { hz }) => sum + Math.max(hz, 1), 0);
      const load = Math.max(1, wanted * slowest);
      for (const { pid, hz } of list) {
        const times = [...(asked.get(pid) ?? []), duration * S];
        const gaps = times.map((t, at) => (t - (times[at - 1] ?? 0)) / S);
        // Every other request is more overdue when it goes first, so a wait is bounded by the load,
        // and by the minute that a PID without answers is left alone.
        const bound = 2 * load * Math.max(1 / hz, 60) + 4 * list.length * slowest;
        expect(Math.max(...gaps)).toBeLessThan(bound);
      }
    }),
    { numRuns: 25 },
  );
});
