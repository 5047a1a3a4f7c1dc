import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { event, sample, stream, wave } from '../../unit/http/fakes.ts';
import { clientFrame, type Gateway, Listener, rawSocket, start, until } from './harness.ts';

const rpm = stream('obd.engine.rpm');
const blink = stream('face.blink', { kind: 'event' });
const eeg = stream('eeg.raw', { kind: 'wave', hz: 512, lsb: 0.25 });

let gateway: Gateway;

beforeEach(async () => {
  gateway = await start([rpm, blink, eeg]);
});

afterEach(() => gateway[Symbol.asyncDispose]());

async function listener(path?: string): Promise<Listener> {
  const client = new Listener(gateway, path);
  await until(() => client.has('hello'));
  client.send({ type: 'subscribe', id: 1, streams: ['*'], maxHz: 1000, format: 'bin' });
  await until(() => client.has('subscribed'));
  return client;
}

test('readings reach a client on each of the three paths', async () => {
  for (const path of ['/ws/telemetry', '/api/ws/telemetry', '/api/v1/ws/telemetry']) {
    const client = await listener(path);
    gateway.live.take([sample(rpm, 7, 800), wave(eeg, 3, Int16Array.of(1, 2)), event(blink, 8)]);
    await until(() => client.has('event') && client.has('samples') && client.binaries.length === 1);
    expect(client.messages.find(({ type }) => type === 'samples')).toMatchObject({
      t: 7,
      values: { 'obd.engine.rpm': 800 },
    });
    client.socket.close();
    await until(() => client.closed !== undefined);
  }
  await until(() => gateway.live.stats.clients === 0);
});

test('ticks come by themselves', async () => {
  const client = await listener();
  await until(() => client.messages.filter(({ type }) => type === 'tick').length === 2);
});

test('a page of another origin and a foreign host name are refused', async () => {
  await expect(rawSocket(gateway, { Origin: 'https://example.org' })).rejects.toThrow('403');
  await expect(rawSocket(gateway, { Origin: 'null' })).rejects.toThrow('403');
  await expect(rawSocket(gateway, { Host: 'rebind.example' })).rejects.toThrow('403');
  const own = await rawSocket(gateway, { Origin: `http://127.0.0.1:${gateway.port}` });
  own.destroy();
  expect(gateway.server.health().details).toMatchObject({ refused: 3 });
});

test('200 clients may connect, one more is told to come later, and a free place is given on', async () => {
  const clients = await Promise.all(Array.from({ length: 200 }, () => rawSocket(gateway)));
  await expect(rawSocket(gateway)).rejects.toThrow('503');
  clients.pop()?.destroy();
  await until(() => gateway.live.stats.clients === 199);
  clients.push(await rawSocket(gateway));
  for (const client of clients) client.destroy();
  await until(() => gateway.live.stats.clients === 0);
});

test('limits close with their code', async () => {
  const cases: [code: number, attack: (client: Listener) => void][] = [
    [1009, (client) => client.socket.send(' '.repeat(16 * 1024 + 1))],
    [1006, (client) => client.socket.send(' '.repeat(64 * 1024 + 1))],
    [1008, (client) => Array.from({ length: 10 }, () => client.socket.send('{'))],
    [4429, (client) => Array.from({ length: 60 }, () => client.send({ type: 'ping' }))],
  ];
  for (const [code, attack] of cases) {
    const client = await listener();
    attack(client);
    await until(() => client.closed !== undefined);
    expect(client.closed?.code).toBe(code);
  }
});

test('a client that stops reading costs the others nothing and the gateway little', async () => {
  const stalled = await rawSocket(gateway);
  stalled.write(clientFrame(JSON.stringify({ type: 'subscribe', streams: ['*'], maxHz: 1000 })));
  const healthy = await listener();
  await until(() => gateway.live.stats.clients === 2);
  stalled.pause();

  const block = new Int16Array(16_384);
  let blocks = 0;
  while (gateway.live.stats.wavesDropped < 50) {
    gateway.live.take([wave(eeg, block.length * blocks++, block), sample(rpm, blocks, blocks)]);
    await until(() => healthy.binaries.length === blocks);
  }
  expect(gateway.live.stats).toMatchObject({ coalescing: 1, cutSlow: 0 });
  const newest = (client: Listener) =>
    client.messages.findLast(({ type }) => type === 'samples')?.['values'];
  await until(() => (newest(healthy) as Record<string, number>)?.[rpm.id] === blocks);

  let received = '';
  stalled.on('data', (chunk) => {
    received = (received + chunk.toString('latin1')).slice(-1_000);
  });
  stalled.resume();
  await until(() => gateway.live.stats.coalescing === 0);
  await until(() => received.includes(`"values":{"obd.engine.rpm":${blocks}}`));
  expect(received).toMatch(/\{"type":"gap","stream":"eeg\.raw","lost":\d+\}/);
  stalled.destroy();
});

test('frames that break the protocol end their connection only', async () => {
  const healthy = await listener();
  const attacks = [
    Buffer.from('\x81\x05hello', 'latin1'), // unmasked, which RFC 6455 clause 5.1 forbids
    Buffer.from([0xff, 0x80, 0, 0, 0, 0]), // reserved bits and opcode
    clientFrame('x', 9).subarray(0, 4), // cut short
    clientFrame(Buffer.of(0xff, 0xfe)), // text that is not UTF-8
    clientFrame('x', 0), // a continuation of nothing
    Buffer.alloc(100_000, 0xff),
  ];
  for (const bytes of attacks) {
    const socket = await rawSocket(gateway);
    socket.on('error', () => {}); // A reset is as good an end as any.
    socket.end(bytes);
    await until(() => gateway.live.stats.clients === 1);
    socket.destroy();
  }
  gateway.live.take([event(blink, 1, { after: 'attacks' })]);
  await until(() => healthy.has('event'));
});

test('thousands of strange messages leave the gateway as it was', async () => {
  const healthy = await listener();
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({
        type: fc.constantFrom('subscribe', 'unsubscribe', 'ping', 'time', 'auth'),
        id: fc.oneof(fc.integer(), fc.string(), fc.constant(null)),
        streams: fc.array(fc.constantFrom('obd.*', '*', 'eeg.raw', 'No', '.'), { maxLength: 70 }),
        maxHz: fc.double(),
      })
      .map((message) => JSON.stringify(message)),
  );
  const frame = fc
    .tuple(text, fc.constantFrom(1, 1, 1, 2, 9, 10))
    .map(([payload, opcode]) => clientFrame(opcode > 8 ? payload.slice(0, 30) : payload, opcode));
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 40, maxLength: 60 }), async (frames) => {
      const socket = await rawSocket(gateway);
      socket.on('error', () => {}); // Most are cut for what they send, some by a reset.
      socket.resume();
      socket.end(Buffer.concat(frames));
      gateway.live.take([sample(rpm, 1, 1), event(blink, 1)]);
      await until(() => gateway.live.stats.clients === 1);
      socket.destroy();
    }),
    { numRuns: 60 },
  );
  gateway.live.take([event(blink, 2, { last: true })]);
  await until(() => healthy.messages.some(({ t }) => t === 2));
  expect(gateway.errors).toEqual([]);
});
