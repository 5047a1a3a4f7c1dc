import { describe, expect, test } from 'vitest';
import {
  consecutiveFrame,
  firstFrame,
  flowFrame,
  readFlow,
  separationMs,
  singleFrame,
} from '../../../../../src/sources/obd/isotp/pci.ts';
import { bytes, hex, message } from './ends.ts';

const NORMAL = { prefix: undefined, padding: 0xcc };
const MIXED = { prefix: 0xf1, padding: 0x00 };
const BARE = { prefix: undefined, padding: undefined };

describe('frames', () => {
  test('single ones are filled up, or are as long as what they hold', () => {
    expect(hex(singleFrame(bytes('09 02'), NORMAL))).toBe('02 09 02 CC CC CC CC CC');
    expect(hex(singleFrame(bytes('09 02'), MIXED))).toBe('F1 02 09 02 00 00 00 00');
    expect(hex(singleFrame(bytes('09 02'), BARE))).toBe('02 09 02');
    expect(hex(singleFrame(message(7), NORMAL))).toMatch(/^07 /);
  });

  test.each([
    [8, NORMAL, '10 08', 6],
    [4095, NORMAL, '1F FF', 6],
    [4096, NORMAL, '10 00 00 00 10 00', 2],
    [70_000, NORMAL, '10 00 00 01 11 70', 2],
    [7, MIXED, 'F1 10 07', 5],
    [4096, MIXED, 'F1 10 00 00 00 10 00', 1],
    [8, BARE, '10 08', 6],
  ])('the first one of %i bytes tells the length', (length, shape, head, held) => {
    const pdu = message(length);
    const first = firstFrame(pdu, shape);
    expect(first.held).toBe(held);
    expect(hex(first.data)).toBe(`${head} ${hex(pdu.subarray(0, held))}`);
    expect(first.data).toHaveLength(8);
  });

  test('consecutive ones count in four bits', () => {
    expect(hex(consecutiveFrame(1, bytes('AA'), 0, NORMAL))).toBe('21 AA CC CC CC CC CC CC');
    expect(hex(consecutiveFrame(15, bytes('AA BB'), 1, BARE))).toBe('2F BB');
    expect(hex(consecutiveFrame(16, bytes('AA'), 0, MIXED))).toBe('F1 20 AA 00 00 00 00 00');
    expect(hex(consecutiveFrame(2, bytes('01 02 03 04 05 06 07 08 09'), 1, NORMAL))).toBe(
      '22 02 03 04 05 06 07 08',
    );
  });
});

describe('flow control', () => {
  test('is read as it is written', () => {
    const flow = { status: 1, blockSize: 8, stMin: 0xf3 };
    expect(hex(flowFrame(flow, NORMAL))).toBe('31 08 F3 CC CC CC CC CC');
    expect(readFlow(flowFrame(flow, NORMAL))).toEqual(flow);
    expect(readFlow(flowFrame(flow, BARE))).toEqual(flow);
  });

  test.each(['', '30', '30 00', '30 00 00 00 00 00 00 00 00'])(
    'of the bytes %j is none',
    (data) => {
      expect(readFlow(bytes(data))).toBeUndefined();
    },
  );

  test('separation times are the 256 of the standard', () => {
    const times = Array.from({ length: 256 }, (_, code) => separationMs(code));
    expect(times.slice(0, 0x80)).toEqual(Array.from({ length: 128 }, (_, ms) => ms));
    expect(times.slice(0xf1, 0xfa)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    const reserved = [...times.slice(0x80, 0xf1), ...times.slice(0xfa)];
    expect(new Set(reserved)).toEqual(new Set([127]));
    expect(reserved).toHaveLength(119);
  });
});
