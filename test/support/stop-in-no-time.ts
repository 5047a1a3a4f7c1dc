import { expect } from 'vitest';
import { type FakeClock, settle } from './fake-clock.ts';
import type { FakeCloud } from './fake-cloud.ts';

/** More turns of the event loop than a stop takes that waits for nothing. */
const TURNS = 5;

/** Runs a part until it is connected, and stops it: that has to end, and no time passes. */
export async function expectStopInNoTime(
  part: { run(signal: AbortSignal): Promise<void> },
  { cloud, clock }: { readonly cloud: FakeCloud; readonly clock: FakeClock },
): Promise<void> {
  const stopping = new AbortController();
  let isOver = false;
  const run = part.run(stopping.signal).then(() => {
    isOver = true;
  });
  await clock.advance(1_000);
  expect(cloud.isConnected).toBe(true);
  stopping.abort();
  for (let i = 0; i < TURNS; i++) await settle();
  expect(isOver).toBe(true);
  expect(clock.sleepers).toBe(0);
  await run;
}
