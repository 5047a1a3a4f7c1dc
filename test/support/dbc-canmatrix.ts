/** Frames as canmatrix decodes them, which is Debian's python3-canmatrix. */
import { spawnSync } from 'node:child_process';

const PYTHON = '/usr/bin/python3';
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** Loads the file once, then decodes each frame; raw values as text, so that 64 bits survive. */
const SCRIPT = `
import json, sys
import canmatrix, canmatrix.formats
given = json.load(sys.stdin)
matrix = canmatrix.formats.loads(given['dbc'], import_type='dbc', dbcImportEncoding='utf-8')['']
answers = []
for identifier, extended, data in given['frames']:
    frame = matrix.frame_by_id(canmatrix.ArbitrationId(identifier, extended))
    decoded = frame.decode(bytes.fromhex(data))
    answers.append({name: [repr(s.raw_value), str(s.phys_value)] for name, s in decoded.items()})
json.dump(answers, sys.stdout)
`;

export interface GivenFrame {
  readonly id: number;
  readonly extended: boolean;
  readonly data: Uint8Array;
}

/** By the name of each signal that is in the frame: the raw value, and the one in its unit. */
export type Decoded = Readonly<Record<string, readonly [raw: string, value: string]>>;

/** Why there is no canmatrix here; empty where there is. */
export const missingCanmatrix =
  spawnSync(PYTHON, ['-c', 'import canmatrix.formats']).status === 0 ? '' : 'no python3-canmatrix';

export function decodedByCanmatrix(dbc: string, frames: readonly GivenFrame[]): Decoded[] {
  const rows = frames.map(({ id, extended, data }) => [
    id,
    extended,
    Buffer.from(data).toString('hex'),
  ]);
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', SCRIPT], {
    input: JSON.stringify({ dbc, frames: rows }),
    maxBuffer: OUTPUT_BYTES_MAX,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
