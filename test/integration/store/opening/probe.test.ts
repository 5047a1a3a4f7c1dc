import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runChild } from '../../../../src/io/child.ts';
import { nameKey, numberKey } from '../../../../src/store/keys.ts';
import { openDatabase, PAGE_BYTES } from '../../../../src/store/lmdb.ts';
import { inspect } from '../../../../src/store/opening/inspect.ts';
import {
  type ProbeFacts,
  type ProbeResult,
  runProbe,
} from '../../../../src/store/opening/probe.ts';
import { encodeRecord } from '../../../../src/store/record.ts';
import { Child } from '../../../support/child.ts';

/** Damaged files are opened in children only: here a crash would take the tests with it. */
const STORE = new URL('../../../../src/store/', import.meta.url).href;
const ENTRIES = 1000;
const SCHEMA = { major: 1, minor: 0 };
const LIMIT = { timeoutMs: 20_000 };
const META_BYTES = 168;
/** Each damage takes one process or two, a tenth of a second each. */
const SLOW = { timeout: 180_000 };

let directory = '';
/** A good file, as the damages begin. */
let good = Buffer.alloc(0);
let facts: ProbeFacts;
let file = '';
let files = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vigil-probe-'));
  const made = join(directory, 'good.mdb');
  const database = openDatabase(made, { fileBytes: 2 ** 20, readOnly: false });
  const schema = nameKey('schema');
  for (let round = 0; round < 5; round++) {
    const numbers = Array.from({ length: ENTRIES / 5 }, (_, i) => round * (ENTRIES / 5) + i);
    await database.commit([
      { table: 'meta', key: schema, value: encodeRecord(schema, SCHEMA) },
      ...numbers.map((number) => {
        const key = numberKey(number);
        const text = 'x'.repeat(number % 7 === 0 ? 6000 : 100); // Some are in pages of their own.
        return { table: 'samples' as const, key, value: encodeRecord(key, text) };
      }),
    ]);
  }
  await database.close();
  good = readFileSync(made);
  writeFileSync(join(directory, 'read.ts'), READ);
  const result = await runProbe(made, LIMIT);
  if (result.state !== 'good') throw new Error(result.text);
  facts = result.facts;
});

beforeEach(() => {
  file = join(directory, `${files++}.mdb`);
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Reads and checks every value: prints how many were good. */
const READ = `
import { openDatabase, TABLES } from '${STORE}lmdb.ts';
import { decodeRecord } from '${STORE}record.ts';
const database = openDatabase(process.argv[2], { fileBytes: 0, readOnly: true });
const query = { start: new Uint8Array([0]), end: new Uint8Array(32).fill(255), limit: 100000 };
let good = 0;
for (const table of TABLES) {
  for (const { key, value } of database.page(table, query)) {
    try { decodeRecord(key, value); good++; } catch {}
  }
}
console.log(good);
`;

const look = (bytes: Uint8Array) =>
  inspect(
    { size: bytes.length, read: async (at, n) => bytes.subarray(at, at + n) },
    { writes: true },
  );

/** What the gateway does with a file before it opens it. */
async function judge(bytes: Uint8Array, name = file, values = false): Promise<ProbeResult> {
  const { state, text } = await look(bytes);
  if (state !== 'good') return { state: 'bad', text };
  writeFileSync(name, bytes);
  return runProbe(name, { ...LIMIT, values });
}

/** Two at a time. */
async function each<T>(all: readonly T[], work: (one: T, name: string) => Promise<void>) {
  const left = [...all];
  const worker = async (name: string): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await work(one, name);
  };
  await Promise.all([worker(`${file}.a`), worker(`${file}.b`)]);
}

function flipped(at: number, mask: number): Buffer {
  const bytes = Buffer.from(good);
  bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at);
  return bytes;
}

/** Numbers below n, the same in every run. */
function random(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * n);
  };
}

test('of a good file the schema and all entries are told', async () => {
  expect(facts.schema).toEqual(SCHEMA);
  expect(facts.tables).toMatchObject({ meta: 1, samples: ENTRIES, waves: 0, retained: 0 });
  expect(await judge(good, file, true)).toMatchObject({
    state: 'good',
    facts: { tables: facts.tables },
  });
});

test('a file in which nothing was committed has no schema', async () => {
  const database = openDatabase(file, { fileBytes: 2 ** 20, readOnly: false });
  await database.close();
  expect(await runProbe(file, LIMIT)).toMatchObject({ state: 'good', facts: { schema: null } });
});

test('what cannot be through in time is slow, not bad', async () => {
  writeFileSync(file, good);
  expect(await runProbe(file, { timeoutMs: 1 })).toEqual({
    state: 'slow',
    text: 'was not through after 1 ms',
  });
});

test('probing changes nothing but the lock file', async () => {
  writeFileSync(file, good);
  await runProbe(file, LIMIT);
  expect(readFileSync(file).equals(good)).toBe(true);
});

test('a lock file that is damaged or of another user is no matter', async () => {
  writeFileSync(file, good);
  writeFileSync(`${file}-lock`, Buffer.alloc(8272, 0xa5));
  chmodSync(`${file}-lock`, 0);
  expect((await runProbe(file, LIMIT)).state).toBe('good');
});

test('a file that was cut off', async () => {
  const half = Math.floor(good.length / 2);
  const lengths = [0, 1, 4095, 4096, 4264, 8191, 8192, 12_288, half, good.length - 1];
  for (const length of lengths) {
    expect((await look(good.subarray(0, length))).state, `${length} bytes`).toBe('bad');
  }
});

test('the second half lost, where the file keeps its length', async () => {
  const bytes = Buffer.from(good);
  bytes.fill(0, bytes.length >> 1);
  expect((await judge(bytes)).state).toBe('bad');
});

test('zeros, and noise', async () => {
  expect((await look(Buffer.alloc(good.length))).text).toMatch(/zeros/);
  const next = random(5);
  const noise = Buffer.from(Array.from({ length: 65_536 }, () => next(256)));
  expect((await look(noise)).state).toBe('bad');
  const tail = Buffer.concat([good.subarray(0, 8192), Buffer.alloc(good.length - 8192, noise)]);
  expect((await judge(tail)).state).toBe('bad');
});

test('a crash of the child is a damage', async () => {
  for (const bytes of [good.subarray(0, 4096), Buffer.alloc(8192), flipped(24, 0xff)]) {
    writeFileSync(file, bytes); // inspect.ts would not let them come so far.
    const text = expect.stringMatching(/SIGSEGV|SIGBUS/);
    expect(await runProbe(file, LIMIT)).toEqual({ state: 'bad', text });
  }
});

test('each byte of the meta pages: found, or nothing is lost', SLOW, async () => {
  const places = Array.from({ length: META_BYTES }, (_, i) => [i, PAGE_BYTES + i]).flat();
  const damages = places.flatMap((at) => [0xff, 1 << (at % 8)].map((mask) => [at, mask] as const));
  const left: Buffer[] = [];
  for (const [at, mask] of damages) {
    const bytes = flipped(at, mask);
    if ((await look(bytes)).state === 'good') left.push(bytes);
  }
  // Left are the size of the map, sums of pages and entries, the boot id, and flags not in use.
  expect(left.length).toBeLessThan(damages.length * 0.7);
  const next = random(11);
  const some = left.filter(() => next(4) === 0); // A process each.
  await each(some, async (bytes, name) => {
    const result = await judge(bytes, name);
    if (result.state !== 'bad') expect(result).toMatchObject({ facts: { tables: facts.tables } });
  });
});

test(
  '200 places of the trees: found, or all but a value with its CRC wrong is there',
  SLOW,
  async () => {
    const next = random(42);
    const pages = Array.from({ length: good.length / PAGE_BYTES }, (_, page) => page)
      .slice(2)
      .filter((page) => good.readUInt32LE(page * PAGE_BYTES) === page)
      .filter((page) => [1, 2].includes(good.readUInt16LE(page * PAGE_BYTES + 18)));
    const damages = Array.from({ length: 200 }, () => {
      const page = (pages[next(pages.length)] ?? 2) * PAGE_BYTES;
      // Half of them among the header and the places of the entries, where it hurts.
      const used = 24 + good.readUInt16LE(page + 20);
      return [page + next(next(2) === 0 ? used : PAGE_BYTES), 1 << next(8)] as const;
    });
    let bad = 0;
    await each(damages, async ([at, mask], name) => {
      const result = await judge(flipped(at, mask), name, true);
      if (result.state === 'bad') {
        bad++;
        return;
      }
      const end = await runChild(join(directory, 'read.ts'), [name], { ...LIMIT, env: {} });
      expect(end.signal, `${at} ${mask}`).toBeUndefined();
      expect(Number(end.stdout), `${at} ${mask}`).toBeGreaterThanOrEqual(ENTRIES);
    });
    expect(bad).toBeGreaterThan(20);
  },
);

test('a page size of another machine', async () => {
  const program = join(directory, 'wide.ts');
  writeFileSync(
    program,
    `
      import { open } from '${import.meta.resolve('lmdb')}';
      const database = open({ path: process.argv[2], noSubdir: true, pageSize: 16384 });
      await database.put('a', 'b');
      await database.close();`,
  );
  const { code, stderr } = await runChild(program, [file], { ...LIMIT, env: {} });
  expect(code, stderr).toBe(0);
  expect((await look(readFileSync(file))).text).toMatch(/page size 4096, found 16384/);
});

test('a file that was being written when the process was killed is good', async () => {
  const program = join(directory, 'write.ts');
  writeFileSync(
    program,
    `
    import { openDatabase } from '${STORE}lmdb.ts';
    import { numberKey } from '${STORE}keys.ts';
    const database = openDatabase(process.argv[2], { fileBytes: 2 ** 20, readOnly: false });
    for (let i = 0; ; i++) {
      await database.commit(Array.from({ length: 40 }, (_, j) => ({
        table: 'samples', key: numberKey((i * 7 + j * 13) % 500),
        value: j % 3 ? new Uint8Array((i * j) % 9000) : undefined })));
      if (i === 0) process.send('writing');
    }`,
  );
  for (let kill = 0; kill < 12; kill++) {
    await using child = new Child(fork(program, [file], { execArgv: [] }), 'write.ts');
    await child.next();
    await sleep(13 * kill);
    expect(child.process.kill('SIGKILL')).toBe(true);
    await once(child.process, 'exit');
    expect((await judge(readFileSync(file))).state).toBe('good');
  }
});
