import { expect, test } from 'vitest';
import { StateBoard } from '../../../src/mqtt/state.ts';
import { rpm, speed, startWorld, stream } from './publisher-world.ts';

test('at first it says that it is there, what it is, and what there is', async () => {
  const { outlet } = await startWorld({ simulated: true });
  expect(outlet.of('car/car1/state')).toEqual([
    { topic: 'car/car1/state', payload: 'online', qos: 1, retain: true },
  ]);
  expect(outlet.json('car/car1/info')).toEqual([
    {
      ...{ version: '1.2.0', epoch: 7, clock: { wallMs: 0, trust: 'none' }, simulated: true },
      streams: [
        expect.objectContaining({ number: 0, ...rpm }),
        expect.objectContaining({ number: 1, ...speed }),
        expect.objectContaining({ number: 2, id: 'obd.ignition', states: expect.anything() }),
      ],
    },
  ]);
  expect(outlet.text('car/car1/avail/obd')).toEqual(['online']);
});

test('of a swarm of new streams info tells once, and numbers stay', async () => {
  const { clock, outlet, now } = await startWorld();
  outlet.forget();
  for (let i = 0; i < 5; i++) {
    now.streams = [stream(`obd.new.a${i}`), ...now.streams];
    await clock.advance(1_000);
  }
  await clock.advance(3_000);
  const [info, ...more] = outlet.json('car/car1/info');
  expect(more).toEqual([]);
  const numbers = info.streams.map(({ id, number }: { id: string; number: number }) => [
    id,
    number,
  ]);
  expect(numbers).toHaveLength(8);
  expect(new Map(numbers).get(rpm.id)).toBe(0);
  expect(new Set(numbers.map(([, number]: [string, number]) => number)).size).toBe(8);
});

test('streams that come one a second for ever are told of after 10 s all the same', async () => {
  const { clock, outlet, now } = await startWorld();
  outlet.forget();
  for (let i = 0; i < 30; i++) {
    now.streams = [...now.streams, stream(`obd.new.a${i}`)];
    await clock.advance(1_000);
  }
  const count = outlet.of('car/car1/info').length;
  expect(count).toBeGreaterThanOrEqual(2);
  expect(count).toBeLessThanOrEqual(3);
});

test('a list that is made anew and says the same is no news; a clock that was set is', async () => {
  const { clock, outlet, now } = await startWorld();
  outlet.forget();
  now.streams = now.streams.map((one) => ({ ...one }));
  await clock.advance(5_000);
  expect(outlet.of('car/car1/info')).toEqual([]);
  now.wallMs = 1_800_000_000_000;
  await clock.advance(5_000);
  expect(outlet.json('car/car1/info')).toMatchObject([{ clock: { wallMs: 1_800_000_000_000 } }]);
});

test('a source is told of when it comes, goes, and is taken out', async () => {
  const { clock, outlet, now } = await startWorld();
  const of = (id: string) => outlet.text(`car/car1/avail/${id}`);
  now.sources = [...now.sources, { id: 'eeg', status: 'waiting', streams: [] }];
  await clock.advance(3_000);
  now.sources = [{ id: 'eeg', status: 'ok', streams: [] }];
  await clock.advance(3_000);
  expect(of('obd')).toEqual(['online', 'offline']);
  expect(of('eeg')).toEqual(['offline', 'online']);
  expect(outlet.of('car/car1/avail/eeg').every(({ retain, qos }) => retain && qos === 1)).toBe(
    true,
  );
});

test('stats are told every 10 s', async () => {
  const { clock, outlet } = await startWorld();
  await clock.advance(35_000);
  expect(outlet.json('car/car1/stats')).toEqual(Array.from({ length: 4 }, () => ({ queued: 3 })));
  expect(outlet.of('car/car1/stats').every(({ retain }) => retain)).toBe(true);
});

test('there are no more numbers than fit into a message, and a known stream keeps its own', () => {
  const options = {
    ...{ version: '1', simulated: false, streams: () => [], sources: () => [], stats: () => ({}) },
    epoch: () => ({ id: 7, wallMs: 0, trust: 'none' }) as const,
  };
  const { book } = new StateBoard(options, { send: () => {}, gone: () => {} });
  for (let i = 0; i < 4_096; i++) expect(book.numberOf(stream(`a.b${i}`))).toBe(i);
  expect(book.numberOf(stream('one.more'))).toBeUndefined();
  expect(book.numberOf(stream('a.b7'))).toBe(7);
  book.declare([stream('one.more'), stream('a.b7')]);
  expect(book.list().map(({ id, number }) => [id, number])).toEqual([['a.b7', 7]]);
});
