import { beforeEach, expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import type { CanBus, CanFrame, Permit } from '../../../../src/io/can/bus.ts';
import { MemoryCan } from '../../../../src/io/can/memory-can.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';

const ANY: Permit = () => undefined;

let clock = new FakeClock();
let can = new MemoryCan({ clock });

beforeEach(() => {
  clock = new FakeClock();
  can = new MemoryCan({ clock });
});

function frame(id: number): CanFrame {
  return { id, extended: false, data: Uint8Array.of(id) };
}

/** Identifiers and times of what a bus brings. */
function heard(bus: CanBus): string[] {
  const list: string[] = [];
  bus.listen(({ id }, t) => void list.push(`${id} ${t}`));
  return list;
}

test('what one node sends comes to all others, in order, and not at once', async () => {
  const sender = can.node('can0', ANY);
  const other = can.node('can1');
  const lists = [heard(sender), heard(other), heard(can.node('can2'))];
  void sender.send(frame(1));
  void sender.send(frame(2));
  expect(lists).toEqual([[], [], []]);
  await settle();
  expect(lists).toEqual([[], ['1 0', '2 0'], ['1 0', '2 0']]);
  expect(other.health()).toMatchObject({ received: 2, sent: 0, listenOnly: true });
  expect(sender.health()).toMatchObject({ received: 0, sent: 2, listenOnly: false });
});

test('an answer that is sent on hearing a question comes behind it', async () => {
  const asker = can.node('can0', ANY);
  const answerer = can.node('can1', ANY);
  const all = heard(can.node('can2'));
  answerer.listen(({ id }) => void answerer.send(frame(id + 8)));
  await asker.send(frame(1));
  await asker.send(frame(2));
  await settle();
  expect(all).toEqual(['1 0', '9 0', '2 0', '10 0']);
});

test('what a listener does to its frame, nobody else sees', async () => {
  const sender = can.node('can0', ANY);
  const data = Uint8Array.of(7);
  can.node('can1').listen((mine) => mine.data.fill(0));
  const bytes: number[] = [];
  can.node('can2').listen((mine) => bytes.push(...mine.data));
  const sending = sender.send({ id: 1, extended: true, data });
  data.fill(9);
  await sending;
  await settle();
  expect(bytes).toEqual([7]);
});

test('a frame may take its time, and keeps that at which it was sent', async () => {
  can = new MemoryCan({ clock, delayMs: 5 });
  const sender = can.node('can0', ANY);
  const list = heard(can.node('can1'));
  await sender.send(frame(1));
  await clock.advance(3);
  await sender.send(frame(2));
  await clock.advance(2);
  expect(list).toEqual(['1 0']);
  await clock.advance(3);
  expect(list).toEqual(['1 0', '2 3000']);
});

test('without a permit nothing is sent, and with one what it allows', async () => {
  const permit: Permit = ({ id }, { state }) => {
    if (state !== 'active') return { code: 'BUS_BAD', reason: `the bus is ${state}` };
    return id === 1 ? undefined : { code: 'NOT_PERMITTED', reason: 'not on the list' };
  };
  const sender = can.node('can0', permit);
  const list = heard(can.node('can1'));
  await expect(can.node('can2').send(frame(1))).rejects.toMatchObject({ code: 'LISTEN_ONLY' });
  await expect(sender.send(frame(2))).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
  await sender.send(frame(1));
  can.state = 'passive';
  await expect(sender.send(frame(1))).rejects.toMatchObject({
    code: 'BUS_BAD',
    message: 'can0: the bus is passive',
  });
  await settle();
  expect(list).toEqual(['1 0']);
});

test('errors and losses are counted', async () => {
  const sender = can.node('can0', ANY);
  const other = can.node('can1');
  const list = heard(other);
  can.loses = ({ id }) => id === 2;
  for (const id of [1, 2, 3]) await sender.send(frame(id));
  can.fail(4);
  await settle();
  expect(list).toEqual(['1 0', '3 0']);
  expect(other.health()).toMatchObject({ lost: 1, lostBy: 'counted', errorFrames: 4 });
});

test('a queue that nobody empties is full in the end', async () => {
  const sender = can.node('can0', ANY);
  const ends = await Promise.allSettled(Array.from({ length: 1_001 }, () => sender.send(frame(1))));
  expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  expect(sender.health()).toMatchObject({ sent: 1_000, unsent: 1 });
  await settle();
  await sender.send(frame(1));
});

test('a cut takes the link from all that are open, and the next are on a new one', async () => {
  const { signal } = new AbortController();
  const open = can.opener('can0', ANY);
  const bus = await open({ clock, signal });
  can.cut(new LinkError('LINK_LOST', 'can0: unplugged'));
  await expect(bus.lost).rejects.toThrow('can0: unplugged');
  await expect(bus.send(frame(1))).rejects.toMatchObject({ code: 'LINK_LOST' });
  await using again = await open({ clock, signal });
  const list = heard(bus);
  await again.send(frame(1));
  await settle();
  expect(list).toEqual([]);
});

test('a closed node hears and says nothing, and a stopped opening opens nothing', async () => {
  const closed = can.node('can0', ANY);
  const list = heard(closed);
  await closed[Symbol.asyncDispose]();
  await closed[Symbol.asyncDispose]();
  await expect(closed.send(frame(1))).rejects.toMatchObject({ code: 'LINK_LOST' });
  await can.node('can1', ANY).send(frame(1));
  await settle();
  expect(list).toEqual([]);
  const signal = AbortSignal.abort();
  await expect(can.opener('can0')({ clock, signal })).rejects.toMatchObject({
    code: 'OPEN_FAILED',
  });
});

test('a listener that has ended hears no more', async () => {
  const sender = can.node('can0', ANY);
  const other = can.node('can1');
  const ids: number[] = [];
  const end = other.listen(({ id }) => {
    ids.push(id);
    end();
  });
  const list = heard(other);
  await sender.send(frame(1));
  await sender.send(frame(2));
  await settle();
  expect(ids).toEqual([1]);
  expect(list).toEqual(['1 0', '2 0']);
});
