import { expect, test } from 'vitest';
import {
  ackTopic,
  infoTopic,
  parseUpTopic,
  priorityOf,
  requestTopic,
  responseTopic,
  stateTopic,
  upTopic,
} from '../../../src/wire/topics.ts';
import { streamOf } from '../codec/columns-arbitrary.ts';

const PLACE = { tenant: 'fleet', device: 'car-1' };

test('a topic tells whose batch it is, of which priority and of which stream', () => {
  const topic = upTopic(PLACE, streamOf('sample', { id: 'obd.engine.rpm', hz: 10 }));
  expect(topic).toBe('v1/fleet/car-1/up/p2/obd/engine/rpm');
  const parts = { ...PLACE, priority: 'p2', stream: 'obd.engine.rpm' };
  expect(parseUpTopic(topic)).toEqual(parts);
  expect(parseUpTopic(topic.replaceAll('/', '.'), '.')).toEqual(parts);
});

test.each([
  ['p0', 'event', 'alert', 0],
  ['p0', 'event', 'sys.session', 0],
  ['p1', 'sample', 'gateway.source.obd', 0.1],
  ['p1', 'sample', 'fatigue.level', 0.2],
  ['p2', 'sample', 'obd.engine.rpm', 10],
  ['p3', 'wave', 'eeg.head.raw', 512],
  ['p3', 'frame', 'can.can0', 0],
] as const)('%s is for a %s stream like %s', (priority, kind, id, hz) => {
  expect(priorityOf(streamOf(kind, { id, hz }))).toBe(priority);
});

test.each([
  'v1/fleet/car-1/ack',
  'v2/fleet/car-1/up/p0/alert',
  'v1/fleet/car-1/up/p4/alert',
  'v1/fleet/car-1/up/p0',
  'v1//car-1/up/p0/alert',
  'v1/fleet/Car/up/p0/alert',
  'v1/fleet/car-1/down/p0/alert',
  '',
])('%j is no topic of batches', (topic) => {
  expect(parseUpTopic(topic)).toBeUndefined();
});

test('a name that would change the meaning of a topic is refused', () => {
  for (const device of ['a/b', '+', '#', '', 'x'.repeat(24)]) {
    expect(() => ackTopic({ ...PLACE, device })).toThrow('no name for a topic');
  }
});

test('the other topics are beside it', () => {
  const place = [ackTopic, stateTopic, infoTopic].map((topic) => topic(PLACE));
  expect(place).toEqual(['v1/fleet/car-1/ack', 'v1/fleet/car-1/state', 'v1/fleet/car-1/info']);
  expect(requestTopic(PLACE, '+')).toBe('v1/fleet/car-1/req/+');
  expect(responseTopic(PLACE, 'ping')).toBe('v1/fleet/car-1/res/ping');
});
