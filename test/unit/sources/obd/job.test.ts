import { expect, test } from 'vitest';
import { type Job, JobQueue } from '../../../../src/sources/obd/job.ts';

const S = 1e6;

function job(hex: string, kind: Pick<Job, 'urgent' | 'once'> = {}): Job {
  return { hex, timeoutMs: 1_000, read: () => [], ...kind };
}

/** Takes everything that is ready, in order. */
function drain(queue: JobQueue, now = 0): string[] {
  const taken: string[] = [];
  for (let next = queue.take(now); next; next = queue.take(now)) taken.push(next.job.hex);
  return taken;
}

test('urgent jobs go first, the others in the order in which they came', () => {
  const queue = new JobQueue();
  queue.add([job('0900'), job('0600'), job('03', { urgent: true }), job('07', { urgent: true })]);
  expect(drain(queue)).toEqual(['03', '07', '0900', '0600']);
  expect(queue.ready(1_000 * S)).toBe(false);
});

test('what waits already is not added, and what is asked once never again', () => {
  const queue = new JobQueue();
  queue.add([job('03'), job('03'), job('0602', { once: true })]);
  expect(drain(queue)).toEqual(['03', '0602']);
  queue.add([job('03'), job('0602', { once: true })]);
  expect(drain(queue)).toEqual(['03']);
});

test('a retry waits, lets others pass, and comes to an end', () => {
  const queue = new JobQueue();
  queue.add([job('0902')]);
  const first = queue.take(0);
  if (first === undefined) throw new Error('nothing was taken');
  expect(queue.retry(first, 0, true)).toBe(true);
  expect(queue.ready(2 * S)).toBe(false);
  queue.add([job('0904')]);
  expect(drain(queue, 2 * S)).toEqual(['0904']);
  const second = queue.take(3 * S);
  expect(second).toMatchObject({ job: { hex: '0902' }, tries: 1, patient: true });
  if (second === undefined) throw new Error('nothing was taken');
  expect(queue.retry(second, 3 * S, false)).toBe(true);
  const third = queue.take(6 * S);
  if (third === undefined) throw new Error('nothing was taken');
  expect(queue.retry(third, 6 * S, false)).toBe(false);
  expect(queue.ready(1_000 * S)).toBe(false);
});

test('there is room for 500 jobs, and for urgent ones always', () => {
  const queue = new JobQueue();
  const many = Array.from({ length: 510 }, (_, i) => job(`02${i.toString(16).padStart(4, '0')}`));
  expect(queue.add(many)).toBe(10);
  expect(queue.add([job('03', { urgent: true })])).toBe(0);
  expect(drain(queue)).toHaveLength(501);
});
