import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Bus, BusError, openBus, Refusal } from '../../../../src/io/bluetooth/dbus.ts';
import { type BusDaemon, startBusDaemon } from './bus-daemon.ts';

const DAEMON = {
  ...{ service: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus' },
  interface: 'org.freedesktop.DBus',
};

async function daemon(): Promise<BusDaemon> {
  const bus = await startBusDaemon();
  onTestFinished(() => bus[Symbol.asyncDispose]());
  return bus;
}

async function connected(address: string): Promise<Bus> {
  const bus = await openBus(address);
  onTestFinished(() => bus[Symbol.asyncDispose]());
  return bus;
}

/** Somebody who serves an object, and its name on the bus. */
async function serving(address: string, methods: Parameters<Bus['serve']>[2]): Promise<string> {
  const name = 'test.peer';
  const bus = await connected(address);
  bus.serve('/peer', name, methods);
  await bus.call({ ...DAEMON, member: 'RequestName', signature: 'su', body: [name, 0] });
  return name;
}

/** What listens where a bus should be, and does as it is told. */
async function impostor(onConnect: (socket: Socket) => void): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), 'vigil-bus-'));
  const file = path.join(directory, 'bus');
  const server: Server = createServer(onConnect).listen(file);
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  return `unix:path=${file}`;
}

test('a call brings what the service answers', async () => {
  const { address } = await daemon();
  const bus = await connected(address);
  const sum = {
    takes: 'uu',
    gives: 'u',
    answer: (a: unknown, b: unknown) => Number(a) + Number(b),
  };
  const service = await serving(address, { Sum: sum });
  const call = { service, path: '/peer', interface: service, member: 'Sum' };
  expect(await bus.call({ ...call, signature: 'uu', body: [3, 4] })).toBe(7);
});

test('a service that refuses is quoted, with the name of its error', async () => {
  const { address } = await daemon();
  const bus = await connected(address);
  const answer = (): never => {
    throw new Refusal('test.peer.Error.No', 'not today');
  };
  const service = await serving(address, { Try: { takes: '', gives: '', answer } });
  await expect(
    bus.call({ service, path: '/peer', interface: service, member: 'Try' }),
  ).rejects.toMatchObject({ code: 'REPLY', reply: 'test.peer.Error.No', message: 'not today' });
});

test('a service that does not answer is given up, and one that is not there is told', async () => {
  const { address } = await daemon();
  const bus = await connected(address);
  const service = await serving(address, {
    Wait: { takes: '', gives: '', answer: () => new Promise(() => {}) },
  });
  const call = { path: '/peer', interface: service, member: 'Wait', timeoutMs: 50 };
  await expect(bus.call({ ...call, service })).rejects.toMatchObject({ code: 'NO_ANSWER' });
  await expect(bus.call({ ...call, service: 'test.nobody' })).rejects.toMatchObject({
    code: 'REPLY',
    reply: 'org.freedesktop.DBus.Error.ServiceUnknown',
  });
});

test('a call that is broken off rejects with the reason', async () => {
  const { address } = await daemon();
  const bus = await connected(address);
  const service = await serving(address, {
    Wait: { takes: '', gives: '', answer: () => new Promise(() => {}) },
  });
  const stopping = new AbortController();
  const call = { service, path: '/peer', interface: service, member: 'Wait' };
  const waiting = bus.call({ ...call, signal: stopping.signal });
  stopping.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
});

test('a bus that goes away fails the call under way and the next', async () => {
  const { address, process } = await daemon();
  const bus = await openBus(address);
  const service = await serving(address, {
    Wait: { takes: '', gives: '', answer: () => new Promise(() => {}) },
  });
  const call = { service, path: '/peer', interface: service, member: 'Wait' };
  const waiting = bus.call(call);
  process.kill('SIGKILL');
  await expect(waiting).rejects.toMatchObject({ code: 'LOST' });
  await expect(bus.call(call)).rejects.toMatchObject({ code: 'LOST' });
  await bus[Symbol.asyncDispose]();
});

test('a bus that hangs holds nobody up', async () => {
  const { address, process } = await daemon();
  const bus = await openBus(address);
  process.kill('SIGSTOP');
  const call = { ...DAEMON, member: 'GetId', timeoutMs: 50 };
  await expect(bus.call(call)).rejects.toMatchObject({ code: 'NO_ANSWER' });
  await bus[Symbol.asyncDispose]();
});

test('without a bus the address and the reason are told', async () => {
  const nowhere = 'unix:path=/nonexistent/bus';
  await expect(openBus(nowhere)).rejects.toThrow(
    `the message bus at ${nowhere} does not answer: connect ENOENT /nonexistent/bus`,
  );
  await expect(openBus('carrier:pigeon=1')).rejects.toMatchObject({ code: 'LOST' });
});

test.each([
  ['hangs up', (socket: Socket) => socket.destroy()],
  ['refuses everybody', (socket: Socket) => socket.write('REJECTED\r\n')],
  ['talks nonsense', (socket: Socket) => socket.write(Buffer.alloc(100_000, 'x\n'))],
  [
    'is no bus behind its greeting',
    (socket: Socket) => socket.write(`OK 0123\r\n${'z'.repeat(1000)}`),
  ],
])('somebody who listens there and %s is no bus', async (_, onConnect) => {
  const address = await impostor((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => onConnect(socket));
  });
  await expect(openBus(address)).rejects.toBeInstanceOf(BusError);
});

test('somebody who listens there and says nothing is given up', async () => {
  const address = await impostor(() => {});
  await expect(openBus(address, 100)).rejects.toMatchObject({ code: 'LOST' });
});

test('a peer that calls what objects inherit, or with wrong arguments, does us no harm', async () => {
  const { address } = await daemon();
  const bus = await connected(address);
  const echo = { takes: 's', gives: 's', answer: (text: unknown) => text };
  const service = await serving(address, { Echo: echo });
  const call = { service, path: '/peer', interface: service };
  for (const member of ['toString', 'constructor', 'hasOwnProperty', 'Nothing']) {
    await expect(bus.call({ ...call, member })).rejects.toMatchObject({ code: 'REPLY' });
  }
  const wrong = { ...call, member: 'Echo', signature: 'u', body: [7] };
  await expect(bus.call({ ...wrong, timeoutMs: 500 })).rejects.toBeInstanceOf(BusError);
  expect(await bus.call({ ...call, member: 'Echo', signature: 's', body: ['still here'] })).toBe(
    'still here',
  );
});
