/** The AsyncAPI document in the eyes of a linter that is not ours, with the rules that it recommends. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { expect, onTestFinished, test } from 'vitest';
import { asyncApi } from '../../../src/http/docs/asyncapi.ts';
import { MQTT_TOPICS } from '../../../src/http/docs/mqtt-topics.ts';
import { SOCKETS } from '../../../src/http/docs/sockets.ts';

const REDOCLY = path.resolve(import.meta.dirname, '../../../node_modules/.bin/redocly');
/** It must not ask anybody else for anything. */
const OFFLINE = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };

const Report = v.object({
  totals: v.object({ errors: v.number(), warnings: v.number(), ignored: v.number() }),
  problems: v.array(v.object({ ruleId: v.string(), message: v.string() })),
});

/** What it finds in a document, in a folder where there is no configuration. */
async function lint(document: object): Promise<v.InferOutput<typeof Report>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'vigil-lint-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, 'asyncapi.json'), JSON.stringify(document));
  const args = ['lint', 'asyncapi.json', '--format=json', '--max-problems=1000'];
  const env = { ...process.env, ...OFFLINE };
  // It ends with 1 where it finds errors, and has told them then too.
  const { stdout } = await promisify(execFile)(REDOCLY, args, { cwd: folder, env }).catch(
    (error: { readonly stdout: string }) => error,
  );
  return v.parse(v.pipe(v.string(), v.parseJson(), Report), stdout);
}

test('a linter finds nothing wrong with the document', async () => {
  const { totals, problems } = await lint(asyncApi(SOCKETS, MQTT_TOPICS));
  expect(problems).toEqual([]);
  expect(totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
});

test('it does find what is wrong', async () => {
  const { channels, ...document } = asyncApi(SOCKETS, MQTT_TOPICS);
  const broken = { address: 'x', messages: { none: { $ref: '#/components/messages/none' } } };
  const bound = { address: 'y', bindings: { mqtt: { qos: 1 } } };
  const { problems } = await lint({ ...document, channels: { ...channels, broken, bound } });
  expect(problems.map(({ ruleId }) => ruleId)).toEqual(
    expect.arrayContaining(['no-unresolved-refs', 'struct']),
  );
});
