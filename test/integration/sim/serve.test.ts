import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import { serve } from '../../../scripts/simulate/serve.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import type { OpenPort, Port } from '../../../src/io/port.ts';
import { serialPort } from '../../../src/io/serial.ts';
import { tcpPort } from '../../../src/io/tcp.ts';
import { createCar } from '../../../src/sim/car.ts';
import { createVehicle } from '../../../src/sim/ecu.ts';
import { ElmAdapter } from '../../../src/sim/elm.ts';
import { elmPort } from '../../../src/sim/ports.ts';

const signal = new AbortController().signal;
const folder = mkdtempSync(path.join(tmpdir(), 'vigil-serve-'));
const hasSocat = spawnSync('socat', ['-V']).status === 0;

afterAll(() => rmSync(folder, { recursive: true }));

/** An adapter that hangs up when asked ATFE. */
function adapterPort(): OpenPort {
  const clock = monotonicClock();
  const vehicle = createVehicle(createCar(1));
  const faults = (command: string) => (command === 'ATFE' ? ('disconnect' as const) : undefined);
  return elmPort(new ElmAdapter({ vehicle, faults, timing: { resetMs: 10, searchMs: 10 } }), clock);
}

/** The answer to one command, or what came before the link ended. */
async function ask(port: Port, command: string): Promise<string> {
  await port.write(`${command}\r`);
  let text = '';
  for await (const bytes of port.input) {
    text += Buffer.from(bytes).toString('latin1');
    if (text.endsWith('>')) break;
  }
  return text;
}

test('an adapter on a TCP port answers one client after the other', async () => {
  await using served = await serve('tcp:127.0.0.1:0', adapterPort());
  const open = tcpPort('127.0.0.1', Number(new URL(served.url).port));
  {
    await using port = await open(signal);
    expect(await ask(port, 'ATE0')).toBe('ATE0\rOK\r\r>');
    expect(await ask(port, 'ATFE')).toBe('');
  }
  await using again = await open(signal);
  expect(await ask(again, 'ATI')).toBe('ELM327 v2.1\r\r>');
});

test.runIf(hasSocat)('an adapter on a pseudo-terminal comes back after a cut link', async () => {
  const device = path.join(folder, 'elm');
  await using _served = await serve(`pty:${device}`, adapterPort());
  {
    await using port = await serialPort(device)(signal);
    expect(await ask(port, 'ATZ')).toBe('ATZ\r\r\rELM327 v2.1\r\r>');
    await ask(port, 'ATFE').catch(() => ''); // Ends or throws, as the kernel likes.
  }
  expect(await askAgain(serialPort(device), 'ATI')).toContain('ELM327 v2.1');
});

test('a place that cannot be served is told', () => {
  expect(() => serve('usb:1', adapterPort())).toThrow('expected tcp:HOST:PORT or pty:/PATH');
});

/** Asks a device that is going away and coming back, as the supervisor of a source would. */
async function askAgain(open: OpenPort, command: string): Promise<string> {
  while (true) {
    try {
      await using port = await open(signal);
      return await ask(port, command);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50)); // The test's own limit ends this.
    }
  }
}
