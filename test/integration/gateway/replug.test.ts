import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reading } from '#core/stream.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { serialPort } from '../../../src/io/serial.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import { BAUD_RATES, obdSource } from '../../../src/sources/obd/obd.ts';
import { supervise } from '../../../src/sources/supervise.ts';
import { Cable } from '../../support/cable.ts';
import { openDescriptors } from '../../support/descriptors.ts';
import { quickAdapter } from '../../support/devices.ts';
import { eventually, Subscriber, startGateway } from '../../support/gateway.ts';

const RPM = 'obd.engine.rpm';
/** Four cables are pulled out and plugged in 50 times each, at the same time. */
const CABLES = 4;
const CYCLES = 50;
const CYCLES_WHOLE = 10;

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

/** A car on a cable: tells what the adapter hears, and when values come. */
class Bench {
  readonly cable: Cable;
  readonly clock = monotonicClock();
  onCommand: (command: string) => void = () => {};
  onValue: () => void = () => {};
  readonly adapter = quickAdapter(this.clock, ({ command }) => this.onCommand(command));
  readonly emit = (reading: Reading): void => {
    if (reading.stream.id === RPM) this.onValue();
  };

  constructor(name: string) {
    this.cable = new Cable(path.join(directory, name));
  }

  nextValue(): Promise<void> {
    return new Promise((resolve) => {
      this.onValue = resolve;
    });
  }

  async until(moment: Moment, random: () => number): Promise<void> {
    const command = COMMAND[moment];
    if (moment === 'at once') return;
    if (moment === 'idle') {
      await this.nextValue();
      await this.clock.sleep(50 * random());
      return;
    }
    await new Promise<void>((resolve) => {
      this.onCommand = (heard) => {
        if (command?.test(heard)) resolve();
      };
    });
  }
}

test('data comes again after each of 200 times that a cable is pulled out and plugged in', async () => {
  const stop = new AbortController();
  const recoveredMs: number[] = [];
  const benches = Array.from({ length: CABLES }, (_, i) => new Bench(`elm${i}`));
  const sources = benches.map((bench, i) => {
    const { clock, emit, cable } = bench;
    const open = serialPort(cable.path);
    const source = obdSource({ id: `obd${i}`, device: cable.path, open, bauds: BAUD_RATES });
    return supervise(source, { clock, signal: stop.signal, emit, report: () => {} });
  });
  const cycle = async (bench: Bench, moment: Moment, random: () => number): Promise<void> => {
    await bench.cable.plug(bench.adapter);
    await bench.until(moment, random);
    await bench.cable.unplug();
    await bench.clock.sleep(200 * random());
    const value = bench.nextValue();
    await bench.cable.plug(bench.adapter);
    const pluggedAt = bench.clock.now();
    await value;
    recoveredMs.push((bench.clock.now() - pluggedAt) / 1000);
  };
  const rounds = async (count: number): Promise<void> => {
    await Promise.all(
      benches.map(async (bench, i) => {
        const random = seededRandom(i);
        for (let n = 0; n < count; n++) {
          await cycle(bench, MOMENTS[(n + i) % MOMENTS.length] ?? 'idle', random);
          await bench.cable.unplug();
        }
        await bench.cable.plug(bench.adapter);
        await bench.nextValue();
      }),
    );
  };
  await rounds(2);
  const descriptors = openDescriptors();
  const listeners = getEventListeners(stop.signal, 'abort').length;
  await Promise.all(benches.map(({ cable }) => cable.unplug()));
  await rounds(CYCLES);
  console.log(recoveredMs.length, Math.max(...recoveredMs));
  expect(openDescriptors()).toBeLessThanOrEqual(descriptors);
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(listeners);
  stop.abort();
  await Promise.all(sources);
  expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  await Promise.all(benches.map(({ cable }) => cable.unplug()));
}, 300_000);
