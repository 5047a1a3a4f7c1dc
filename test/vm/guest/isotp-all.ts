/** As isotp.ts, at every length that there is: for when nobody waits. */
import { openPair } from './isotp-pair.ts';
import { check } from './support/check.ts';

const LENGTH_MAX = 4095;
const LIMIT_MS = 3_000_000;
/** What is told on the console, where it takes long. */
const TOLD_LENGTHS = 200;

await check(
  'every length from 1 to 4095, both ways',
  async () => {
    await using pair = await openPair();
    for (let length = 1; length <= LENGTH_MAX; length++) {
      await pair.exchange(length);
      if (length % TOLD_LENGTHS === 0) console.log(`up to ${length} bytes`);
    }
    const { received, sent, retries } = pair.endpoint.counters;
    return { received, sent, retries };
  },
  LIMIT_MS,
);
