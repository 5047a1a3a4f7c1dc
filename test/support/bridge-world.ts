import type { Stream } from '#core/stream.ts';
import type { Bearer } from '../../src/io/bearer.ts';
import { Bridge, type BridgeOptions } from '../../src/outbox/bridge.ts';
import type { BudgetRecord } from '../../src/outbox/budget.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { FakeCloud } from './fake-cloud.ts';
import { FakeQueue } from './fake-queue.ts';
import { SILENT_LOG } from './silent-log.ts';

export const PLACE = { tenant: 'acme', device: 'car-1' };
const PLAIN = { unit: '1', range: [0, 250] as const };

export const ALERTS: Stream = { ...PLAIN, id: 'alert', name: 'Alert', hz: 0, kind: 'event' };
export const BLINKS: Stream = { ...PLAIN, id: 'face.blink', name: 'Blink', hz: 0, kind: 'event' };
export const STATE: Stream = {
  ...{ ...PLAIN, id: 'gateway.source.obd', name: 'Source obd', hz: 0.2, kind: 'sample' },
};
export const SPEED: Stream = { ...PLAIN, id: 'obd.speed', name: 'Speed', hz: 10, kind: 'sample' };
export const RPM: Stream = {
  ...PLAIN,
  id: 'obd.rpm',
  name: 'Engine speed',
  hz: 10,
  kind: 'sample',
};
export const EEG: Stream = {
  ...{ ...PLAIN, id: 'eeg.raw', name: 'EEG', hz: 512, kind: 'wave', lsb: 0.22 },
};

/** Numbers of the streams above, as a world declares them. */
export const NUMBERS = { alerts: 1, blinks: 2, state: 3, speed: 4, rpm: 5, eeg: 6 };

/** A bridge between a store and a cloud in memory, on a clock that the test moves. */
export class BridgeWorld {
  readonly clock = new FakeClock();
  readonly cloud = new FakeCloud(PLACE);
  queue = new FakeQueue();
  bearer: Bearer = 'wifi';
  wallMs: number | undefined = Date.UTC(2026, 10, 10);
  saved: BudgetRecord | undefined;
  bridge: Bridge;
  readonly #overrides: Partial<BridgeOptions>;
  #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(overrides: Partial<BridgeOptions> = {}) {
    this.#overrides = overrides;
    const streams = [ALERTS, BLINKS, STATE, SPEED, RPM, EEG];
    for (const [i, stream] of streams.entries()) this.queue.declare(i + 1, stream);
    this.bridge = this.#make();
  }

  start(): void {
    this.#stopping = new AbortController();
    this.#running = this.bridge.run(this.#stopping.signal);
  }

  /** In order, as at the end of the gateway. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // The farewell has its turn before its time is over.
    for (let i = 0; i < 5; i++) await settle();
    for (let i = 0; i < 5; i++) await this.clock.advance(1_000);
    await this.#running;
  }

  /** As with kill -9: nothing more is kept, and another process begins. */
  async restart(): Promise<void> {
    const next = this.queue.restarted();
    this.#stopping.abort();
    this.cloud.cut();
    for (let i = 0; i < 5; i++) await this.clock.advance(1_000);
    await this.#running;
    this.queue = next;
    this.bridge = this.#make();
    this.start();
  }

  /** Lets time pass in steps until it is so. */
  async until(isSo: () => boolean, stepMs = 20, stepsMax = 50_000): Promise<void> {
    for (let step = 0; !isSo(); step++) {
      if (step >= stepsMax) throw new Error(`not so in ${(stepsMax * stepMs) / 1000} s`);
      await this.clock.advance(stepMs);
    }
  }

  /** In steps, as something is done at each. */
  async pass(ms: number, stepMs = 250): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) await this.clock.advance(Math.min(stepMs, left));
    await settle();
  }

  #make(): Bridge {
    return new Bridge({
      ...{ queue: this.queue, place: PLACE, clock: this.clock, log: SILENT_LOG },
      server: { host: 'cloud.example', port: 8883, tls: true, user: 'me', password: 'hunter2' },
      ...{ connect: this.cloud.connect, defer: setImmediate, random: () => 0.5, commands: {} },
      bearer: () => this.bearer,
      wallMs: () => this.wallMs,
      budget: {
        bytesMax: undefined,
        shelf: {
          load: () => this.saved,
          save: (record) => {
            this.saved = record;
          },
        },
      },
      info: () => ({ version: '1.2.3', epoch: 7 }),
      ...this.#overrides,
    });
  }
}
