/**
 * Our driver and that of python-can, each with an adapter of its own, and a bus between the two: what one
 * sends comes out at the other, over two pseudo-terminals.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CanFrame } from '../../../../src/io/can/bus.ts';
import { slcan } from '../../../../src/io/can/slcan.ts';
import { monotonicClock } from '../../../../src/io/clock.ts';
import { serialPort } from '../../../../src/io/serial.ts';
import { SlcanAdapter } from '../../../support/slcan-adapter.ts';

/** Sends the frames that it is given as lines, and prints those that come, until the input ends. */
const PYTHON = `
import can, json, sys, threading
bus = can.Bus(interface='slcan', channel=sys.argv[1], bitrate=500000, sleep_after_open=0)
def show():
    while True:
        m = bus.recv(0.2)
        if m is not None:
            print(json.dumps([m.arbitration_id, m.is_extended_id, m.is_remote_frame, m.dlc, bytes(m.data).hex()]), flush=True)
threading.Thread(target=show, daemon=True).start()
print('"ready"', flush=True)
for line in sys.stdin:
    id, extended, remote, dlc, data = json.loads(line)
    bus.send(can.Message(arbitration_id=id, is_extended_id=extended, is_remote_frame=remote, dlc=dlc, data=bytes.fromhex(data)))
`;

/** Identifier, 29 bits, remote, length, data. */
type Row = readonly [number, boolean, boolean, number, string];

/** Of both kinds, with every length and with identifiers from end to end. */
const FRAMES: readonly Row[] = [false, true].flatMap((extended) =>
  Array.from({ length: 9 }, (_, length) =>
    [0, 0x123, 0x7ff, ...(extended ? [0x18daf110, 0x1fff_ffff] : [])].map((id): Row => {
      const data = Uint8Array.from({ length }, (_, i) => (id + length * 31 + i * 77) & 0xff);
      return [id, extended, false, length, Buffer.from(data).toString('hex')];
    }),
  ).flat(),
);

const REMOTE: readonly Row[] = [
  [0x123, false, true, 0, ''],
  [0x18daf110, true, true, 8, ''],
];

let directory = '';
let children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-slcan-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  rmSync(directory, { recursive: true });
});

/** Two ends of a cable. */
async function cable(name: string): Promise<readonly [computer: string, adapter: string]> {
  const ends = ['computer', 'adapter'].map((end) => path.join(directory, `${name}-${end}`));
  const links = ends.map((link) => `pty,raw,echo=0,link=${link}`);
  children.push(spawn('socat', links, { stdio: 'ignore' }));
  await vi.waitFor(() => expect(ends.every(existsSync)).toBe(true), { timeout: 5_000 });
  return [ends[0] ?? '', ends[1] ?? ''];
}

/** An adapter at the end of a cable; what it sends goes to the other one. */
async function adapterAt(file: string, other: () => SlcanAdapter, signal: AbortSignal) {
  const port = await serialPort(file)(signal);
  let writing = Promise.resolve();
  const adapter: SlcanAdapter = new SlcanAdapter({
    write: (text) => {
      writing = writing.then(() => port.write(text)).catch(() => {}); // The test is over.
    },
    transmit: (frame) => other().hear(frame, adapter.bitRate),
    time: () => Math.floor(performance.now()),
  });
  const reading = (async () => {
    for await (const chunk of port.input) adapter.receive(chunk);
  })();
  reading.catch(() => {}); // The cable is taken away at the end.
  return { adapter, port };
}

test('every frame of python-can comes to us, and every one of ours to python-can', async () => {
  const { signal } = new AbortController();
  const [ourEnd, ourAdapterEnd] = await cable('ours');
  const [pythonEnd, pythonAdapterEnd] = await cable('python');
  const ours = await adapterAt(ourAdapterEnd, () => pythons.adapter, signal);
  const pythons = await adapterAt(pythonAdapterEnd, () => ours.adapter, signal);
  await using ends = new AsyncDisposableStack();
  ends.use(ours.port);
  ends.use(pythons.port);

  const python = spawn('/usr/bin/python3', ['-c', PYTHON, pythonEnd], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(python);
  const shown: unknown[] = [];
  createInterface({ input: python.stdout }).on('line', (line) => shown.push(JSON.parse(line)));
  await vi.waitFor(() => expect(shown).toEqual(['ready']), { timeout: 20_000 });

  const clock = monotonicClock();
  const open = slcan(serialPort(ourEnd), {
    name: 'slcan0',
    bitRate: 500_000,
    permit: () => undefined,
  });
  const bus = ends.use(await open({ clock, signal }));
  const heard: Row[] = [];
  const times: number[] = [];
  bus.listen(({ id, extended, data }, t) => {
    heard.push([id, extended, false, data.length, Buffer.from(data).toString('hex')]);
    times.push(t);
  });

  for (const row of [...FRAMES, ...REMOTE]) python.stdin.write(`${JSON.stringify(row)}\n`);
  await vi.waitFor(
    () => expect(bus.health()).toMatchObject({ received: FRAMES.length, remote: REMOTE.length }),
    { timeout: 20_000 },
  );
  expect(heard).toEqual(FRAMES);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect(times.at(-1)).toBeLessThanOrEqual(clock.now());

  for (const [id, extended, , , data] of FRAMES) {
    const frame: CanFrame = { id, extended, data: Buffer.from(data, 'hex') };
    await bus.send(frame);
  }
  await vi.waitFor(() => expect(shown).toHaveLength(1 + FRAMES.length), { timeout: 20_000 });
  expect(shown.slice(1)).toEqual(FRAMES);
  expect(bus.health()).toMatchObject({ sent: FRAMES.length, unsent: 0, malformed: 0 });
});
