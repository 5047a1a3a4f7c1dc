/**
 * A simulated car on vcan0 and a gateway on vcan1. The kernel carries what is sent on either to the other,
 * and what is sent on vcan1 also to vcan2: there is nothing but what the gateway has sent.
 */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { Gateway } from '../../support/gateway.ts';
import { get, PASSWORD } from '../../support/tokens.ts';

export const CAR = 'vcan0';
export const GATEWAY = 'vcan1';
const COPY = 'vcan2';
/** Asking costs the machine more than what it is asked about. */
const STEP_MS = 500;
const DATA = '/tmp/vigil-data';
const ADDRESS = '127.0.0.1:8080';

export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: 'utf8' });
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(STEP_MS);
}

export function joinBuses(): void {
  run('modprobe', 'can-gw');
  run('ip', 'link', 'add', 'dev', COPY, 'type', 'vcan');
  run('ip', 'link', 'set', COPY, 'up');
  for (const [from, to] of [
    [CAR, GATEWAY],
    [GATEWAY, CAR],
    [GATEWAY, COPY],
  ] as const) {
    // A frame is carried once and no further, so that none of the car's gets to the copy.
    run('cangw', '-A', '-s', from, '-d', to, '-e');
  }
}

/** What Node made of our files when the host ran them: loading them takes a third of the time then. */
const COMPILED = path.join(process.env['VIGIL_MODULE_TREE'] ?? '/tmp', '../compile-cache');
// The machine has variables that the gateway would take for settings.
const ENVIRONMENT = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: COMPILED };

/** What a program prints, while this one goes on. */
export async function runNode(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: ENVIRONMENT,
  });
  return await text(child.stdout);
}

type Car = ChildProcessByStdio<null, Readable, null>;

/** The simulated car as a process. */
export async function startCar(...args: string[]): Promise<Car> {
  const all = ['scripts/simulate.ts', '--can', CAR, '--every', '10', ...args];
  const child = spawn(process.execPath, all, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: ENVIRONMENT,
  });
  await once(child.stdout, 'data');
  return child;
}

export async function stopCar(child: Car): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
}

/** A gateway as a process, however long it takes to start here. All of them have the same data. */
export async function startGateway(...flags: string[]): Promise<Gateway> {
  const own = ['--data', DATA, '--http', ADDRESS, '--can', `can:${GATEWAY}`];
  const child = spawn(process.execPath, ['src/main.ts', ...own, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...ENVIRONMENT, VIGIL_SETUP_PASSWORD: PASSWORD },
  });
  const gateway = new Gateway(child, DATA);
  gateway.url = `http://${ADDRESS}/`;
  await until(() => {
    if (!gateway.running) throw new Error([...gateway.log, ...gateway.errors].join('\n'));
    return gateway.log.join('\n').includes(gateway.url);
  });
  return gateway;
}

/** A call of the API by the admin, or by whoever has the token. */
export async function ask(
  { url }: Gateway,
  [method, at]: readonly [method: string, at: string],
  body?: unknown,
  token?: string,
) {
  const isText = typeof body === 'string';
  const response = await get(`${url}api/v1${at}`, {
    method,
    ...(body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }),
    headers: {
      'content-type': isText ? 'text/plain' : 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  const said = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return { status: response.status, text: said, body: isJson ? JSON.parse(said) : undefined };
}

/** A frame that the gateway has sent, or one with the identifier of a control unit on its bus. */
export interface Sniffed {
  readonly isOurs: boolean;
  /** In seconds. */
  readonly t: number;
  /** Hexadecimal in capitals, as the data. */
  readonly id: string;
  readonly data: string;
}

/** Everything that the gateway sends from now on, in order, and what control units say. */
export async function sniff(): Promise<readonly Sniffed[]> {
  const frames: Sniffed[] = [];
  const answers = `${GATEWAY},7E8:7F8,18DAF100:1FFFFF00`;
  const candump = spawn('candump', ['-L', '-D', COPY, answers], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: candump.stdout }).on('line', (line) => {
    const [, t, name, id = '', data = ''] =
      /^\((\d+\.\d+)\) (\S+) ([0-9A-F]+)#([0-9A-F]*)$/.exec(line) ?? [];
    // What cannot be read is no frame that may be sent.
    const isOurs = name !== GATEWAY;
    frames.push({ isOurs, t: Number(t), id: id || line, data });
  });
  await until(() => run('cat', '/proc/net/can/rcvlist_all').includes(COPY));
  return frames;
}
