/** Stand-ins for what the live view talks to: sockets without a network, and readings. */
import type { Event, Sample, Stream, Wave } from '#core/stream.ts';
import type { Client } from '../../../src/http/client.ts';
import type { Subscription } from '../../../src/http/feed.ts';
import { Live } from '../../../src/http/live.ts';
import type { Request } from '../../../src/http/message.ts';
import type { Peer, SendResult } from '../../../src/http/transport.ts';
import { LOCAL } from '../../support/accounts.ts';
import { FakeClock } from '../../support/fake-clock.ts';

export interface Message {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** Keeps what is sent to it. While `stalled`, nothing leaves and everything counts as buffered. */
export class FakePeer implements Peer {
  stalled = false;
  pings = 0;
  closed: { readonly code: number; readonly reason: string } | undefined;
  #buffered = 0;
  #frames: (string | Uint8Array)[] = [];

  send(data: Uint8Array, binary: boolean): SendResult {
    if (this.closed) return 'dropped';
    this.#frames.push(binary ? data.slice() : new TextDecoder().decode(data));
    if (!this.stalled) return 'sent';
    this.#buffered += data.length;
    return 'buffered';
  }

  buffered(): number {
    return this.#buffered;
  }

  cork(run: () => void): void {
    run();
  }

  ping(): void {
    this.pings++;
  }

  end(code: number, reason: string): void {
    this.closed ??= { code, reason };
  }

  /** The network takes everything again; the caller tells the session. */
  unstall(): void {
    this.stalled = false;
    this.#buffered = 0;
  }

  /** Text messages since the last call, parsed. */
  messages(): Message[] {
    return this.#take((frame) => typeof frame === 'string').map((text) => JSON.parse(String(text)));
  }

  /** Text messages of one type since the last call of any of these. */
  messagesOf(type: string): Message[] {
    return this.messages().filter((message) => message.type === type);
  }

  binaries(): Uint8Array[] {
    return this.#take((frame) => typeof frame !== 'string').filter((f) => typeof f !== 'string');
  }

  #take(wanted: (frame: string | Uint8Array) => boolean): (string | Uint8Array)[] {
    const taken = this.#frames.filter(wanted);
    this.#frames = this.#frames.filter((frame) => !wanted(frame));
    return taken;
  }
}

export function stream(id: string, extra: Partial<Stream> = {}): Stream {
  return { id, name: id, unit: '1', range: [0, 100], hz: 10, kind: 'sample', ...extra };
}

export function sample(of: Stream, t: number, v: number): Sample {
  return { kind: 'sample', stream: of, t, v };
}

export function event(of: Stream, t: number, data: Event['data'] = {}): Event {
  return { kind: 'event', stream: of, t, data };
}

/** @param lost samples that the source lost before `seq` */
export function wave(of: Stream, seq: number, v: Int16Array | Int32Array, lost = 0): Wave {
  return { kind: 'wave', stream: of, t: 1000 * seq, hz: of.hz, v, seq, lost };
}

export function request(method: string, target: string, extra: Partial<Request> = {}): Request {
  const [path = '', query = ''] = target.split('?');
  const headers = new Map([['host', 'localhost']]);
  const body = new Uint8Array();
  const remote = LOCAL;
  return { method, path, query: new URLSearchParams(query), headers, remote, body, ...extra };
}

export const rpm = stream('obd.engine.rpm');
export const speed = stream('obd.vehicle.speed');
export const eeg = stream('eeg.raw', { kind: 'wave', hz: 512, lsb: 0.25, unit: 'uV' });
export const blink = stream('face.blink', { kind: 'event', hz: 0 });
export const raw = stream('can.body', { kind: 'frame', hz: 0 });
export const ALL: Subscription = { patterns: ['*'], maxHz: 1000, format: 'json' };

/** A live view of these streams, and what joins a client to it. */
export function startLive(streams: readonly Stream[] = [rpm, speed, eeg, blink, raw]) {
  const clock = new FakeClock();
  const live = new Live({ clock, realTime: clock, streams: () => streams });
  const join = (...subscriptions: Subscription[]): { peer: FakePeer; client: Client } => {
    const peer = new FakePeer();
    const client = live.connect(peer);
    for (const subscription of subscriptions) live.announce(subscription);
    live.subscribe(client, subscriptions);
    return { peer, client };
  };
  return { clock, live, join };
}
