import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const FILES = path.resolve(import.meta.dirname, '../../../src/io/files.ts');
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-files-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** The arguments with which Node runs `body`, where `nextEpoch` and `directory` are at hand. */
function script(body: string): string[] {
  const source = `
    const { nextEpoch } = await import(${JSON.stringify(FILES)});
    const directory = ${JSON.stringify(directory)};
    ${body}`;
  return ['--input-type=module', '-e', source];
}

test('a counter killed at any moment never gives a number twice', async () => {
  const body = `while (true) process.stdout.write(nextEpoch(directory) + '\\n');`;
  let highest = 0;
  for (let round = 0; round < 8; round++) {
    const counter = spawn(process.execPath, script(body), { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = once(counter, 'close');
    const numbers: number[] = [];
    counter.stdout.setEncoding('latin1').on('data', (text: string) => {
      numbers.push(...text.split('\n').filter(Boolean).map(Number));
      if (numbers.length > 20 + round * 7) counter.kill('SIGKILL');
    });
    await gone;
    expect(numbers[0]).toBeGreaterThan(highest);
    highest = Math.max(...numbers);
  }
});
