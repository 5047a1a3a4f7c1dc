import { type FakeClock, settle } from './fake-clock.ts';

const STEP_MS = 10;
const STEPS_MAX = 4_000;

/** Moves the clock on until the promise is settled; it has to be within 40 s of its time. */
export async function finish<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let done = false;
  const settled = promise.finally(() => {
    done = true;
  });
  settled.catch(() => {}); // It is returned below; this only keeps it from counting as unhandled.
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    await settle();
    if (done) return settled;
    await clock.advance(STEP_MS);
  }
  throw new Error(`not settled after ${(STEPS_MAX * STEP_MS) / 1000} s`);
}
