import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { UsageError } from './errors.ts';
import { DATA_OPTION, dataDirectory, findSession, openRecording } from './recording.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Becomes the gateway with a session in place of devices. Does not return, unless it throws. */
export async function replayCommand(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { ...DATA_OPTION, speed: { type: 'string' }, http: { type: 'string' } },
    allowPositionals: true,
  });
  const [which, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`expected one session, found ${positionals.join(' ')}`);
  const data = dataDirectory(values.data);
  // A session that is not there is better told of here than in a log.
  const store = await openRecording(data);
  let id: number;
  try {
    id = findSession(store, which).id;
  } finally {
    await store.close();
  }
  const { speed, http } = values;
  const args = [
    ...[`--replay=${id}`, `--data=${data}`],
    ...(speed === undefined ? [] : [`--speed=${speed}`]),
    ...(http === undefined ? [] : [`--http=${http}`]),
  ];
  if (process.execve === undefined) throw new Error('this Node cannot become another program');
  // The same process, so that whoever started it stops the gateway with its signals.
  return process.execve(process.execPath, [process.execPath, MAIN, ...args], process.env);
}
