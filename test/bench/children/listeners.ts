/** A crowd of WebSocket clients, on sockets that count messages and do as little else as they can. */
import { connect, type Socket } from 'node:net';
import * as v from 'valibot';
import { FrameCounter } from '../frame-counter.ts';
import { orders, tell } from './orders.ts';

const { host, path, clients, subscribe } = v.parse(
  v.object({
    /** `127.0.0.1:8080` */
    host: v.string(),
    path: v.string(),
    clients: v.number(),
    /** Sent once after the upgrade; nothing when empty. */
    subscribe: v.string(),
  }),
  orders(),
);
/** RFC 6455 clause 5.2: final frames from a client, whose mask of zeros changes nothing. */
const TEXT = 0x81;
const PONG = 0x8a;

let messages = 0;
let bytes = 0;
let closed = 0;

const { hostname, port } = new URL(`http://${host}`);
const sockets: Socket[] = [];
for (let i = 0; i < clients; i++) sockets.push(await open());
process.on('message', () => tell({ messages, bytes, closed }));
tell({ ready: true });

/** Resolves after the upgrade. */
function open(): Promise<Socket> {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const counter = new FrameCounter(() => socket.write(frame(PONG, '')));
  let upgraded = false;
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  socket.on('close', () => closed++);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      if (upgraded) count(counter, chunk);
      else {
        upgraded = true;
        const end = chunk.indexOf('\r\n\r\n');
        if (end < 0 || !chunk.includes(' 101 ')) reject(new Error(chunk.toString('latin1')));
        count(counter, chunk.subarray(end + 4));
        if (subscribe !== '') socket.write(frame(TEXT, subscribe));
        resolve(socket);
      }
    });
  });
}

function count(counter: FrameCounter, chunk: Uint8Array): void {
  bytes += chunk.length;
  messages += counter.push(chunk);
}

function frame(first: number, payload: string): Buffer {
  const { length } = payload;
  const head =
    length < 126 ? [first, 0x80 | length] : [first, 0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.from([...head, 0, 0, 0, 0]), Buffer.from(payload)]);
}
