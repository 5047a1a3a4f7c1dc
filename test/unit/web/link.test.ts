import { expect, test } from 'vitest';
import { CONNECT_MS, DEAD_MS, Link, type Listener, STALE_MS } from '../../../web/link.js';
import { encode } from './wave-frame.ts';

class FakeSocket {
  binaryType: BinaryType = 'blob';
  onopen: ((event: Event) => void) | null = null;
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

  /** The connection is there, as the browser tells it. */
  accept(): void {
    this.onopen?.(new Event('open'));
  }

  /** The connection ends, as the browser tells it: 1006 is that of none that a person meant. */
  drop(code = 1006): void {
    this.onclose?.(Object.assign(new Event('close'), { code }) as CloseEvent);
  }
}

/** A link on fake sockets and a fake clock, and all that its listener was told. */
function setup({ random = 1, token = 'first' } = {}) {
  const sockets: FakeSocket[] = [];
  const heard: unknown[][] = [];
  const clock = { ms: 1_000 };
  const login = { token };
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
    token: () => login.token,
    now: () => clock.ms,
    random: () => random,
    streams: ['obd.*', 'eeg.*'],
    listener,
    status: tell('status'),
    unauthenticated: tell('unauthenticated'),
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
  return { link, sockets, heard, newest, after, login };
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

test('says who asks as soon as it is open, and again with the next token', () => {
  const { link, newest, login } = setup();
  link.poll();
  link.authenticate();
  expect(newest().sent).toEqual([]);
  newest().accept();
  newest().say({ type: 'authenticated' });
  newest().say(HELLO);
  login.token = 'second';
  link.authenticate();
  expect(newest().sent).toMatchObject([
    { type: 'auth', access_token: 'first' },
    { type: 'subscribe' },
    { type: 'auth', access_token: 'second' },
  ]);
});

test('there is no connection while nobody is logged in', () => {
  const { link, sockets, login, after } = setup({ token: '' });
  link.poll();
  link.retry();
  expect(sockets).toHaveLength(0);
  login.token = 'first';
  after(250);
  expect(sockets).toHaveLength(1);
});

test('leaving ends the connection, and the next one need not wait', () => {
  const { link, sockets, newest, heard } = setup();
  link.poll();
  newest().accept();
  newest().say(HELLO);
  link.leave();
  expect(newest().closed).toBe(true);
  expect(heard.at(-1)?.slice(0, 2)).toEqual(['phase', 'offline']);
  link.poll();
  expect(sockets).toHaveLength(2);
});

test('a token that is not taken is told, and the next try waits as for any other reason', () => {
  const { link, sockets, newest, heard, after } = setup();
  link.poll();
  newest().accept();
  newest().drop(4401);
  expect(heard.at(-1)).toEqual(['unauthenticated']);
  after(499);
  expect(sockets).toHaveLength(1);
  after(1);
  expect(sockets).toHaveLength(2);
});

test('an account that may not be here is told so', () => {
  const { link, newest, heard } = setup();
  link.poll();
  newest().accept();
  newest().drop(4403);
  expect(heard.at(-1)).toEqual(['refused', 'This account may not see live data.']);
});

test('no other end of a connection asks for a token', () => {
  for (const code of [1000, 1006, 4290, 4408, 4429]) {
    const { link, newest, heard } = setup();
    link.poll();
    newest().drop(code);
    expect(heard.map(([name]) => name)).toEqual(['phase', 'phase']);
  }
});

test('whether one’s own session goes on is passed on', () => {
  const { link, newest, heard } = setup();
  link.poll();
  newest().say(HELLO);
  newest().say({ type: 'status', live: false, reason: 'no session of yours is open' });
  expect(heard.at(-1)).toEqual(['status', false]);
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
