import type { Clock } from '#core/clock.ts';
import type { Emit, Micros } from '#core/stream.ts';
import type { Desk } from './desk.ts';
import type { Ignition, IgnitionSense } from './ignition.ts';
import type { VehicleLink } from './scan-tool.ts';
import type { Vehicle } from './vehicle.ts';

/** One connection: what it works with, how far it has come, and when it has to tell what. */
export class Session {
  readonly emit: Emit;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  link: VehicleLink | undefined;
  ignition: IgnitionSense | undefined;
  /** The car while it is being polled. */
  vehicle: Vehicle | undefined;
  /** Where that car can be asked. */
  desk: Desk | undefined;
  /** The link is looking for the car's bus. */
  searching = false;
  voltageAt: Micros = 0;
  ignitionAt: Micros = 0;
  /** The ignition state that was told last. */
  told: Ignition | undefined;

  constructor(emit: Emit, clock: Clock, signal: AbortSignal) {
    this.emit = emit;
    this.clock = clock;
    this.signal = signal;
  }
}
