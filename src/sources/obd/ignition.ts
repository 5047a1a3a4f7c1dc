import type { Micros } from '#core/stream.ts';

/**
 * Whether the car is on, from signals none of which is enough alone: engine speed, road speed, the
 * voltage at the plug, and whether the ECUs answer at all.
 *
 * Asking a parked car keeps its bus awake, which drains the battery and sets off alarms. So polling
 * stops when the car is off; then only the voltage is watched, which stays inside the adapter, and
 * the car is asked at pauses that double from PROBE_MS_FIRST to PROBE_MS_MAX. A rise of the voltage
 * (ignition on, charging) asks at once, and so does a bus that comes to life, where that can be seen.
 */
/** In the order of the numbers that the stream `obd.ignition` carries. */
export const IGNITION_STATES = ['off', 'on', 'running'] as const;
export type Ignition = (typeof IGNITION_STATES)[number];

/** Requests in a row without any answer from the car before it counts as off. */
const SILENT_REQUESTS = 3;
/** And at least for this long, so that the dip of a cranking engine does not count. */
const SILENT_MS = 2_000;
/** Some cars answer for hours after they were parked: engine and car stand still, nothing charges. */
const STANDSTILL_MS = 10 * 60_000;
/** Once parked like this, an answer alone is no news: the car gets so long to show that it is used. */
const LOOK_MS = 20_000;
/** Above this the alternator or the DC-DC converter works. */
const CHARGING_V = 13.0;
/** Longer than this it is a charger or a lithium battery, not a driver who waits. */
const CHARGING_MS_MAX = 60 * 60_000;
/** Less is noise: adapters tell tenths of a volt, and three of them count. */
const RISE_V = 0.25;
/** Older speeds say nothing about now. */
const STALE_MS = 10_000;
/** What comes on the bus so soon after the car was asked is its doing, and no driver's. */
const STIR_MS = 5_000;
const PROBE_MS_FIRST = 2_000;
const PROBE_MS_MAX = 300_000;

export class IgnitionSense {
  #state: Ignition = 'off';
  #rpm = 0;
  #speed = 0;
  /** When engine or road speed was last told; either may stop being told without the other. */
  #rpmAt: Micros = 0;
  #speedAt: Micros = 0;
  #volts: number | undefined;
  /** The lowest voltage since the car went off: what a rise is measured against. */
  #restVolts: number | undefined;
  #answeredAt: Micros;
  #movedAt: Micros;
  /** When engine or wheels last turned. */
  #turnedAt: Micros;
  #silent = 0;
  /** It stood still when it went off, and its ECUs still answered. */
  #parked = false;
  #probeMs = PROBE_MS_FIRST;
  #probedAt: Micros;
  /** When it was last found to be off. */
  #offAt: Micros = Number.NEGATIVE_INFINITY;
  #stirred = false;

  constructor(now: Micros) {
    this.#answeredAt = now;
    this.#movedAt = now;
    this.#turnedAt = now;
    this.#probedAt = now;
  }

  get state(): Ignition {
    return this.#state;
  }

  /** An ECU answered. */
  answered(now: Micros): void {
    // The rest of the answer by which the car was found to stand is no news.
    if (this.#state === 'off' && now === this.#offAt) return;
    this.#answeredAt = now;
    this.#silent = 0;
    if (this.#state === 'off') {
      this.#movedAt = this.#parked ? now - (STANDSTILL_MS - LOOK_MS) * 1000 : now;
      this.#restVolts = undefined;
    }
    this.#settle(now);
  }

  /** A request went out and nobody on the bus answered. */
  silent(now: Micros): void {
    this.#silent++;
    if (this.#silent >= SILENT_REQUESTS && now - this.#answeredAt >= SILENT_MS * 1000) {
      this.#goOff(now, false);
    }
  }

  /** @param rpm engine speed in /min */
  engine(rpm: number, now: Micros): void {
    this.#rpm = rpm;
    this.#rpmAt = now;
    this.answered(now);
  }

  /** @param kmh road speed in km/h */
  speed(kmh: number, now: Micros): void {
    this.#speed = kmh;
    this.#speedAt = now;
    this.answered(now);
  }

  /** @param volts at the plug */
  voltage(volts: number): void {
    this.#volts = volts;
    if (this.#state !== 'off') return;
    this.#restVolts = Math.min(this.#restVolts ?? volts, volts);
  }

  /** While off: the bus, which had been silent, has come to life. */
  stirred(now: Micros): void {
    if (now - this.#probedAt >= STIR_MS * 1000) this.#stirred = true;
  }

  /** While off: whether the car should be asked now. Calling it with true as the result counts as asking. */
  shouldProbe(now: Micros): boolean {
    const rest = this.#restVolts ?? Number.POSITIVE_INFINITY;
    const volts = this.#volts ?? 0;
    const rose = volts - rest >= RISE_V;
    const due = now - this.#probedAt >= this.#probeMs * 1000;
    if (!rose && !this.#stirred && !due) return false;
    this.#stirred = false;
    // The new level is the rest from now on: one rise asks once.
    if (rose) this.#restVolts = volts;
    this.#probedAt = now;
    this.#probeMs = Math.min(this.#probeMs * 2, PROBE_MS_MAX);
    return true;
  }

  #settle(now: Micros): void {
    const fresh = now - STALE_MS * 1000;
    const moving =
      (this.#rpm > 0 && this.#rpmAt >= fresh) || (this.#speed > 0 && this.#speedAt >= fresh);
    if (moving) this.#turnedAt = now;
    const charging =
      (this.#volts ?? 0) >= CHARGING_V && now - this.#turnedAt < CHARGING_MS_MAX * 1000;
    if (moving || charging) {
      this.#movedAt = now;
      this.#parked = false;
    }
    if (now - this.#movedAt >= STANDSTILL_MS * 1000) this.#goOff(now, true);
    else this.#state = moving ? 'running' : 'on';
  }

  #goOff(now: Micros, parked: boolean): void {
    if (this.#state === 'off') return;
    // The pauses go on growing over looks at a car that was parked before and is parked still.
    if (!parked || !this.#parked) this.#probeMs = PROBE_MS_FIRST;
    this.#parked = parked;
    this.#state = 'off';
    this.#rpm = 0;
    this.#speed = 0;
    this.#silent = 0;
    this.#stirred = false;
    this.#restVolts = this.#volts;
    this.#probedAt = now;
    this.#offAt = now;
  }
}
