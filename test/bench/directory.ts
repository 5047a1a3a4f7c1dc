import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An empty directory that is gone with whatever is in it when its user is done. */
export async function temporary(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'vigil-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
