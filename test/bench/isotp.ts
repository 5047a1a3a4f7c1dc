/**
 * ISO-TP with the longest message in memory: reassembly against copying the same bytes, and whole
 * transfers from one endpoint to another, with flow control and timers.
 */
import type { Clock } from '#core/clock.ts';
import type { CanFrame } from '../../src/io/can/bus.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import { seededRandom } from '../../src/sim/random.ts';
import { IsoTpEndpoint } from '../../src/sources/obd/isotp/endpoint.ts';
import { IsoTpReceiver } from '../../src/sources/obd/isotp/receiver.ts';
import { segment } from '../support/isotp-frames.ts';
import { type Bench, growth, interleave, Side, secondsOf } from './bench.ts';
import { significant } from './stats.ts';

/** ISO 15765-2: the longest message that a 12-bit length can announce. */
const MESSAGE_BYTES = 4095;
const MESSAGES = 2_000;
const TRANSFERS = 200;
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
    const transfers = new Map(scales.map((scale) => [scale, new Side(() => transferRate(scale))]));
    await interleave(ROUNDS, [...sides.values(), copy, ...transfers.values()]);
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
    for (const [scale, side] of transfers) {
      yield {
        metric: `transfer x${scale}`,
        value: significant(side.median),
        unit: '4 KB/s',
        n: ROUNDS,
        goal: '>= 4880 (20 MB/s)',
      };
    }
    yield* growth('us/4 KB', transfers, (perS) => 1e6 / perS);
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

/** Messages a second through so many connections at once, each from one endpoint to another. */
async function transferRate(connections: number): Promise<number> {
  const clock = monotonicClock();
  const message = new Uint8Array(MESSAGE_BYTES);
  const senders = Array.from({ length: connections }, (_, i) => connect(clock, i));
  const seconds = await secondsOf(async () => {
    for (let n = 0; n < TRANSFERS / connections; n++) {
      await Promise.all(senders.map((sender) => sender.send(message)));
    }
  });
  return TRANSFERS / seconds;
}

/** Two endpoints without a bus between them; returns the one that sends. */
function connect(clock: Clock, node: number): IsoTpEndpoint {
  const tester = { id: 0x7e0 + node, extended: false };
  const unit = { id: 0x7e8 + node, extended: false };
  const received = (): void => {};
  const to = (end: () => IsoTpEndpoint) => (frame: CanFrame) => {
    end().receive(frame, 0);
    return Promise.resolve();
  };
  const ends: Record<'from' | 'to', IsoTpEndpoint> = {
    from: new IsoTpEndpoint({
      address: { tx: tester, rx: unit },
      transmit: to(() => ends.to),
      clock,
      received,
    }),
    to: new IsoTpEndpoint({
      address: { tx: unit, rx: tester },
      transmit: to(() => ends.from),
      clock,
      received,
    }),
  };
  return ends.from;
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
