/** One client of twenty never reads: it is cut, and the others do not notice. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { eventually, type Gateway, startGateway } from '../../support/gateway.ts';
import { SeqListener } from '../../support/seq-listener.ts';
import { beginSession, SessionLoad, SessionSender } from '../../support/session-load.ts';
import { clientFrame, rawSocket } from '../http/harness.ts';

/** There to end a hang. */
const TEST_MS_MAX = 120_000;
const CLIENTS = 20;
const SENDERS = 3;
const LOAD = { eventsHz: 100, texts: 2, channels: 8 };
/** Of the values of waves: what every client gets at least. Of events it is all. */
const SHARE_MIN = 0.99;
/** The close code of who reads too slowly, in a close frame of RFC 6455 clause 5.5.1. */
const CLOSE_TOO_SLOW = 4290;
const CLOSE_OPCODE = 0x88;
/** Until what the kernel and the gateway hold for it is full; there to end a hang. */
const CUT_MS_MAX = 45_000;
const Counted = v.object({ clients: v.number(), cutSlow: v.number(), coalescing: v.number() });

async function counted(gateway: Gateway) {
  return v.parse(Counted, (await gateway.part('http')).details);
}

/** Reads nothing of all that it asks for. */
async function freeze({ url }: Gateway) {
  const socket = await rawSocket({ port: Number(new URL(url).port) });
  socket.pause();
  socket.on('error', () => {}); // It is cut in the end.
  socket.write(clientFrame(JSON.stringify({ type: 'subscribe', streams: ['*'], maxHz: 50 })));
  return socket;
}

/** The last that came, read at last: why it was closed. */
async function closeCode(socket: Awaited<ReturnType<typeof freeze>>): Promise<number> {
  let tail = Buffer.alloc(0);
  for await (const chunk of socket) tail = Buffer.concat([tail, chunk]).subarray(-127);
  const at = tail.lastIndexOf(CLOSE_OPCODE);
  return tail.readUInt16BE(at + 2);
}

test('nineteen clients get all events and the waves while one is frozen, which is cut and counted', {
  timeout: TEST_MS_MAX,
}, async () => {
  await using gateway = await startGateway({ args: ['--sim', '1'] });
  const session = await beginSession(gateway);
  await using stack = new AsyncDisposableStack();
  const readers = Array.from({ length: CLIENTS - 1 }, () => {
    return stack.use(new SeqListener(gateway.url));
  });
  await Promise.all(readers.map((reader) => reader.subscribed()));
  const frozen = await freeze(gateway);
  stack.defer(() => void frozen.destroy());
  const loads: SessionLoad[] = [];
  for (let i = 0; i < SENDERS; i++) {
    const { send } = stack.use(await SessionSender.open(session));
    const options = { ...LOAD, client: `client${i}` };
    loads.push(stack.use(await SessionLoad.start(session, send, options)));
  }
  const before = await counted(gateway);
  expect(before).toEqual({
    clients: CLIENTS + SENDERS,
    cutSlow: 0,
    coalescing: expect.any(Number),
  });
  let seen = before;
  const isCut = async () => {
    seen = await counted(gateway);
    return { done: seen.cutSlow > 0, seen: JSON.stringify(seen) };
  };
  await eventually('the frozen client is cut', isCut, CUT_MS_MAX);
  const sent = (await Promise.all(loads.map((load) => load.stop()))).reduce((a, b) => a + b);
  await Promise.all(readers.map((reader) => reader.until(sent)));

  const clients = CLIENTS - 1 + SENDERS;
  expect(await counted(gateway)).toEqual({ clients, cutSlow: 1, coalescing: 0 });
  for (const reader of readers) {
    expect(reader).toMatchObject({ missed: 0, repeated: 0, closeCode: undefined });
    expect(reader.events).toBeGreaterThanOrEqual(sent);
    expect(reader.waveShare).toBeGreaterThanOrEqual(SHARE_MIN);
  }
  expect(await closeCode(frozen)).toBe(CLOSE_TOO_SLOW);
  const least = Math.min(...readers.map(({ waveShare }) => waveShare));
  console.log(`${sent} events to ${readers.length} clients, of waves at least ${least * 100} %`);
});
