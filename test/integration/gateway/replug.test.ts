import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { monotonicClock } from '../../../src/io/clock.ts';
import { serialPort } from '../../../src/io/serial.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import { BAUD_RATES } from '../../../src/sources/obd/elm/elm-tool.ts';
import { obdSource } from '../../../src/sources/obd/obd.ts';
import { supervise } from '../../../src/sources/supervise.ts';
import { Cable } from '../../support/cable.ts';
import { openDescriptors } from '../../support/descriptors.ts';
import { quickAdapter } from '../../support/devices.ts';
import { Subscriber, startGateway } from '../../support/gateway.ts';

const RPM = 'obd.engine.rpm';
/** Eight cables are pulled out and plugged in 25 times each, at the same time. */
const CABLES = 8;
const CYCLES = 25;
const CYCLES_OF_GATEWAY = 10;
/** How long a device is away, at most. */
const AWAY_MS = 200;

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-replug-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

/** When a cable is pulled out. */
const MOMENTS = ['at once', 'waking', 'set-up', 'search', 'live answer', 'idle'] as const;
type Moment = (typeof MOMENTS)[number];

/** The moment has come when the adapter has got this command: its answer is on its way. */
const COMMAND: Partial<Record<Moment, RegExp>> = {
  waking: /^AT$/,
  'set-up': /^ATH1$/,
  search: /^0100$/,
  'live answer': /^010C/,
};

/** A car on a cable, and the source that reads it. */
class Bench implements AsyncDisposable {
  readonly cable: Cable;
  /** From plugging in to the first value, for each cycle. */
  readonly recoveredMs: number[] = [];
  readonly source: Promise<void>;
  readonly #clock = monotonicClock();
  readonly #random: () => number;
  readonly #adapter = quickAdapter(this.#clock, ({ command }) => this.#onCommand(command));
  #onCommand: (command: string) => void = () => {};
  #onValue: () => void = () => {};

  constructor(number: number, signal: AbortSignal) {
    this.cable = new Cable(path.join(directory, `elm${number}`));
    this.#random = seededRandom(number);
    const { path: device } = this.cable;
    const open = serialPort(device);
    this.source = supervise(obdSource({ id: 'obd', device, open, bauds: BAUD_RATES }), {
      clock: this.#clock,
      signal,
      emit: ({ stream }) => {
        if (stream.id === RPM) this.#onValue();
      },
      report: () => {},
    });
  }

  /** Plugs in, pulls out at a moment, plugs in again and waits for a value. */
  async cycle(moment: Moment): Promise<void> {
    await this.cable.unplug();
    await this.cable.plug(this.#adapter);
    await this.#until(moment);
    await this.cable.unplug();
    await this.#clock.sleep(AWAY_MS * this.#random());
    const value = this.#nextValue();
    await this.cable.plug(this.#adapter);
    const pluggedAt = this.#clock.now();
    await value;
    this.recoveredMs.push((this.#clock.now() - pluggedAt) / 1000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cable.unplug();
    await this.source;
  }

  async #until(moment: Moment): Promise<void> {
    const command = COMMAND[moment];
    if (moment === 'idle') {
      await this.#nextValue();
      await this.#clock.sleep(AWAY_MS * this.#random());
    }
    if (command === undefined) return;
    await new Promise<void>((resolve) => {
      this.#onCommand = (heard) => {
        if (command.test(heard)) resolve();
      };
    });
  }

  #nextValue(): Promise<void> {
    return new Promise((resolve) => {
      this.#onValue = resolve;
    });
  }
}

test('data comes again after each of 200 times that a cable is pulled out, at any moment', async () => {
  const stop = new AbortController();
  const benches = Array.from({ length: CABLES }, (_, i) => new Bench(i, stop.signal));
  const round = (n: number): Promise<unknown> =>
    Promise.all(
      benches.map((bench, i) => bench.cycle(MOMENTS[(n + i) % MOMENTS.length] ?? 'idle')),
    );
  await round(0);
  const listeners = getEventListeners(stop.signal, 'abort').length;
  const descriptors = openDescriptors();
  for (let n = 1; n <= CYCLES; n++) await round(n);
  // All are plugged in and read, as they were then.
  expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(listeners);

  const recoveredMs = benches.flatMap((bench) => bench.recoveredMs).sort((a, b) => a - b);
  expect(recoveredMs).toHaveLength(CABLES * (CYCLES + 1));
  console.log(
    `data again after ${Math.round(recoveredMs[recoveredMs.length >> 1] ?? 0)} ms, at most`,
    recoveredMs.at(-1),
  );
  stop.abort();
  await Promise.all(benches.map((bench) => bench[Symbol.asyncDispose]()));
  expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
}, 180_000);

test('the gateway gets over it ten times, keeps no descriptor, and reads the headset all along', async () => {
  await using cable = new Cable(path.join(directory, 'gateway'));
  const adapter = quickAdapter(monotonicClock());
  await cable.plug(adapter);
  await using gateway = await startGateway({
    args: ['--obd', `serial://${cable.path}`, '--eeg', 'thinkgear+sim:'],
  });
  using client = new Subscriber(gateway);
  await client.more(RPM, 5);
  const { details } = await gateway.part('eeg');
  const descriptors = gateway.descriptors();
  for (let n = 0; n < CYCLES_OF_GATEWAY; n++) {
    await cable.unplug();
    const { text } = await gateway.untilPart('obd', ({ status }) => status === 'waiting');
    expect(text).toContain(cable.path);
    await client.more('eeg.raw', 64);
    await cable.plug(adapter);
    await client.more(RPM, 5);
  }
  expect(gateway.descriptors().length).toBeLessThanOrEqual(descriptors.length);
  const obd = await gateway.part('obd');
  expect(obd).toMatchObject({ status: 'ok' });
  expect(obd.details['failures']).toBeGreaterThanOrEqual(CYCLES_OF_GATEWAY);
  const eeg = await gateway.part('eeg');
  expect(eeg.details).toMatchObject({ failures: 0, lost: details['lost'] });
  expect(gateway.errors).toEqual([]);
}, 120_000);
