import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UsageError } from './errors.ts';
import { DATA_OPTION, dataDirectory, findSession, openRecording } from './recording.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Anything else is the path of a log. */
const SESSION = /^(\d+|last)$/;

/**
 * Becomes the gateway with a session, or with a log of CAN buses, in place of devices. Does not return,
 * unless it throws.
 */
export async function replayCommand(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { ...DATA_OPTION, speed: { type: 'string' }, http: { type: 'string' } },
    allowPositionals: true,
  });
  const [which, ...more] = positionals;
  if (more.length > 0)
    throw new UsageError(`expected one session or file, found ${positionals.join(' ')}`);
  const data = dataDirectory(values.data);
  const isLog = which !== undefined && !SESSION.test(which);
  const replay = isLog ? path.resolve(which) : await sessionId(data, which);
  const { speed, http } = values;
  const args = [
    ...[`--replay=${replay}`, `--data=${data}`],
    ...(speed === undefined ? [] : [`--speed=${speed}`]),
    ...(http === undefined ? [] : [`--http=${http}`]),
  ];
  if (process.execve === undefined) throw new Error('this Node cannot become another program');
  // The same process, so that whoever started it stops the gateway with its signals.
  return process.execve(process.execPath, [process.execPath, MAIN, ...args], process.env);
}

/** A session that is not there is better told of here than in a log. */
async function sessionId(data: string, which: string | undefined): Promise<number> {
  const store = await openRecording(data);
  try {
    return findSession(store, which).id;
  } finally {
    await store.close();
  }
}
