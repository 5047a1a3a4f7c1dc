/** A crowd of WebSocket clients, on sockets that count messages and do as little else as they can. */
import { connect, type Socket } from 'node:net';
import * as v from 'valibot';
import { FrameCounter } from '../frame-counter.ts';
import { orders, tell } from './orders.ts';

const { host, path, clients, frozen, subscribe, token } = v.parse(
  v.object({
    /** `127.0.0.1:8080` */
    host: v.string(),
    path: v.string(),
    clients: v.number(),
    /** Of these, that never read after the upgrade. */
    frozen: v.optional(v.number(), 0),
    /** Of who they are; nobody when empty. */
    token: v.optional(v.string(), ''),
    /** Sent once after the upgrade; nothing when empty. */
    subscribe: v.string(),
  }),
  orders(),
);
type Counts = typeof healthy;

/** RFC 6455 clause 5.2: final frames from a client, whose mask of zeros changes nothing. */
const TEXT = 0x81;
const PONG = 0x8a;

const bearer = token === '' ? '' : `Authorization: Bearer ${token}\r\n`;

/** Of those that read. */
const healthy = { messages: 0, bytes: 0, closed: 0 };
/** Of the others, until they stopped. */
const stuck = { ...healthy };

const { hostname, port } = new URL(`http://${host}`);
const sockets: Socket[] = [];
for (let i = 0; i < clients; i++) sockets.push(await open(i < frozen ? stuck : healthy));
for (const socket of sockets.slice(0, frozen)) freeze(socket);
process.on('message', (message) => {
  const { auth } = v.parse(v.object({ auth: v.optional(v.string()) }), message);
  // Before their token ends they need another.
  if (auth !== undefined) for (const socket of sockets) socket.write(frame(TEXT, authOf(auth)));
  tell({ ...healthy, stuck });
});
tell({ ready: true });

/** Resolves after the upgrade. */
function open(counts: Counts): Promise<Socket> {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const counter = new FrameCounter(() => socket.write(frame(PONG, '')));
  let upgraded = false;
  const count = (chunk: Uint8Array): void => {
    counts.bytes += chunk.length;
    counts.messages += counter.push(chunk);
  };
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${bearer}\r\n`,
  );
  socket.on('close', () => counts.closed++);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      if (upgraded) count(chunk);
      else {
        upgraded = true;
        const end = chunk.indexOf('\r\n\r\n');
        if (end < 0 || !chunk.includes(' 101 ')) reject(new Error(chunk.toString('latin1')));
        count(chunk.subarray(end + 4));
        if (subscribe !== '') socket.write(frame(TEXT, subscribe));
        resolve(socket);
      }
    });
  });
}

/** Takes nothing more, as a phone that has left the car: its buffers fill up. */
function freeze(socket: Socket): void {
  socket.removeAllListeners('data');
  socket.pause();
}

function authOf(accessToken: string): string {
  return JSON.stringify({ type: 'auth', access_token: accessToken });
}

function frame(first: number, payload: string): Buffer {
  const { length } = payload;
  const head =
    length < 126 ? [first, 0x80 | length] : [first, 0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.from([...head, 0, 0, 0, 0]), Buffer.from(payload)]);
}
