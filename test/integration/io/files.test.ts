import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const FILES = path.resolve(import.meta.dirname, '../../../src/io/files.ts');
const OLD = 'old\n'.repeat(5_000);
const NEW = 'new!\n'.repeat(5_000);
let directory = '';
let file = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-files-'));
  file = path.join(directory, 'settings');
  writeFileSync(file, OLD);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** The arguments with which Node runs `script`, where `writeAtomically` is at hand. */
function script(body: string): string[] {
  const source = `
    const { writeAtomically } = await import(${JSON.stringify(FILES)});
    const [file, OLD, NEW] = ${JSON.stringify([file, OLD, NEW])};
    ${body}`;
  return ['--input-type=module', '-e', source];
}

test('a writer killed at any moment leaves the old or the new content', async () => {
  const body = `
    process.stdout.write('ready');
    while (true) { writeAtomically(file, NEW); writeAtomically(file, OLD); }`;
  for (let round = 0; round < 5; round++) {
    const writer = spawn(process.execPath, script(body), { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = once(writer, 'exit');
    await once(writer.stdout, 'data');
    // While it writes, a reader never sees a part either.
    for (let i = 0; i < 50 + round; i++) expect([OLD, NEW]).toContain(readFileSync(file, 'utf8'));
    writer.kill('SIGKILL');
    await gone;
    expect([OLD, NEW]).toContain(readFileSync(file, 'utf8'));
  }
});

test('a disk that takes only a part of the content leaves the old one', async () => {
  // A limit on the size of files cuts a write short exactly as a full disk does.
  const command = 'ulimit -f 4; exec "$0" "$@"';
  const args = ['-c', command, process.execPath, ...script('writeAtomically(file, NEW);')];
  const writer = spawn('bash', args, { stdio: 'ignore' });
  const [code] = await once(writer, 'exit');
  expect(code).not.toBe(0);
  expect(readFileSync(file, 'utf8')).toBe(OLD);
});
