/** Whatever people ask for, in whatever order, and whatever happens: nothing else is on the bus. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CanFrame } from '../../../../../src/io/can/bus.ts';
import { DiagnosisError } from '../../../../../src/sources/obd/errors.ts';
import { isOnTheList } from './allow-list.ts';
import { carOnCan } from './car-on-can.ts';

const ACTIONS = 10_000;
/** What others send: as an answer of a control unit, or something that is none. */
const OTHERS = [0x123, 0x7e8, 0x7e9, 0x7ea, 0x7ef];
/** From the question for the speed to the request that it allows. */
const SPEED_AGE_US = 150_000;

interface Action {
  readonly kind: 'refresh' | 'clear' | 'read' | 'stored' | 'frame' | 'take-back';
  readonly ecu: string;
  readonly did: number;
  readonly dtc: number;
  readonly extended: boolean;
  readonly frame: CanFrame;
}

const action: fc.Arbitrary<Action> = fc.record<Action>({
  kind: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('refresh', 'read', 'stored', 'frame') },
    { weight: 1, arbitrary: fc.constantFrom('clear', 'take-back') },
  ),
  ecu: fc.oneof(fc.constantFrom('7e8', '7e9', '7e0', '7df', '18daf110'), fc.string()),
  did: fc.oneof(fc.constantFrom(0xf190, 0xf18c), fc.nat({ max: 0xffff })),
  dtc: fc.oneof(fc.constantFrom(0x030100, 0x042000), fc.nat({ max: 0xff_ffff })),
  extended: fc.boolean(),
  frame: fc.record({
    id: fc.constantFrom(...OTHERS),
    extended: fc.constant(false),
    data: fc.uint8Array({ maxLength: 8 }),
  }),
});

test('10,000 random requests put no frame on the bus that is not on the list', async () => {
  const car = await carOnCan({
    car: { ignitionCycles: { onS: 60, offS: 15 }, trouble: 'P0301' },
  });
  const { clock, can, node, source, restart } = car;
  const { outcomes, bugs, follow } = tally();
  let taking = new AbortController();
  const act: Readonly<Record<Action['kind'], (one: Action) => void>> = {
    refresh: () => follow('refresh', source.refresh()),
    clear: () => follow('clear', source.clearCodes(taking.signal)),
    read: ({ ecu, did, extended }) =>
      follow('read', source.readDid(ecu, did, { extended, signal: taking.signal })),
    stored: ({ ecu, dtc, extended }) =>
      follow('stored', source.readDtc(ecu, dtc, { extended, signal: taking.signal })),
    frame: ({ frame }) => follow('frame', node.send(frame)),
    'take-back': () => {
      taking.abort();
      taking = new AbortController();
    },
  };
  for (const [i, one] of fc.sample(action, { numRuns: ACTIONS, seed: 14 }).entries()) {
    act[one.kind](one);
    if (i % 1_500 === 700) can.state = i % 2_000 === 700 ? 'off' : 'passive';
    if (i % 1_500 === 800) can.state = 'active';
    if (i % 2_000 === 1_900) restart.now();
    await clock.advance(40);
  }
  const { requests, clearings, sessions } = judged(car);
  expect(bugs).toEqual([]);
  expect(requests).toBeGreaterThan(1_500);
  expect(clearings).toBeGreaterThan(2);
  expect(sessions).toBeGreaterThan(2);
  // Both sides of each rule were seen.
  for (const what of [
    'refresh done',
    'clear MOVING',
    'clear REFUSED',
    'read done',
    'read REFUSED',
    'read MOVING',
    'stored done',
    'stored REFUSED',
    'stored MOVING',
  ]) {
    expect(outcomes.get(what), what).toBeGreaterThan(2);
  }
}, 120_000);

/** Counts how each request went, as `clear MOVING`; what should never happen is kept apart. */
function tally() {
  const outcomes = new Map<string, number>();
  const bugs: string[] = [];
  const count = (what: string): void => {
    outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  };
  const follow = (kind: string, work: Promise<unknown>): void => {
    work.then(
      () => count(`${kind} done`),
      (error: unknown) => {
        if (error instanceof DiagnosisError) count(`${kind} ${error.code}`);
        else bugs.push(String(error));
      },
    );
  };
  return { outcomes, bugs, follow };
}

/** Holds everything on the bus that nobody else sends against the list. */
function judged({ sniffed, simulated }: Awaited<ReturnType<typeof carOnCan>>) {
  const begun = new Set<number>();
  let requests = 0;
  let clearings = 0;
  let sessions = 0;
  for (const { frame, t } of sniffed) {
    const { id, data } = frame;
    if (OTHERS.includes(id)) {
      if ((data[0] ?? 0) >> 4 === 1) begun.add(id - 8);
      continue;
    }
    const text = `${id.toString(16)} ${Buffer.from(data).toString('hex')}`;
    if (text.startsWith('7df 0104')) {
      clearings++;
      // It stood when it was asked, which the rate allows no later than 100 ms before.
      expect(simulated.truth(0x0d, t - SPEED_AGE_US), `cleared at ${t}`).toEqual([0]);
    } else {
      requests++;
      expect(isOnTheList(frame, begun), text).toBe(true);
      if (!/^7e. 021003/.test(text)) continue;
      sessions++;
      expect(simulated.truth(0x0d, t - SPEED_AGE_US), `extended at ${t}`).toEqual([0]);
    }
  }
  return { requests, clearings, sessions };
}
