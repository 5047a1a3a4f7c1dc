/** The cloud side's broker and database, as scripts/cloud.sh starts them, each of which can be killed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePorts } from './free-ports.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../scripts/cloud.sh');
/** Until a part is ready: some 3 s here, and the tree is made before where it is not there, which takes 25. */
export const CLOUD_START_MS_MAX = 180_000;
/** A part that has not ended well by then is killed by the script; the rest is for the script itself. */
const STOP_MS_MAX = 40_000;

const PARTS = ['database', 'broker'] as const;
export type CloudPart = (typeof PARTS)[number];

export interface CloudOptions {
  /** Both, where it is left out. */
  readonly parts?: readonly CloudPart[];
  readonly tenant?: string;
}

export interface Cloud extends AsyncDisposable {
  /** With a name and a password that may do everything. */
  readonly amqpUrl: string;
  readonly mqttUrl: string;
  /** What a car of the tenant logs in with; its client id is its name. */
  readonly carUrl: string;
  readonly databaseUrl: string;
  /** What both keep, passwords, and logs. */
  readonly dataDirectory: string;
  /** `kill -9`. What it had is free when this returns. */
  kill(part: CloudPart): Promise<void>;
  /** Starts what was killed, at the same port, and waits until it is ready. */
  start(part: CloudPart): Promise<void>;
  /** Ends both in good order, and removes the data directory. */
  stop(): Promise<void>;
}

/** What is missing for it here, in words; empty where nothing is. */
export function missingForCloud(): string {
  if (process.getuid?.() !== 0) return 'root';
  try {
    // A container may have taken from root what it is otherwise allowed.
    execFileSync('unshare', ['--mount', '--pid', '--fork', 'true'], { stdio: 'ignore' });
    return '';
  } catch {
    return 'mount and process namespaces';
  }
}

/** Rejects with what the script said when a part does not start. */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { parts = PARTS, tenant = 'home' } = options;
  const dataDirectory = mkdtempSync(path.join(tmpdir(), 'vigil-cloud-'));
  const [amqp = 0, mqtt = 0, database = 0, metrics = 0] = await freePorts(4);
  const flags = [
    ...['--data', dataDirectory, '--tenant', tenant, '--amqp-port', `${amqp}`],
    ...['--mqtt-port', `${mqtt}`, '--database-port', `${database}`, '--metrics-port', `${metrics}`],
  ];
  const running = new Map<CloudPart, ChildProcess>();
  const start = async (part: CloudPart): Promise<void> => {
    if (running.has(part)) throw new Error(`the ${part} runs already`);
    running.set(part, await startPart(part, flags));
  };
  const kill = async (part: CloudPart): Promise<void> => {
    const child = running.get(part);
    if (child === undefined) throw new Error(`the ${part} does not run`);
    running.delete(part);
    const closed = once(child, 'close');
    const pid = readFileSync(path.join(dataDirectory, 'run', `${part}.pid`), 'utf8');
    process.kill(Number(pid), 'SIGKILL');
    await closed;
  };
  const stop = async (): Promise<void> => {
    await Promise.all([...running.values()].map(stopPart));
    running.clear();
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  try {
    await Promise.all(parts.map(start));
    const urls = readUrls(dataDirectory);
    return { ...urls, dataDirectory, kill, start, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function readUrls(directory: string) {
  const text = readFileSync(path.join(directory, 'cloud.env'), 'utf8');
  const find = (line: RegExp): string => {
    const url = line.exec(text)?.[1];
    if (url === undefined) throw new Error(`no ${line.source} in cloud.env`);
    return url;
  };
  return {
    amqpUrl: find(/^VIGIL_CLOUD_AMQP=(.*)$/m),
    mqttUrl: find(/^VIGIL_CLOUD_MQTT=(.*)$/m),
    databaseUrl: find(/^VIGIL_CLOUD_DATABASE=(.*)$/m),
    carUrl: find(/^# (mqtt:.*)$/m),
  };
}

/** The script with one part, which has said that it is ready. */
async function startPart(part: CloudPart, flags: readonly string[]): Promise<ChildProcess> {
  const child = spawn(SCRIPT, ['--only', part, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      said.push(line);
      if (line.startsWith('cloud: ready')) resolve();
    });
  }
  child.once('error', reject);
  child.once('close', (code) => {
    reject(new Error(`the ${part} ended with ${code}:\n${said.join('\n')}`));
  });
  const late = setTimeout(() => {
    reject(new Error(`the ${part} is not ready after ${CLOUD_START_MS_MAX / 1000} s`));
  }, CLOUD_START_MS_MAX);
  try {
    await promise;
    return child;
  } catch (error) {
    await stopPart(child);
    throw error;
  } finally {
    clearTimeout(late);
  }
}

async function stopPart(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  child.kill('SIGTERM');
  await closed;
  clearTimeout(late);
}
