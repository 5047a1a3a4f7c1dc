/** Debian's Python with the stack of fanout-seed.py, where it is installed. */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';

const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('fanout-seed.py', import.meta.url));

const Ready = v.object({ port: v.number() });
const Sent = v.object({ rounds: v.number(), cpuS: v.number() });

/** Debian's packages python3-fastapi, python3-uvicorn and python3-websockets. */
export function hasSeedStack(): boolean {
  return spawnSync(PYTHON, ['-c', 'import fastapi, uvicorn, websockets']).status === 0;
}

export interface SeedStack {
  readonly port: number;
  /** Sends for a while. */
  run(go: object): Promise<v.InferOutput<typeof Sent>>;
}

/** Ends with the process that starts it: its standard input does. */
export async function startSeedStack(): Promise<SeedStack> {
  const child = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the Python server ended');
    return JSON.parse(value);
  };
  const { port } = v.parse(Ready, await next());
  return {
    port,
    run: async (go) => {
      child.stdin.write(`${JSON.stringify(go)}\n`);
      return v.parse(Sent, await next());
    },
  };
}
