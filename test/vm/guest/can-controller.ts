/** src/can-up.ts and socketcan.ts on two controllers of QEMU (SJA1000) that are on one bus. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { askIp, parseIpFacts } from '../../../src/io/can/link-facts.ts';
import { socketCan } from '../../../src/io/can/socketcan.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { check } from './support/check.ts';

const clock = monotonicClock();
const { signal } = new AbortController();
const STEP_MS = 20;
/** More than the reckoning of losses takes, in milliseconds. */
const RECKONED_MS = 8_000;
const FRAME = { id: 0x7df, extended: false, data: Uint8Array.of(2, 1, 0) };

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' });
}

function canUp(...args: string[]): string {
  return run('node', 'src/can-up.ts', ...args);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(STEP_MS);
}

await check('a controller is brought up to listen only, and tells so', async () => {
  assert.equal(
    canUp('can0', '--bitrate', '250000'),
    'can0: up at 250000 bits/s (given), only listens\n',
  );
  const text = (await askIp('can0')) ?? '';
  const facts = parseIpFacts(text);
  assert.deepEqual(facts, {
    kind: 'can',
    state: 'active',
    bitRate: 250_000,
    listenOnly: true,
    fd: false,
    txErrors: 0,
    rxErrors: 0,
  });
  return { ip: JSON.parse(text) };
});

await check(
  'another that takes part is heard, and nothing is lost',
  async () => {
    const said = canUp('can1', '--bitrate', '250000', '--transmit');
    assert.equal(said, 'can1: up at 250000 bits/s (given), takes part in the bus\n');
    await using listener = await socketCan('can0')({ clock, signal });
    await using sender = await socketCan('can1', { permit: () => undefined })({ clock, signal });
    const ids: number[] = [];
    listener.listen(({ id }) => ids.push(id));
    const echoed: number[] = [];
    sender.listen(({ id }) => echoed.push(id));
    for (let i = 0; i < 50; i++) {
      await sender.send({ ...FRAME, id: i });
      await pause(5);
    }
    // A frame that another program sends comes to us as well.
    run('cansend', 'can1', '123#01');
    await until(() => ids.length === 51 && echoed.length === 1);
    await pause(RECKONED_MS);
    assert.deepEqual(
      ids.slice(0, 50),
      Array.from({ length: 50 }, (_, i) => i),
    );
    const { bitRate, listenOnly, lost, state } = listener.health();
    assert.deepEqual(
      { bitRate, listenOnly, lost, state },
      { bitRate: 250_000, listenOnly: true, lost: 0, state: 'active' },
    );
    const sending = sender.health();
    assert.deepEqual([sending.sent, sending.lost, sending.listenOnly], [50, 0, false]);
  },
  60_000,
);

await check('an interface that only listens sends nothing, whatever the permit says', async () => {
  await using bus = await socketCan('can0', { permit: () => undefined })({ clock, signal });
  await assert.rejects(bus.send(FRAME), {
    code: 'LISTEN_ONLY',
    message: 'can0: the interface is set to listen only',
  });
});

await check(
  'without a rate it is found by listening',
  async () => {
    // The bus of QEMU carries frames whatever rate its controllers are set to: the first is taken.
    const talk = setInterval(() => spawn('cansend', ['can1', '123#01']), 300);
    const child = spawn('node', ['src/can-up.ts', 'can0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    await once(child, 'close');
    clearInterval(talk);
    const [rate] = /\d+(?= bits\/s \(found by listening\), only listens\n$)/.exec(said) ?? [];
    assert.ok(rate, said);
    assert.equal(parseIpFacts((await askIp('can0')) ?? '')?.bitRate, Number(rate));
    return { rate };
  },
  60_000,
);
