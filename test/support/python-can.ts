/** Logs of a bus as python-can reads and writes them, which is Debian's python3-can. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const PYTHON = '/usr/bin/python3';
const SCRIPT = new URL('can-log.py', import.meta.url).pathname;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

const run = promisify(execFile);

/** Microseconds since 1970, bus, identifier, whether it has 29 bits, data in hexadecimal. */
export type LogRow = readonly [
  t: number,
  channel: number | string,
  id: number,
  extended: boolean,
  data: string,
];

/** Why there is no python-can here; empty where there is. */
export const missingPythonCan =
  spawnSync(PYTHON, ['-c', 'import can']).status === 0 ? '' : 'no python3-can';

/** The data frames of a log. */
export async function readByPython(file: string): Promise<LogRow[]> {
  const { stdout } = await run(PYTHON, [SCRIPT, 'read', file], { maxBuffer: OUTPUT_BYTES_MAX });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): LogRow => JSON.parse(line));
}

/** Writes a log, of the format that the name says. Buses are numbers from 0. */
export function writeByPython(file: string, rows: readonly LogRow[]): void {
  const input = rows.map((row) => JSON.stringify(row)).join('\n');
  const { status, stderr } = spawnSync(PYTHON, [SCRIPT, 'write', file], { input });
  if (status !== 0) throw new Error(String(stderr));
}

/** Seconds in which its reader goes through a log, the start of Python left out, and its frames. */
export async function timeByPython(file: string): Promise<readonly [number, number]> {
  const { stdout } = await run(PYTHON, [SCRIPT, 'count', file]);
  const [seconds, frames]: number[] = JSON.parse(stdout);
  return [seconds ?? 0, frames ?? 0];
}
