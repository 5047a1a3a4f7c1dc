/**
 * The traffic that the simulated car's control units put on the bus by themselves: about 660 frames a
 * second, a function of (car, seed, time). While the ignition is off the bus sleeps.
 */
import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import type { CanBus, CanFrame } from '../io/can/bus.ts';
import { CanSendError } from '../io/can/errors.ts';
import { isExtended, MESSAGES, type Message, messageData } from './can-messages.ts';
import { movementOf } from './can-movement.ts';
import type { Car } from './car.ts';

/** A frame and when a control unit sends it. */
export interface TimedFrame {
  readonly t: Micros;
  readonly frame: CanFrame;
}

/** The frames that are sent from `from` on and before `to`, in order. */
export function framesBetween(
  car: Car,
  seed: number,
  [from, to]: readonly [from: Micros, to: Micros],
): TimedFrame[] {
  const sendings = MESSAGES.flatMap((message, i): Sending[] => {
    const period = message.periodMs * 1000;
    const offset = offsetOf(i, period);
    const first = Math.max(0, Math.ceil((from - offset) / period));
    const count = Math.max(0, Math.ceil((to - offset) / period) - first);
    const numbers = Array.from({ length: count }, (_, k) => first + k);
    return numbers.map((n) => ({ message, n, t: offset + n * period }));
  });
  return sendings
    .sort((a, b) => a.t - b.t)
    .flatMap((sending) => {
      const frame = frameAt(car, seed, sending);
      return frame ? [{ t: sending.t, frame }] : [];
    });
}

/** Units do not start together: their messages are spread over time. */
function offsetOf(index: number, period: Micros): Micros {
  return (index * APART_US) % period;
}

const APART_US = 3_700;

/** A message that is due. */
interface Sending {
  readonly message: Message;
  /** How often it was sent before. */
  readonly n: number;
  readonly t: Micros;
}

function frameAt(car: Car, seed: number, { message, n, t }: Sending): CanFrame | undefined {
  const state = car.at(t);
  if (!state.ignition) return undefined;
  const moment = { car: state, move: movementOf(state, seed), s: t / 1e6, n };
  const data = messageData(message, moment);
  return { id: message.id, extended: isExtended(message), data };
}

export interface BroadcastOptions {
  readonly car: Car;
  readonly seed: number;
  /** A node of its own, which may send anything. */
  readonly bus: CanBus;
  readonly clock: Clock;
}

/** Frames are put on the bus at multiples of this time, as timers are not finer. */
const TICK_MS = 5;
/** After a longer pause of ours the frames in between are not sent: nobody could have heard them. */
const BEHIND_US_MAX = 200_000;

/** Lets the car talk from now on. Disposing of it ends that; the bus stays open. */
export function broadcastOn({ car, seed, bus, clock }: BroadcastOptions): Disposable {
  const stopped = new AbortController();
  const run = async (): Promise<void> => {
    let from = clock.now();
    while (!stopped.signal.aborted) {
      await clock.sleep(TICK_MS, stopped.signal);
      const now = clock.now();
      from = Math.max(from, now - BEHIND_US_MAX);
      for (const { frame } of framesBetween(car, seed, [from, now])) {
        await bus.send(frame).catch(forget);
      }
      from = now;
    }
  };
  void run().catch((error: unknown) => {
    // It was stopped, or the bus is gone: either way there is nobody to talk to.
    if (!stopped.signal.aborted && !(error instanceof LinkError)) throw error;
  });
  return { [Symbol.dispose]: () => stopped.abort() };
}

/** A frame that the bus does not take is lost, as that of a unit whose bus is busy; the next is newer. */
function forget(error: unknown): void {
  if (!(error instanceof CanSendError) || error.code !== 'FULL') throw error;
}
