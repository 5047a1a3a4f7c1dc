/**
 * Every alert gets through, once, whatever else fails: the disk answers EIO, the mail server
 * hangs up, one client has frozen, and the gateway is under full load.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PartHealth } from '#core/health.ts';
import { AlertListener } from '../../support/alert-listener.ts';

const ALERTS = Number(process.env['VIGIL_ALERTS'] ?? 400);
const LOAD = { rules: 200, readingsHz: 5_000, alertsHz: 40 };
const ROOT = path.resolve(import.meta.dirname, '../../..');

let folder = '';
let gateway: ChildProcess | undefined;
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
  if (gateway?.exitCode === null && gateway.signalCode === null) {
    gateway.kill('SIGKILL');
    await once(gateway, 'exit');
  }
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

interface Answer {
  readonly url?: string;
  readonly offsetUs?: number;
  readonly health?: readonly PartHealth[];
}

/** What it says next. Rejects when it ends instead. */
async function answerOf(child: ChildProcess): Promise<Answer> {
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the gateway ended with ${code ?? signal}`);
  });
  const [answer] = (await Promise.race([once(child, 'message'), ended])) as [Answer];
  return answer;
}

async function startLoaded(env: Readonly<Record<string, string>>) {
  const address = mail.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const flags = [
    ...['--sim', '1', '--http', '127.0.0.1:0', '--data', path.join(folder, 'data')],
    ...['--mail', `smtp://127.0.0.1:${port}?tls=none&from=car@x.example&to=me@x.example`],
  ];
  gateway = spawn(process.execPath, ['test/support/alert-load.ts'], {
    cwd: ROOT,
    // LMDB tells of each write that fails.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, ...env, VIGIL_ALERT_LOAD: JSON.stringify({ flags, ...LOAD }) },
  });
  const { url = '', offsetUs = 0 } = await answerOf(gateway);
  return { child: gateway, url, offsetUs };
}

/** Asks for everything and reads nothing. */
function freeze(url: string): void {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  sockets.push(socket);
  socket.pause();
  const head = ['GET /ws/telemetry HTTP/1.1', `Host: ${hostname}:${port}`, 'Upgrade: websocket'];
  const key = ['Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
  socket.write(
    `${[...head, ...key, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='].join('\r\n')}\r\n\r\n`,
  );
  // RFC 6455 clause 5.2: final text frame of less than 126 bytes, masked with zeros.
  const text = Buffer.from('{"type":"subscribe","streams":["*"],"maxHz":1000}');
  socket.write(Buffer.concat([Buffer.of(0x81, 0x80 | text.length, 0, 0, 0, 0), text]));
}

test('every alert reaches a client once, while the disk, the mail and another client fail', {
  timeout: 60_000 + (ALERTS / LOAD.alertsHz) * 3_000,
}, async () => {
  const { child, url, offsetUs } = await startLoaded(failingDisk());
  using listener = new AlertListener(url, offsetUs);
  await listener.opened();
  freeze(url);
  writeFileSync(path.join(folder, 'fault'), '');
  await delay(2_000);
  child.send({ inject: ALERTS });
  const { health = [] } = await answerOf(child);
  await delay(1_000);

  const numbers = [...listener.counts.keys()].sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: ALERTS }, (_, i) => i + 1));
  expect(new Set(listener.counts.values())).toEqual(new Set([1]));
  const sorted = listener.latencyMs.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? 0).toFixed(1);
  console.log(`${ALERTS} alerts in ${at(0.5)} (median), ${at(0.99)} (99 %), ${at(1)} (most) ms`);
  // What was to fail did.
  const statuses = health.filter(({ status }) => status !== 'ok').map(({ id }) => id);
  expect(statuses).toEqual(expect.arrayContaining(['alerts', 'mail', 'store']));
});
