import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Lane } from '../../../src/outbox/lane.ts';
import { SPEED } from '../../support/bridge-world.ts';

function begin(acked = 0): Lane {
  const queued = { number: 4, stream: SPEED, next: 0 };
  const position = { epoch: 1, t: acked };
  const lane = new Lane(queued, acked > 0 ? { next: acked, at: position } : undefined, 1_000);
  lane.next = 10_000;
  return lane;
}

function send(lane: Lane, first: number, n: number): void {
  lane.hasSent({ first, n, position: { epoch: 1, t: first + n }, bytes: n }, 0);
}

test('an acknowledgement inside a batch moves the cursor to where the batch begins', () => {
  const lane = begin();
  send(lane, 0, 100);
  send(lane, 100, 100);
  expect(lane.take(150, 0)).toBe(true);
  expect(lane.acked).toBe(100);
  expect(lane.ackedAt).toEqual({ epoch: 1, t: 100 });
  expect(lane.aheadBytes).toBe(100);
});

test('after a rewind a late acknowledgement of what was sent before is right', () => {
  const lane = begin();
  send(lane, 0, 100);
  send(lane, 100, 100);
  lane.rewind();
  expect(lane.sent).toBe(0);
  expect(lane.aheadBytes).toBe(0);
  expect(lane.take(200, 0)).toBe(true);
  expect(lane.sent).toBe(200);
});

test('nothing that was sent ahead of a hole moves the cursor before the hole is filled', () => {
  const lane = begin();
  send(lane, 0, 100);
  send(lane, 300, 100);
  send(lane, 400, 100);
  expect(lane.take(500, 0)).toBe(true);
  expect(lane.acked).toBe(100);
  send(lane, 100, 200);
  expect(lane.reach).toBe(500);
  expect(lane.take(500, 0)).toBe(true);
  expect(lane.acked).toBe(500);
});

test('nothing is owed for what was sent ahead of a hole, as nobody can acknowledge it', () => {
  const lane = begin();
  send(lane, 300, 100);
  expect(lane.aheadBytes).toBe(0);
  expect(lane.isStuck(3_600e6)).toBe(false);
  send(lane, 0, 100);
  expect(lane.aheadBytes).toBe(100);
});

test('however much was sent ahead, the cursor still moves with what comes behind it', () => {
  const lane = begin();
  for (let i = 0; i < 9_000; i++) send(lane, 1_000 + 2 * i, 1);
  send(lane, 0, 100);
  expect(lane.take(100, 0)).toBe(true);
  expect(lane.acked).toBe(100);
});

test('after a crash the cloud may be far ahead of what was sent again: all of that is acknowledged', () => {
  const lane = begin();
  send(lane, 0, 100);
  expect(lane.take(9_000, 0)).toBe(true);
  expect(lane.acked).toBe(100);
  expect(lane.aheadBytes).toBe(0);
  expect(lane.take(10_001, 0)).toBe('beyond');
});

interface Step {
  readonly kind: 'send' | 'ahead' | 'ack' | 'rewind';
  readonly n: number;
}

function take(lane: Lane, { kind, n }: Step, sent: Set<number>): void {
  if (kind === 'rewind') {
    lane.rewind();
    return;
  }
  if (kind === 'ack') {
    lane.take(n * 10, 0);
    return;
  }
  const first = kind === 'ahead' ? lane.sent + n : lane.sent;
  send(lane, first, n);
  for (let seq = first; seq < first + n; seq++) sent.add(seq);
}

test('whatever is sent, lost and acknowledged, the cursor never passes what was sent and never goes back', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('send', 'ahead', 'ack', 'rewind'),
    n: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lane = begin(10);
      const sent = new Set<number>();
      for (const one of steps) {
        const before = lane.acked;
        take(lane, one, sent);
        expect(lane.acked).toBeGreaterThanOrEqual(before);
        expect(lane.sent).toBeGreaterThanOrEqual(lane.acked);
        for (let seq = before; seq < lane.acked; seq++) expect(sent.has(seq)).toBe(true);
        expect(lane.aheadBytes).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});
