import { expect, test } from 'vitest';
import type { GateLimits } from '../../../../src/alerts/actions/gate.ts';
import {
  ALONE,
  type Answer,
  AWAY,
  digest,
  HOUR,
  MINUTE,
  start,
  type World,
} from './queue-world.ts';

const NIGHT: GateLimits = { quiet: { from: '22:00', to: '06:00' } };

test('in quiet hours alarms go, and what is less goes as a digest when they are over', async () => {
  const { put, clock, subjects, minutes, queue } = start(() => [], { limits: NIGHT });
  await put(1, 'info');
  await put(2, 'alarm');
  for (let n = 3; n <= 6; n++) await put(n, 'warn');
  await clock.advance(6 * HOUR - 1);
  expect(subjects()).toEqual(['ALARM: Coolant too hot - car']);
  expect(queue.health()).toMatchObject({ waiting: 5, failure: '' });
  await clock.advance(1);
  expect(subjects().slice(1)).toEqual(['5 alerts (4 WARNING, 1 INFO) - car']);
  expect(minutes()).toEqual([0, 360]);
  expect(queue.health()).toMatchObject({ waiting: 0, delivered: 6, mails: 2, failed: 0 });
});

test('what waits for the end of quiet hours is not given up, however long it takes', async () => {
  const limits: GateLimits = { quiet: { from: '00:01', to: '00:00' } };
  const { put, clock, minutes, queue } = start(() => [], { limits, wallMs: MINUTE });
  await put(1);
  await clock.advance(24 * HOUR);
  expect(minutes()).toEqual([23 * 60 + 59]);
  expect(queue.health()).toMatchObject({ delivered: 1, givenUp: 0 });
});

test('without a wall clock to believe there are no quiet hours; once there is, there are', async () => {
  const world: World = { limits: NIGHT, trust: 'none' };
  const { put, clock, minutes } = start(() => [], world);
  await put(1);
  await clock.advance(0);
  expect(minutes()).toEqual([0]);
  world.trust = 'ntp';
  await put(2);
  await clock.advance(7 * HOUR);
  expect(minutes()).toEqual([0, 360]);
});

test('so many mails an hour, then the rest in a digest; a share is for alarms', async () => {
  const { put, clock, subjects, minutes } = start(() => [], { limits: { perHour: 4 } });
  for (let n = 1; n <= 3; n++) {
    await put(n);
    await clock.advance(0);
  }
  expect(subjects()).toEqual([ALONE, ALONE, ALONE]);
  for (let n = 4; n <= 8; n++) await put(n);
  await put(9, 'alarm');
  await clock.advance(0);
  expect(subjects().slice(3)).toEqual(['ALARM: Coolant too hot - car']);
  await clock.advance(HOUR);
  expect(subjects().slice(4)).toEqual([digest(5)]);
  // One comes back in a quarter of an hour, and one is kept for an alarm.
  expect(minutes().slice(3)).toEqual([0, 30]);
});

test('a mail that did not get through takes nothing from the hour', async () => {
  const answer: Answer = (_, n) => (n < 3 ? AWAY : []);
  const { put, clock, minutes } = start(answer, { limits: { perHour: 1 } });
  await put(1, 'alarm');
  await clock.advance(HOUR);
  expect(minutes()).toEqual([0, 1, 3, 7]);
});
