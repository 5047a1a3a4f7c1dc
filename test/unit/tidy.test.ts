/** The rules of tidy-rules.ts, held against the repository as it is. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
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
} from '../support/tidy-rules.ts';

/** Files that are a table, which a reader looks things up in: as long as what they list. */
const TABLES: Readonly<Record<string, string>> = {
  'src/sources/obd/pid-table.ts': 'one row a parameter of SAE J1979',
  'src/sources/obd/dtc-texts.ts': 'one row a trouble code of SAE J2012',
};

/** Exports that nothing in the gateway imports, and why they are there. */
const FOR_OTHERS: Readonly<Record<string, string>> = {};

const TOP = path.resolve(import.meta.dirname, '../..');
const FILES = ['{src,test,scripts,web}/**/*', 'package.json', 'vitest.config.ts'];

const tree = createTree(
  Object.fromEntries(
    globSync(FILES, { cwd: TOP, withFileTypes: true, exclude: ['web/dist', 'web/vendor'] })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(TOP, file), readFileSync(file, 'utf8')]),
  ),
);

test('the rules see the repository', () => {
  const names = [...tree.sources.keys()];
  expect(names).toContain('src/core/bus.ts');
  expect(names).toContain('web/app.js');
  expect(names).toContain('test/unit/tidy.test.ts');
});

test('imports point one way', () => {
  expect(importsPointOneWay(tree)).toEqual([]);
});

test('imports are written alike', () => {
  expect(importsAreWrittenAlike(tree)).toEqual([]);
});

test('files and functions fit in a head', () => {
  expect(sizesFitInAHead(TABLES)(tree)).toEqual([]);
});

test('no file is dead', () => {
  expect(noFileIsDead(tree)).toEqual([]);
});

test('no export is dead', () => {
  expect(noExportIsDead(FOR_OTHERS)(tree)).toEqual([]);
});

test('packages stay behind one file', () => {
  expect(packagesStayBehindOneFile(tree)).toEqual([]);
});

test('time, randomness, settings and the log are arguments', () => {
  expect(theWorldIsAnArgument(tree)).toEqual([]);
});

test('nothing is left over', () => {
  expect(nothingIsLeftOver(tree)).toEqual([]);
});

test('files are named alike', () => {
  expect(filesAreNamedAlike(tree)).toEqual([]);
});
