import { Duplex, PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import { streamPort } from '../../../src/io/stream-port.ts';
import { settle } from '../../support/fake-clock.ts';

const DEVICE = '/dev/ttyUSB0';

function portOf(stream: Duplex) {
  return streamPort(stream, DEVICE, () => {
    stream.destroy();
    return Promise.resolve();
  });
}

/** A device that takes bytes and never says that it has. */
function mute(): Duplex {
  return new Duplex({ read() {}, write() {} });
}

test('a write that is under way when the link breaks is refused, and so is what waits behind it', async () => {
  const stream = mute();
  const port = portOf(stream);
  const writes = Promise.allSettled([port.write('ATZ\r'), port.write('ATI\r')]);
  stream.destroy(new Error('EIO'));
  for (const result of await writes) {
    expect(result).toMatchObject({
      status: 'rejected',
      reason: { code: 'LINK_LOST', message: `${DEVICE}: the link broke (EIO)` },
    });
  }
});

test('a write that is under way when the port is closed is refused', async () => {
  const port = portOf(mute());
  const write = port.write('ATZ\r');
  await Promise.all([
    expect(write).rejects.toMatchObject({ message: `${DEVICE}: the link broke (closed)` }),
    port[Symbol.asyncDispose](),
  ]);
});

test('an error is the reader’s, also when it came before anybody read', async () => {
  const stream = mute();
  const port = portOf(stream);
  const cause = new Error('EIO');
  stream.destroy(cause);
  await settle();
  const error: unknown = await port.input[Symbol.asyncIterator]()
    .next()
    .catch((seen) => seen);
  expect(error).toBeInstanceOf(LinkError);
  expect(error).toMatchObject({ code: 'LINK_LOST', cause });
});

test('a reader that leaves does not close the link', async () => {
  const stream = new PassThrough();
  const port = portOf(stream);
  stream.write('>');
  for await (const _ of port.input) break;
  await port.write('ATZ\r');
  expect(stream.destroyed).toBe(false);
});

test('writes leave no listener behind', async () => {
  const stream = new PassThrough();
  const port = portOf(stream);
  const before = stream.listenerCount('close');
  for (let i = 0; i < 20; i++) await port.write('x');
  expect(stream.listenerCount('close')).toBe(before);
});
