/**
 * MQTT over WebSocket, MQTT 3.1.1 clause 6, at the port of the pages: where a browser is, and where a network
 * lets nothing else through. The broker does the rest: who comes says who it is in CONNECT.
 */
import type { Duplex } from 'node:stream';
import type { Remote } from '#core/account.ts';
import type { Reply, RequestHead } from '../message.ts';
import { Problem } from '../problem.ts';
import type { SocketEndpoint } from '../transport.ts';
import { PeerStream } from './duplex.ts';

/** By which clients ask for it, clause 6. */
const PROTOCOL = 'mqtt';
/** A message has one packet or several, or a part of one; the broker's own limits are by the packet. */
const MESSAGE_BYTES_MAX = 1024 * 1024 + 16 * 1024;

/** What is asked of the broker: `Broker` of mqtt/broker.ts has it. */
export interface MqttBroker {
  /** @param stream bytes both ways; it is the broker's from now on */
  connect(
    stream: Duplex,
    origin: { readonly remote: Remote; readonly certificate: string | undefined },
  ): void;
}

export interface MqttEndpointOptions {
  /** `/mqtt` is where clients look for it. */
  readonly path: string;
  readonly broker: MqttBroker;
  /** What holds for every WebSocket: by its host, origin and rate. @throws Problem */
  check(request: RequestHead): void;
  /** Makes the reply of what `check` throws, and of our own. */
  reply(problem: Problem): Reply;
}

export function mqttEndpoint({ path, broker, check, reply }: MqttEndpointOptions): SocketEndpoint {
  return {
    path,
    protocol: PROTOCOL,
    messageBytesMax: MESSAGE_BYTES_MAX,
    // A client's keep alive may be longer than what a silent WebSocket is given.
    pings: true,
    refuse: (request) => {
      try {
        check(request);
        if (offers(request, PROTOCOL)) return undefined;
        throw new Problem(400, 'Expected the WebSocket sub-protocol "mqtt".');
      } catch (error) {
        if (error instanceof Problem) return reply(error);
        throw error;
      }
    },
    open: (peer, { remote }) => {
      const stream = new PeerStream(peer);
      broker.connect(stream, { remote, certificate: undefined });
      return stream;
    },
  };
}

/** Of a list, RFC 6455 clause 11.3.4. */
function offers({ headers }: RequestHead, protocol: string): boolean {
  const offered = headers.get('sec-websocket-protocol') ?? '';
  return offered.split(',').some((one) => one.trim() === protocol);
}
