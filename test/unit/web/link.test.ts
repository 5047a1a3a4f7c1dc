import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CONNECT_MS,
  DEAD_MS,
  decodeFrame,
  Link,
  type Listener,
  STALE_MS,
} from '../../../web/link.js';

class FakeSocket {
  binaryType: BinaryType = 'blob';
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly sent: unknown[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  /** The gateway says something. */
  say(message: object | ArrayBuffer): void {
    const data = message instanceof ArrayBuffer ? message : JSON.stringify(message);
    this.onmessage?.(new MessageEvent('message', { data }));
  }

  /** The connection ends, as the browser tells it. */
  drop(): void {
    this.onclose?.(new Event('close') as CloseEvent);
  }
}

/** A link on fake sockets and a fake clock, and all that its listener was told. */
function setup({ random = 1 } = {}) {
  const sockets: FakeSocket[] = [];
  const heard: unknown[][] = [];
  const clock = { ms: 1_000 };
  const tell =
    (name: string) =>
    (...told: unknown[]) =>
      void heard.push([name, ...told]);
  const listener: Listener = {
    phase: tell('phase'),
    hello: tell('hello'),
    streams: tell('streams'),
    samples: tell('samples'),
    block: tell('block'),
    event: tell('event'),
    alert: tell('alert'),
    tick: tell('tick'),
    refused: tell('refused'),
  };
  const link = new Link({
    open: () => {
      sockets.push(new FakeSocket());
      return newest();
    },
    now: () => clock.ms,
    random: () => random,
    streams: ['obd.*', 'eeg.*'],
    listener,
  });
  const newest = (): FakeSocket => {
    const socket = sockets.at(-1);
    if (!socket) throw new Error('no socket was opened');
    return socket;
  };
  const after = (ms: number): void => {
    clock.ms += ms;
    link.poll();
  };
  return { link, sockets, heard, newest, after };
}

const HELLO = { type: 'hello', protocol: 1, epoch: 3 };
const RAW = { id: 'eeg.raw', kind: 'wave', unit: 'uV', hz: 512, lsb: 0.5, number: 9 };

test('a hello is answered with a subscription and makes the link live', () => {
  const { link, newest } = setup();
  link.poll();
  expect(link.phase).toBe('connecting');
  newest().say(HELLO);
  expect(link.phase).toBe('live');
  expect(newest().sent).toMatchObject([
    { type: 'subscribe', streams: ['obd.*', 'eeg.*'], format: 'bin' },
  ]);
});

test('silence makes it stale, and any message makes it live again', () => {
  const { link, newest, after } = setup();
  link.poll();
  newest().say(HELLO);
  after(STALE_MS - 1);
  expect(link.phase).toBe('live');
  after(1);
  expect(link.phase).toBe('stale');
  newest().say({ type: 'tick', t: 5 });
  expect(link.phase).toBe('live');
});

test('the listener learns when the gateway was last heard', () => {
  const { link, newest, after, heard } = setup();
  link.poll();
  newest().say(HELLO);
  after(STALE_MS + 500);
  expect(heard.at(-1)).toEqual(['phase', 'stale', 1_000]);
});

test('a dead socket is given up without waiting for its close event, which is then ignored', () => {
  const { link, sockets, newest, after } = setup();
  link.poll();
  const dead = newest();
  dead.say(HELLO);
  after(DEAD_MS);
  expect(link.phase).toBe('offline');
  expect(dead.closed).toBe(true);
  after(500);
  newest().say(HELLO);
  dead.drop();
  expect(link.phase).toBe('live');
  expect(sockets).toHaveLength(2);
});

test('a gateway that accepts the connection and says nothing is given up, too', () => {
  const { link, after } = setup();
  link.poll();
  after(CONNECT_MS - 1);
  expect(link.phase).toBe('connecting');
  after(1);
  expect(link.phase).toBe('offline');
});

test('pauses between tries double from 0.5 s to 3 s', () => {
  const { link, sockets, newest, after } = setup();
  link.poll();
  for (const pauseMs of [500, 1_000, 2_000, 3_000, 3_000]) {
    newest().drop();
    const tries = sockets.length;
    after(pauseMs - 1);
    expect(sockets).toHaveLength(tries);
    after(1);
    expect(sockets).toHaveLength(tries + 1);
  }
});

test('chance cuts a pause by half at most', () => {
  const { link, sockets, newest, after } = setup({ random: 0 });
  link.poll();
  newest().drop();
  after(249);
  expect(sockets).toHaveLength(1);
  after(1);
  expect(sockets).toHaveLength(2);
});

test('a hello does not reset the pause, a tick does', () => {
  const { link, sockets, newest, after } = setup();
  link.poll();
  newest().drop();
  after(500);
  newest().say(HELLO);
  newest().drop();
  after(999);
  expect(sockets).toHaveLength(2);
  after(1);
  newest().say(HELLO);
  newest().say({ type: 'tick', t: 1 });
  newest().drop();
  after(500);
  expect(sockets).toHaveLength(4);
});

test('a page that comes back to the screen does not wait for its pause', () => {
  const { link, sockets, newest } = setup();
  link.poll();
  newest().drop();
  link.retry();
  expect(sockets).toHaveLength(2);
  link.retry();
  expect(sockets).toHaveLength(2);
});

test('a retry leaves a silent socket behind, and begins with short pauses again', () => {
  const { link, sockets, newest, after } = setup();
  link.poll();
  newest().drop();
  after(500);
  newest().say(HELLO);
  after(STALE_MS - 1);
  link.retry();
  expect(sockets).toHaveLength(2);
  after(1);
  link.retry();
  expect(sockets.map(({ closed }) => closed)).toEqual([true, true, false]);
  newest().drop();
  after(500);
  expect(sockets).toHaveLength(4);
});

test('binary blocks arrive in the unit of their stream', () => {
  const { link, newest, heard } = setup();
  link.poll();
  newest().say(HELLO);
  newest().say({ type: 'subscribed', id: 1, streams: [RAW] });
  newest().say(encode({ number: 9, seq: 64, t: 7_000, mHz: 512_000, counts: [-2, 4] }));
  expect(heard.at(-1)).toEqual([
    'block',
    { stream: 'eeg.raw', seq: 64, t: 7_000, hz: 512, values: [-1, 2] },
  ]);
});

test('a block of a stream that was not announced since the hello is counted', () => {
  const { link, newest, heard } = setup();
  link.poll();
  newest().say(HELLO);
  newest().say({ type: 'subscribed', id: 1, streams: [RAW] });
  newest().say(HELLO);
  newest().say(encode({ number: 9, seq: 0, t: 0, mHz: 512_000, counts: [1] }));
  expect(link.unknownFrames).toBe(1);
  expect(heard.map(([name]) => name)).not.toContain('block');
});

test('values, refusals and messages of later protocols go where they belong', () => {
  const { link, newest, heard } = setup();
  link.poll();
  newest().say(HELLO);
  heard.length = 0;
  newest().say({ type: 'samples', t: 4, values: { 'obd.engine.rpm': 800 } });
  newest().say({ type: 'error', code: 'x', message: 'No.' });
  newest().say({ type: 'event', stream: 'obd.dtc', t: 5, data: { code: 'P0128' } });
  newest().say({ type: 'from-the-future' });
  expect(heard).toEqual([
    ['samples', 4, { 'obd.engine.rpm': 800 }],
    ['refused', 'No.'],
    ['event', 'obd.dtc', { code: 'P0128' }],
  ]);
});

const FORMATS = { int16: 1, int24: 2, float32: 3 } as const;

interface FrameFields {
  number: number;
  seq: number;
  t: number;
  mHz: number;
  counts: number[];
  format?: keyof typeof FORMATS;
}

/** The other end of decodeFrame, written from the layout. */
function encode({ number, seq, t, mHz, counts, format = 'int16' }: FrameFields): ArrayBuffer {
  const size = FORMATS[format] + 1;
  const view = new DataView(new ArrayBuffer(24 + counts.length * size));
  view.setUint8(0, 1);
  view.setUint8(1, 1);
  view.setUint16(2, number, true);
  view.setUint32(4, seq, true);
  view.setBigInt64(8, BigInt(t), true);
  view.setUint16(16, counts.length, true);
  view.setUint8(18, 1);
  view.setUint8(19, FORMATS[format]);
  view.setUint32(20, mHz, true);
  counts.forEach((count, i) => {
    const at = 24 + i * size;
    if (format === 'int16') view.setInt16(at, count, true);
    else if (format === 'float32') view.setFloat32(at, count, true);
    else for (const byte of [0, 1, 2]) view.setUint8(at + byte, (count >> (8 * byte)) & 0xff);
  });
  return view.buffer;
}

const counts = {
  int16: fc.integer({ min: -0x8000, max: 0x7fff }),
  int24: fc.integer({ min: -0x80_0000, max: 0x7f_ffff }),
  float32: fc.float({ noNaN: true }),
};

test.each(['int16', 'int24', 'float32'] as const)('any %s frame is read as written', (format) => {
  const frame = fc.record({
    number: fc.integer({ min: 0, max: 0xffff }),
    seq: fc.integer({ min: 0, max: 0xffff_ffff }),
    t: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    mHz: fc.integer({ min: 1, max: 0xffff_ffff }),
    counts: fc.array(counts[format], { maxLength: 64 }),
  });
  fc.assert(
    fc.property(frame, ({ mHz, ...rest }) => {
      expect(decodeFrame(encode({ mHz, ...rest, format }))).toEqual({ ...rest, hz: mHz / 1000 });
    }),
  );
});

test('of several channels the first is read', () => {
  const data = encode({ number: 1, seq: 0, t: 0, mHz: 250_000, counts: [1, 2, 3, 4] });
  const view = new DataView(data);
  view.setUint16(16, 2, true);
  view.setUint8(18, 2);
  expect(decodeFrame(data).counts).toEqual([1, 3]);
});

test('a frame that the page was not written for is refused', () => {
  const good = encode({ number: 1, seq: 0, t: 0, mHz: 512_000, counts: [1, 2] });
  const broken = (byte: number, value: number): ArrayBuffer => {
    const copy = good.slice(0);
    new DataView(copy).setUint8(byte, value);
    return copy;
  };
  expect(() => decodeFrame(good.slice(0, 23))).toThrow('23 bytes');
  expect(() => decodeFrame(good.slice(0, 27))).toThrow('27 bytes');
  expect(() => decodeFrame(broken(0, 2))).toThrow('kind 2');
  expect(() => decodeFrame(broken(1, 2))).toThrow('version 2');
  expect(() => decodeFrame(broken(19, 9))).toThrow('format 9');
});
