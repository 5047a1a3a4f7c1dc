/** A rule that finds nothing proves nothing: each one is shown what it is there to find. */
import { expect, test } from 'vitest';
import {
  createTree,
  filesAreNamedAlike,
  importsAreWrittenAlike,
  importsPointOneWay,
  noExportIsDead,
  noFileIsDead,
  nothingIsLeftOver,
  packagesStayBehindOneFile,
  sizesFitInAHead,
  theWorldIsAnArgument,
} from '../../support/tidy-rules.ts';

/** Files that each export `x`, for others to import. */
function existing(...files: string[]): Record<string, string> {
  return Object.fromEntries(files.map((file) => [file, 'export const x = 1;']));
}

const ALL = existing(
  ...['src/core/a.ts', 'src/core/b.ts', 'src/io/a.ts', 'src/sources/source.ts', 'src/can-up.ts'],
  ...['src/gateway/a.ts'],
  ...['src/sources/obd/a.ts', 'src/sources/eeg/a.ts', 'src/sim/a.ts', 'src/http/a.ts'],
  ...['src/http/routes/a.ts', 'src/mqtt/a.ts', 'test/support/a.ts'],
);

test('values come only from the own folder and from those before it', () => {
  const good: [file: string, from: string][] = [
    ['src/core/x.ts', './a.ts'],
    ['src/io/x.ts', '#core/a.ts'],
    ['src/sources/obd/x.ts', '../eeg/a.ts'],
    ['src/sources/obd/x.ts', '../../io/a.ts'],
    ['src/http/routes/x.ts', '../../sim/a.ts'],
    ['src/x.ts', './can-up.ts'],
    ['src/x.ts', './gateway/a.ts'],
    ['src/gateway/x.ts', '../http/a.ts'],
    ['src/x.ts', './http/a.ts'],
    ['src/core/x.ts', 'node:path'],
  ];
  const bad: [file: string, from: string][] = [
    ['src/core/x.ts', '../io/a.ts'],
    ['src/io/x.ts', '../sources/obd/a.ts'],
    ['src/sources/obd/x.ts', '../../sim/a.ts'],
    ['src/sim/x.ts', '../http/a.ts'],
    ['src/http/x.ts', '../mqtt/a.ts'],
    ['src/http/x.ts', '../can-up.ts'],
    ['src/http/x.ts', '../gateway/a.ts'],
    ['src/gateway/x.ts', '../can-up.ts'],
    ['src/core/x.ts', '../../test/support/a.ts'],
  ];
  const found = ([file, from]: [string, string]): string[] =>
    importsPointOneWay(createTree({ ...ALL, [file]: `import { x } from '${from}';` }));
  for (const example of good) expect(found(example), example.join(' from ')).toEqual([]);
  for (const example of bad) {
    expect(found(example), example.join(' from ')).toEqual([
      expect.stringContaining(`${example[0]} must not import`),
    ]);
  }
});

test('types also come from the same rank, but not from above', () => {
  const found = (file: string, from: string): string[] =>
    importsPointOneWay(createTree({ ...ALL, [file]: `import type { x } from '${from}';` }));
  expect(found('src/sim/x.ts', '../sources/obd/a.ts')).toEqual([]);
  expect(found('src/http/x.ts', '../mqtt/a.ts')).toEqual([]);
  expect(found('src/sim/x.ts', '../http/a.ts')).toHaveLength(1);
  expect(found('src/core/x.ts', '../io/a.ts')).toHaveLength(1);
});

test('other ways to import are imports, and a file or a folder nobody knows is told', () => {
  const found = (text: string, file = 'src/io/x.ts'): string[] =>
    importsPointOneWay(createTree({ ...ALL, [file]: text }));
  expect(found("export * from '../sim/a.ts';")).toHaveLength(1);
  expect(found("const { x } = await import('../sim/a.ts');")).toHaveLength(1);
  expect(found("import { type x } from '../sim/a.ts';")).toHaveLength(1);
  expect(found("import { x } from './none.ts';")).toEqual([
    'src/io/x.ts imports src/io/none.ts, which is not there',
  ]);
  expect(found('', 'src/utils/x.ts')).toEqual(['src/utils/x.ts: the folder utils has no rank']);
});

test('core has its alias outside core only, and paths have their ending', () => {
  const found = (file: string, from: string): string[] =>
    importsAreWrittenAlike(createTree({ [file]: `import '${from}';` }));
  expect(found('src/core/x.ts', './a.ts')).toEqual([]);
  expect(found('src/io/x.ts', '#core/a.ts')).toEqual([]);
  expect(found('web/x.js', './a.js')).toEqual([]);
  expect(found('src/core/x.ts', '#core/a.ts')).toHaveLength(1);
  expect(found('src/io/x.ts', '../core/a.ts')).toHaveLength(1);
  expect(found('test/unit/x.test.ts', '../../src/core/a.ts')).toHaveLength(1);
  expect(found('src/io/x.ts', './a')).toHaveLength(1);
});

test('a file has at most 400 lines and a function 70, tables excepted by name', () => {
  const lines = (count: number): string => ';\n'.repeat(count);
  const body = (count: number): string => `function f() {\n${lines(count - 2)}}\n`;
  const good = createTree({ 'src/a.ts': lines(400), 'src/b.ts': body(70) });
  expect(sizesFitInAHead({})(good)).toEqual([]);
  const bad = createTree({ 'src/a.ts': lines(401), 'src/b.ts': `;\n${body(71)}` });
  expect(sizesFitInAHead({})(bad)).toEqual(['src/a.ts: 401 lines', 'src/b.ts:2: f has 71 lines']);
  expect(sizesFitInAHead({ 'src/a.ts': 'a table' })(bad)).toEqual(['src/b.ts:2: f has 71 lines']);
  expect(sizesFitInAHead({ 'src/a.ts': 'a table' })(good)).toEqual([
    'src/a.ts: 400 lines need no exception',
  ]);
});

test('a file that nothing which runs imports is dead, whatever the tests import', () => {
  const tree = createTree({
    'src/main.ts': "import './a.ts';",
    'src/a.ts': "import type { B } from './b.ts';",
    'src/b.ts': "import './a.ts';",
    'src/dead.ts': "import './deader.ts';",
    'src/deader.ts': '',
    'scripts/run.ts': "import '../src/tool.ts';",
    'src/tool.ts': '',
    'test/unit/dead.test.ts': "import '../../src/dead.ts';",
    'web/index.html': '<script type="module" src="/app.js"></script>',
    'web/app.js': "import './live.js';",
    'web/live.js': '',
    'web/old.js': '',
  });
  const dead = noFileIsDead(tree).map((sentence) => sentence.split(' ')[0]);
  expect(dead).toEqual(['src/dead.ts', 'src/deader.ts', 'web/old.js']);
});

test('an export that nothing which runs imports is dead, but for types that others show', () => {
  const tree = createTree({
    'src/a.ts': `export const used = 1;
      export const tested = 2;
      export interface Options { readonly of: Inner }
      export interface Inner {}
      export interface Forgotten {}
      export function run(options: Options): void { const x: Forgotten = {}; }`,
    'src/b.ts': 'export const all = 1;',
    'src/main.ts': "import { used, run } from './a.ts'; import * as b from './b.ts';",
    'test/unit/a.test.ts': "import { tested } from '../../src/a.ts';",
  });
  expect(noExportIsDead({})(tree)).toEqual([
    'src/a.ts tested is exported and nobody imports it',
    'src/a.ts Forgotten is exported and nobody imports it',
  ]);
  const exceptions = { 'src/a.ts tested': 'reason', 'src/a.ts used': 'none' };
  expect(noExportIsDead(exceptions)(tree)).toEqual([
    'src/a.ts Forgotten is exported and nobody imports it',
    'src/a.ts used needs no exception',
  ]);
});

test('a package is a dependency, and some are imported by one file only', () => {
  const tree = createTree({
    'package.json': JSON.stringify({
      dependencies: { serialport: '1', valibot: '1' },
      optionalDependencies: { socketcan: '1' },
      devDependencies: { '@scope/tool': '1' },
    }),
    'src/a.ts': "import 'serialport'; import 'valibot'; import 'node:fs'; import '#core/a.ts';",
    'src/b.ts': "import 'serialport/sub'; import 'valibot'; import '@scope/tool/x';",
    'src/c.ts': "await import('socketcan');",
  });
  expect(packagesStayBehindOneFile(tree)).toEqual([
    'serialport is imported by src/a.ts and src/b.ts',
    '@scope/tool is no dependency, but imported',
  ]);
});

test('only io reads clocks and sets timers, and only main and config read settings', () => {
  const found = (file: string, text: string): number =>
    theWorldIsAnArgument(createTree({ [file]: text })).length;
  const clocks = ['Date.now()', 'performance.now()', 'new Date()', 'process.hrtime.bigint()'];
  const timers = ['setTimeout(f, 1)', 'setInterval(f, 1)', "import 'node:timers/promises'"];
  for (const text of [...clocks, ...timers, 'AbortSignal.timeout(1)', 'Math.random()']) {
    expect(found('src/sources/x.ts', text), text).toBe(1);
    expect(found('src/io/x.ts', text), text).toBe(0);
    expect(found('test/integration/x.ts', text), text).toBe(0);
  }
  expect(
    ['main', 'settings/config', 'status'].map((x) => found(`src/${x}.ts`, 'process.env')),
  ).toEqual([...[0, 0, 1]]);
  expect(['main', 'io/x'].map((x) => found(`src/${x}.ts`, 'setImmediate(f)'))).toEqual([0, 1]);
  for (const text of ['console.log(1)', 'const x = y as any']) {
    expect(found('src/main.ts', text), text).toBe(1);
  }
});

test('notes to self and tests held back are told with their line', () => {
  const word = ['TO', 'DO'].join('');
  const tree = createTree({
    'src/a.ts': `\n// ${word}: later\nconst mastodons = 1;`,
    'scripts/a.ts': `// @ts-${'ignore'}`,
    'test/unit/a.test.ts': "test('a', f);\ntest.only('b', f);\ndescribe.skip('c', f);",
  });
  expect(nothingIsLeftOver(tree)).toEqual([
    `src/a.ts:2: ${word}`,
    `scripts/a.ts:1: @ts-${'ignore'}`,
    'test/unit/a.test.ts:2: test.only',
    'test/unit/a.test.ts:3: describe.skip',
  ]);
});

test('names of files and folders are in kebab-case', () => {
  const good = ['src/http/port-url.ts', 'test/unit/io/log.test.ts', 'web/index.html', 'README.md'];
  const bad = ['src/portUrl.ts', 'src/Http/a.ts', 'test/unit/a_b.test.ts', 'web/App.js'];
  const texts = Object.fromEntries([...good, ...bad].map((file) => [file, '']));
  expect(filesAreNamedAlike(createTree(texts))).toEqual(
    bad.map((file) => `${file} is not in kebab-case`),
  );
});
