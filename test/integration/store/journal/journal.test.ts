import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataFile } from '../../../../src/io/data-file.ts';
import {
  Journal,
  type OpenedJournal,
  SEGMENT_BYTES,
} from '../../../../src/store/journal/journal.ts';

const SOURCES = path.resolve(import.meta.dirname, '../../../../src');
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-journal-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Opens the journal of `directory`, hands it over, and closes its files. */
async function withJournal(
  sealedSeq: number,
  work: (opened: OpenedJournal) => Promise<void> | void,
): Promise<void> {
  const options = { bytes: SEGMENT_BYTES, create: true };
  const j0 = await openDataFile(path.join(directory, 'j0'), options);
  const j1 = await openDataFile(path.join(directory, 'j1'), options);
  await work(await Journal.open([j0, j1], sealedSeq));
  await j0.close();
  await j1.close();
}

function words(seq: number): string {
  return `record ${seq} `.padEnd(seq % 3000, 'x');
}

function expectReplay({ replay, problems }: OpenedJournal, from: number, to: number): void {
  expect(problems).toEqual([]);
  expect(replay.map(({ seq }) => seq)).toEqual(
    Array.from({ length: to - from + 1 }, (_, i) => from + i),
  );
  for (const { seq, payload } of replay) expect(`${Buffer.from(payload)}`).toBe(words(seq));
}

test('1000 records over a swap come back, and appending goes on', async () => {
  await withJournal(0, async ({ journal }) => {
    for (let i = 1; i <= 1000; i++) {
      if (i === 700) expect(journal.swap()).toBe(699);
      expect(await journal.append(1, Buffer.from(words(i)))).toBe(i);
    }
  });
  await withJournal(0, async (opened) => {
    expectReplay(opened, 1, 1000);
    await opened.journal.append(2, Buffer.from(words(1001)));
  });
  await withJournal(699, (opened) => expectReplay(opened, 700, 1001));
});

test('segments that were cut off are filled up and take records again', async () => {
  await withJournal(0, async ({ journal }) => {
    for (let i = 1; i <= 10; i++) await journal.append(1, Buffer.from(words(i)));
  });
  truncateSync(path.join(directory, 'j0'), 35 * 3);
  truncateSync(path.join(directory, 'j1'), 0);
  await withJournal(0, async (opened) => {
    expectReplay(opened, 1, 3);
    await opened.journal.append(1, Buffer.from(words(4)));
  });
  await withJournal(0, (opened) => expectReplay(opened, 1, 4));
});

test('a writer killed at any moment has lost nothing that was acknowledged', async () => {
  // It seals every 50 records, and says with each which is the last that it sealed.
  const script = `
    const { openDataFile } = await import(${JSON.stringify(`${SOURCES}/io/data-file.ts`)});
    const { Journal } = await import(${JSON.stringify(`${SOURCES}/store/journal/journal.ts`)});
    ${words}
    const options = { bytes: ${SEGMENT_BYTES}, create: true };
    const file = (name) => openDataFile(${JSON.stringify(directory)} + '/' + name, options);
    let sealed = Number(process.argv[1]);
    const { journal, replay } = await Journal.open([await file('j0'), await file('j1')], sealed);
    let seq = replay.at(-1)?.seq ?? sealed;
    for (;;) {
      seq = await journal.append(1, Buffer.from(words(seq + 1)));
      if (seq % 50 === 0) {
        journal.retired();
        sealed = journal.swap();
      }
      process.stdout.write(seq + ' ' + sealed + '\\n');
    }`;
  let [acknowledged, sealed] = [0, 0];
  for (let round = 0; round < 5; round++) {
    const args = ['--input-type=module', '-e', script, String(sealed)];
    const writer = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = once(writer, 'exit');
    let lines = 0;
    for await (const line of createInterface(writer.stdout)) {
      [acknowledged = 0, sealed = 0] = line.split(' ').map(Number);
      if (++lines === 70 + round * 13) writer.kill('SIGKILL');
    }
    await gone;
    await withJournal(sealed, (opened) => {
      const last = opened.replay.at(-1)?.seq ?? sealed;
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      expectReplay(opened, sealed + 1, last);
    });
  }
  expect(acknowledged).toBeGreaterThan(400);
});
