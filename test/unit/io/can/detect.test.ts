import { beforeEach, expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import { detectBitRate, type Ear, LIKELY_RATES } from '../../../../src/io/can/detect.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

let clock = new FakeClock();
let stopping = new AbortController();
/** The rates that were listened at, in order. */
let tried: number[] = [];
let open = 0;

beforeEach(() => {
  clock = new FakeClock();
  stopping = new AbortController();
  tried = [];
  open = 0;
});

/** A bus on which frames come every 20 ms, and errors where the rate is wrong. */
function busAt(bitRate: number, from = 0): (rate: number) => Promise<Ear> {
  return (rate) => {
    tried.push(rate);
    open++;
    const start = clock.now();
    const health = () => {
      const since = clock.now() < from ? 0 : Math.floor((clock.now() - start) / 20_000);
      const isRight = rate === bitRate;
      return {
        received: isRight ? 5 + since : 1,
        remote: 0,
        errorFrames: isRight ? 2 : 2 + since,
        malformed: 0,
      };
    };
    const close = (): Promise<void> => {
      open--;
      return Promise.resolve();
    };
    return Promise.resolve({ health, [Symbol.asyncDispose]: close });
  };
}

async function found(listenAt: (rate: number) => Promise<Ear>, rounds = 1) {
  let rate: number | 'nothing yet' | undefined = 'nothing yet';
  const search = detectBitRate({ listenAt, clock, signal: stopping.signal, rounds });
  void search.then((result) => {
    rate = result;
  });
  for (let i = 0; i < 400 && rate === 'nothing yet'; i++) await clock.advance(25);
  expect(open).toBe(0);
  return rate;
}

test.each(LIKELY_RATES)(
  'a bus of %i bits/s is found, and the likelier are tried first',
  async (rate) => {
    expect(await found(busAt(rate))).toBe(rate);
    expect(tried).toEqual(LIKELY_RATES.slice(0, LIKELY_RATES.indexOf(rate) + 1));
  },
);

test('a wrong rate is left as soon as an error comes', async () => {
  await found(busAt(250_000));
  expect(clock.now()).toBeLessThan(300_000);
});

test('a bus that wakes up later is found in a later round', async () => {
  expect(await found(busAt(500_000, 4_000_000), 3)).toBe(500_000);
  expect(tried.length).toBeGreaterThan(LIKELY_RATES.length);
});

test('where nothing comes, nothing is found after the rounds', async () => {
  expect(await found(busAt(33_333, 1e12), 2)).toBeUndefined();
  expect(tried).toEqual([...LIKELY_RATES, ...LIKELY_RATES]);
});

test('a stop ends it', async () => {
  const search = found(busAt(33_333, 1e12), Number.POSITIVE_INFINITY);
  await clock.advance(100);
  stopping.abort();
  expect(await search).toBeUndefined();
});

/** A controller that has some rates only. */
function without(...missing: readonly number[]): (rate: number) => Promise<Ear> {
  const listenAt = busAt(100_000);
  return (rate) => {
    if (!missing.includes(rate)) return listenAt(rate);
    return Promise.reject(new LinkError('BAD_ANSWER', `can0: refuses ${rate} bits/s`));
  };
}

test('a rate that the controller has not is passed over', async () => {
  expect(await found(without(1_000_000, 125_000))).toBe(100_000);
  expect(tried).toEqual([500_000, 250_000, 100_000]);
});

test('where it has none of them, it is said so', async () => {
  const listenAt = without(...LIKELY_RATES);
  await expect(
    detectBitRate({ listenAt, clock, signal: stopping.signal, rounds: 2 }),
  ).rejects.toThrow('can0: refuses 500000 bits/s');
});

test('an opening that fails ends it', async () => {
  const listenAt = () => Promise.reject(new Error('can0: gone'));
  await expect(
    detectBitRate({ listenAt, clock, signal: stopping.signal, rounds: 1 }),
  ).rejects.toThrow('can0: gone');
});
