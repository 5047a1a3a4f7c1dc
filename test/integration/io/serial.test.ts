import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Port } from '../../../src/io/port.ts';
import { openerFor } from '../../../src/io/port-url.ts';
import { serialPort } from '../../../src/io/serial.ts';
import { openDescriptors } from '../../support/descriptors.ts';

const { signal } = new AbortController();
let directory = '';
let car = '';
let adapter = '';
let cable: ChildProcess | undefined;

/** Two pseudo-terminals tied together, as a cable with a serial port at each end. */
async function plugIn(): Promise<void> {
  const ends = [car, adapter].map((link) => `pty,raw,echo=0,link=${link}`);
  cable = spawn('socat', ends, { stdio: 'ignore' });
  await vi.waitFor(() => expect([car, adapter].every(existsSync)).toBe(true), { timeout: 5_000 });
}

async function unplug(): Promise<void> {
  if (cable?.exitCode !== null || cable.signalCode !== null) return;
  const gone = once(cable, 'exit');
  cable.kill();
  await gone;
}

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-serial-'));
  car = path.join(directory, 'car');
  adapter = path.join(directory, 'adapter');
  await plugIn();
});

afterEach(async () => {
  await unplug();
  rmSync(directory, { recursive: true });
});

/** Reads until `length` bytes have come. */
async function read(port: Port, length: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  const chunks = port.input[Symbol.asyncIterator]();
  while (bytes.length < length) {
    const next = await chunks.next();
    if (next.done) break;
    bytes = Buffer.concat([bytes, next.value]);
  }
  return bytes;
}

test('bytes of every value pass both ways', async () => {
  await using a = await serialPort(car)(signal);
  await using b = await serialPort(adapter)(signal, { baud: 115_200 });
  const all = Uint8Array.from({ length: 256 }, (_, value) => value);
  await a.write(all);
  expect(await read(b, 256)).toEqual(Buffer.from(all));
  await b.write('AT\xff\r');
  expect(await read(a, 4)).toEqual(Buffer.from([0x41, 0x54, 0xff, 0x0d]));
});

test('the line has the rate of the URL, else that of the driver, else 38400', async () => {
  const url = { kind: 'serial', path: car } as const;
  const cases = [
    [openerFor({ ...url, baud: 9_600 }), { baud: 115_200 }, '9600'],
    [openerFor(url), { baud: 115_200 }, '115200'],
    [openerFor(url), {}, '38400'],
  ] as const;
  for (const [open, options, speed] of cases) {
    await using _port = await open(signal, options);
    expect(execFileSync('stty', ['-F', car, 'speed'], { encoding: 'utf8' }).trim()).toBe(speed);
  }
});

test('a port that is not there is refused in words for a person', async () => {
  const missing = path.join(directory, 'missing');
  await expect(serialPort(missing)(signal)).rejects.toMatchObject({
    name: 'LinkError',
    code: 'OPEN_FAILED',
    message: `${missing}: no such port; is the device plugged in or paired?`,
  });
});

test('so is what is no serial port, and a port that is in use', async () => {
  await expect(serialPort('/dev/null')(signal)).rejects.toThrow('/dev/null: not a serial port');
  await using _port = await serialPort(car)(signal);
  await expect(serialPort(car)(signal)).rejects.toThrow(`${car}: in use by another program`);
});

test('unplugging ends the reader within a second, and writes are refused from then on', async () => {
  await using port = await serialPort(car)(signal);
  const reading = read(port, 1);
  reading.catch(() => {}); // Looked at below.
  await unplug();
  const late = AbortSignal.timeout(1_000);
  const tooLate = once(late, 'abort').then(() => 'nothing within a second');
  await expect(Promise.race([reading, tooLate])).rejects.toMatchObject({
    name: 'LinkError',
    code: 'LINK_LOST',
    message: expect.stringContaining(`${car}: the link broke (`),
  });
  await expect(port.write('AT\r')).rejects.toMatchObject({ code: 'LINK_LOST' });
});

test('so it does in the middle of a stream, when no read is waiting', async () => {
  for (let round = 0; round < 5; round++) {
    await using port = await serialPort(car)(signal);
    await using device = await serialPort(adapter)(signal);
    const reading = read(port, Number.POSITIVE_INFINITY);
    reading.catch(() => {}); // Looked at below.
    const sending = (async () => {
      while (true) await device.write('x'.repeat(16));
    })();
    await expect(Promise.all([sending, unplug()])).rejects.toMatchObject({ code: 'LINK_LOST' });
    const tooLate = once(AbortSignal.timeout(1_000), 'abort');
    await expect(Promise.race([reading, tooLate])).rejects.toMatchObject({ code: 'LINK_LOST' });
    await plugIn();
  }
});

test('a write to an unplugged device is refused, also while nobody reads', async () => {
  for (const begun of [false, true]) {
    await using port = await serialPort(car)(signal);
    await using device = await serialPort(adapter)(signal);
    // A driver that has begun to read, and is busy with what came.
    if (begun) {
      const next = port.input[Symbol.asyncIterator]().next();
      await device.write('>');
      await next;
    }
    await unplug();
    for (const text of ['ATZ\r', 'ATI\r']) {
      await expect(port.write(text)).rejects.toMatchObject({ code: 'LINK_LOST' });
    }
    await plugIn();
  }
});

test('bytes that came before the unplugging are still read', async () => {
  await using a = await serialPort(car)(signal);
  await using b = await serialPort(adapter)(signal);
  const reading = read(b, 5);
  await a.write('41 0C');
  expect(String(await reading)).toBe('41 0C');
});

test('the port opens again when the device is back', async () => {
  const first = await serialPort(car)(signal);
  await unplug();
  await first[Symbol.asyncDispose]();
  await plugIn();
  await using again = await serialPort(car)(signal);
  await using other = await serialPort(adapter)(signal);
  await again.write('ATZ\r');
  expect(String(await read(other, 4))).toBe('ATZ\r');
});

test('closing ends the reader, refuses writes, and may be repeated', async () => {
  const port = await serialPort(car)(signal);
  const reading = read(port, 1);
  reading.catch(() => {}); // Whether a reader sees an end or an error is left open.
  await port[Symbol.asyncDispose]();
  await port[Symbol.asyncDispose]();
  await Promise.allSettled([reading]);
  await expect(port.write('x')).rejects.toMatchObject({ code: 'LINK_LOST' });
});

test('a stop while it opens leaves the port free', async () => {
  const stopping = new AbortController();
  const opening = serialPort(car)(stopping.signal);
  stopping.abort();
  await expect(opening).rejects.toThrow(`${car}: stopped while opening`);
  // The open itself goes on, and is closed after it.
  const port = await vi.waitFor(() => serialPort(car)(signal), { timeout: 5_000 });
  await port[Symbol.asyncDispose]();
});

test('50 times open and closed leaves no descriptor', async () => {
  const cycle = async (): Promise<void> => {
    await using port = await serialPort(car)(signal);
    await port.write('x');
  };
  await cycle();
  const before = openDescriptors();
  for (let i = 0; i < 50; i++) await cycle();
  await vi.waitFor(() => expect(openDescriptors()).toBeLessThanOrEqual(before));
});
