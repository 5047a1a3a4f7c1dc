import { expect, test } from 'vitest';
import { STORE_STATE, sourceStream } from '#core/gateway-streams.ts';
import type { Reading } from '#core/stream.ts';
import { SelfReport } from '../../../src/gateway/self-report.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function createReport() {
  const clock = new FakeClock();
  const told: Reading[] = [];
  const state = { obd: 2, store: 2 };
  const obd = sourceStream('obd');
  const report = new SelfReport({
    clock,
    emit: (reading) => told.push(reading),
    states: () => [
      [obd, state.obd],
      [STORE_STATE, state.store],
    ],
  });
  const seen = () =>
    told.map((one) => [one.stream.id, one.kind === 'sample' && one.v, one.t / 1e6]);
  return { clock, report, state, seen };
}

test('every state is told at the start and every ten seconds', async () => {
  const { clock, report, seen } = createReport();
  const stop = new AbortController();
  const running = report.run(stop.signal);
  await clock.advance(19_999);
  expect(seen()).toEqual([
    ['gateway.source.obd', 2, 0],
    ['gateway.store', 2, 0],
    ['gateway.source.obd', 2, 10],
    ['gateway.store', 2, 10],
  ]);
  stop.abort();
  await running;
  expect(clock.sleepers).toBe(0);
});

test('a state that changes is told within a second, and only that', async () => {
  const { clock, report, state, seen } = createReport();
  const stop = new AbortController();
  const running = report.run(stop.signal);
  await clock.advance(3_500);
  state.obd = 1;
  await clock.advance(1_000);
  expect(seen().slice(2)).toEqual([['gateway.source.obd', 1, 4]]);
  stop.abort();
  await running;
});
