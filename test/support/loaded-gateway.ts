import { spawn } from 'node:child_process';
import * as v from 'valibot';
import { Child, ROOT } from './child.ts';
import { logInAs } from './tokens.ts';

export interface LoadOptions {
  /** Of the recording. */
  readonly data: string;
  /** Of the gateway, besides. */
  readonly flags?: readonly string[];
  readonly rules: number;
  readonly readingsHz: number;
  readonly alertsHz: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A gateway under load; see alert-load.ts. */
export interface LoadedGateway extends AsyncDisposable {
  readonly child: Child;
  /** Without a slash at the end. */
  readonly url: string;
  /** CLOCK_MONOTONIC at time 0 of the gateway's clock. */
  readonly offsetUs: number;
}

const Hello = v.object({ url: v.string(), offsetUs: v.number(), token: v.string() });

export async function startLoaded({ data, flags = [], env, ...load }: LoadOptions) {
  const own = ['--sim', '1', '--http', '127.0.0.1:0', '--data', data];
  const orders = { flags: [...own, ...flags], ...load };
  const started = spawn(process.execPath, ['test/support/alert-load.ts'], {
    cwd: ROOT,
    // LMDB tells of each write that fails.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, ...env, VIGIL_ALERT_LOAD: JSON.stringify(orders) },
  });
  const child = new Child(started, 'alert-load.ts');
  const stop = () => child[Symbol.asyncDispose]();
  try {
    const { token, ...hello } = v.parse(Hello, await child.next());
    logInAs(hello.url, token);
    return { child, ...hello, [Symbol.asyncDispose]: stop } satisfies LoadedGateway;
  } catch (error) {
    await stop();
    throw error;
  }
}
