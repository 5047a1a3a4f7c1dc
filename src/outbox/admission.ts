import type { Bearer } from '../io/bearer.ts';
import { PRIORITIES, type Priority } from '../wire/topics.ts';
import type { Budget } from './budget.ts';
import type { ClassPolicies } from './classes.ts';

/** Whether a class may use the network now. `decimated`: a part of what is new may, and nothing else. */
export type Admission = 'go' | 'decimated' | 'bearer' | 'budget';

export type Admissions = Readonly<Record<Priority, Admission>>;

export function admissionsOf(policies: ClassPolicies, budget: Budget, bearer: Bearer): Admissions {
  const { share } = budget;
  const entries = PRIORITIES.map((priority) => {
    const { bearers, budgetShare } = policies[priority];
    if (!bearers.includes(bearer)) return [priority, 'bearer'];
    if (share < budgetShare) return [priority, 'go'];
    // With the whole of it used, P2 stops too.
    return [priority, priority === 'p2' && share < 1 ? 'decimated' : 'budget'];
  });
  // The entries are made of all priorities.
  return Object.fromEntries(entries) as Admissions;
}
