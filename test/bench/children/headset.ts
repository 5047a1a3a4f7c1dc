/**
 * A ThinkGear headset at the master side of a pty. Its samples count up, and it remembers when the
 * last byte of each chunk was written: microseconds of CLOCK_MONOTONIC, which all processes share.
 */
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../../src/sim/random.ts';
import { thinkGearPacket } from '../../../src/sim/thinkgear-head.ts';
import { tell } from './orders.ts';

const HZ = 512;
/** Pauses between the chunks that a Bluetooth link delivers. */
const CHUNK_MS = [20, 60] as const;
/** Contact, eight band powers of 0, attention and meditation. */
const SUMMARY = [0x02, 0, 0x83, 24, ...new Array<number>(24).fill(0), 0x04, 50, 0x05, 50];

const stamps: (readonly [samples: number, sentUs: number])[] = [];
let running = true;

process.stdin.on('data', () => {}); // A headset hears nothing.
process.stdin.on('error', () => process.exit(0)); // The near end was closed.
process.on('message', () => tell({ stamps: stamps.splice(0) }));
process.on('SIGTERM', () => {
  running = false;
});
tell({ ready: true });
await stream();
process.exit(0);

async function stream(): Promise<void> {
  const random = seededRandom(3);
  const [min, max] = CHUNK_MS;
  const start = process.hrtime.bigint();
  for (let samples = 0; running; ) {
    await delay(min + (max - min) * random());
    const due = Math.floor((Number(process.hrtime.bigint() - start) / 1e9) * HZ);
    const bytes: number[] = [];
    for (; samples < due; samples++) {
      bytes.push(...thinkGearPacket([0x80, 2, (samples >> 8) & 0xff, samples & 0xff]));
      if (samples % HZ === HZ - 1) bytes.push(...thinkGearPacket(SUMMARY));
    }
    const sentUs = Number(process.hrtime.bigint() / 1000n);
    writeSync(1, Uint8Array.from(bytes));
    stamps.push([samples, sentUs]);
  }
}
