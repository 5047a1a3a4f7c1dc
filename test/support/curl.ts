/** Calls of the API by Debian's curl, as a person or a script makes them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Curled {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** As JSON has it; undefined where it is none. */
  readonly json: unknown;
}

const SECONDS_MAX = '20';
const run = promisify(execFile);

/** @param args of curl; whatever is answered is no error */
export async function curl(...args: readonly string[]): Promise<Curled> {
  const end = '\n%{http_code} %{content_type}';
  const own = ['--silent', '--show-error', '--max-time', SECONDS_MAX, '--write-out', end];
  const { stdout } = await run('curl', [...own, ...args], { maxBuffer: 64 * 2 ** 20 });
  const at = stdout.lastIndexOf('\n');
  const body = stdout.slice(0, at);
  const [status = '', type = ''] = stdout.slice(at + 1).split(' ');
  const isJson = /^application\/(problem\+)?json(;|$)/.test(type);
  return { status: Number(status), type, body, json: isJson ? JSON.parse(body) : undefined };
}

/** For `curl`: a JSON body. */
export function json(body: unknown): string[] {
  return ['--header', 'content-type: application/json', '--data', JSON.stringify(body)];
}

/** For `curl`: who asks. */
export function bearer(token: string): string[] {
  return ['--header', `authorization: Bearer ${token}`];
}

/** The first line that a server answers an upgrade to a WebSocket with; curl 7 goes no further. */
export async function upgrade(url: string, ...args: readonly string[]): Promise<string> {
  const headers = {
    ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  const given = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const asked = ['--silent', '--include', '--no-buffer', '--http1.1', '--max-time', '1'];
  // It waits for the end of what has none, and calls that a time-out.
  const failed = (error: { readonly stdout?: string }) => ({ stdout: error.stdout ?? '' });
  const { stdout } = await run('curl', [...asked, ...given, ...args, url]).catch(failed);
  return stdout.split('\r\n')[0] ?? '';
}
