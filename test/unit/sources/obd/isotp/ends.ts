/** Ends of ISO-TP connections for tests: one with the test as the other end, and two on one bus. */
import type { CanFrame } from '../../../../../src/io/can/bus.ts';
import type { IsoTpAddress } from '../../../../../src/sources/obd/isotp/address.ts';
import {
  IsoTpEndpoint,
  type IsoTpEndpointOptions,
} from '../../../../../src/sources/obd/isotp/endpoint.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

export const bytes = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

export const hex = (data: Uint8Array): string =>
  Buffer.from(data)
    .toString('hex')
    .toUpperCase()
    .replaceAll(/..(?!$)/g, '$& ');

export const message = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 0xff);

export const TESTER: IsoTpAddress = {
  tx: { id: 0x7e0, extended: false },
  rx: { id: 0x7e8, extended: false },
};

/** The same connection as the other end sees it. */
export function turned({ tx, rx, txPrefix, rxPrefix }: IsoTpAddress): IsoTpAddress {
  return {
    tx: rx,
    rx: tx,
    ...(rxPrefix === undefined ? {} : { txPrefix: rxPrefix }),
    ...(txPrefix === undefined ? {} : { rxPrefix: txPrefix }),
  };
}

type Chosen = Partial<IsoTpEndpointOptions>;

/** An end whose other end is the test. */
export class End {
  readonly clock: FakeClock;
  /** What it put on the bus, with the time in milliseconds. */
  readonly frames: string[] = [];
  readonly times: number[] = [];
  readonly messages: string[] = [];
  /** Codes of the messages that were given up. */
  readonly failures: string[] = [];
  readonly endpoint: IsoTpEndpoint;
  readonly #rx: IsoTpAddress['rx'];

  constructor(options: Chosen = {}, clock = new FakeClock()) {
    this.clock = clock;
    const { address = TESTER, transmit = () => Promise.resolve() } = options;
    this.#rx = address.rx;
    this.endpoint = new IsoTpEndpoint({
      clock,
      received: (pdu) => this.messages.push(hex(pdu)),
      failed: (error) => this.failures.push(error.code),
      ...options,
      address,
      transmit: (frame) => {
        this.frames.push(hex(frame.data));
        this.times.push(clock.now() / 1000);
        return transmit(frame);
      },
    });
  }

  /** Frames from the other end, one after the other in the same moment. */
  hear(...frames: string[]): void {
    for (const data of frames) {
      this.endpoint.receive({ ...this.#rx, data: bytes(data) }, this.clock.now());
    }
  }

  /** Sends; the outcome is `sent`, or the code of the error. */
  send(pdu: Uint8Array, signal?: AbortSignal): { outcome: string } {
    const state = { outcome: 'under way' };
    this.endpoint.send(pdu, signal).then(
      () => {
        state.outcome = 'sent';
      },
      (error: unknown) => {
        state.outcome = error instanceof Error && 'code' in error ? String(error.code) : `${error}`;
      },
    );
    return state;
  }
}

export interface PairOptions {
  readonly address?: IsoTpAddress;
  readonly a?: Chosen;
  readonly b?: Chosen;
  /** Milliseconds a frame takes; undefined delivers it before the sender's call returns. */
  readonly delayMs?: number;
}

/** Two ends on one bus, on a clock that the test moves. */
export function createPair({ address = TESTER, a = {}, b = {}, delayMs }: PairOptions = {}) {
  const clock = new FakeClock();
  const heard: { a: Uint8Array[]; b: Uint8Array[] } = { a: [], b: [] };
  const failures: string[] = [];
  const carry = async (frame: CanFrame, to: () => IsoTpEndpoint): Promise<void> => {
    if (delayMs !== undefined) await clock.sleep(delayMs);
    to().receive(frame, clock.now());
  };
  const end = (options: Chosen, own: IsoTpAddress, name: 'a' | 'b'): IsoTpEndpoint =>
    new IsoTpEndpoint({
      address: own,
      clock,
      received: (pdu) => heard[name].push(pdu),
      failed: ({ code }) => failures.push(code),
      ...options,
      transmit: (frame) => carry(frame, () => (name === 'a' ? ends.b : ends.a)),
    });
  const ends = { a: end(a, address, 'a'), b: end(b, turned(address), 'b') };
  return { ...ends, clock, heard, failures };
}

/** Moves the clock until the work is done, by seconds so long as it is not. */
export async function finish(clock: FakeClock, work: Promise<unknown>): Promise<void> {
  let done = false;
  const end = (): void => {
    done = true;
  };
  work.then(end, end);
  for (let s = 0; s < 1_000 && !done; s++) await clock.advance(1_000);
  await work;
}
