import { beforeEach, expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import type { CanBus, OpenCanBus, Permit } from '../../../../src/io/can/bus.ts';
import { MemoryCan } from '../../../../src/io/can/memory-can.ts';
import { sharedBus } from '../../../../src/io/can/shared.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';

const ANY: Permit = () => undefined;
const FRAME = { id: 1, extended: false, data: new Uint8Array() };

const clock = new FakeClock();
let can = new MemoryCan({ clock });
/** What became of the real bus, in order. */
let events: string[] = [];
let signal = new AbortController().signal;

beforeEach(() => {
  can = new MemoryCan({ clock });
  events = [];
  signal = new AbortController().signal;
});

/** Tells of each opening and closing, which take until `gate`. */
function told(open: OpenCanBus, gate: () => Promise<void> = () => Promise.resolve()): OpenCanBus {
  return async (options) => {
    events.push('opening');
    options.signal.addEventListener('abort', () => events.push('stop'), { once: true });
    await gate();
    const bus = await open(options);
    events.push('open');
    return Object.assign(Object.create(bus), {
      listen: bus.listen.bind(bus),
      send: bus.send.bind(bus),
      health: bus.health.bind(bus),
      lost: bus.lost,
      name: bus.name,
      [Symbol.asyncDispose]: async () => {
        events.push('closing');
        await gate();
        await bus[Symbol.asyncDispose]();
        events.push('closed');
      },
    }) as CanBus;
  };
}

const openReal = (): OpenCanBus => told(can.opener('can0', ANY));

test('who has closed it hears no more, though others have it', async () => {
  const open = sharedBus(openReal());
  const [left, staying] = await Promise.all([open({ clock, signal }), open({ clock, signal })]);
  await left[Symbol.asyncDispose]();
  const heard: string[] = [];
  left.listen(() => heard.push('left'));
  staying.listen(() => heard.push('staying'));
  await can.node('car', ANY).send(FRAME);
  await settle();
  expect(heard).toEqual(['staying']);
  await staying[Symbol.asyncDispose]();
});

test('the first opens and the last closes', async () => {
  const open = sharedBus(openReal());
  const [first, second] = await Promise.all([open({ clock, signal }), open({ clock, signal })]);
  expect(events).toEqual(['opening', 'open']);
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await settle();
  expect(events).toEqual(['opening', 'open']);
  await second.send(FRAME);
  await second[Symbol.asyncDispose]();
  await settle();
  expect(events).toEqual(['opening', 'open', 'stop', 'closing', 'closed']);
});

test('each hears all that comes until it closes, and sends no more then', async () => {
  const open = sharedBus(openReal());
  const sender = can.node('other', ANY);
  const [first, second] = await Promise.all([open({ clock, signal }), open({ clock, signal })]);
  const ids: string[] = [];
  first.listen(({ id }) => void ids.push(`first ${id}`));
  const end = second.listen(({ id }) => void ids.push(`second ${id}`));
  await sender.send(FRAME);
  await settle();
  await first[Symbol.asyncDispose]();
  await expect(first.send(FRAME)).rejects.toMatchObject({ code: 'LINK_LOST' });
  await sender.send({ ...FRAME, id: 2 });
  await settle();
  end();
  await sender.send({ ...FRAME, id: 3 });
  await settle();
  expect(ids).toEqual(['first 1', 'second 1', 'second 2']);
  expect(second.health().received).toBe(3);
});

test('an opening that fails fails for all who wait, and the next tries anew', async () => {
  let fails = true;
  const open = sharedBus(
    told((options) => {
      if (!fails) return can.opener('can0', ANY)(options);
      return Promise.reject(new LinkError('OPEN_FAILED', 'can0: no such interface'));
    }),
  );
  const tries = [open({ clock, signal }), open({ clock, signal })];
  for (const failed of tries) await expect(failed).rejects.toThrow('can0: no such interface');
  fails = false;
  await using bus = await open({ clock, signal });
  expect(bus.name).toBe('can0');
  expect(events.filter((event) => event === 'opening')).toHaveLength(2);
});

test('one who stops waiting does not stop the others, and the last stops the opening', async () => {
  const gate = Promise.withResolvers<void>();
  const open = sharedBus(told(can.opener('can0', ANY), () => gate.promise));
  const [one, two] = [new AbortController(), new AbortController()];
  const first = open({ clock, signal: one.signal });
  const second = open({ clock, signal: two.signal });
  one.abort();
  await expect(first).rejects.toMatchObject({ code: 'OPEN_FAILED' });
  expect(events).toEqual(['opening']);
  two.abort();
  await expect(second).rejects.toMatchObject({ code: 'OPEN_FAILED' });
  expect(events).toEqual(['opening', 'stop']);
  // Somebody comes who wants it again: what is on its way is waited for.
  const third = open({ clock, signal });
  gate.resolve();
  await using _bus = await third;
  expect(events.filter((event) => event === 'opening')).toHaveLength(2);
  await expect(open({ clock, signal: one.signal })).rejects.toMatchObject({ code: 'OPEN_FAILED' });
});

test('a lost link is told to all and closed at once, and opened anew for the next', async () => {
  const open = sharedBus(openReal());
  const [first, second] = await Promise.all([open({ clock, signal }), open({ clock, signal })]);
  can.cut(new LinkError('NO_DATA', 'can0: the channel stalled'));
  await expect(first.lost).rejects.toThrow('the channel stalled');
  await expect(second.lost).rejects.toThrow('the channel stalled');
  await using third = await open({ clock, signal });
  expect(events).toEqual(['opening', 'open', 'stop', 'closing', 'closed', 'opening', 'open']);
  await first[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
  await settle();
  expect(events).toHaveLength(7);
  await third.send(FRAME);
});

test('who opens while the last closes waits for the closing', async () => {
  const open = sharedBus(openReal());
  const first = await open({ clock, signal });
  void first[Symbol.asyncDispose]();
  await using _again = await open({ clock, signal });
  expect(events).toEqual(['opening', 'open', 'stop', 'closing', 'closed', 'opening', 'open']);
});
