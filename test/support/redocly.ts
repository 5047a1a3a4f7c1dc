/** A linter of API documents that is not ours, with the rules that it recommends. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { onTestFinished } from 'vitest';

const REDOCLY = path.resolve(import.meta.dirname, '../../node_modules/.bin/redocly');
/** It must not ask anybody else for anything. */
const OFFLINE = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };

const Report = v.object({
  totals: v.object({ errors: v.number(), warnings: v.number(), ignored: v.number() }),
  problems: v.array(v.object({ ruleId: v.string(), message: v.string() })),
});

/** What it finds in a document, in a folder where there is no configuration. */
export async function lint(
  name: 'openapi.json' | 'asyncapi.json',
  document: object,
): Promise<v.InferOutput<typeof Report>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vigil-lint-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, name), JSON.stringify(document));
  const args = ['lint', name, '--format=json', '--max-problems=1000'];
  const env = { ...process.env, ...OFFLINE };
  // It ends with 1 where it finds errors, and has told them then too.
  const { stdout } = await promisify(execFile)(REDOCLY, args, { cwd: folder, env }).catch(
    (error: { readonly stdout: string }) => error,
  );
  return v.parse(v.pipe(v.string(), v.parseJson(), Report), stdout);
}
