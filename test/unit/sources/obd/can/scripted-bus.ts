import { LinkError } from '#core/errors.ts';
import type {
  BusHealth,
  CanBus,
  CanFrame,
  CanListener,
  Permit,
} from '../../../../../src/io/can/bus.ts';
import { CanSendError, type CanSendErrorCode } from '../../../../../src/io/can/errors.ts';
import type { FakeClock } from '../../../../support/fake-clock.ts';
import { segment } from '../../../../support/isotp-frames.ts';

/** One message of an ECU: `7e8 4100BE3EB813`, after some milliseconds. */
export interface Said {
  readonly answer: string;
  readonly afterMs: number;
}

export interface BusScript {
  /** What the ECUs say to a request, written `7df 0100`; a message in more frames waits for flow control. */
  readonly answers?: (request: string) => readonly (string | Said)[];
  readonly permit?: Permit;
  readonly health?: Partial<BusHealth>;
  /** What the bus has against a frame that was permitted. */
  readonly refuses?: (frame: CanFrame) => CanSendErrorCode | undefined;
}

const HEALTHY: BusHealth = {
  ...{ state: 'active', bitRate: 500_000, listenOnly: false, txErrors: 0, rxErrors: 0 },
  ...{ received: 0, sent: 0, unsent: 0, remote: 0, fd: 0, errorFrames: 0, busOffs: 0 },
  ...{ lost: 0, lostBy: 'counted', malformed: 0, warnings: [] },
};

/** A bus on a clock moved by the test, with control units that answer from a script. */
export class ScriptedBus implements CanBus {
  readonly name = 'can0';
  readonly lost: Promise<never>;
  readonly sent: { readonly frame: CanFrame; readonly at: number }[] = [];
  health_: BusHealth;
  closed = false;
  readonly #clock: FakeClock;
  readonly #script: BusScript;
  readonly #listeners = new Set<CanListener>();
  /** The rest of messages, by the identifier from which flow control has to come. */
  readonly #rests = new Map<number, () => void>();
  #lose: (error: LinkError) => void = () => {};

  constructor(clock: FakeClock, script: BusScript = {}) {
    this.#clock = clock;
    this.#script = script;
    this.health_ = { ...HEALTHY, ...script.health };
    this.lost = new Promise((_, reject) => {
      this.#lose = reject;
    });
    this.lost.catch(() => {});
  }

  listen(listener: CanListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async send(frame: CanFrame): Promise<void> {
    if (this.closed) throw new LinkError('LINK_LOST', 'closed');
    const refusal = this.#script.permit?.(frame, this.health_);
    if (refusal) throw new CanSendError(refusal.code, refusal.reason);
    const code = this.#script.refuses?.(frame);
    if (code) throw new CanSendError(code, `can0 says ${code}`);
    this.sent.push({ frame, at: this.#clock.now() });
    if ((frame.data[0] ?? 0) >> 4 === 3) this.#rests.get(frame.id)?.();
    else this.#asked(frame);
  }

  health(): BusHealth {
    return this.health_;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  lose(): void {
    this.#lose(new LinkError('LINK_LOST', 'the interface is gone'));
  }

  /** Requests as text, `7df 0100`, without flow control. */
  get requests(): string[] {
    return this.sent.map(({ frame }) => textOf(frame)).filter((text) => text !== '');
  }

  /** Flow control as text: `7e0 300000`. */
  get flows(): string[] {
    return this.sent.flatMap(({ frame }) =>
      (frame.data[0] ?? 0) >> 4 === 3
        ? [`${nameOf(frame.id)} ${hex(frame.data.subarray(0, 3))}`]
        : [],
    );
  }

  /** Somebody puts a frame on the bus: `7e8 03 41 0d 2a`. */
  put(text: string): void {
    const [name = '', ...bytes] = text.split(' ');
    this.#tell({
      id: Number.parseInt(name, 16),
      extended: name.length > 3,
      data: Uint8Array.from(Buffer.from(bytes.join(''), 'hex')),
    });
  }

  #asked(frame: CanFrame): void {
    for (const one of this.#script.answers?.(textOf(frame)) ?? []) {
      const { answer, afterMs } = typeof one === 'string' ? { answer: one, afterMs: 5 } : one;
      void this.#clock.sleep(afterMs).then(() => this.#say(answer));
    }
  }

  #say(answer: string): void {
    const [name = '', pdu = ''] = answer.split(' ');
    const id = Number.parseInt(name, 16);
    const [first, ...rest] = segment(Uint8Array.from(Buffer.from(pdu, 'hex'))).map((data) => ({
      ...{ id, extended: name.length > 3, data },
    }));
    const flowId = name.length > 3 ? 0x18da_00f1 | ((id & 0xff) << 8) : id - 8;
    if (rest.length > 0) {
      this.#rests.set(flowId, () => {
        this.#rests.delete(flowId);
        void this.#clock.sleep(1).then(() => {
          for (const frame of rest) this.#tell(frame);
        });
      });
    }
    if (first) this.#tell(first);
  }

  #tell(frame: CanFrame): void {
    this.health_ = { ...this.health_, received: this.health_.received + 1 };
    for (const listener of this.#listeners) listener(frame, this.#clock.now());
  }
}

/** A request as text; empty for anything but a single frame. */
function textOf({ id, data }: CanFrame): string {
  const [length = 0] = data;
  return length > 7 ? '' : `${nameOf(id)} ${hex(data.subarray(1, 1 + length))}`;
}

function nameOf(id: number): string {
  return id.toString(16);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}
