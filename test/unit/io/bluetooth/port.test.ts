import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bluetoothPort } from '../../../../src/io/bluetooth/port.ts';
import { openRfcomm } from '../../../../src/io/bluetooth/rfcomm.ts';
import { startBusDaemon } from './bus-daemon.ts';
import { FakeBluez, HEADSET } from './fake-bluez.ts';

/** What the real socat says when it is connected; the real one is run in test/vm. */
const OPEN = 'echo "2026/11/22 18:13:31 socat[9] N starting data transfer loop with FDs [0,1]" >&2';

/** A program in socat's place, which this shell script is; `args` has what it was called with. */
function inPlace(script: string): { searchPath: string; args: string; pid: string } {
  const directory = mkdtempSync(path.join(tmpdir(), 'vigil-socat-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const program = path.join(directory, 'socat');
  const args = path.join(directory, 'args');
  const pid = path.join(directory, 'pid');
  writeFileSync(program, `#!/bin/sh\necho "$@" >${args}\necho $$ >${pid}\n${script}\n`);
  chmodSync(program, 0o755);
  return { searchPath: `${directory}:/usr/bin:/bin`, args, pid };
}

function says(error: string): string {
  return `echo '2026/11/22 18:15:17 socat[9] E connect(5, AF=31, 10): ${error}' >&2; exit 1`;
}

const target = (script: string) => {
  const { searchPath, ...files } = inPlace(script);
  return { address: HEADSET, channel: 3, from: '00:1A:7D:DA:71:13', searchPath, ...files };
};
const running = new AbortController().signal;

function isGone(file: string): boolean {
  const pid = Number(readFileSync(file, 'utf8'));
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

test('socat is given the two addresses, the last byte first', async () => {
  const made = target(`${OPEN}; cat`);
  const port = await openRfcomm(made, running);
  await port[Symbol.asyncDispose]();
  expect(readFileSync(made.args, 'utf8')).toBe(
    '-d -d STDIO SOCKET-CONNECT:31:3:x72a108f981000300,connect-timeout=8,bind=x1371da7d1a000000\n',
  );
});

test('bytes go both ways, and a close leaves no process', async () => {
  const made = target(`${OPEN}; cat`);
  const port = await openRfcomm(made, running);
  const chunks = port.input[Symbol.asyncIterator]();
  await port.write('ATZ\r');
  await port.write(Uint8Array.of(0xaa, 0xff));
  let got = Buffer.alloc(0);
  while (got.length < 6) got = Buffer.concat([got, (await chunks.next()).value]);
  expect(got).toEqual(Buffer.from('ATZ\r\xaa\xff', 'latin1'));
  await port[Symbol.asyncDispose]();
  expect(isGone(made.pid)).toBe(true);
  await port[Symbol.asyncDispose]();
  await expect(port.write('x')).rejects.toMatchObject({ code: 'LINK_LOST' });
});

test.each([
  ['Connection refused', 'has no serial port on this channel, or it is in use'],
  ['Host is down', 'does not answer; is it switched on, near, and not connected to a phone?'],
  ['Connection timed out', 'does not answer; is it switched on, near, and not connected'],
  ['No route to host', 'the Bluetooth adapter is off or gone'],
  ['Device or resource busy', 'its last connection is still being closed'],
  ['Something new', 'connect(5, AF=31, 10): Something new'],
])('%s is told as a person understands it', async (error, reason) => {
  const opening = openRfcomm(target(says(error)), running);
  await expect(opening).rejects.toMatchObject({
    code: 'OPEN_FAILED',
    message: expect.stringContaining(`${HEADSET}: ${reason}`),
  });
});

test('an end without a word, and a program that is not there, are told', async () => {
  await expect(openRfcomm(target('exit 3'), running)).rejects.toThrow('ended at once');
  const nowhere = { ...target(''), searchPath: '/nonexistent' };
  await expect(openRfcomm(nowhere, running)).rejects.toThrow(
    `${HEADSET}: the program socat is missing, which Bluetooth needs (Debian: socat)`,
  );
});

test('a stop ends the wait, and the process', async () => {
  const made = target('exec sleep 60');
  const stopping = new AbortController();
  const opening = openRfcomm(made, stopping.signal);
  await expect.poll(() => existsSync(made.pid) && readFileSync(made.pid, 'utf8')).toMatch(/\d\n/);
  stopping.abort();
  await expect(opening).rejects.toThrow('stopped while connecting');
  expect(isGone(made.pid)).toBe(true);
  await expect(openRfcomm(target(`${OPEN}; cat`), stopping.signal)).rejects.toThrow('stopped');
});

test('a link that the device ends says how', async () => {
  const read = async (script: string): Promise<string> => {
    const port = await openRfcomm(target(script), running);
    let text = '';
    for await (const chunk of port.input) text += chunk;
    await port[Symbol.asyncDispose]();
    return text;
  };
  expect(await read(`${OPEN}; echo data; exit 0`)).toBe('data\n');
  const reset = "socat[9] E read(5, 0x0, 8192): Connection reset by peer' >&2; exit 1";
  await expect(
    read(`${OPEN}; echo data; echo '2026/11/22 18:15:17 ${reset}`),
  ).rejects.toMatchObject({
    code: 'LINK_LOST',
    message: `${HEADSET}: the link broke (closed by the device)`,
  });
});

test('a link that broke is closed, whatever of its bytes nobody has read', async () => {
  const made = target(`${OPEN}; head -c 100000 /dev/zero`);
  const port = await openRfcomm(made, running);
  for await (const _ of port.input) {
    // The pipe holds the rest of it.
    await expect.poll(() => isGone(made.pid)).toBe(true);
    break;
  }
  await port[Symbol.asyncDispose]();
});

/** The opener of a port, and the BlueZ that knows its device. */
async function start(script = `${OPEN}; cat`) {
  const daemon = await startBusDaemon();
  const bluez = await FakeBluez.start(daemon.address);
  onTestFinished(async () => {
    await bluez[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });
  const { searchPath } = inPlace(script);
  const where = { busAddress: daemon.address, rfkillPath: '/nonexistent', searchPath };
  return { bluez, open: bluetoothPort({ address: HEADSET, channel: 1, ...where }) };
}

test('a device that is paired and trusted is opened', async () => {
  const { bluez, open } = await start();
  bluez.add({ address: HEADSET, paired: true, trusted: true });
  await using port = await open(running);
  await port.write('x');
});

test('a device that is not, says where that can be done', async () => {
  const { bluez, open } = await start();
  const missing = `${HEADSET}: not paired; pair it under More, System`;
  await expect(open(running)).rejects.toMatchObject({ code: 'OPEN_FAILED', message: missing });
  const device = { address: HEADSET, paired: false };
  bluez.add(device);
  await expect(open(running)).rejects.toThrow(missing);
  device.paired = true;
  await expect(open(running)).rejects.toThrow('paired but not trusted; pair it again under');
});

test('without an adapter, or with one that is off, or without Bluetooth, nothing is opened', async () => {
  const { bluez, open } = await start();
  bluez.addAdapter(false);
  bluez.add({ address: HEADSET, paired: true, trusted: true });
  await expect(open(running)).rejects.toThrow(`${HEADSET}: the Bluetooth adapter is switched off`);
  bluez.removeAdapter();
  await expect(open(running)).rejects.toThrow(`${HEADSET}: this computer has no Bluetooth adapter`);
  await bluez[Symbol.asyncDispose]();
  await expect(open(running)).rejects.toMatchObject({
    code: 'OPEN_FAILED',
    message: expect.stringContaining(`${HEADSET}: the Bluetooth service does not run`),
  });
});
