import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { LinkError } from '#core/errors.ts';
import { memoryPort } from '../../../src/io/memory.ts';
import type { Port } from '../../../src/io/port.ts';
import { settle } from '../../support/fake-clock.ts';

const UNREAD_BYTES_MAX = 1 << 20;

async function readAll(port: Port): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of port.input) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('the reader gets what was fed, before and while it reads, and then the end', async () => {
  const { port, device } = memoryPort(() => {});
  device.feed(Buffer.from('be'));
  const all = readAll(port);
  await settle();
  device.feed(Buffer.from('fore '));
  device.feed(Buffer.from('and '));
  await settle();
  device.feed(Buffer.from('after'));
  device.hangUp();
  expect((await all).toString()).toBe('before and after');
});

test('bytes arrive complete and in order, however they are cut and whenever they are read', async () => {
  const step = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.constant('pause' as const));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { port, device } = memoryPort(() => {});
      const all = readAll(port);
      for (const one of steps) {
        if (one === 'pause') await settle();
        else device.feed(one);
      }
      device.hangUp();
      expect(await all).toEqual(Buffer.concat(steps.filter((one) => one !== 'pause')));
    }),
    { numRuns: 50 },
  );
});

test('a link that breaks delivers what had come, and then its error', async () => {
  const { port, device } = memoryPort(() => {});
  const error = new LinkError('LINK_LOST', 'unplugged');
  device.feed(Buffer.from('last words'));
  device.hangUp(error);
  device.feed(Buffer.from('too late'));
  const chunks = port.input[Symbol.asyncIterator]();
  expect(await chunks.next()).toEqual({ done: false, value: Buffer.from('last words') });
  await expect(chunks.next()).rejects.toBe(error);
});

test('a reader that waits is woken by the error', async () => {
  const { port, device } = memoryPort(() => {});
  const all = readAll(port);
  await settle();
  const error = new LinkError('LINK_LOST', 'unplugged');
  device.hangUp(error);
  await expect(all).rejects.toBe(error);
});

test('bytes that nobody reads break the link at a limit, and the device is told', async () => {
  const onClose = vi.fn();
  const { port, device } = memoryPort(() => {}, onClose);
  device.feed(new Uint8Array(UNREAD_BYTES_MAX));
  expect(onClose).not.toHaveBeenCalled();
  device.feed(new Uint8Array(1));
  expect(onClose).toHaveBeenCalledTimes(1);
  await expect(readAll(port)).rejects.toMatchObject({ code: 'LINK_LOST' });
  await expect(port.write('x')).rejects.toBeInstanceOf(LinkError);
});

test('the device gets what is written, text as one byte a character', async () => {
  const written: number[] = [];
  const { port } = memoryPort((bytes) => void written.push(...bytes));
  await port.write('AT\r');
  await port.write('\xff');
  await port.write(new Uint8Array([0, 1, 2]));
  expect(written).toEqual([0x41, 0x54, 0x0d, 0xff, 0, 1, 2]);
});

test('closing ends the reader, refuses writes, and is told to the device once', async () => {
  const onClose = vi.fn();
  const onWrite = vi.fn();
  const { port, device } = memoryPort(onWrite, onClose);
  const all = readAll(port);
  await port[Symbol.asyncDispose]();
  await port[Symbol.asyncDispose]();
  device.hangUp(new LinkError('LINK_LOST', 'after the end'));
  expect((await all).length).toBe(0);
  expect(onClose).toHaveBeenCalledTimes(1);
  await expect(port.write('x')).rejects.toMatchObject({ code: 'LINK_LOST' });
  expect(onWrite).not.toHaveBeenCalled();
});
