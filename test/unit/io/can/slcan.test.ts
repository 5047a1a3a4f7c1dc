import { afterEach, expect, test } from 'vitest';
import type { CanBus, CanFrame, Permit } from '../../../../src/io/can/bus.ts';
import { type SlcanOptions, slcan } from '../../../../src/io/can/slcan.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import {
  type AdapterFrame,
  adapterPort,
  type SlcanAdapterOptions,
} from '../../../support/slcan-adapter.ts';

const ANY: Permit = () => undefined;
const FRAME: CanFrame = { id: 0x7df, extended: false, data: Uint8Array.of(2, 1, 0) };
const HEARD: AdapterFrame = {
  id: 0x7e8,
  extended: false,
  remote: false,
  length: 2,
  data: '4100',
};

let clock = new FakeClock();
let stopping = new AbortController();
let buses: CanBus[] = [];

afterEach(async () => {
  for (const bus of buses) await passing(bus[Symbol.asyncDispose]());
  buses = [];
  clock = new FakeClock();
  stopping = new AbortController();
});

/** Lets the time pass that the work takes. */
async function passing<T>(work: PromiseLike<T>): Promise<T> {
  let isDone = false;
  const done = Promise.resolve(work).finally(() => {
    isDone = true;
  });
  done.catch(() => {}); // Looked at below.
  while (!isDone) await clock.advance(5);
  return done;
}

/** An open bus with an adapter behind it. */
async function opened(
  options: Omit<SlcanAdapterOptions, 'write'> = {},
  wanted: Partial<SlcanOptions> = { bitRate: 500_000 },
) {
  const link = adapterPort(options);
  const open = slcan(link.open, { name: 'slcan0', ...wanted });
  const bus = await passing(open({ clock, signal: stopping.signal }));
  buses.push(bus);
  const frames: string[] = [];
  bus.listen(({ id, extended, data }, t) => {
    frames.push(
      `${extended ? 'T' : 't'}${id.toString(16)} ${Buffer.from(data).toString('hex')} ${t}`,
    );
  });
  return { ...link, bus, frames };
}

test('it listens only, at the rate it is told, and closes the channel behind it', async () => {
  const { adapter, bus } = await opened();
  expect(adapter.opened).toEqual(['silent 500000']);
  expect(bus.name).toBe('slcan0');
  expect(bus.health()).toMatchObject({ bitRate: 500_000, listenOnly: true, lostBy: 'unknown' });
  await expect(bus.send(FRAME)).rejects.toMatchObject({ code: 'LISTEN_ONLY' });
  await passing(bus[Symbol.asyncDispose]());
  await passing(bus[Symbol.asyncDispose]());
  expect(adapter.channel).toBe('closed');
  expect(adapter.commands.filter((command) => /^[tTrRO]/.test(command))).toEqual([]);
});

test('what another program left open is closed first', async () => {
  const { adapter, open } = adapterPort();
  adapter.receive(Buffer.from('S5\rO\rt12'));
  const bus = await passing(
    slcan(open, { name: 'slcan0', bitRate: 125_000 })({ clock, signal: stopping.signal }),
  );
  buses.push(bus);
  expect(adapter.opened).toEqual(['normal 250000', 'silent 125000']);
});

test('with a permit it takes part in the bus, and each frame is asked about at the last moment', async () => {
  const sent: AdapterFrame[] = [];
  const asked: number[] = [];
  const permit: Permit = ({ id }) => {
    asked.push(id);
    return id === 0x7df ? undefined : { code: 'NOT_PERMITTED', reason: 'not on the list' };
  };
  const transmit = (frame: AdapterFrame): void => void sent.push(frame);
  const { adapter, bus } = await opened({ transmit }, { bitRate: 500_000, permit });
  expect(adapter.opened).toEqual(['normal 500000']);
  await passing(bus.send(FRAME));
  await expect(bus.send({ ...FRAME, id: 0x7e0 })).rejects.toMatchObject({
    code: 'NOT_PERMITTED',
    message: 'slcan0: not on the list',
  });
  expect(sent).toEqual([{ id: 0x7df, extended: false, remote: false, length: 3, data: '020100' }]);
  expect(asked).toEqual([0x7df, 0x7e0]);
  expect(bus.health()).toMatchObject({ sent: 1, unsent: 0, listenOnly: false });
});

test('a frame that the adapter does not take was not sent', async () => {
  const { adapter, bus } = await opened({}, { bitRate: 500_000, permit: ANY });
  adapter.takes = false;
  await expect(passing(bus.send(FRAME))).rejects.toMatchObject({ code: 'FULL' });
  expect(bus.health()).toMatchObject({ sent: 0, unsent: 1 });
});

test('an adapter that confirmed before and does not now has not sent', async () => {
  const { adapter, bus } = await opened({}, { bitRate: 500_000, permit: ANY });
  await passing(bus.send(FRAME));
  adapter.confirms = false;
  await expect(passing(bus.send(FRAME))).rejects.toThrow(
    'slcan0: the adapter did not send in time',
  );
});

test('one that never confirms is not waited for again', async () => {
  const { adapter, bus } = await opened({}, { bitRate: 500_000, permit: ANY });
  adapter.confirms = false;
  await passing(bus.send(FRAME));
  const before = clock.now();
  await bus.send(FRAME);
  expect(clock.now()).toBe(before);
  expect(bus.health()).toMatchObject({ sent: 2, unsent: 0 });
});

test('no more frames are handed over than the adapter confirms', async () => {
  const { adapter, bus } = await opened({}, { bitRate: 500_000, permit: ANY });
  await passing(bus.send(FRAME));
  adapter.confirms = false;
  const sending = Array.from({ length: 9 }, () => bus.send(FRAME));
  const ends = await passing(Promise.allSettled(sending));
  const reasons = ends.map((end) => (end.status === 'rejected' ? end.reason.message : 'sent'));
  expect(reasons.filter((reason) => /takes no more/.test(reason))).toHaveLength(1);
  expect(bus.health().unsent).toBe(9);
});

test('what is no CAN frame is a bug', async () => {
  const { bus } = await opened({}, { bitRate: 500_000, permit: ANY });
  await expect(bus.send({ ...FRAME, id: 0x800 })).rejects.toThrow(RangeError);
  await expect(bus.send({ ...FRAME, id: -1 })).rejects.toThrow(RangeError);
  await expect(bus.send({ ...FRAME, id: 2015.5 })).rejects.toThrow(RangeError);
  await expect(bus.send({ ...FRAME, data: new Uint8Array(9) })).rejects.toThrow(RangeError);
});

test('frames come with the times of the adapter, also behind the wrap of its clock', async () => {
  let adapterMs = 59_990;
  const { adapter, frames } = await opened({ time: () => adapterMs });
  const start = clock.now();
  adapter.hear(HEARD);
  await settle();
  // Two frames 10 ms apart reach us together: the link was busy.
  await clock.advance(25);
  adapterMs += 10;
  adapter.hear({ ...HEARD, id: 0x18daf110, extended: true });
  adapterMs += 10;
  adapter.hear(HEARD);
  await settle();
  expect(frames).toEqual([
    `t7e8 4100 ${start}`,
    `T18daf110 4100 ${start + 10_000}`,
    `t7e8 4100 ${start + 20_000}`,
  ]);
});

test('remote frames, CAN FD frames and noise are counted', async () => {
  const { bus, say, adapter, frames } = await opened();
  adapter.hear({ ...HEARD, remote: true, data: '' });
  say(`d1239${'00'.repeat(12)}\r`);
  say('t12\rnoise\r\xff\r');
  say('x'.repeat(1_000));
  say('\rt1230\r');
  await settle();
  expect(frames).toHaveLength(1);
  expect(bus.health()).toMatchObject({ received: 1, remote: 1, fd: 1, malformed: 4 });
});

test.each([
  ['00', 'active', 0, 0],
  ['04', 'warning', 0, 0],
  ['24', 'passive', 0, 0],
  ['80', 'active', 1, 0],
  ['08', 'active', 0, 1],
])('the flags %s say that the bus is %s', async (flags, state, errorFrames, overruns) => {
  const { adapter, bus } = await opened();
  expect(bus.health().state).toBe('unknown');
  adapter.flags = flags;
  await clock.advance(2_000);
  expect(bus.health()).toMatchObject({ state, errorFrames });
  expect(bus.health().warnings).toHaveLength(overruns);
});

test.each([
  ['lawicel', undefined],
  ['lawicel', 'F'],
  ['canable', undefined],
] as const)('one that falls silent is a lost link (%s without %s)', async (dialect, lacks) => {
  const { adapter, bus, say } = await opened({ dialect, ...(lacks && { lacks }) });
  let lost: unknown;
  bus.lost.catch((error: unknown) => {
    lost = error;
  });
  await clock.advance(60_000);
  adapter.receive = () => {}; // Its power is gone, which its connection does not tell.
  for (let i = 0; i < 10; i++) {
    say('t1230\r');
    await clock.advance(3_000);
  }
  expect(lost).toBeUndefined();
  await clock.advance(10_000);
  expect(lost).toMatchObject({
    code: 'NO_ANSWER',
    message: 'slcan0: the adapter does not answer any more',
  });
});

test('one that says who it is only while its channel is closed is not lost', async () => {
  const { adapter, bus } = await opened({ dialect: 'canable' });
  const receive = adapter.receive.bind(adapter);
  adapter.receive = (bytes) => {
    if (!Buffer.from(bytes).includes('V')) receive(bytes);
  };
  let isLost = false;
  bus.lost.catch(() => {
    isLost = true;
  });
  await clock.advance(60_000);
  expect(isLost).toBe(false);
});

test('one that has never said a word is not lost, but told of', async () => {
  const { adapter, bus } = await opened({ dialect: 'mute' });
  await clock.advance(60_000);
  expect(bus.health().warnings).toEqual([
    'the adapter of slcan0 has said nothing yet that could be understood',
  ]);
  adapter.hear(HEARD);
  await settle();
  expect(bus.health().warnings).toEqual([]);
});

test('an adapter without flags is not asked for them again', async () => {
  const { adapter, bus } = await opened({ lacks: 'FZ' });
  await clock.advance(10_000);
  expect(adapter.commands.filter((command) => command === 'F')).toHaveLength(1);
  expect(bus.health()).toMatchObject({ state: 'unknown', malformed: 0 });
});

test('an adapter that cannot listen only is not opened', async () => {
  const { adapter, open } = adapterPort({ lacks: 'L' });
  const opening = slcan(open, { name: 'slcan0', bitRate: 500_000 });
  await expect(passing(opening({ clock, signal: stopping.signal }))).rejects.toMatchObject({
    name: 'LinkError',
    message: 'slcan0: the adapter cannot listen only (L)',
  });
  expect(adapter.opened).toEqual([]);
});

test('an adapter that refuses the rate is not opened', async () => {
  const { open } = adapterPort({ lacks: 'S' });
  const opening = slcan(open, { name: 'slcan0', bitRate: 20_000 });
  await expect(passing(opening({ clock, signal: stopping.signal }))).rejects.toThrow(
    'slcan0: the adapter refuses 20000 bits/s (S1)',
  );
});

test.each(['canable', 'mute'] as const)(
  'one that answers nothing (%s) listens only all the same',
  async (dialect) => {
    const { adapter, bus, frames } = await opened({ dialect });
    expect(adapter.opened).toEqual(['silent 500000']);
    adapter.hear(HEARD);
    await settle();
    expect(frames).toEqual([`t7e8 4100 ${clock.now()}`]);
    await clock.advance(10_000);
    expect(bus.health()).toMatchObject({ received: 1, malformed: 0 });
  },
);

test('one with a version of its own is not taken for a CANable: it listens only', async () => {
  // It does not know M1, so that O after it would acknowledge what others send.
  const { adapter, frames } = await opened({ version: 'CAN232 v2.1' });
  expect(adapter.opened).toEqual(['silent 500000']);
  adapter.hear(HEARD);
  await settle();
  expect(frames).toHaveLength(1);
});

test.each(['canable', 'mute'] as const)('and sends where it may (%s)', async (dialect) => {
  const sent: AdapterFrame[] = [];
  const transmit = (frame: AdapterFrame): void => void sent.push(frame);
  const wanted = { bitRate: 500_000, permit: ANY };
  const { adapter, bus } = await opened({ dialect, transmit }, wanted);
  expect(adapter.opened).toEqual(['normal 500000']);
  await passing(bus.send(FRAME));
  expect(sent).toHaveLength(1);
});

test('CANable has another rate in the place of 800,000', async () => {
  const { open } = adapterPort({ dialect: 'canable' });
  const opening = slcan(open, { name: 'slcan0', bitRate: 800_000 });
  await expect(passing(opening({ clock, signal: stopping.signal }))).rejects.toThrow(
    'slcan0: the adapter knows no 800000 bits/s',
  );
});

test.each(['lawicel', 'canable', 'mute'] as const)(
  'the rate is found by listening, and only so (%s)',
  async (dialect) => {
    const link = adapterPort({ dialect });
    const opening = slcan(link.open, { name: 'slcan0', permit: ANY })({
      clock,
      signal: stopping.signal,
    });
    const talking = new AbortController();
    const talk = (async () => {
      while (!talking.signal.aborted) {
        await clock.sleep(20);
        link.adapter.hear(HEARD, 125_000);
      }
    })();
    const bus = await passing(opening);
    buses.push(bus);
    talking.abort();
    await passing(talk);
    expect(bus.health()).toMatchObject({ bitRate: 125_000 });
    expect(link.adapter.opened).toEqual([
      'silent 500000',
      'silent 250000',
      'silent 125000',
      'normal 125000',
    ]);
  },
);

test('where nothing is heard the supervisor is told so', async () => {
  const { open } = adapterPort();
  const opening = slcan(open, { name: 'slcan0' })({ clock, signal: stopping.signal });
  await expect(passing(opening)).rejects.toMatchObject({
    code: 'NO_DATA',
    message:
      'slcan0: nothing was heard at 500000, 250000, 125000, 1000000, 100000 bits/s; is the ignition on?',
  });
});

test('a stop ends the opening', async () => {
  const { open } = adapterPort();
  const opening = slcan(open, { name: 'slcan0' })({ clock, signal: stopping.signal });
  opening.catch(() => {}); // Looked at below.
  await clock.advance(2_000);
  stopping.abort();
  await expect(passing(opening)).rejects.toThrow('slcan0');
});

test('a link that breaks is told, also while opening', async () => {
  const { bus, hangUp } = await opened({}, { bitRate: 500_000, permit: ANY });
  hangUp();
  await expect(bus.lost).rejects.toMatchObject({ name: 'LinkError', code: 'LINK_LOST' });
  await expect(passing(bus.send(FRAME))).rejects.toMatchObject({ code: 'LINK_LOST' });
  await clock.advance(10_000);

  const second = adapterPort();
  const opening = slcan(second.open, { name: 'slcan0' })({ clock, signal: stopping.signal });
  opening.catch(() => {}); // Looked at below.
  await clock.advance(400);
  second.hangUp();
  await expect(passing(opening)).rejects.toMatchObject({ code: 'LINK_LOST' });
});
