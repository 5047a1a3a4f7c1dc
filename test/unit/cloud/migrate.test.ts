import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readMigrations, statementsOf } from '../../../src/cloud/migrate.ts';

const SCHEMA = readFileSync('src/cloud/schema.sql', 'utf8');

test('the schema is made of migrations that are numbered from 1', () => {
  const migrations = readMigrations(SCHEMA);
  expect(migrations.map(({ number }) => number)).toEqual(migrations.map((_, i) => i + 1));
  expect(migrations.length).toBeGreaterThan(0);
});

test('a number that is left out or comes twice is refused', () => {
  expect(() => readMigrations('-- migration 2: a\n')).toThrow('migration 2 where 1 is expected');
  expect(() => readMigrations('-- migration 1: a\n-- migration 1: b\n')).toThrow(RangeError);
});

test('a statement ends with its semicolon, which one within $$ is not', () => {
  const sql =
    'CREATE TABLE a (\n  b int, -- c;d\n  c int\n);\nDO $$\nBEGIN\n  x;\nEND $$;\n-- rest\n';
  expect(statementsOf(sql)).toEqual([
    'CREATE TABLE a (\n  b int, -- c;d\n  c int\n);\n',
    'DO $$\nBEGIN\n  x;\nEND $$;\n',
  ]);
});
