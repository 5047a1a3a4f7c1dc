import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  afterAll,
  beforeAll,
  describe,
  expect,
  onTestFinished,
  type TestContext,
  test,
} from 'vitest';
import type { PartHealth } from '#core/health.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import type { OpenPort } from '../../../src/io/port.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import { headPort } from '../../../src/sim/thinkgear-head.ts';
import { Cable } from '../../support/cable.ts';
import { quickAdapter } from '../../support/devices.ts';
import { eventually, type Gateway, Subscriber, startGateway } from '../../support/gateway.ts';

/** Noise: so many bytes every so many milliseconds is 1 MB a second. */
const NOISE_BYTES = 10_000;
const NOISE_PAUSE_MS = 10;
const NOISE_MS = 4_000;
/** What a gateway may take more than before, whatever it is sent. */
const RSS_GROWTH_MIB_MAX = 100;
const PORT_GONE = 'no such port; is the device plugged in or paired?';

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-bad-links-'));
});

afterAll(() => rmSync(directory, { recursive: true }));

/** A gateway whose vehicle is at `url`, with a simulated headset that has to go on unharmed. */
async function withVehicleAt(url: string, run: (gateway: Gateway) => Promise<void>): Promise<void> {
  await using gateway = await startGateway({ args: ['--obd', url, '--eeg', 'thinkgear+sim:'] });
  using client = new Subscriber(gateway);
  await client.more('eeg.raw', 512);
  await run(gateway);
  await client.more('eeg.raw', 512);
  const { details } = await gateway.part('eeg');
  expect(details).toMatchObject({ failures: 0, lost: { checksum: 0, link: 0, unexplained: 0 } });
  expect(gateway.errors).toEqual([]);
}

/** Waits for the words, then for them in the log, where they may stand once only. */
async function expectComplaint(gateway: Gateway, id: string, words: string): Promise<void> {
  const part = await gateway.untilPart(id, ({ text }) => text.includes(words));
  expect(part.status).toBe('waiting');
  const told = () => gateway.log.filter((line) => line.includes(words));
  await eventually(`the log tells of ${words}`, () => ({ done: told().length > 0, seen: '' }));
  expect(told()).toHaveLength(1);
}

function isReceiving({ text }: PartHealth): boolean {
  return text === 'receiving data';
}

/** A TCP server for the length of a test; returns the URL. */
async function serveTcp(
  { onTestFinished }: TestContext,
  onConnect: (socket: Socket) => void,
): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // The gateway may hang up on us.
    onConnect(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `tcp://127.0.0.1:${address.port}`;
}

/** Connects a client of a TCP server with a simulated device, until `hangs` says that it hangs. */
async function attach(socket: Socket, open: OpenPort, hangs: () => boolean): Promise<void> {
  const port = await open(new AbortController().signal);
  socket.on('data', (bytes) => void port.write(bytes).catch(() => {}));
  socket.on('close', () => void port[Symbol.asyncDispose]());
  for await (const bytes of port.input) if (!hangs()) socket.write(bytes);
}

async function sendNoise(to: Writable): Promise<void> {
  const random = seededRandom(1);
  const noise = Uint8Array.from({ length: NOISE_BYTES }, () => 256 * random());
  for (let ms = 0; ms < NOISE_MS; ms += NOISE_PAUSE_MS) {
    if (to.writableNeedDrain) await Promise.race([once(to, 'drain'), delay(NOISE_MS)]);
    to.write(noise);
    await delay(NOISE_PAUSE_MS);
  }
}

test('a port that is not there yet is named, and read when it comes', async () => {
  await using cable = new Cable(path.join(directory, 'later'));
  await withVehicleAt(`serial://${cable.path}`, async (gateway) => {
    await expectComplaint(gateway, 'obd', `${cable.path}: ${PORT_GONE}`);
    await cable.plug(quickAdapter(monotonicClock()));
    await gateway.untilPart('obd', isReceiving);
  });
});

test('a port on which nothing answers is told with the baud rates that were tried', async () => {
  await using cable = new Cable(path.join(directory, 'silent'));
  await cable.plugBare(() => {});
  await withVehicleAt(`serial://${cable.path}`, async (gateway) => {
    const rates = '38400, 115200, 9600, 230400, 500000, 57600';
    await expectComplaint(gateway, 'obd', `${cable.path}: no adapter answers at ${rates} baud`);
  });
});

test('a megabyte of noise a second costs no memory, and an adapter in its place is read', async () => {
  await using cable = new Cable(path.join(directory, 'noise'));
  const { stdin } = await cable.plugBare(() => {});
  await withVehicleAt(`serial://${cable.path}`, async (gateway) => {
    const before = gateway.rssMib();
    await sendNoise(stdin);
    expect(gateway.rssMib() - before).toBeLessThan(RSS_GROWTH_MIB_MAX);
    expect(await gateway.part('obd')).toMatchObject({ status: 'waiting' });
    await cable.unplug();
    await cable.plug(quickAdapter(monotonicClock()));
    await gateway.untilPart('obd', isReceiving);
  });
});

test('so it does from a headset, and the car is read all along', async () => {
  await using cable = new Cable(path.join(directory, 'noisy-head'));
  const { stdin } = await cable.plugBare(() => {});
  const args = ['--sim', '1', '--eeg', `thinkgear+serial://${cable.path}`];
  await using gateway = await startGateway({ args });
  using client = new Subscriber(gateway);
  await client.more('obd.engine.rpm', 1);
  const before = gateway.rssMib();
  const chatter = setInterval(() => stdin.write('ELM327 v1.5\r\r>'), NOISE_PAUSE_MS);
  onTestFinished(() => clearInterval(chatter));
  await expectComplaint(gateway, 'eeg', 'no ThinkGear packet in them');
  // The next try fails as the first did, and is not told again.
  await gateway.untilPart('eeg', ({ details }) => Number(details['failures']) >= 2);
  await expectComplaint(gateway, 'eeg', 'no ThinkGear packet in them');
  expect((await gateway.part('eeg')).text).toContain(cable.path);
  clearInterval(chatter);
  await sendNoise(stdin);
  expect(gateway.rssMib() - before).toBeLessThan(RSS_GROWTH_MIB_MAX);
  await client.more('obd.engine.rpm', 20);
  expect((await gateway.part('obd')).details).toMatchObject({ failures: 0, timeouts: 0 });
  await cable.unplug();
  await cable.plug(headPort({ seed: 1 }, monotonicClock()));
  await client.more('eeg.raw', 512);
  expect(gateway.errors).toEqual([]);
});

describe.concurrent('a TCP peer', () => {
  test('that refuses is named', async () => {
    await withVehicleAt('tcp://127.0.0.1:1', async (gateway) => {
      await expectComplaint(gateway, 'obd', '127.0.0.1:1: nothing listens there');
    });
  });

  test('that hangs up at once is named', async (context) => {
    const url = await serveTcp(context, (socket) => void socket.end());
    await withVehicleAt(url, async (gateway) => {
      const { text } = await gateway.untilPart(
        'obd',
        ({ status, text }) => status === 'waiting' && text !== 'opening the link',
      );
      // A close that crosses a command is a reset for the one who sent it.
      expect(text).toMatch(/^127\.0\.0\.1:\d+: (the adapter hung up|the link broke)/);
    });
  });

  test('that takes the connection and never answers is named', async (context) => {
    const url = await serveTcp(context, () => {});
    await withVehicleAt(url, async (gateway) => {
      await expectComplaint(gateway, 'obd', `${url.replace('tcp://', '')}: no adapter answers`);
    });
  });

  test('that hangs in the middle of an answer is connected to again', async (context) => {
    let hung = false;
    const adapter = quickAdapter(monotonicClock());
    const url = await serveTcp(context, (socket) => {
      const here = { hangs: false };
      void attach(socket, adapter, () => (here.hangs ||= hung));
    });
    await withVehicleAt(url, async (gateway) => {
      await gateway.untilPart('obd', isReceiving);
      hung = true;
      await gateway.untilPart('obd', ({ status }) => status === 'waiting');
      expect((await gateway.part('obd')).text).toContain(url.replace('tcp://', ''));
      hung = false;
      await gateway.untilPart('obd', isReceiving);
    });
  });
});
