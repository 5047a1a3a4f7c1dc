import { expect, test } from 'vitest';
import type { Epoch } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import { EXTENDED_FLAG, type Reading, type Stream } from '#core/stream.ts';
import type { Columns } from '../../../../src/codec/columns.ts';
import type { OpenCanBus } from '../../../../src/io/can/bus.ts';
import type { Recording } from '../../../../src/sources/replay/readings.ts';
import { replaySource } from '../../../../src/sources/replay/replay.ts';
import { splitBuses } from '../../../../src/sources/replay/stored-bus.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const EPOCH: Epoch = { id: 1, wallMs: 1.7e12, trust: 'ntp', bootId: 'a', monotonicMs: 5 };

const stream = (id: string, kind: Stream['kind'] = 'sample'): Stream => ({
  ...{ id, name: id, unit: '1', kind, hz: 0 },
  range: [-1e9, 1e9],
});
const CAN0 = stream('can.can0', 'frame');
const CAN1 = stream('can.can1', 'frame');
const ALL = [
  ...[CAN0, CAN1, stream('can.can0.engine.rpm'), stream('can.can0.state')],
  ...[stream('can.can1.body.door'), stream('can.can0x.a.b'), stream('obd.speed')],
];
const stretch = (from: number, to: number, at: number): Stretch => ({ epoch: EPOCH, from, to, at });

function frames(times: readonly number[]): Columns {
  return {
    ...{ kind: 'frames', seq: 0, t: Float64Array.from(times) },
    id: Uint32Array.from(times, (_, i) => (i === 1 ? EXTENDED_FLAG + 0x18da_f110 : 0x100 + i)),
    length: Uint8Array.from(times, (_, i) => i),
    data: Uint8Array.from({ length: times.length * 8 }, (_, i) => i),
  };
}

/** Two stretches with an hour between, and the same frames in each. */
const recording: Recording = {
  ...{ title: 'session 3', streams: ALL, events: () => [] },
  stretches: [stretch(1e6, 2e6, 0), stretch(5e9, 5.001e9, 3_600e6)],
  columns(of, on) {
    if (of.kind === 'frame')
      return [frames([on.from + 100_000, on.from + 300_000, on.from + 299_000])];
    const t = Float64Array.of(on.from + 100_000);
    return [{ kind: 'scalars', seq: 0, t, v: Float64Array.of(1) }];
  },
};

async function opened(open: OpenCanBus | undefined, clock: FakeClock) {
  if (!open) throw new Error('no such bus');
  return open({ clock, signal: new AbortController().signal });
}

test('frames of a session come over a bus, at the times at which all else of it is played', async () => {
  const clock = new FakeClock();
  await clock.advance(7_000);
  const { buses, rest } = splitBuses(recording, (bus) => bus === 'can0');
  expect(buses).toMatchObject([{ name: 'can0', device: 'can0 of session 3' }]);
  await using bus = await opened(buses[0]?.open, clock);
  const given: unknown[] = [];
  bus.listen(({ id, extended, data }, t) => given.push([t, id, extended, [...data]]));
  const replayed: Reading[] = [];
  const stopping = new AbortController();
  const run = replaySource({ id: 'replay', recording: rest }).run(
    (reading) => replayed.push(reading),
    clock,
    stopping.signal,
  );
  await clock.advance(30_000);
  const second = 7e6 + 1e6 + 10e6;
  expect(given).toEqual([
    [7_100_000, 0x100, false, []],
    [7_300_000, 0x18da_f110, true, [8]],
    [7_300_000, 0x102, false, [16, 17]],
    [second + 100_000, 0x100, false, []],
    [second + 300_000, 0x18da_f110, true, [8]],
    [second + 300_000, 0x102, false, [16, 17]],
  ]);
  const speeds = replayed.filter((reading) => reading.stream.id === 'obd.speed');
  expect(speeds.map(({ t }) => t)).toEqual([7_100_000, second + 100_000]);
  expect(bus.health().warnings).toEqual(['session 3: at the end, after 0:12']);
  stopping.abort();
  await expect(run).rejects.toThrow();
});

test('a bus that is decoded anew is left out of the rest, with what was decoded of it', () => {
  const idsOf = (isDecoded: (bus: string) => boolean) => {
    const { buses, rest } = splitBuses(recording, isDecoded);
    return [buses.map(({ name }) => name), rest.streams.map(({ id }) => id)];
  };
  expect(idsOf((bus) => bus === 'can0')).toEqual([
    ['can0'],
    ['can.can1', 'can.can1.body.door', 'can.can0x.a.b', 'obd.speed'],
  ]);
  expect(idsOf(() => true)).toEqual([
    ['can0', 'can1'],
    ['can.can0x.a.b', 'obd.speed'],
  ]);
  expect(idsOf(() => false)).toEqual([[], ALL.map(({ id }) => id)]);
});
