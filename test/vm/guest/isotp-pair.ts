/** The kernel's ISO-TP at one end, ours at the other. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { CanFrame } from '../../../src/io/can/bus.ts';
import { socketCan } from '../../../src/io/can/socketcan.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import {
  IsoTpEndpoint,
  type IsoTpEndpointOptions,
} from '../../../src/sources/obd/isotp/endpoint.ts';

const INTERFACE = 'vcan0';
const PEER = new URL('isotp-peer.py', import.meta.url).pathname;
const MESSAGE_BYTES_MAX = 4095;

export const clock = monotonicClock();

/** A frame on the bus, of either side. */
export interface Seen {
  readonly frame: CanFrame;
  readonly isOurs: boolean;
  /** When it was handed to the kernel, or came from it; in microseconds. */
  readonly t: number;
}

interface PairOptions extends Pick<IsoTpEndpointOptions, 'address' | 'flow' | 'padding'> {
  /** Options of isotp-peer.py: `st-min=5`. */
  readonly peer?: readonly string[];
}

const ADDRESS: IsoTpEndpointOptions['address'] = {
  tx: { id: 0x7e0, extended: false },
  rx: { id: 0x7e8, extended: false },
};

/** Both ends of a connection, of which the kernel's sends everything back. */
export async function openPair({ peer = [], ...options }: Partial<PairOptions> = {}) {
  const { address = ADDRESS } = options;
  const { signal } = new AbortController();
  const bus = await socketCan(INTERFACE, { permit: () => undefined })({ clock, signal });
  const seen: Seen[] = [];
  let come = Promise.withResolvers<Uint8Array>();
  const endpoint = new IsoTpEndpoint({
    ...options,
    address,
    clock,
    transmit: (frame) => {
      seen.push({ frame, isOurs: true, t: clock.now() });
      return bus.send(frame);
    },
    received: (pdu) => come.resolve(pdu),
    failed: (error) => come.reject(error),
  });
  bus.listen((frame, t) => {
    seen.push({ frame, isOurs: false, t });
    endpoint.receive(frame, t);
  });
  const { tx, rx } = address;
  const ids = [rx, tx].map(({ id, extended }) => id.toString(16).padStart(extended ? 8 : 3, '0'));
  const python = spawn('/usr/bin/python3', [PEER, INTERFACE, ...ids, ...peer], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(python.stdout, 'data');
  return {
    /** Frames of the last message, there and back. */
    seen,
    endpoint,
    /** Sends a message and takes it back. */
    async exchange(length: number): Promise<void> {
      seen.length = 0;
      come = Promise.withResolvers();
      const pdu = messageOf(length);
      await Promise.all([endpoint.send(pdu), come.promise]);
      const back = await come.promise;
      assert.ok(Buffer.compare(back, pdu) === 0, `${length} bytes came back otherwise`);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      python.kill();
      await once(python, 'exit');
      await bus[Symbol.asyncDispose]();
    },
  };
}

/** Every message is another one. @param length 1 to 4095 */
export function messageOf(length: number): Uint8Array {
  assert.ok(length >= 1 && length <= MESSAGE_BYTES_MAX);
  return Uint8Array.from({ length }, (_, i) => length * 37 + i * 11 + (i >> 8));
}
