/** The frames of a car's CAN bus, made up: what each control unit repeats, with counters and checks. */
import type { Frame, Stream } from '#core/stream.ts';
import { createCar } from '../../src/sim/car.ts';
import { seededRandom } from '../../src/sim/random.ts';

/** Periods of the 74 identifiers, which come to 4,110 frames a second. */
const PERIODS: readonly (readonly [ms: number, ids: number])[] = [
  [10, 35],
  [20, 4],
  [50, 6],
  [100, 29],
];
const FIRST_ID = 0x80;
const ID_STEP = 0x13;
/** How long a frame may have to wait for others, at most. */
const WAIT_US = 300;
const SECOND_US = 1_000_000;
/** CRC-8 of SAE J1850, which AUTOSAR E2E profile 1 uses. */
const CRC_POLYNOMIAL = 0x1d;
const CRC_TABLE = Uint8Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? (crc << 1) ^ CRC_POLYNOMIAL : crc << 1;
  return crc;
});

interface Message {
  readonly id: number;
  readonly periodUs: number;
  /** Two bytes: a value of the car, by number. */
  readonly signals: readonly number[];
  /** Whether byte 0 is a check and byte 1 counts: so are those that matter, one in two. */
  readonly isProtected: boolean;
  /** What bytes that mean nothing are filled with. */
  readonly fill: number;
}

/** @returns in the order of their identifiers, then of time */
export function canFrames(stream: Stream, seconds: number, seed: number): Frame[] {
  const car = createCar(seed);
  const random = seededRandom(seed);
  return messages(random).flatMap((message) => {
    const n = (seconds * SECOND_US) / message.periodUs;
    const phase = random() * (message.periodUs - WAIT_US);
    return Array.from({ length: n }, (_, i): Frame => {
      const t = Math.round(phase + i * message.periodUs + WAIT_US * random() ** 3);
      const { motion, engine, heat, voltageV } = car.at(t);
      const noise = random();
      const values = [
        motion.speedKmh * 100 + 3 * noise, // Sensors of wheels and angles are never quite still.
        engine.rpm * 4,
        engine.throttlePct * 2.55,
        heat.coolantC + 40,
        voltageV * 10 + noise,
        engine.mafGs * 100,
      ];
      return {
        kind: 'frame',
        stream,
        t,
        id: message.id,
        extended: false,
        data: bytes(message, i, values),
      };
    });
  });
}

function messages(random: () => number): Message[] {
  const periods = PERIODS.flatMap(([ms, ids]) => Array.from({ length: ids }, () => ms));
  return periods.map((ms, i) => ({
    id: FIRST_ID + i * ID_STEP,
    periodUs: ms * 1000,
    signals: Array.from({ length: Math.floor(3 * random()) }, () => Math.floor(6 * random())),
    isProtected: i % 2 === 0,
    fill: Math.floor(256 * random()),
  }));
}

function bytes(
  { id, signals, isProtected, fill }: Message,
  n: number,
  values: readonly number[],
): Uint8Array {
  const data = new Uint8Array(8).fill(fill);
  for (const [i, signal] of signals.entries()) {
    const value = Math.round(values[signal] ?? 0);
    data[2 + 2 * i] = value >> 8;
    data[3 + 2 * i] = value;
  }
  if (!isProtected) return data;
  data[1] = (fill & 0xf0) | (n % 15);
  data[0] = data.subarray(1).reduce((crc, byte) => CRC_TABLE[crc ^ byte] ?? 0, id & 0xff);
  return data;
}
