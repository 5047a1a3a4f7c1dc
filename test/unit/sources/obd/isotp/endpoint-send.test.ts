import { describe, expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import { CanSendError } from '../../../../../src/io/can/errors.ts';
import { OBD_TIMING } from '../../../../../src/sources/obd/isotp/timing.ts';
import { FakeClock, settle } from '../../../../support/fake-clock.ts';
import { bytes, End, hex, message } from './ends.ts';

const full = (): Promise<void> => Promise.reject(new CanSendError('FULL', 'can0 is full'));
const never = (): Promise<void> => new Promise(() => {});

test('a short message is one frame and waits for nobody', async () => {
  const end = new End();
  const sent = end.send(bytes('01 0C'));
  await settle();
  expect(sent.outcome).toBe('sent');
  expect(end.frames).toEqual(['02 01 0C CC CC CC CC CC']);
  expect(end.endpoint.counters).toMatchObject({ sent: 1, unsent: 0 });
  expect(end.clock.sleepers).toBe(0);
});

test('a long one waits for flow control, and then goes out at once', async () => {
  const end = new End();
  const sent = end.send(message(20));
  await end.clock.advance(500);
  expect(end.frames).toHaveLength(1);
  end.hear('30 00 00');
  await settle();
  expect(sent.outcome).toBe('sent');
  const pdu = message(20);
  expect(end.frames).toEqual([
    `10 14 ${hex(pdu.subarray(0, 6))}`,
    `21 ${hex(pdu.subarray(6, 13))}`,
    `22 ${hex(pdu.subarray(13))}`,
  ]);
  expect(end.clock.sleepers).toBe(0);
});

test('flow control that comes before the bus confirms the first frame counts', async () => {
  const confirm = Promise.withResolvers<void>();
  const end: End = new End({
    transmit: () => (end.frames.length === 1 ? confirm.promise : Promise.resolve()),
  });
  const sent = end.send(message(10));
  end.hear('30 00 00');
  await settle();
  expect(end.frames).toHaveLength(1);
  confirm.resolve();
  await settle();
  expect(sent.outcome).toBe('sent');
});

test('after a block of frames the next flow control is waited for, which may change both', async () => {
  const end = new End();
  const sent = end.send(message(6 + 7 * 7));
  await settle();
  end.hear('30 02 0A');
  await end.clock.advance(15);
  expect(end.times).toEqual([0, 0, 10]);
  end.hear('30 03 F5');
  await end.clock.advance(20);
  expect(end.times).toEqual([0, 0, 10, 15, 15.5, 16]);
  end.hear('30 00 80'); // Reserved: the longest time.
  await end.clock.advance(500);
  expect(end.times).toEqual([0, 0, 10, 15, 15.5, 16, 35, 162]);
  expect(sent.outcome).toBe('sent');
});

test('a separation time longer than N_As is no reason to give up, and is kept by clocks that wake early', async () => {
  class EarlyClock extends FakeClock {
    override sleep(ms: number, signal?: AbortSignal): Promise<void> {
      return super.sleep(ms > 1 ? ms - 0.9 : ms, signal);
    }
  }
  const end = new End({ timing: OBD_TIMING }, new EarlyClock());
  const sent = end.send(message(20));
  await settle();
  end.hear('30 00 7F');
  await end.clock.advance(200);
  expect(sent.outcome).toBe('sent');
  expect(end.times.at(-1)).toBe(127);
});

describe('a message is given up', () => {
  test('when no flow control comes within N_Bs', async () => {
    const end = new End({ timing: OBD_TIMING });
    const sent = end.send(message(20));
    await end.clock.advance(74);
    expect(sent.outcome).toBe('under way');
    await end.clock.advance(1);
    expect(sent.outcome).toBe('N_TIMEOUT_BS');
    expect(end.endpoint.counters).toMatchObject({ sent: 0, unsent: 1, timeouts: 1 });
    end.hear('30 00 00'); // Too late: it is for nobody.
    await settle();
    expect(end.frames).toHaveLength(1);
    expect(end.endpoint.counters.strayFlow).toBe(1);
    expect(end.clock.sleepers).toBe(0);
  });

  test('when none comes after a block', async () => {
    const end = new End();
    const sent = end.send(message(100));
    await settle();
    end.hear('30 01 00');
    await end.clock.advance(1000);
    expect(end.frames).toHaveLength(2);
    expect(sent.outcome).toBe('N_TIMEOUT_BS');
  });

  test('when the receiver asks to wait without end', async () => {
    const end = new End({ waitsMax: 3 });
    const sent = end.send(message(20));
    for (let i = 0; i < 3; i++) {
      await end.clock.advance(900);
      end.hear('31 00 00');
    }
    await settle();
    expect(sent.outcome).toBe('under way');
    end.hear('31 00 00');
    await settle();
    expect(sent.outcome).toBe('N_WFT_OVRN');
    expect(end.endpoint.counters.waits).toBe(4);
  });

  test('when nothing comes after a wait', async () => {
    const end = new End();
    const sent = end.send(message(20));
    await end.clock.advance(900);
    end.hear('31 00 00');
    await end.clock.advance(999);
    expect(sent.outcome).toBe('under way');
    await end.clock.advance(1);
    expect(sent.outcome).toBe('N_TIMEOUT_BS');
  });

  test.each([
    ['says that it is too long', '32 00 00', 'N_BUFFER_OVFLW'],
    ['says what no standard knows', '33 00 00', 'N_INVALID_FS'],
    ['says what no standard knows (F)', '3F 00 00', 'N_INVALID_FS'],
  ])('when the receiver %s', async (_, flow, code) => {
    const end = new End();
    const sent = end.send(message(20));
    await settle();
    end.hear(flow);
    await settle();
    expect(sent.outcome).toBe(code);
    expect(end.clock.sleepers).toBe(0);
  });
});

describe('a message is given up on our side', () => {
  test('when the bus does not confirm a frame within N_As', async () => {
    const end = new End({ transmit: never, timing: OBD_TIMING });
    const sent = end.send(bytes('01 0C'));
    await end.clock.advance(25);
    expect(sent.outcome).toBe('N_TIMEOUT_A');
  });

  test('when the bus does not, whatever the receiver says meanwhile', async () => {
    const end = new End({ transmit: never, timing: OBD_TIMING });
    const sent = end.send(message(20));
    end.hear('31 00 00');
    await end.clock.advance(25);
    expect(sent.outcome).toBe('N_TIMEOUT_A');
  });

  test('when the bus stays full', async () => {
    const end = new End({ transmit: full, timing: { nAsMs: 25 } });
    const sent = end.send(bytes('01 0C'));
    await end.clock.advance(1000);
    expect(sent.outcome).toBe('N_TIMEOUT_A');
    expect(end.frames.length).toBeGreaterThan(20);
    expect(end.frames.length).toBeLessThanOrEqual(26);
    expect(end.endpoint.counters.retries).toBe(end.frames.length);
    expect(end.clock.sleepers).toBe(0);
  });

  test.each([
    ['NOT_PERMITTED', new CanSendError('NOT_PERMITTED', 'not allowed')],
    ['LISTEN_ONLY', new CanSendError('LISTEN_ONLY', 'can0 only listens')],
    ['LINK_LOST', new LinkError('LINK_LOST', 'can0 is gone')],
  ])('when the bus refuses the frame: %s', async (code, error) => {
    const end = new End({ transmit: () => Promise.reject(error) });
    const sent = end.send(bytes('01 0C'));
    await settle();
    expect(sent.outcome).toBe(code);
    expect(end.frames).toHaveLength(1);
  });

  test('and what the bus confirms afterwards is the last of it', async () => {
    const end: End = new End({
      timing: OBD_TIMING,
      transmit: () => (end.frames.length === 2 ? end.clock.sleep(100) : Promise.resolve()),
    });
    const sent = end.send(message(30));
    await settle();
    end.hear('30 00 00');
    await end.clock.advance(25);
    expect(sent.outcome).toBe('N_TIMEOUT_A');
    await end.clock.advance(1_000);
    expect(end.frames).toHaveLength(2);
  });
});

describe('a message is given up on request', () => {
  test('when it is aborted, and the next one can be sent', async () => {
    const end = new End();
    const abort = new AbortController();
    const sent = end.send(message(20), abort.signal);
    await settle();
    abort.abort('enough');
    await settle();
    expect(sent.outcome).toBe('enough');
    expect(end.send(message(3), AbortSignal.abort('before')).outcome).toBe('under way');
    await settle();
    expect(end.frames).toHaveLength(1);
    const next = end.send(message(3));
    await settle();
    expect(next.outcome).toBe('sent');
    expect(end.clock.sleepers).toBe(0);
  });

  test('by a reset', async () => {
    const end = new End();
    const sent = end.send(message(20));
    await settle();
    end.endpoint.reset();
    await settle();
    expect(sent.outcome).toBe('RESET');
    expect(end.clock.sleepers).toBe(0);
  });
});

test('a bus that was full for a while gets the frame', async () => {
  let tries = 0;
  const end = new End({ transmit: () => (++tries < 5 ? full() : Promise.resolve()) });
  const sent = end.send(bytes('01 0C'));
  await end.clock.advance(4);
  expect(sent.outcome).toBe('sent');
  expect(end.endpoint.counters).toMatchObject({ retries: 4, sent: 1 });
});

test('waits between two blocks begin to count anew', async () => {
  const end = new End({ waitsMax: 1 });
  const sent = end.send(message(30));
  for (const flow of ['31 00 00', '30 01 00', '31 00 00', '30 00 00']) {
    await settle();
    end.hear(flow);
  }
  await settle();
  expect(sent.outcome).toBe('sent');
});

test('one message at a time', async () => {
  const end = new End();
  const first = end.send(message(20));
  const second = end.send(message(3));
  await settle();
  expect(second.outcome).toBe('BUSY');
  end.hear('30 00 00');
  await settle();
  expect(first.outcome).toBe('sent');
});

test('an empty message is a mistake of ours', async () => {
  await expect(new End().endpoint.send(new Uint8Array(0))).rejects.toThrow(RangeError);
});

test('flow control that nobody waits for, or that is cut short, is counted and ignored', async () => {
  const end = new End();
  end.hear('30 00 00', '31 00 00', '3F 00 00');
  const sent = end.send(message(20));
  await settle();
  end.hear('30', '30 00');
  await settle();
  expect(sent.outcome).toBe('under way');
  end.hear('30 00 00');
  await settle();
  expect(sent.outcome).toBe('sent');
  expect(end.endpoint.counters.strayFlow).toBe(5);
});
