/** Our ISO-TP (ISO 15765-2) with that of the kernel and of can-utils, both ways. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { socketCan } from '../../../src/io/can/socketcan.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import { IsoTpEndpoint } from '../../../src/sources/obd/isotp/endpoint.ts';
import { clock, messageOf, openPair, type Seen } from './isotp-pair.ts';
import { check } from './support/check.ts';

const LENGTH_MAX = 4095;
const ALL_UP_TO = 64;
/** Around lengths at which the last frame is full, the numbers of frames wrap, or a field ends. */
const EDGES = [104, 105, 111, 112, 118, 255, 256, 257, 4088, 4089, 4090, 4094, LENGTH_MAX];
const SAMPLE = 60;
const STEP_MS = 20;
const SWEEP_MS = 3_000_000;
/** How often it is told where the sweep is. */
const TOLD_LENGTHS = 200;
/** Of both conditions: in microseconds, and as a field of flow control has it. */
const ST_MIN_US = 5_000;
/** A frame that is early by its stamp alone. */
const STAMP_US = 300;
const BLOCK_SIZE = 8;
const LENGTHS = [1, 6, 7, 8, 62, 300, 1000];

await check(
  'messages of many lengths, both ways',
  async () => {
    await using pair = await openPair();
    const seed = Math.floor(Date.now() / 1000);
    console.log(`seed ${seed}`);
    const random = seededRandom(seed);
    const isAll = process.env['VIGIL_ISOTP_LENGTHS'] === 'all';
    const few = Array.from({ length: isAll ? LENGTH_MAX : ALL_UP_TO }, (_, i) => i + 1);
    const some = Array.from({ length: SAMPLE }, () => 1 + Math.floor(random() * LENGTH_MAX));
    const lengths = isAll ? few : [...few, ...EDGES, ...some];
    for (const [i, length] of lengths.entries()) {
      await pair.exchange(length);
      if (i % TOLD_LENGTHS === 0) console.log(`${i} of ${lengths.length} lengths`);
    }
    const { received, sent, incomplete, unsent, dropped } = pair.endpoint.counters;
    assert.deepEqual(
      { received, sent, incomplete, unsent, dropped },
      { received: lengths.length, sent: lengths.length, incomplete: 0, unsent: 0, dropped: 0 },
    );
    return { seed, lengths: lengths.length };
  },
  SWEEP_MS,
);

/** Of the frames of one side, by the upper half of their first byte. */
function kinds(seen: readonly Seen[], isOurs: boolean, kind: number): readonly Seen[] {
  return seen.filter((one) => one.isOurs === isOurs && (one.frame.data[0] ?? 0) >> 4 === kind);
}

/**
 * The least time between two frames of one block, in microseconds. The first of a block goes out when
 * flow control calls for it, however soon that is; the kernel sees it so as well.
 */
function leastGap(frames: readonly Seen[]): number {
  const gaps = frames.flatMap(({ t }, i) =>
    i % BLOCK_SIZE === 0 ? [] : [t - (frames[i - 1]?.t ?? 0)],
  );
  return Math.min(...gaps);
}

const CONSECUTIVE = 2;
const FLOW = 3;

await check('blocks of 8 and 5 ms between frames, as the kernel wants it', async () => {
  await using pair = await openPair({ peer: ['block-size=8', 'st-min=5'] });
  const seen: unknown[] = [];
  for (const length of [8, 62, 63, 300]) {
    await pair.exchange(length);
    const frames = kinds(pair.seen, true, CONSECUTIVE);
    // One for the first frame, and one for each whole block that others follow.
    const flows = 1 + Math.floor((frames.length - 1) / BLOCK_SIZE);
    assert.equal(kinds(pair.seen, false, FLOW).length, flows, `${length} bytes`);
    const gap = leastGap(frames);
    assert.ok(gap >= ST_MIN_US, `${length} bytes: ${gap} us`);
    seen.push({ length, flows });
  }
  return { seen };
});

await check('blocks of 8 and 5 ms between frames, as we want it', async () => {
  await using pair = await openPair({ flow: { blockSize: BLOCK_SIZE, stMin: 5 } });
  for (const length of [8, 62, 63, 300]) {
    await pair.exchange(length);
    const frames = kinds(pair.seen, false, CONSECUTIVE);
    const flows = 1 + Math.floor((frames.length - 1) / BLOCK_SIZE);
    assert.equal(kinds(pair.seen, true, FLOW).length, flows, `${length} bytes`);
    const gap = leastGap(frames);
    assert.ok(gap >= ST_MIN_US - STAMP_US, `${length} bytes: ${gap} us`);
  }
});

await check('identifiers of 29 bits', async () => {
  const tx = { id: 0x18da_10f1, extended: true };
  const rx = { id: 0x18da_f110, extended: true };
  await using pair = await openPair({ address: { tx, rx } });
  for (const length of LENGTHS) await pair.exchange(length);
});

await check('extended addressing', async () => {
  const address = {
    tx: { id: 0x6f1, extended: false },
    rx: { id: 0x612, extended: false },
    txPrefix: 0x12,
    rxPrefix: 0xf1,
  };
  const peer = ['rx-address=12', 'tx-address=f1'];
  await using pair = await openPair({ address, peer });
  for (const length of [...LENGTHS, LENGTH_MAX]) await pair.exchange(length);
  assert.ok(pair.seen.every(({ frame, isOurs }) => frame.data[0] === (isOurs ? 0x12 : 0xf1)));
});

await check('frames that are filled up, which the kernel checks', async () => {
  await using pair = await openPair({ peer: ['rx-padding=cc', 'tx-padding=55'] });
  for (const length of LENGTHS) {
    await pair.exchange(length);
    assert.ok(pair.seen.every(({ frame }) => frame.data.length === 8));
  }
});

await check('frames as short as they can be', async () => {
  await using pair = await openPair({ padding: 'none' });
  for (const length of LENGTHS) {
    await pair.exchange(length);
    const last = kinds(pair.seen, true, length > 7 ? CONSECUTIVE : 0).at(-1);
    const rest = length > 7 ? ((length - 6 - 1) % 7) + 1 : length;
    assert.equal(last?.frame.data.length, 1 + rest, `${length} bytes`);
  }
});

/** Until somebody listens to one short identifier of an interface. */
async function untilHeard(name: string, id: string): Promise<void> {
  const list = '/proc/net/can/rcvlist_sff';
  while (!new RegExp(`^ *${name} +${id} `, 'im').test(readFileSync(list, 'latin1'))) {
    await pause(STEP_MS);
  }
}

const FEW = [1, 7, 8, 62, LENGTH_MAX];

await check('isotprecv gets what we send, and we what isotpsend does', async () => {
  const { signal } = new AbortController();
  await using bus = await socketCan('vcan1', { permit: () => undefined })({ clock, signal });
  for (const length of FEW) {
    const hex = Buffer.from(messageOf(length)).toString('hex').match(/../g)?.join(' ') ?? '';
    const come = Promise.withResolvers<Uint8Array>();
    const endpoint = new IsoTpEndpoint({
      address: { tx: { id: 0x7e0, extended: false }, rx: { id: 0x7e8, extended: false } },
      clock,
      transmit: (frame) => bus.send(frame),
      received: come.resolve,
      failed: come.reject,
    });
    const stop = bus.listen((frame, t) => endpoint.receive(frame, t));
    const sender = spawn('isotpsend', ['-s', '7E8', '-d', '7E0', 'vcan1'], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    sender.stdin.end(hex);
    assert.deepEqual(Buffer.from(await come.promise), Buffer.from(messageOf(length)));
    if (sender.exitCode === null) await once(sender, 'exit');
    const receiver = spawn('isotprecv', ['-s', '7E8', '-d', '7E0', 'vcan1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const said = text(receiver.stdout);
    await untilHeard('vcan1', '7E0');
    await endpoint.send(messageOf(length));
    assert.equal((await said).trim().toLowerCase(), hex, `${length} bytes`);
    stop();
  }
});
