import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Micros } from '#core/stream.ts';
import type {
  BusHealth,
  BusState,
  CanBus,
  CanFrame,
  CanListener,
  OpenCanBus,
  Permit,
} from './bus.ts';
import { CanSendError } from './errors.ts';
import { Listeners } from './listeners.ts';
import { checkSend } from './sending.ts';

/** Frames on their way at which a node's queue is full, as that of an interface is (txqueuelen). */
const QUEUE_FRAMES_MAX = 1_000;

export interface MemoryCanOptions {
  readonly clock: Clock;
  /** How long a frame takes to the others, in milliseconds. */
  readonly delayMs?: number;
}

/**
 * A CAN bus without a wire, for the simulator and for tests. What one node sends reaches all others in a
 * later turn, in the order in which it was sent; there is no arbitration, and a frame takes no time
 * unless it is told to. A test may break it.
 */
export class MemoryCan {
  /** What every node says of its controller. */
  state: BusState = 'active';
  bitRate: number | undefined = 500_000;
  /** Of the frames that go over the bus, those that reach nobody. */
  loses: (frame: CanFrame) => boolean = () => false;
  readonly #clock: Clock;
  readonly #delayMs: number;
  #nodes: readonly MemoryNode[] = [];
  /** In the order in which they were sent. */
  #onTheWay: { readonly frame: CanFrame; readonly from: MemoryNode; readonly t: Micros }[] = [];

  constructor({ clock, delayMs = 0 }: MemoryCanOptions) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /**
   * A new node of the bus, open at once.
   *
   * @param permit left out for a node that only listens
   */
  node(name: string, permit?: Permit): MemoryNode {
    const node = new MemoryNode({ name, permit, can: this });
    this.#nodes = [...this.#nodes, node];
    return node;
  }

  /** Each opening is a node of its own. */
  opener(name: string, permit?: Permit): OpenCanBus {
    return ({ signal }) => {
      if (!signal.aborted) return Promise.resolve(this.node(name, permit));
      return Promise.reject(new LinkError('OPEN_FAILED', `${name}: stopped while opening`));
    };
  }

  /** Every node counts that many error frames more. */
  fail(errorFrames: number): void {
    for (const node of this.#nodes) node.errorFrames += errorFrames;
  }

  /** Takes the link from every node that is open now, as unplugging does. */
  cut(error: LinkError): void {
    for (const node of this.#nodes) node.lose(error);
  }

  /** For nodes only. */
  carry(frame: CanFrame, from: MemoryNode): void {
    if (this.#onTheWay.length >= QUEUE_FRAMES_MAX) {
      throw new CanSendError('FULL', `${from.name}: ${QUEUE_FRAMES_MAX} frames are on their way`);
    }
    this.#onTheWay.push({ frame, from, t: this.#clock.now() });
    if (this.#delayMs > 0) {
      void this.#clock.sleep(this.#delayMs).then(() => this.#deliver(1));
    } else if (this.#onTheWay.length === 1) {
      queueMicrotask(() => this.#deliver(this.#onTheWay.length));
    }
  }

  /** For nodes only. */
  leave(node: MemoryNode): void {
    this.#nodes = this.#nodes.filter((other) => other !== node);
  }

  /** What is sent meanwhile comes in a turn of its own. */
  #deliver(count: number): void {
    for (const { frame, from, t } of this.#onTheWay.splice(0, count)) {
      const others = this.#nodes.filter((node) => node !== from);
      const isLost = this.loses(frame);
      for (const node of others) {
        if (isLost) node.lostFrames++;
        else node.take(frame, t);
      }
    }
  }
}

interface NodeOptions {
  readonly name: string;
  readonly permit: Permit | undefined;
  readonly can: MemoryCan;
}

class MemoryNode implements CanBus {
  readonly name: string;
  readonly lost: Promise<never>;
  errorFrames = 0;
  lostFrames = 0;
  readonly #permit: Permit | undefined;
  readonly #can: MemoryCan;
  readonly #reject: (error: LinkError) => void;
  readonly #listeners = new Listeners();
  #isOpen = true;
  #received = 0;
  #sent = 0;
  #unsent = 0;

  constructor({ name, permit, can }: NodeOptions) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {}); // Whoever uses the bus looks at it.
    this.name = name;
    this.lost = promise;
    this.#permit = permit;
    this.#can = can;
    this.#reject = reject;
  }

  listen(listener: CanListener): () => void {
    return this.#listeners.add(listener);
  }

  send(frame: CanFrame): Promise<void> {
    return new Promise((resolve) => {
      checkSend(this.name, this.#permit, frame, () => this.health());
      if (!this.#isOpen) throw new LinkError('LINK_LOST', `${this.name}: the bus is closed`);
      this.#put(frame);
      resolve();
    });
  }

  health(): BusHealth {
    const { state, bitRate } = this.#can;
    return {
      state,
      bitRate,
      listenOnly: this.#permit === undefined,
      txErrors: undefined,
      rxErrors: undefined,
      received: this.#received,
      sent: this.#sent,
      unsent: this.#unsent,
      remote: 0,
      fd: 0,
      errorFrames: this.errorFrames,
      busOffs: 0,
      lost: this.lostFrames,
      lostBy: 'counted',
      malformed: 0,
      warnings: [],
    };
  }

  take(frame: CanFrame, t: Micros): void {
    this.#received++;
    // Each listener's frame is its own to keep, and nobody's to change for the other nodes.
    this.#listeners.tell({ ...frame, data: frame.data.slice() }, t);
  }

  lose(error: LinkError): void {
    this.#isOpen = false;
    this.#can.leave(this);
    this.#reject(error);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    this.#can.leave(this);
    return Promise.resolve();
  }

  #put(frame: CanFrame): void {
    try {
      this.#can.carry({ ...frame, data: frame.data.slice() }, this);
      this.#sent++;
    } catch (error) {
      this.#unsent++;
      throw error;
    }
  }
}
