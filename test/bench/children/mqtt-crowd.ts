/** Publishers and subscribers of MQTT 3.1.1, on sockets that do as little as they can. */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { connectPacket, packet } from '../../support/mqtt-packets.ts';
import { orders, tell } from './orders.ts';

const Orders = v.object({
  port: v.number(),
  publishers: v.number(),
  subscribers: v.number(),
  qos: v.picklist([0, 1]),
});
const Go = v.object({
  /** Messages a second, of all publishers together. */
  hz: v.number(),
  seconds: v.number(),
});
const { port, publishers, subscribers, qos } = v.parse(Orders, orders());

const TOPIC = Buffer.from('out/obd/speed');
/** As long as what the gateway says of one value. */
const PAYLOAD = Buffer.from(JSON.stringify({ v: 53.2, t: 1_760_000_000_000_000, q: 0 }));
const TICKS_PER_S = 100;
/** Without anything that comes, what has not come is lost. */
const SILENT_MS_MAX = 1_000;
const PUBLISH = 3;
const PUBACK = Uint8Array.of(0x40, 2);

let received = 0;
let acknowledged = 0;
/** Packet ids of MQTT 3.1.1 clause 2.3.1: 1 to 65535, none of which is in use for as long as a round. */
let id = 0;

const senders = await Promise.all(named('sender', publishers));
const readers = await Promise.all(named('reader', subscribers));
await Promise.all(readers.map((socket) => subscribe(socket)));
process.on('message', (message) => void run(v.parse(Go, message)));
tell({ ready: true });

async function run({ hz, seconds }: v.InferOutput<typeof Go>): Promise<void> {
  received = 0;
  acknowledged = 0;
  const start = performance.now();
  let sent = 0;
  for (let tick = 1; tick <= seconds * TICKS_PER_S; tick++) {
    for (const due = (hz * tick) / TICKS_PER_S; sent < due; sent++) {
      senders[sent % publishers]?.write(publishPacket());
    }
    await delay(Math.max(0, start + (tick * 1_000) / TICKS_PER_S - performance.now()));
  }
  const due = sent * (subscribers + qos);
  for (let before = -1; received + acknowledged < due && received + acknowledged > before; ) {
    before = received + acknowledged;
    for (let ms = 0; ms < SILENT_MS_MAX && received + acknowledged < due; ms += 10) await delay(10);
  }
  tell({ sent, received, acknowledged });
}

function named(name: string, count: number): Promise<Socket>[] {
  return Array.from({ length: count }, (_, i) => open(name, `${name}-${i}`));
}

/** Resolves when it has been let in. */
function open(username: string, clientId: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.write(connectPacket(username, clientId, 0));
  let rest: Uint8Array = new Uint8Array();
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${clientId} was cut`)));
    socket.on('data', (chunk) => {
      rest = take(socket, rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), () =>
        resolve(socket),
      );
    });
  });
}

/** @returns what is left of the bytes, the beginning of a packet */
function take(socket: Socket, bytes: Uint8Array, isIn: () => void): Uint8Array {
  let at = 0;
  while (at + 2 <= bytes.length) {
    // Every packet here is shorter than 128 bytes, so that its length is one byte.
    const [first = 0, length = 0] = [bytes[at], bytes[at + 1]];
    const end = at + 2 + length;
    if (end > bytes.length) break;
    const type = first >> 4;
    if (type === PUBLISH) {
      received++;
      // Clause 3.3.2.2: the packet id is behind the topic.
      const idAt = at + 4 + TOPIC.length;
      if (first & 0b110) socket.write(Buffer.concat([PUBACK, bytes.subarray(idAt, idAt + 2)]));
    } else if (type === 4) acknowledged++;
    else isIn();
    at = end;
  }
  return bytes.subarray(at);
}

/** Resolves when it has been granted, which is the next that comes. */
function subscribe(socket: Socket): Promise<void> {
  const filter = [0, TOPIC.length, ...TOPIC, qos];
  return new Promise((resolve) => {
    socket.once('data', () => resolve());
    socket.write(packet(0x82, Uint8Array.of(0, 1, ...filter)));
  });
}

function publishPacket(): Buffer {
  const topic = Uint8Array.of(0, TOPIC.length, ...TOPIC);
  if (qos === 0) return packet(0x30, Buffer.concat([topic, PAYLOAD]));
  id = (id % 0xffff) + 1;
  return packet(0x32, Buffer.concat([topic, Uint8Array.of(id >> 8, id & 255), PAYLOAD]));
}
