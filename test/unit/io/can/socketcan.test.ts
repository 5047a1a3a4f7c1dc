import { afterEach, expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import type { CanBus, Permit } from '../../../../src/io/can/bus.ts';
import type { LinkState } from '../../../../src/io/can/link-facts.ts';
import { type CanWorld, socketCan } from '../../../../src/io/can/socketcan.ts';
import type { Channel, NativeFrame } from '../../../../src/io/can/socketcan-bus.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';

const ANY: Permit = () => undefined;
const FRAME = { id: 0x7df, extended: false, data: Uint8Array.of(2, 1, 0) };
/** Seconds of the wall clock, beyond what 32 bits with a sign hold. */
const WALL_S = 2_200_000_000;

/** An interface and its channel, as the kernel and the package have them. */
class FakeLink implements Channel {
  readonly calls: string[] = [];
  state: LinkState | undefined = { isCan: true, up: true, rxPackets: 7_000, txPackets: 40 };
  /** What `ip` prints. */
  ip: string | undefined;
  rmem = 8_388_608;
  kernel = '6.1.0-37-amd64';
  /** What a send returns. */
  taken = 16;
  #onMessage: (frame: NativeFrame) => void = () => {};
  #onStopped: () => void = () => {};
  #hasStopped = false;

  addListener(event: string, listener: (frame: NativeFrame) => void): void {
    if (event === 'onMessage') this.#onMessage = listener;
    else this.#onStopped = () => listener({ id: 0, data: new Uint8Array() });
  }

  start(): void {
    this.calls.push('start');
  }

  /** It tells its listeners, as the package does. */
  stop(): void {
    if (this.#hasStopped) throw new Error('Channel not started');
    this.calls.push('stop');
    this.vanish();
  }

  send({ id, ext, rtr, data }: Parameters<Channel['send']>[0]): number {
    this.calls.push(`send ${id.toString(16)} ${ext} ${rtr} ${data.toString('hex')}`);
    return this.taken;
  }

  setRxFilters(filter: object): void {
    this.calls.push(`filter ${JSON.stringify(filter)}`);
  }

  setErrorFilters(mask: number): void {
    this.calls.push(`errors ${mask}`);
  }

  /** The kernel takes frames from the bus, of which some reach us. */
  count(rx: number, tx = 0): void {
    const { state } = this;
    if (state === undefined) return;
    const { rxPackets, txPackets } = state;
    this.state = { ...state, rxPackets: rxPackets + rx, txPackets: txPackets + tx };
  }

  bring(frame: Partial<NativeFrame>): void {
    this.#onMessage({ id: 0x123, data: Buffer.of(1), ...frame });
  }

  vanish(): void {
    this.#hasStopped = true;
    this.#onStopped();
  }
}

let clock = new FakeClock();
let buses: CanBus[] = [];

afterEach(async () => {
  for (const bus of buses) await bus[Symbol.asyncDispose]();
  buses = [];
  expect(clock.sleepers).toBe(0);
  clock = new FakeClock();
});

function worldOf(link: FakeLink): CanWorld {
  return {
    createChannel: (name) => {
      link.calls.push(`create ${name}`);
      return link;
    },
    readLink: () => link.state,
    askIp: () => Promise.resolve(link.ip),
    receiveBuffer: () => Promise.resolve(link.rmem),
    kernel: link.kernel,
  };
}

async function opened(link = new FakeLink(), permit?: Permit) {
  const { signal } = new AbortController();
  const bus = await socketCan('can0', { permit, world: worldOf(link) })({ clock, signal });
  buses.push(bus);
  const frames: string[] = [];
  bus.listen(({ id, extended, data }, t) => {
    frames.push(
      `${extended ? 'T' : 't'}${id.toString(16)} ${Buffer.from(data).toString('hex')} ${t}`,
    );
  });
  return { bus, link, frames };
}

function ipSays(data: object, kind = 'can'): string {
  return JSON.stringify([{ ifname: 'can0', linkinfo: { info_kind: kind, info_data: data } }]);
}

test.each([
  [undefined, 'can0: no such interface; is the CAN adapter plugged in?'],
  [{ isCan: false, up: true }, 'can0: not a CAN interface'],
  [
    { isCan: true, up: false },
    'can0: the interface is down; bring it up with systemctl start vigil-can@can0',
  ],
])('an interface that brings nothing is not opened: %o', async (state, message) => {
  const link = new FakeLink();
  link.state = state && { ...state, rxPackets: 0, txPackets: 0 };
  await expect(opened(link)).rejects.toMatchObject({ name: 'LinkError', message });
  expect(link.calls).toEqual([]);
});

test('a stop while opening opens nothing', async () => {
  const link = new FakeLink();
  const open = socketCan('can0', { world: worldOf(link) });
  await expect(open({ clock, signal: AbortSignal.abort() })).rejects.toBeInstanceOf(LinkError);
  expect(link.calls).toEqual([]);
});

test('frames come with the time at which the kernel got them, also beyond 2038', async () => {
  const { link, frames } = await opened();
  const stamped = (us: number) => ({ ts_sec: WALL_S | 0, ts_usec: us });
  await clock.advance(1_000);
  link.bring(stamped(100));
  await clock.advance(50);
  link.bring({ ...stamped(10_100), id: 0x18daf110, ext: true, data: Buffer.of(0x41, 0) });
  link.bring({ ...stamped(20_100), data: Buffer.of() });
  expect(frames).toEqual(['t123 01 1000000', 'T18daf110 4100 1010000', 't123  1020000']);
});

test('what is no data frame is counted and not passed on', async () => {
  const { bus, link, frames } = await opened();
  link.bring({ rtr: true });
  link.bring({ data: Buffer.alloc(12) });
  link.bring({ err: true, id: 0x044, data: Buffer.of(0, 0x20, 0, 0, 0, 0, 130, 5) });
  expect(frames).toEqual([]);
  expect(bus.health()).toMatchObject({
    received: 0,
    remote: 1,
    fd: 1,
    errorFrames: 1,
    busOffs: 1,
    state: 'off',
    txErrors: 130,
    rxErrors: 5,
  });
  link.bring({ err: true, id: 0x104, data: Buffer.of(0, 0x01, 0, 0, 0, 0, 0, 0) });
  expect(bus.health()).toMatchObject({ state: 'active', busOffs: 1 });
  expect(bus.health().warnings).toEqual(['the controller of can0 dropped frames 1 times']);
});

test('what ip tells is told, and asked again every 10 s', async () => {
  const link = new FakeLink();
  const state = {
    state: 'ERROR-ACTIVE',
    berr_counter: { tx: 0, rx: 3 },
    ctrlmode: ['LISTEN-ONLY'],
  };
  link.ip = ipSays({ ...state, bittiming: { bitrate: 500_000 } });
  const { bus } = await opened(link);
  const told = { bitRate: 500_000, listenOnly: true, state: 'active', txErrors: 0, rxErrors: 3 };
  expect(bus.health()).toMatchObject(told);
  link.ip = ipSays({ ...state, state: 'ERROR-PASSIVE', bittiming: { bitrate: 250_000 } });
  await clock.advance(9_000);
  expect(bus.health()).toMatchObject(told);
  await clock.advance(1_000);
  expect(bus.health()).toMatchObject({ ...told, bitRate: 250_000, state: 'passive' });
  // Without an answer what was known stays.
  link.ip = undefined;
  await clock.advance(10_000);
  expect(bus.health()).toMatchObject({ bitRate: 250_000 });
});

test('without ip nothing is known and everything works', async () => {
  const { bus, link } = await opened();
  link.bring({});
  const { state, bitRate, listenOnly, received, warnings } = bus.health();
  expect({ state, bitRate, listenOnly, received, warnings }).toEqual({
    state: 'unknown',
    bitRate: undefined,
    listenOnly: undefined,
    received: 1,
    warnings: [],
  });
});

test('a small receive buffer and CAN FD are warned of', async () => {
  const link = new FakeLink();
  link.rmem = 212_992;
  link.ip = ipSays({ ctrlmode: ['FD'] });
  const { bus } = await opened(link);
  expect(bus.health().warnings).toEqual([
    'net.core.rmem_default is 212992 bytes: bursts of more than 277 frames are lost; set it to 8388608',
    'can0 speaks CAN FD, whose frames of up to 8 bytes look like others',
  ]);
});

test('without a permit, and on an interface that only listens, nothing is sent', async () => {
  const { bus, link } = await opened();
  await expect(bus.send(FRAME)).rejects.toMatchObject({ code: 'LISTEN_ONLY' });
  link.ip = ipSays({ ctrlmode: ['LISTEN-ONLY'] });
  const second = await opened(link, ANY);
  await expect(second.bus.send(FRAME)).rejects.toMatchObject({
    code: 'LISTEN_ONLY',
    message: 'can0: the interface is set to listen only',
  });
  expect(link.calls.filter((call) => call.startsWith('send'))).toEqual([]);
});

test('with one a frame goes to the kernel, and back where that takes none', async () => {
  const { bus, link } = await opened(new FakeLink(), ANY);
  await bus.send(FRAME);
  await bus.send({ id: 0x18db33f1, extended: true, data: new Uint8Array() });
  link.taken = -1;
  await expect(bus.send(FRAME)).rejects.toMatchObject({
    name: 'CanSendError',
    code: 'FULL',
    message: 'can0: the queue of the interface is full',
  });
  link.state = { isCan: true, up: false, rxPackets: 7_000, txPackets: 40 };
  await clock.advance(1_000);
  await expect(bus.send(FRAME)).rejects.toThrow('can0: the interface is down');
  expect(link.calls.slice(2, 4)).toEqual([
    'send 7df false false 020100',
    'send 18db33f1 true false ',
  ]);
  expect(bus.health()).toMatchObject({ sent: 2, unsent: 2 });
});

test('what the interface received and we did not is lost', async () => {
  const { bus, link } = await opened();
  link.count(1_000);
  for (let i = 0; i < 700; i++) link.bring(i < 690 ? {} : { rtr: true });
  link.bring({ err: true, id: 0x004 });
  await clock.advance(5_000);
  expect(bus.health()).toMatchObject({ lost: 300, lostBy: 'reckoned', received: 690 });
});

test('while the channel brings frames without an end, what still waits is not lost', async () => {
  const { bus, link } = await opened();
  link.count(10_000);
  for (let second = 0; second < 10; second++) {
    await clock.advance(999);
    // More at once than a channel brings that has read all.
    for (let i = 0; i < 101; i++) link.bring({});
    await clock.advance(1);
  }
  expect(bus.health().lost).toBe(0);
  await clock.advance(5_000);
  expect(bus.health().lost).toBe(10_000 - 1_010);
});

test('before Linux 5.17 error frames count as received', async () => {
  const link = new FakeLink();
  link.kernel = '5.10.103-v7l+';
  const { bus } = await opened(link);
  link.count(10);
  for (let i = 0; i < 10; i++) link.bring(i < 6 ? {} : { err: true, id: 0x004 });
  await clock.advance(6_000);
  expect(bus.health()).toMatchObject({ lost: 0, received: 6 });
});

test('frames that others of this computer send come as well, and ours do not', async () => {
  const { bus, link } = await opened(new FakeLink(), ANY);
  for (let i = 0; i < 5; i++) await bus.send(FRAME);
  link.count(100, 25);
  for (let i = 0; i < 110; i++) link.bring({});
  await clock.advance(6_000);
  expect(bus.health().lost).toBe(10);
});

test('a virtual bus counts what is sent as received, error frames included', async () => {
  const link = new FakeLink();
  link.ip = ipSays({}, 'vcan');
  const { bus } = await opened(link, ANY);
  for (let i = 0; i < 5; i++) await bus.send(FRAME);
  link.count(105, 105);
  for (let i = 0; i < 90; i++) link.bring({});
  link.bring({ err: true, id: 0x040 });
  await clock.advance(6_000);
  expect(bus.health().lost).toBe(9);
});

test('a channel that stalls is lost', async () => {
  const { bus, link } = await opened();
  const lost = expect(bus.lost).rejects.toMatchObject({
    name: 'LinkError',
    code: 'NO_DATA',
    message: 'can0: the interface receives frames, and none reached us: the channel stalled',
  });
  await clock.advance(1_000);
  for (let i = 0; i < 3; i++) {
    link.count(60);
    await clock.advance(1_000);
  }
  await lost;
  await bus[Symbol.asyncDispose]();
  expect(link.calls.at(-1)).toBe('stop');
});

test('an interface that goes down and comes up again is the same bus', async () => {
  const { bus, link, frames } = await opened();
  const before = link.state;
  link.state = before && { ...before, up: false };
  await clock.advance(1_000);
  expect(bus.health().warnings).toEqual(['can0 is down: nothing comes until it is brought up']);
  // Some drivers begin to count anew.
  link.state = { isCan: true, up: true, rxPackets: 0, txPackets: 0 };
  await clock.advance(1_000);
  link.bring({});
  link.count(1);
  await clock.advance(6_000);
  expect(bus.health()).toMatchObject({ received: 1, lost: 0, warnings: [] });
  expect(frames).toHaveLength(1);
});

test('an interface that is deleted is lost, and its channel not stopped again', async () => {
  const { bus, link } = await opened();
  link.state = undefined;
  link.vanish();
  await clock.advance(2_000);
  await expect(bus.lost).rejects.toMatchObject({
    code: 'LINK_LOST',
    message: 'can0: the interface is gone',
  });
  await bus[Symbol.asyncDispose]();
  expect(link.calls).toEqual(['create can0', 'start']);
  await expect(bus.send(FRAME)).rejects.toMatchObject({ code: 'LISTEN_ONLY' });
});

test('a closed bus lets nothing through, and its socket fills no more', async () => {
  const { bus, link, frames } = await opened(new FakeLink(), ANY);
  let isLost = false;
  bus.lost.catch(() => {
    isLost = true;
  });
  const closing = bus[Symbol.asyncDispose]();
  link.bring({});
  await closing;
  await bus[Symbol.asyncDispose]();
  await settle();
  expect(link.calls).toEqual([
    'create can0',
    'start',
    'filter {"id":0,"mask":0,"invert":true}',
    'errors 0',
    'stop',
  ]);
  expect(frames).toEqual([]);
  expect(isLost).toBe(false);
  await expect(bus.send(FRAME)).rejects.toMatchObject({ code: 'LINK_LOST' });
});

test('an interface that is deleted while the bus is closed ends nothing but the bus', async () => {
  const { bus, link } = await opened();
  const closing = bus[Symbol.asyncDispose]();
  link.vanish();
  await closing;
  expect(link.calls).not.toContain('stop');
});
