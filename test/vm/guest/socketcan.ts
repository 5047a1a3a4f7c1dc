/** CAN interfaces of the kernel, with can-utils and python3-can at the other end. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CanBus, CanFrame } from '../../../src/io/can/bus.ts';
import { socketCan } from '../../../src/io/can/socketcan.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { check } from './support/check.ts';

const clock = monotonicClock();
const { signal } = new AbortController();
const BURST_FRAMES = 10_000;
const RMEM_LARGE = 8_388_608;
const RMEM_DEFAULT = 212_992;
/** Longer than the reckoning takes to settle, in milliseconds. */
const SETTLED_MS = 8_000;
const STEP_MS = 20;
/** How long the event loop is held up, in microseconds. */
const BUSY_US = 200_000;

interface Heard {
  readonly frame: CanFrame;
  readonly t: number;
}

async function opened(name = 'vcan0') {
  const bus = await socketCan(name, { permit: () => undefined })({ clock, signal });
  const heard: Heard[] = [];
  bus.listen((frame, t) => heard.push({ frame, t }));
  return { bus, heard };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(STEP_MS);
}

/** Runs a program to its end; the event loop stands still meanwhile. */
function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' });
}

function row({ id, extended, data }: CanFrame): unknown[] {
  return [id, extended, Buffer.from(data).toString('hex')];
}

const PYTHON = `
import can, json, sys, threading
bus = can.Bus(interface='socketcan', channel='vcan0')
def show():
    for m in bus:
        print(json.dumps([m.arbitration_id, m.is_extended_id, bytes(m.data).hex()]), flush=True)
threading.Thread(target=show, daemon=True).start()
print('"ready"', flush=True)
for line in sys.stdin:
    id, extended, data = json.loads(line)
    bus.send(can.Message(arbitration_id=id, is_extended_id=extended, data=bytes.fromhex(data)))
`;

const FRAMES: readonly CanFrame[] = [false, true].flatMap((extended) =>
  Array.from({ length: 9 }, (_, length) =>
    [0, 0x123, 0x7ff, ...(extended ? [0x18daf110, 0x1fff_ffff] : [])].map((id) => ({
      id,
      extended,
      data: Uint8Array.from({ length }, (_, i) => (id + length * 31 + i * 77) & 0xff),
    })),
  ).flat(),
);

await check(
  'frames of python-can come as they are, and ours go to it',
  async () => {
    const { bus, heard } = await opened();
    await using _bus = bus;
    const python = spawn('/usr/bin/python3', ['-c', PYTHON], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const shown: unknown[] = [];
    createInterface({ input: python.stdout }).on('line', (line) => shown.push(JSON.parse(line)));
    await until(() => shown.length === 1);
    for (const frame of FRAMES) python.stdin.write(`${JSON.stringify(row(frame))}\n`);
    await until(() => heard.length >= FRAMES.length);
    assert.deepEqual(
      heard.map(({ frame }) => row(frame)),
      FRAMES.map(row),
    );
    for (const frame of FRAMES) await bus.send(frame);
    await until(() => shown.length > FRAMES.length);
    python.kill();
    assert.deepEqual(shown.slice(1), FRAMES.map(row));
    const { received, sent, unsent } = bus.health();
    assert.deepEqual(
      { received, sent, unsent },
      { received: FRAMES.length, sent: FRAMES.length, unsent: 0 },
    );
    return { frames: FRAMES.length };
  },
  60_000,
);

await check(
  'times are those at which frames were sent, also behind a wall clock that is set back',
  async () => {
    const { bus, heard } = await opened();
    await using _bus = bus;
    const lags: number[] = [];
    for (let i = 0; i < 20; i++) {
      if (i === 10) run('date', '-s', '-1 hour');
      const before = clock.now();
      // One that is seen at once tells how far the clocks are apart.
      if (i % 10 === 0) await once(spawn('cansend', ['vcan0', '123#01']), 'exit');
      else run('cansend', 'vcan0', '123#01');
      const after = clock.now();
      // What is sent while the loop stands still is seen late, and has its own time all the same.
      while (i % 10 !== 0 && clock.now() < after + BUSY_US);
      await until(() => heard.length > i);
      const t = heard[i]?.t ?? 0;
      if (i % 10 !== 0) {
        assert.ok(t >= before && t <= after + BUSY_US / 2, `frame ${i}: ${before} ${t} ${after}`);
        lags.push(t - before);
      }
    }
    const times = heard.map(({ t }) => t);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    return { maxLagUs: Math.max(...lags) };
  },
);

/** Sends a burst as fast as the kernel takes it, while the event loop stands still. */
function burst(): void {
  run('cangen', 'vcan0', '-g', '0', '-n', `${BURST_FRAMES}`);
}

/** Waits until all frames of a burst have come or are known to be lost, and longer: no more may be lost. */
async function settled(bus: CanBus): Promise<void> {
  await until(() => {
    const { received, lost } = bus.health();
    return received + lost >= BURST_FRAMES;
  });
  await pause(SETTLED_MS);
}

await check(
  'a burst of 10,000 frames loses none',
  async () => {
    run('sysctl', '-q', `net.core.rmem_default=${RMEM_LARGE}`);
    const { bus } = await opened();
    await using _bus = bus;
    assert.deepEqual(bus.health().warnings, []);
    burst();
    await settled(bus);
    const { received, lost } = bus.health();
    assert.deepEqual({ received, lost }, { received: BURST_FRAMES, lost: 0 });
  },
  60_000,
);

await check(
  'what a buffer of the default size loses is reckoned exactly',
  async () => {
    run('sysctl', '-q', `net.core.rmem_default=${RMEM_DEFAULT}`);
    const { bus } = await opened();
    await using _bus = bus;
    run('sysctl', '-q', `net.core.rmem_default=${RMEM_LARGE}`);
    assert.match(
      bus.health().warnings.join(),
      /^net.core.rmem_default is 212992 bytes: bursts of more than 277 /,
    );
    burst();
    await settled(bus);
    const { received, lost, lostBy } = bus.health();
    assert.equal(received + lost, BURST_FRAMES);
    assert.ok(received >= 277 && received < 300, `${received} fitted in the buffer`);
    assert.equal(lostBy, 'reckoned');
    return { received, lost };
  },
  60_000,
);

await check('an error frame tells that the controller is off the bus', async () => {
  const { bus, heard } = await opened();
  await using _bus = bus;
  run('cansend', 'vcan0', '20000040#0000000000000000');
  await until(() => bus.health().errorFrames === 1);
  run('cansend', 'vcan0', '20000204#0030000000008005');
  await until(() => bus.health().errorFrames === 2);
  const { state, busOffs, txErrors, rxErrors } = bus.health();
  assert.deepEqual(
    { state, busOffs, txErrors, rxErrors },
    { state: 'passive', busOffs: 1, txErrors: 128, rxErrors: 5 },
  );
  assert.deepEqual(heard, []);
});

await check('remote frames and CAN FD frames are counted', async () => {
  const { bus, heard } = await opened();
  await using _bus = bus;
  run('cansend', 'vcan0', '123#R');
  run('cansend', 'vcan0', '123##1112233445566778899AABBCC');
  run('cansend', 'vcan0', '124#');
  await until(() => heard.length === 1);
  const { received, remote, fd } = bus.health();
  assert.deepEqual({ received, remote, fd }, { received: 1, remote: 1, fd: 1 });
});

await check('an interface goes down and comes up again under an open bus', async () => {
  const { bus, heard } = await opened('vcan1');
  await using _bus = bus;
  run('ip', 'link', 'set', 'vcan1', 'down');
  await until(() => bus.health().warnings.length === 1);
  assert.deepEqual(bus.health().warnings, ['vcan1 is down: nothing comes until it is brought up']);
  const frame: CanFrame = { id: 1, extended: false, data: Uint8Array.of(1) };
  await assert.rejects(bus.send(frame), { code: 'FULL', message: 'vcan1: the interface is down' });
  run('ip', 'link', 'set', 'vcan1', 'up');
  run('cansend', 'vcan1', '123#01');
  await until(() => heard.length === 1);
  await until(() => bus.health().warnings.length === 0);
  await bus.send(frame);
  const { sent, unsent } = bus.health();
  assert.deepEqual({ sent, unsent }, { sent: 1, unsent: 1 });
});

await check('an interface that is down is not opened', async () => {
  run('ip', 'link', 'add', 'dev', 'vcan7', 'type', 'vcan');
  await assert.rejects(opened('vcan7'), {
    code: 'OPEN_FAILED',
    message: 'vcan7: the interface is down; bring it up with systemctl start vigil-can@vcan7',
  });
});

await check('an interface that is deleted is lost', async () => {
  run('ip', 'link', 'set', 'vcan7', 'up');
  const { bus } = await opened('vcan7');
  await using _bus = bus;
  run('ip', 'link', 'delete', 'vcan7');
  await assert.rejects(bus.lost, { code: 'LINK_LOST', message: 'vcan7: the interface is gone' });
  await assert.rejects(opened('vcan7'), { code: 'OPEN_FAILED' });
});

function sockets(): number {
  const files = readdirSync('/proc/self/fd');
  return files.filter((file) => {
    try {
      return readlinkSync(`/proc/self/fd/${file}`).startsWith('socket:');
    } catch {
      return false; // That of the directory itself is gone.
    }
  }).length;
}

await check('closed buses give their sockets back', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const rounds = 20;
  collect();
  await pause(100);
  const before = sockets();
  for (let i = 0; i < rounds; i++) {
    const { bus } = await opened();
    run('cansend', 'vcan0', '123#01');
    await bus[Symbol.asyncDispose]();
  }
  for (let i = 0; i < 5; i++) {
    collect();
    await pause(100);
  }
  const after = sockets();
  assert.ok(after <= before + 1, `${before} sockets before, ${after} after ${rounds} openings`);
  return { before, after };
});

await check('can-up.ts brings a virtual bus up', () => {
  run('ip', 'link', 'add', 'dev', 'vcan8', 'type', 'vcan');
  const said = run('node', 'src/can-up.ts', 'vcan8');
  assert.equal(said, 'vcan8: up; it has no controller to set\n');
  assert.match(run('ip', 'link', 'show', 'dev', 'vcan8'), /[<,]UP[,>]/);
  return Promise.resolve();
});
