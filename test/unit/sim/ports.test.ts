import { expect, test } from 'vitest';
import type { Clock } from '#core/clock.ts';
import type { Port } from '../../../src/io/port.ts';
import { createCar } from '../../../src/sim/car.ts';
import { createVehicle } from '../../../src/sim/ecu.ts';
import { ElmAdapter, type ElmOptions } from '../../../src/sim/elm.ts';
import { elmPort } from '../../../src/sim/ports.ts';

/** Time passes exactly as far as somebody sleeps. */
function sleepingClock(): Clock {
  let now = 20e6;
  return {
    now: () => now,
    sleep: async (ms, signal) => {
      await new Promise<void>((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      now += Math.ceil(ms * 1000);
    },
  };
}

function openElm(options: Partial<ElmOptions> = {}) {
  const adapter = new ElmAdapter({ vehicle: createVehicle(createCar(1)), ...options });
  return { adapter, open: elmPort(adapter, sleepingClock()) };
}

async function ask(port: Port, command: string): Promise<string> {
  await port.write(`${command}\r`);
  let text = '';
  for await (const bytes of port.input) {
    text += Buffer.from(bytes).toString('latin1');
    if (text.endsWith('>')) return text;
  }
  return text;
}

const signal = new AbortController().signal;

test('a port carries the dialogue', async () => {
  await using port = await openElm().open(signal);
  expect(await ask(port, 'ATZ')).toBe('ATZ\r\r\rELM327 v2.1\r\r>');
  expect(await ask(port, 'ATE0')).toBe('ATE0\rOK\r\r>');
  expect(await ask(port, '0100')).toBe('SEARCHING...\r41 00 BE 3F B8 13 \r41 00 80 08 00 11 \r\r>');
});

test('the adapter keeps its settings while the port is closed', async () => {
  const { open } = openElm();
  const first = await open(signal);
  await ask(first, 'ATE0');
  await first[Symbol.asyncDispose]();
  await using second = await open(signal);
  expect(await ask(second, 'ATI')).toBe('ELM327 v2.1\r\r>');
});

test('at the wrong line rate nothing is understood', async () => {
  const { adapter, open } = openElm();
  await using port = await open(signal, { baud: 9600 });
  await port.write('ATZ\r');
  expect(adapter.nextAt()).toBeUndefined();
  await using right = await open(signal, { baud: 38_400 });
  expect(await ask(right, 'ATI')).toContain('ELM327 v2.1');
});

test('a disconnect fault ends the input, and the port opens again', async () => {
  const faults = (command: string) => (command === '0100' ? ('disconnect' as const) : undefined);
  const { open } = openElm({ faults });
  const port = await open(signal);
  expect(await ask(port, '0100')).not.toContain('>');
  await expect(port.write('ATI\r')).rejects.toMatchObject({ code: 'LINK_LOST' });
  await using again = await open(signal);
  expect(await ask(again, 'ATI')).toContain('ELM327 v2.1');
});

test('there is one socket: a second opening ends the first', async () => {
  const { open } = openElm();
  const first = await open(signal);
  await using second = await open(signal);
  const { done } = await first.input[Symbol.asyncIterator]().next();
  expect(done).toBe(true);
  expect(await ask(second, 'ATI')).toContain('ELM327 v2.1');
});
