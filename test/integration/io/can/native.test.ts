/** What of CAN needs the real system and no CAN in its kernel. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildInstalled } from '../../../../scripts/socketcan-build.ts';
import { openerForCan, parseCanUrl } from '../../../../src/io/can/can-url.ts';
import { askIp, parseIpFacts, readLink } from '../../../../src/io/can/link-facts.ts';
import { runIp } from '../../../../src/io/can/link-up.ts';
import { defaultReceiveBuffer } from '../../../../src/io/can/receive-buffer.ts';
import { monotonicClock } from '../../../../src/io/clock.ts';
import { SlcanAdapter } from '../../../support/slcan-adapter.ts';

const MODULES = path.resolve(import.meta.dirname, '../../../../node_modules');
const BUILT = 'socketcan/build/Release/can.node';

let directory = '';
let modules = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-modules-'));
  // Packages find each other only in a directory of this name.
  modules = path.join(directory, 'node_modules');
  mkdirSync(modules);
});

afterEach(() => rmSync(directory, { recursive: true }));

/** Packages as they are after npm: nothing is built. */
function install(): void {
  mkdirSync(path.join(modules, 'socketcan'));
  for (const name of ['binding.gyp', 'native', 'package.json']) {
    cpSync(path.join(MODULES, 'socketcan', name), path.join(modules, 'socketcan', name), {
      recursive: true,
    });
  }
  for (const name of ['node-gyp', 'node-addon-api', `node-linux-${process.arch}`]) {
    symlinkSync(path.join(MODULES, name), path.join(modules, name));
  }
}

function build(searchPath = process.env['PATH'] ?? ''): string | undefined {
  return buildInstalled({ modules, node: process.execPath, arch: process.arch, searchPath });
}

test('the native part is built once', { timeout: 120_000 }, () => {
  install();
  expect(build()).toBe('socketcan was built: CAN interfaces can be used');
  expect(existsSync(path.join(modules, BUILT))).toBe(true);
  const bytes = readFileSync(path.join(modules, BUILT));
  const native = { exports: {} as { RawChannel?: new (name: string) => unknown } };
  process.dlopen(native, path.join(modules, BUILT));
  const { RawChannel } = native.exports;
  expect(() => RawChannel && new RawChannel('no-such-can')).toThrow('Error while creating channel');
  // A second run does nothing, also where the compiler is gone.
  expect(build('/nowhere')).toBeUndefined();
  expect(readFileSync(path.join(modules, BUILT))).toEqual(bytes);
});

test('without a compiler, and without the package, the rest goes on', () => {
  expect(build()).toBeUndefined();
  install();
  expect(build('/nowhere')).toBe(
    'CAN interfaces need a compiler, and g++, make, python3 is missing: apt install g++ make python3, and run this again',
  );
  // It runs at each start, and says so once.
  expect(build('/nowhere')).toBeUndefined();
  expect(existsSync(path.join(modules, BUILT))).toBe(false);
});

test('a compiler that fails is told of, and leaves nothing behind', () => {
  install();
  rmSync(path.join(modules, 'node-gyp'));
  expect(build()).toMatch(
    /^CAN interfaces are missing, as socketcan was not built: .*Cannot find module .*node-gyp/,
  );
  expect(existsSync(path.join(modules, BUILT))).toBe(false);
});

test('the default receive buffer is that of the kernel', async () => {
  const text = readFileSync('/proc/sys/net/core/rmem_default', 'latin1');
  expect(await defaultReceiveBuffer()).toBe(Number(text));
});

test('interfaces are read from the system', async () => {
  expect(readLink('lo')).toMatchObject({ isCan: false, up: true });
  expect(readLink('no-such-can')).toBeUndefined();
  const text = await askIp('lo');
  expect(text).toContain('"lo"');
  expect(parseIpFacts(text ?? '')).toMatchObject({ kind: undefined, state: 'unknown' });
  expect(await askIp('no-such-can')).toBeUndefined();
  expect(await runIp(['link', 'show', 'dev', 'no-such-can'])).toContain('does not exist');
  expect(await runIp(['link', 'show', 'dev', 'lo'])).toBe('');
});

test('an interface that is none is refused in words for a person', async () => {
  const { signal } = new AbortController();
  const open = (name: string) => {
    const url = parseCanUrl(`can:${name}`);
    if (url.kind === 'sim') throw new Error('not simulated');
    return openerForCan(url, { name })({ clock: monotonicClock(), signal });
  };
  await expect(open('no-such-can')).rejects.toMatchObject({
    name: 'LinkError',
    message: 'no-such-can: no such interface; is the CAN adapter plugged in?',
  });
  await expect(open('lo')).rejects.toThrow('lo: not a CAN interface');
});

test('an adapter over TCP is opened by its URL', async () => {
  const server = createServer((socket) => {
    const adapter = new SlcanAdapter({ write: (text) => void socket.write(text, 'latin1') });
    const frame = { id: 0x321, extended: false, remote: false, length: 1, data: 'A5' };
    const timer = setInterval(() => adapter.hear(frame), 20);
    socket.on('data', (bytes) => adapter.receive(bytes));
    socket.on('close', () => clearInterval(timer));
    socket.on('error', () => {}); // The client has gone.
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  try {
    const url = parseCanUrl(`slcan+tcp://127.0.0.1:${port}?bitrate=250000`);
    if (url.kind === 'sim') throw new Error('not simulated');
    const { signal } = new AbortController();
    await using bus = await openerForCan(url, { name: 'slcan0' })({
      clock: monotonicClock(),
      signal,
    });
    const ids: number[] = [];
    const came = new Promise<void>((resolve) => {
      bus.listen(({ id }) => {
        ids.push(id);
        resolve();
      });
    });
    await came;
    expect(ids[0]).toBe(0x321);
    expect(bus.health()).toMatchObject({ bitRate: 250_000, listenOnly: true });
  } finally {
    server.close();
  }
});
