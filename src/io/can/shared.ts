import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { BusHealth, CanBus, CanFrame, CanListener, OpenCanBus } from './bus.ts';

/**
 * One bus for all who want it: opened by the first, closed by the last. A link that is lost is closed
 * at once, and whoever opens then gets a new one; the others have learnt of it by `lost`.
 *
 * @param open asked with the clock of the first, and with a signal that aborts when nobody waits any more
 */
export function sharedBus(open: OpenCanBus): OpenCanBus {
  let current: Opened | undefined;
  /** An adapter takes only one user at a time, so that the next opening waits for the closing. */
  let closed: Promise<void> = Promise.resolve();
  const retire = (opened: Opened): void => {
    if (current === opened) current = undefined;
    const before = closed;
    closed = Promise.all([before, opened.close()]).then(() => {});
  };
  return async ({ clock, signal }) => {
    if (signal.aborted) throw stopped();
    const opened = current ?? new Opened(retire);
    if (current === undefined) opened.begin(open, clock, closed);
    current = opened;
    opened.users++;
    try {
      const bus = await unlessAborted(opened.bus, signal);
      return new SharedBus(bus, () => opened.release());
    } catch (error) {
      opened.release();
      throw error;
    }
  };
}

/** One opening of the bus and all who use it. */
class Opened {
  /** Those who wait for it or have it. */
  users = 0;
  readonly bus: Promise<CanBus>;
  readonly #settle: (bus: Promise<CanBus>) => void;
  readonly #onUnused: (opened: Opened) => void;
  readonly #stopping = new AbortController();
  #isRetired = false;

  /** @param onUnused called once: when the last user has gone, or the link is lost */
  constructor(onUnused: (opened: Opened) => void) {
    const { promise, resolve } = Promise.withResolvers<CanBus>();
    this.bus = promise;
    this.#settle = resolve;
    this.#onUnused = onUnused;
  }

  /** @param ready resolves when the bus may be opened */
  begin(open: OpenCanBus, clock: Clock, ready: Promise<void>): void {
    this.#settle(ready.then(() => open({ clock, signal: this.#stopping.signal })));
    const retire = (): void => this.#retire();
    void this.bus.then((bus) => bus.lost.catch(retire), retire);
  }

  release(): void {
    this.users--;
    if (this.users === 0) this.#retire();
  }

  /** Resolves when it is closed, however it was opened. */
  async close(): Promise<void> {
    this.#stopping.abort();
    const bus = await this.bus.catch(() => undefined); // Those who wait for it are told.
    await bus?.[Symbol.asyncDispose]();
  }

  #retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#onUnused(this);
  }
}

/** A user's hold on the bus. */
class SharedBus implements CanBus {
  readonly name: string;
  readonly lost: Promise<never>;
  readonly #bus: CanBus;
  readonly #release: () => void;
  #listening: readonly (() => void)[] = [];
  #isOpen = true;

  constructor(bus: CanBus, release: () => void) {
    this.name = bus.name;
    this.lost = bus.lost;
    this.#bus = bus;
    this.#release = release;
  }

  listen(listener: CanListener): () => void {
    if (!this.#isOpen) return () => {}; // Others may still have the bus.
    const end = this.#bus.listen(listener);
    this.#listening = [...this.#listening, end];
    return () => {
      this.#listening = this.#listening.filter((other) => other !== end);
      end();
    };
  }

  send(frame: CanFrame): Promise<void> {
    if (this.#isOpen) return this.#bus.send(frame);
    return Promise.reject(new LinkError('LINK_LOST', `${this.name}: the bus is closed`));
  }

  health(): BusHealth {
    return this.#bus.health();
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOpen) {
      this.#isOpen = false;
      for (const end of this.#listening) end();
      this.#release();
    }
    return Promise.resolve();
  }
}

function stopped(): LinkError {
  return new LinkError('OPEN_FAILED', 'stopped while opening the bus');
}

/** What the work gives, unless the signal aborts first: the work then goes on for others. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const stop = (): void => reject(stopped());
  signal.addEventListener('abort', stop, { once: true });
  void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  return promise;
}
