import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BusyError } from '#core/errors.ts';
import { lockDirectory } from '../../../src/io/lock.ts';

const LOCK = path.resolve(import.meta.dirname, '../../../src/io/lock.ts');
const children: ChildProcess[] = [];
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-lock-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  rmSync(directory, { recursive: true });
});

/** Another process that takes the lock, says so, and then does what `body` says. */
async function holder(body: string): Promise<ChildProcess> {
  const script = `
    const { lockDirectory } = await import(${JSON.stringify(LOCK)});
    await lockDirectory(${JSON.stringify(directory)});
    process.stdout.write('locked', () => { ${body} });`;
  const args = ['--input-type=module', '-e', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('a directory is locked once, by whichever path, until it is released', async () => {
  const link = `${directory}/link`;
  symlinkSync(directory, link);
  const lock = await lockDirectory(directory);
  const taken = lockDirectory(link);
  await expect(taken).rejects.toThrow(BusyError);
  await expect(taken).rejects.toThrow(
    `data: ${link} is in use by another Vigil (pid ${process.pid})`,
  );
  await lock.release();
  const again = await lockDirectory(link);
  await again.release();
  await again.release();
});

test('two directories are two locks', async () => {
  const other = path.join(directory, 'other');
  mkdirSync(other);
  const locks = [await lockDirectory(directory), await lockDirectory(other)];
  for (const lock of locks) await lock.release();
});

test('of many at once one has it', async () => {
  const tries = await Promise.allSettled(
    Array.from({ length: 10 }, () => lockDirectory(directory)),
  );
  const held = tries.filter((each) => each.status === 'fulfilled');
  expect(held).toHaveLength(1);
  for (const { value } of held) await value.release();
});

test('another process is named, and its death by any means frees the lock', async () => {
  const child = await holder('setInterval(() => {}, 1000)');
  await expect(lockDirectory(directory)).rejects.toThrow(
    `data: ${directory} is in use by another Vigil (pid ${child.pid})`,
  );
  await kill(child);
  const lock = await lockDirectory(directory);
  await lock.release();
});

test('a holder that is stuck has it no less, and is not waited for', async () => {
  await holder('while (true);');
  const start = performance.now();
  const taken = lockDirectory(directory);
  await expect(taken).rejects.toThrow(BusyError);
  await expect(taken).rejects.toThrow(/by another Vigil$/);
  expect(performance.now() - start).toBeLessThan(2000);
});

test('the lock does not keep the process running', async () => {
  const child = await holder('');
  if (child.exitCode === null) await once(child, 'exit');
  expect(child.exitCode).toBe(0);
});

test('a directory that is not there is no busy one', async () => {
  const missing = lockDirectory(path.join(directory, 'missing'));
  await expect(missing).rejects.toMatchObject({ code: 'ENOENT' });
});
