import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';
import { withoutComments } from '../../../src/http/comments.ts';

test('comments with lines to themselves go, and lines keep their numbers', () => {
  const script = [
    '/** About it.',
    ' * @type {number} a = 1; */',
    'const a = 1; // stays',
    '  // goes',
    '  /* goes */',
    'const b = /** @type {any} */ (a);',
    '/** @type {any} */ const c = 2;',
  ].join('\n');
  const bare = ['', '', 'const a = 1; // stays', '', '', 'const b = /** @type {any} */ (a);'];
  expect(withoutComments(script)).toBe([...bare, '/** @type {any} */ const c = 2;'].join('\n'));
});

test('every script of the page is the same program without them, and a quarter shorter', () => {
  const web = path.resolve(import.meta.dirname, '../../../web');
  const scripts = globSync('**/*.js', { cwd: web });
  expect(scripts.length).toBeGreaterThan(20);
  let [before, after] = [0, 0];
  for (const file of scripts) {
    const text = readFileSync(path.join(web, file), 'utf8');
    const bare = withoutComments(text);
    before += text.length;
    after += bare.length;
    expect(program(bare), file).toEqual(program(text));
  }
  expect(after).toBeLessThan(0.75 * before);
});

/** The tree of a script, without where things stand in it. */
function program(text: string): unknown {
  const drop = (key: string, value: unknown): unknown =>
    ['start', 'end', 'range', 'loc', 'comments'].includes(key) ? undefined : value;
  return JSON.parse(JSON.stringify(parseAst(text, { lang: 'js' }), drop));
}
