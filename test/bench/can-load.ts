/**
 * What a full bus of 500 kbit/s carries, from a seed: the frames, and the DBC file that says what they mean.
 *
 * A hundred messages of eight bytes with eight signals each. Half of the messages have a check and a counter
 * that are others in every frame, as those that matter to a car have (AUTOSAR E2E); a third have a sensor in
 * them that is never still. The other values are those of a simulated car: some change with nearly every
 * frame while it drives, most stay the same for seconds, and the switches for minutes.
 */
import type { CanFrame } from '../../src/io/can/bus.ts';
import { createCar } from '../../src/sim/car.ts';
import { seededRandom } from '../../src/sim/random.ts';

/** Periods of the identifiers: 4,500 frames a second, the most that a bus carries of such frames. */
const PERIODS: readonly (readonly [ms: number, ids: number])[] = [
  [10, 36],
  [20, 12],
  [50, 8],
  [100, 8],
  [500, 24],
  [1_000, 12],
];
export const FRAMES_PER_S = PERIODS.reduce((sum, [ms, ids]) => sum + (ids * 1000) / ms, 0);
export const BIT_RATE = 500_000;
const FIRST_ID = 0x40;
const ID_STEP = 0x11;
const SECOND_US = 1_000_000;
const COUNTS = 15;
const SWITCH_US = 60 * SECOND_US;

/** A frame, and when it comes, in us from the start. */
export interface TimedFrame {
  readonly t: number;
  readonly frame: CanFrame;
}

interface Message {
  readonly id: number;
  readonly periodUs: number;
  readonly phaseUs: number;
  readonly isProtected: boolean;
  readonly isNoisy: boolean;
}

/** @returns in the order of time */
export function busFrames(seconds: number, seed: number): TimedFrame[] {
  const random = seededRandom(seed);
  const car = createCar(seed);
  const all = messagesOf(seed).flatMap((message) => {
    const n = Math.round((seconds * SECOND_US) / message.periodUs);
    return Array.from({ length: n }, (_, i): TimedFrame => {
      const t = message.phaseUs + i * message.periodUs;
      const { motion, engine, heat } = car.at(t);
      const noise = message.isNoisy ? Math.round(3 * random()) : 0;
      const data = new Uint8Array(8);
      const view = new DataView(data.buffer);
      const gear = Math.min(6, Math.floor(motion.speedKmh / 20));
      data[1] = (gear << 4) | (message.isProtected ? i % COUNTS : 0);
      view.setUint16(2, Math.round(motion.speedKmh * 100) + noise);
      view.setUint16(4, Math.round(engine.rpm / 8) * 8, true);
      data[6] = Math.round(heat.coolantC + 40);
      data[7] = Math.floor((t + message.phaseUs * 1000) / SWITCH_US) & 3;
      if (message.isProtected) data[0] = data.reduce((sum, byte) => sum ^ byte, message.id & 0xff);
      return { t, frame: { id: message.id, extended: false, data } };
    });
  });
  return all.sort((a, b) => a.t - b.t);
}

/** The DBC file of `busFrames` with the same seed. */
export function busDbc(seed: number): string {
  const messages = messagesOf(seed).map(({ id }, i) => {
    const name = `Unit${i + 1}`;
    return [
      `BO_ ${id} ${name}: 8 Vector__XXX`,
      ' SG_ Check : 0|8@1+ (1,0) [0|255] "" Vector__XXX',
      ' SG_ Count : 8|4@1+ (1,0) [0|14] "" Vector__XXX',
      ' SG_ Gear : 12|4@1+ (1,0) [0|8] "" Vector__XXX',
      ' SG_ Speed : 23|16@0+ (0.01,0) [0|300] "km/h" Vector__XXX',
      ' SG_ Engine : 32|16@1+ (0.25,0) [0|16383] "rpm" Vector__XXX',
      ' SG_ Coolant : 48|8@1+ (1,-40) [-40|215] "degC" Vector__XXX',
      ' SG_ Lamp : 56|1@1+ (1,0) [0|1] "" Vector__XXX',
      ' SG_ Door : 57|1@1+ (1,0) [0|1] "" Vector__XXX',
      '',
    ].join('\n');
  });
  return `VERSION ""\n\nBU_: Vector__XXX\n\n${messages.join('\n')}`;
}

function messagesOf(seed: number): Message[] {
  const random = seededRandom(seed);
  const periods = PERIODS.flatMap(([ms, ids]) => Array.from({ length: ids }, () => ms));
  return periods.map((ms, i) => ({
    id: FIRST_ID + i * ID_STEP,
    periodUs: ms * 1000,
    phaseUs: Math.floor(random() * ms * 1000),
    isProtected: i % 2 === 0,
    isNoisy: i % 3 === 0,
  }));
}
