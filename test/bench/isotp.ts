/** ISO-TP reassembly of the longest message in memory, against copying the same bytes. */
import { seededRandom } from '../../src/sim/random.ts';
import { IsoTpReceiver } from '../../src/sources/obd/isotp.ts';
import { segment } from '../support/isotp-frames.ts';
import { type Bench, growth, interleave, Side, secondsOf } from './bench.ts';
import { significant } from './stats.ts';

/** ISO 15765-2: the longest message that a 12-bit length can announce. */
const MESSAGE_BYTES = 4095;
const MESSAGES = 2_000;
const ROUNDS = 9;
const FIRST_BYTES = 6;

export const isotp: Bench = {
  name: 'isotp',
  async *run({ scales }) {
    const random = seededRandom(1);
    const frames = segment(Uint8Array.from({ length: MESSAGE_BYTES }, () => 256 * random()));
    const copy = new Side(() => rate(() => copyAll(frames, MESSAGES)));
    // Scale: so many ECUs send at once, frame by frame, as on a bus.
    const sides = new Map(
      scales.map((scale) => [scale, new Side(() => rate(() => receive(frames, scale)))]),
    );
    await interleave(ROUNDS, [...sides.values(), copy]);
    for (const [scale, side] of sides) {
      yield {
        metric: `reassembly x${scale}`,
        value: significant(side.median / 1e6),
        unit: 'MB/s',
        peer: { name: 'bare copy', value: significant(copy.median / 1e6) },
        n: ROUNDS,
        goal: '>= 20 MB/s',
      };
    }
    yield* growth('ns/B', sides, (bytesPerS) => 1e9 / bytesPerS);
  },
};

/** Bytes of messages a second. */
async function rate(work: () => number): Promise<number> {
  let bytes = 0;
  const seconds = await secondsOf(() => {
    bytes = work();
  });
  return bytes / seconds;
}

function receive(frames: readonly Uint8Array[], senders: number): number {
  const receivers = Array.from({ length: senders }, () => new IsoTpReceiver());
  let bytes = 0;
  for (let message = 0; message < MESSAGES / senders; message++) {
    for (const frame of frames) {
      for (const receiver of receivers) bytes += receiver.push(frame)?.length ?? 0;
    }
  }
  return bytes;
}

function copyAll(frames: readonly Uint8Array[], messages: number): number {
  let bytes = 0;
  for (let i = 0; i < messages; i++) {
    const message = new Uint8Array(MESSAGE_BYTES);
    let at = 0;
    for (const frame of frames) {
      const part = frame.subarray(at === 0 ? 8 - FIRST_BYTES : 1, 1 + MESSAGE_BYTES - at);
      message.set(part, at);
      at += part.length;
    }
    bytes += at;
  }
  return bytes;
}
