import type { Clock } from '#core/clock.ts';
import { memoryPort } from '../io/memory.ts';
import type { OpenPort } from '../io/port.ts';
import type { ElmAdapter } from './elm.ts';

/** How long an adapter with nothing to say sleeps; a write wakes it earlier. */
const IDLE_MS = 60_000;

/**
 * What `sim:` opens for the vehicle: the adapter at the far end of a link without a wire. There is
 * one socket: opening it again ends the earlier link. The adapter keeps its settings from one opening
 * to the next, as one that stays plugged into the car does. Opened at another rate than the adapter's,
 * it is deaf.
 *
 * With all latencies at zero an answer is there before the write returns, so a driver in a tight loop
 * never lets a timer run; only benchmarks want that.
 */
export function elmPort(adapter: ElmAdapter, clock: Clock): OpenPort {
  let unplug = (): void => {};
  return (_signal, options) => {
    unplug();
    adapter.reconnect();
    const hears = options?.baud === undefined || options.baud === adapter.baud;
    let ended = false;
    let wait = new AbortController();
    const deliver = (): void => {
      const bytes = adapter.take(clock.now());
      if (bytes) device.feed(bytes);
      if (adapter.closed) device.hangUp();
    };
    const { port, device } = memoryPort(
      (bytes) => {
        if (hears) adapter.receive(bytes, clock.now());
        deliver();
        wait.abort(); // An interrupted answer ends earlier than the sleep was meant for.
      },
      () => {
        ended = true;
        wait.abort();
      },
    );
    unplug = device.hangUp;
    const run = async (): Promise<void> => {
      while (!ended) {
        wait = new AbortController();
        deliver();
        const at = adapter.nextAt();
        const sleepMs = at === undefined ? IDLE_MS : Math.max(0, (at - clock.now()) / 1000);
        await clock.sleep(sleepMs, wait.signal).catch(() => {}); // By a write or by the end.
      }
    };
    void run();
    return Promise.resolve(port);
  };
}
