import { type PollGroup, type PollPid, PollPlan } from '../../../../src/sources/obd/poll.ts';

/** A second, in microseconds. */
export const S = 1e6;

export const rows = (...list: readonly (readonly [pid: number, hz: number])[]): PollPid[] =>
  list.map(([pid, hz]) => ({ pid, hz }));

export const planOf = (pids: readonly PollPid[], packing = true): PollPlan =>
  new PollPlan(pids, packing, () => false);

/** The groups as lists of PIDs. */
export const groupsOf = (plan: PollPlan): number[][] => plan.groups.map(({ pids }) => [...pids]);

/** The group that holds a PID. */
export function groupOf(plan: PollPlan, pid: number): PollGroup {
  const group = plan.groups.find(({ pids }) => pids.includes(pid));
  if (group === undefined) throw new Error(`no group asks for ${pid}`);
  return group;
}

/** A plan whose PIDs were all answered once. */
export function learned(pids: readonly PollPid[], packing = true): PollPlan {
  const plan = planOf(pids, packing);
  for (const { pid } of pids) plan.answered(groupOf(plan, pid), 1);
  return plan;
}

export const eight = rows(
  ...([
    [0x04, 5],
    [0x05, 1],
    [0x0b, 5],
    [0x0c, 10],
  ] as const),
  ...([
    [0x0d, 10],
    [0x0f, 1],
    [0x11, 5],
    [0x2f, 0.1],
  ] as const),
);
