import { readdirSync, readFileSync } from 'node:fs';

/** Process ids of the children that a process has, those that ended and were not waited for included. */
export function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).flatMap((task) =>
    readFileSync(`${tasks}/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}
