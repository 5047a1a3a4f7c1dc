import { writeFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { inspect } from 'node:util';

/** To the host, past the console; opened by session.sh. */
const RESULTS_FD = 3;
const CHECK_MS_MAX = 30_000;

type Details = Readonly<Record<string, unknown>>;

/**
 * Runs a check in a virtual machine and tells the host how it went. An object that it returns is told
 * too, by keys other than `ok`, `ms` and `error`. Where it is not done within the limit it fails, and the
 * next one begins while it may still be at work.
 *
 * @param name as the test file has it, without ` {"` in it
 */
export async function check(
  name: string,
  body: () => Promise<unknown>,
  limitMs = CHECK_MS_MAX,
): Promise<void> {
  process.stdout.write(`== ${name}\n`);
  const startedAt = performance.now();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not done within ${limitMs} ms`)), limitMs);
  let result: Details;
  try {
    result = { ok: true, ...Object(await Promise.race([body(), late])) };
  } catch (error) {
    result = { ok: false, error: inspect(error) };
  }
  clearTimeout(timer);
  const ms = Math.round(performance.now() - startedAt);
  writeFileSync(RESULTS_FD, `RESULT ${name} ${JSON.stringify({ ...result, ms })}\n`);
}
