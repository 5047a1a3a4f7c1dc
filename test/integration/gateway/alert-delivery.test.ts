/**
 * Every alert gets through, once, whatever else fails: the disk answers EIO, the mail server
 * hangs up, one client has frozen, and the gateway is under full load.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AlertListener } from '../../support/alert-listener.ts';
import { eventually } from '../../support/gateway.ts';
import { startLoaded } from '../../support/loaded-gateway.ts';
import { clientFrame, rawSocket } from '../http/harness.ts';

const ALERTS = Number(process.env['VIGIL_ALERTS'] ?? 400);
const LOAD = { rules: 200, readingsHz: 5_000, alertsHz: 40 };
const ROOT = path.resolve(import.meta.dirname, '../../..');
/** Before the first alert, so that everything that is to fail does. */
const FAILING_MS = 2_000;
const QUIET_MS = 1_000;
const Injected = v.object({
  health: v.array(v.object({ id: v.string(), status: v.string() })),
  slow: v.object({ coalescing: v.number(), cutSlow: v.number() }),
});

let folder = '';
let mail: Server;
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'vigil-alerts-'));
  // Hangs up on whoever calls.
  mail = createServer((socket) => socket.on('error', () => {}).destroy());
  mail.listen(0, '127.0.0.1');
  await once(mail, 'listening');
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  mail.close();
  rmSync(folder, { recursive: true });
});

function failingDisk(): Readonly<Record<string, string>> {
  const library = path.join(folder, 'failing-disk.so');
  const source = path.join(ROOT, 'test/support/faults/failing-disk.c');
  execFileSync('gcc', ['-O1', '-shared', '-fPIC', '-o', library, source]);
  const [directory, file] = [path.join(folder, 'data'), path.join(folder, 'fault')];
  return { LD_PRELOAD: library, VIGIL_FAIL_DIRECTORY: directory, VIGIL_FAIL_FILE: file };
}

/** Reads nothing of all that it asked for. */
async function freeze(url: string): Promise<void> {
  const socket = await rawSocket({ port: Number(new URL(url).port) });
  sockets.push(socket);
  socket.pause();
  socket.on('error', () => {}); // It is cut in the end.
  const everything = { type: 'subscribe', streams: ['*'], maxHz: 1_000 };
  socket.write(clientFrame(JSON.stringify(everything)));
}

test('every alert reaches a client once, while the disk, the mail and another client fail', {
  timeout: 60_000 + (ALERTS / LOAD.alertsHz) * 3_000,
}, async () => {
  const { port } = mail.address() as AddressInfo;
  await using gateway = await startLoaded({
    data: path.join(folder, 'data'),
    flags: ['--mail', `smtp://127.0.0.1:${port}?tls=none&from=car@x.example&to=me@x.example`],
    ...{ ...LOAD, env: failingDisk() },
  });
  const { child, url, offsetUs } = gateway;
  using listener = new AlertListener(url, offsetUs);
  await listener.opened();
  await freeze(url);
  expect(await child.ask({ flood: true })).toEqual({ behind: 1 });
  writeFileSync(path.join(folder, 'fault'), '');
  await delay(FAILING_MS);
  const { health, slow } = v.parse(Injected, await child.ask({ inject: ALERTS }));
  const come = () => ({ done: listener.counts.size === ALERTS, seen: `${listener.counts.size}` });
  await eventually(`${ALERTS} alerts`, come);
  // One that comes twice does so soon.
  await delay(QUIET_MS);

  const numbers = [...listener.counts.keys()].sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: ALERTS }, (_, i) => i + 1));
  expect(new Set(listener.counts.values())).toEqual(new Set([1]));
  const sorted = listener.latencyMs.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? 0).toFixed(1);
  console.log(`${ALERTS} alerts in ${at(0.5)} (median), ${at(0.99)} (99 %), ${at(1)} (most) ms`);
  // What was to fail did.
  const statuses = health.filter(({ status }) => status !== 'ok').map(({ id }) => id);
  expect(statuses).toEqual(expect.arrayContaining(['alerts', 'mail', 'store']));
  // The client is behind to its end: after half a minute it is cut.
  expect(slow.coalescing + slow.cutSlow).toBe(1);
});
