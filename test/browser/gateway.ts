import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = new URL('../../', import.meta.url).pathname;
/** How long a stopped gateway may take to end by itself, ms. */
const STOP_MS = 5_000;

/** A gateway with a simulated car and driver, as a process of its own. */
export interface Gateway {
  /** Of the dashboard, with a slash at the end. */
  readonly url: string;
  stop(): Promise<void>;
}

/** @param port 0 for any that is free */
export async function startGateway(port = 0): Promise<Gateway> {
  const data = await mkdtemp(join(tmpdir(), 'vigil-browser-'));
  const flags = ['--sim', '1', '--http', `127.0.0.1:${port}`, '--data', data];
  const child = spawn(process.execPath, ['src/main.ts', ...flags], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await readUrl(child);
    return { url, stop: () => stop(child, data) };
  } catch (error) {
    await stop(child, data);
    throw error;
  }
}

/** Goes on reading afterwards, or a full pipe would stop the gateway. */
function readUrl(child: ChildProcess): Promise<string> {
  const { stdout } = child;
  if (!stdout) throw new Error('the gateway has no standard output');
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    createInterface({ input: stdout }).on('line', (line) => {
      lines.push(line);
      const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(line)?.[0];
      if (url) resolve(url);
    });
    child.once('exit', (code) => {
      reject(new Error(`the gateway ended with ${code}:\n${lines.join('\n')}`));
    });
  });
}

async function stop(child: ChildProcess, data: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(late);
  }
  await rm(data, { recursive: true, force: true });
}
