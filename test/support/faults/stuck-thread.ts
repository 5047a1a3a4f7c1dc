/**
 * Loaded before the gateway: one thread of libuv hangs in an open(), as that of a Bluetooth line can.
 * A pipe without a writer is opened for reading only when one comes.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, open, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const directory = mkdtempSync(path.join(tmpdir(), 'vigil-stuck-'));
const pipe = path.join(directory, 'pipe');
execFileSync('mkfifo', [pipe]);
open(pipe, () => {});
setTimeout(() => rmSync(directory, { recursive: true }), 1_000);
