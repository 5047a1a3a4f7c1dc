import { getEventListeners } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LinkError } from '#core/errors.ts';
import { openerFor, parsePortUrl } from '../../../src/io/port-url.ts';
import { tcpPort } from '../../../src/io/tcp.ts';
import { openDescriptors } from '../../support/descriptors.ts';

const { signal } = new AbortController();
let server: Server;
let port = 0;
const peers: Socket[] = [];

beforeEach(async () => {
  server = createServer((peer) => {
    peers.push(peer);
    peer.on('error', () => {}); // Tests end links from either side, in any way.
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** Connects, and returns both ends. */
async function connect() {
  const link = await tcpPort('127.0.0.1', port)(signal);
  const peer = await vi.waitFor(() => peers.at(-1) ?? Promise.reject(new Error('no peer yet')));
  return { link, peer };
}

test('bytes pass both ways, as text of one byte a character or as they are', async () => {
  const { link, peer } = await connect();
  const echo = new Promise<Buffer>((resolve) => peer.once('data', resolve));
  await link.write('AT\xff\r');
  expect(await echo).toEqual(Buffer.from([0x41, 0x54, 0xff, 0x0d]));
  peer.end(Buffer.from([0, 0x80, 0xff]));
  const chunks: Uint8Array[] = [];
  for await (const chunk of link.input) chunks.push(chunk);
  expect(Buffer.concat(chunks)).toEqual(Buffer.from([0, 0x80, 0xff]));
  await link[Symbol.asyncDispose]();
});

test('a URL of the configuration opens the same link', async () => {
  const url = parsePortUrl(`tcp://localhost:${port}`);
  if (url.kind === 'sim') throw new Error('not a simulator');
  await using link = await openerFor(url)(signal);
  await link.write('x');
});

test('an address where nothing listens is refused in words for a person', async () => {
  await new Promise((resolve) => server.close(resolve));
  await expect(tcpPort('127.0.0.1', port)(signal)).rejects.toMatchObject({
    name: 'LinkError',
    code: 'OPEN_FAILED',
    message: `127.0.0.1:${port}: nothing listens there`,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

test('a name that nobody has is told apart', async () => {
  await expect(tcpPort('adapter.invalid', 1)(signal)).rejects.toThrow(
    'adapter.invalid:1: no such host',
  );
});

test('the end of the other side ends the input, and writes are refused from then on', async () => {
  const { link, peer } = await connect();
  peer.end();
  for await (const _ of link.input);
  await expect(link.write('AT\r')).rejects.toMatchObject({ code: 'LINK_LOST' });
});

test('a link that breaks is lost, also when nobody was reading yet', async () => {
  for (const reading of [true, false]) {
    const { link, peer } = await connect();
    const chunks = link.input[Symbol.asyncIterator]();
    const next = reading ? chunks.next() : undefined;
    next?.catch(() => {}); // Looked at below.
    peer.resetAndDestroy();
    await vi.waitFor(() => expect(link.write('x')).rejects.toBeInstanceOf(LinkError));
    await expect(next ?? chunks.next()).rejects.toMatchObject({
      code: 'LINK_LOST',
      message: expect.stringContaining(`127.0.0.1:${port}: the link broke (`),
    });
    await link[Symbol.asyncDispose]();
  }
});

test('after the close a write is refused, and closing again is harmless', async () => {
  const { link, peer } = await connect();
  const ended = new Promise((resolve) => peer.once('close', resolve));
  peer.resume();
  await link[Symbol.asyncDispose]();
  await link[Symbol.asyncDispose]();
  await expect(link.write('x')).rejects.toMatchObject({ code: 'LINK_LOST' });
  await ended;
});

test('a stop while it connects ends the attempt, and so does one before', async () => {
  const stopping = new AbortController();
  const connecting = tcpPort('127.0.0.1', port)(stopping.signal);
  stopping.abort();
  const refusal = { code: 'OPEN_FAILED', message: `127.0.0.1:${port}: stopped while connecting` };
  await expect(connecting).rejects.toMatchObject(refusal);
  await expect(tcpPort('127.0.0.1', port)(stopping.signal)).rejects.toMatchObject(refusal);
});

test('200 links, some broken and some closed, leave no descriptor and no listener', async () => {
  const cycle = async (index: number): Promise<void> => {
    const { link, peer } = await connect();
    if (index % 2 === 0) peer.resetAndDestroy();
    await link[Symbol.asyncDispose]();
    peer.destroy();
  };
  await cycle(0);
  await cycle(1);
  const before = openDescriptors();
  for (let index = 0; index < 200; index++) await cycle(index);
  await vi.waitFor(() => expect(openDescriptors()).toBeLessThanOrEqual(before));
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
