import { expect, test } from 'vitest';
import { parseErrorFrame } from '../../../../src/io/can/can-error.ts';

/** Of the kinds in `classes`, with what the controller says and its counters for sending and receiving. */
function report(classes: number, controller = 0, counters: readonly [number, number] = [0, 0]) {
  return parseErrorFrame(classes, Uint8Array.of(0, controller, 0, 0, 0, 0, ...counters));
}

const NOTHING = {
  state: undefined,
  busOff: false,
  overflow: false,
  txErrors: undefined,
  rxErrors: undefined,
};

test('a controller that goes off the bus, and one that comes back', () => {
  expect(report(0x040)).toEqual({ ...NOTHING, state: 'off', busOff: true });
  expect(report(0x100)).toEqual({ ...NOTHING, state: 'active' });
});

test.each([
  [0x04, 'warning'],
  [0x08, 'warning'],
  [0x10, 'passive'],
  [0x20, 'passive'],
  [0x30, 'passive'],
  [0x14, 'passive'],
  [0x40, 'active'],
])('a controller problem 0x%s is %s', (controller, state) => {
  expect(report(0x004, controller).state).toBe(state);
  // The same byte means nothing where it is not said that it does.
  expect(report(0x080, controller).state).toBeUndefined();
});

test('a buffer of the controller that ran over is told apart from one for sending', () => {
  expect(report(0x004, 0x01)).toEqual({ ...NOTHING, overflow: true });
  expect(report(0x004, 0x02)).toEqual(NOTHING);
});

test('counters are taken where the flag says so, and where older drivers filled them in', () => {
  expect(report(0x200)).toEqual({ ...NOTHING, txErrors: 0, rxErrors: 0 });
  expect(report(0x084, 0x10, [96, 128])).toEqual({
    ...NOTHING,
    state: 'passive',
    txErrors: 96,
    rxErrors: 128,
  });
  expect(report(0x088)).toEqual(NOTHING);
});

test('a frame that is shorter than it should be has zeros behind it', () => {
  expect(parseErrorFrame(0x004, Uint8Array.of())).toEqual(NOTHING);
});
