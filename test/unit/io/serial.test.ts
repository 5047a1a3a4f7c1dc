/** Opening a line whose driver does not return, which no pseudo-terminal can play. */
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';

const PATH = '/dev/rfcomm0';

/** Stands in for serialport's class, and opens when the test says so. */
const { lines, Line } = await vi.hoisted(async () => {
  const { Duplex } = await import('node:stream');
  class SlowLine extends Duplex {
    readonly path: string;
    isOpen = false;
    #done: (error: Error | null) => void = () => {};

    constructor({ path }: { readonly path: string }) {
      super({ read() {}, write: (_chunk, _encoding, done) => done() });
      this.path = path;
      lines.push(this);
    }

    open(done: (error: Error | null) => void): void {
      this.#done = done;
    }

    /** Ends the open that waits. */
    returns(error?: Error): void {
      this.isOpen = error === undefined;
      this.#done(error ?? null);
    }

    close(done: () => void): void {
      this.isOpen = false;
      done();
    }
  }
  const lines: SlowLine[] = [];
  return { lines, Line: SlowLine };
});

vi.mock('serialport', () => ({ SerialPort: Line }));

// Other files run in this process, before and after: what they have is the real one.
vi.resetModules();
const { serialPort } = await import('../../../src/io/serial.ts');
afterAll(() => void vi.resetModules());

beforeEach(() => {
  vi.useFakeTimers();
  lines.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

test('a stop does not wait for the open, and what opens later is closed', async () => {
  const stopping = new AbortController();
  const opening = serialPort(PATH)(stopping.signal);
  stopping.abort();
  await expect(opening).rejects.toMatchObject({
    name: 'LinkError',
    code: 'OPEN_FAILED',
    message: `${PATH}: stopped while opening`,
  });
  lines[0]?.returns();
  expect(lines[0]?.isOpen).toBe(false);
});

test('an open that takes too long is given up', async () => {
  const opening = serialPort(PATH)(new AbortController().signal);
  const given = expect(opening).rejects.toThrow(`${PATH}: not open in 10 s`);
  await vi.advanceTimersByTimeAsync(10_000);
  await given;
  lines[0]?.returns();
  expect(lines[0]?.isOpen).toBe(false);
});

test('one that hangs is not joined by another, until it has returned', async () => {
  const open = serialPort(PATH);
  const stopping = new AbortController();
  const first = open(stopping.signal);
  stopping.abort();
  await expect(first).rejects.toThrow('stopped');
  const { signal } = new AbortController();
  await expect(open(signal)).rejects.toThrow(`${PATH}: the last try to open it still hangs`);
  expect(lines).toHaveLength(1);
  lines[0]?.returns(new Error('Host is down'));
  await vi.advanceTimersByTimeAsync(0);
  const second = open(signal);
  lines[1]?.returns();
  await using _port = await second;
  expect(lines[1]?.isOpen).toBe(true);
});

test('an open in time leaves no timer and no listener', async () => {
  const { signal } = new AbortController();
  const opening = serialPort(PATH)(signal);
  lines[0]?.returns();
  await using _port = await opening;
  expect(vi.getTimerCount()).toBe(0);
});
