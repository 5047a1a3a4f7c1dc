import { expect, test } from 'vitest';
import {
  exportsOf,
  functionsOf,
  importsOf,
  lineAt,
  mentionsOf,
  parseSource,
} from '../../support/syntax.ts';

function names(text: string): string[] {
  return mentionsOf(parseSource('a.ts', text)).map(({ name }) => name);
}

test('every way to import is seen, with its names and whether it is gone at run time', () => {
  const file = parseSource(
    'a.ts',
    `import './effect.ts';
     import def, { one, type Two, three as drei } from './names.ts';
     import * as all from './all.ts';
     import type { Shape } from './shape.ts';
     import {
       long,
     } from './long.ts';
     export { again } from './again.ts';
     export type { Again } from './again-type.ts';
     export * from './star.ts';
     const lazy = await import('./lazy.ts');
     type Far = import('./far.ts').Far;
     // import { no } from './comment.ts';
     const text = "import { no } from './string.ts'";`,
  );
  expect(importsOf(file)).toEqual([
    { from: './effect.ts', names: [], typeOnly: false },
    { from: './names.ts', names: ['default', 'one', 'Two', 'three'], typeOnly: false },
    { from: './all.ts', names: ['*'], typeOnly: false },
    { from: './shape.ts', names: ['Shape'], typeOnly: true },
    { from: './long.ts', names: ['long'], typeOnly: false },
    { from: './again.ts', names: ['again'], typeOnly: false },
    { from: './again-type.ts', names: ['Again'], typeOnly: true },
    { from: './star.ts', names: ['*'], typeOnly: false },
    { from: './lazy.ts', names: ['*'], typeOnly: false },
    { from: './far.ts', names: ['*'], typeOnly: true },
  ]);
});

test('every way to export is seen', () => {
  const file = parseSource(
    'a.ts',
    `export const a = 1, { b, c: [d = 2], ...e } = x;
     export function f() {}
     export class G {}
     export interface H {}
     export type I = 1;
     const j = 1;
     export { j, j as k };
     export default 5;
     const hidden = 2;`,
  );
  const found = exportsOf(file).map(({ name, isType }) => (isType ? `type ${name}` : name));
  expect(found).toEqual([
    ...['a', 'b', 'd', 'e', 'f', 'G', 'type H', 'type I'],
    ...['j', 'k', 'default'],
  ]);
});

test('a signature has the names a user meets, not those of the body', () => {
  const file = parseSource('a.ts', 'export function f(a: In): Out { return hidden as Secret; }');
  expect(exportsOf(file)[0]?.signature).toEqual(['f', 'a', 'In', 'Out']);
});

test('functions of every kind are measured, whatever stands in their text', () => {
  const file = parseSource(
    'a.ts',
    `function plain() {
       return '}' + \`}\${'{'}\` + /[}]/.source; // }
     }
     class A {
       #method<T extends { x: 1 }>(
         arg: T,
       ) {
         const inner = () => {
           return arg;
         };
       }
       get short() { return 1; }
     }
     const object = { key: async function named() {

     } };`,
  );
  expect(functionsOf(file).map(({ name, line, lines }) => [name, line, lines])).toEqual([
    ['plain', 1, 3],
    ['a function', 5, 7],
    ['a function', 8, 3],
    ['a function', 12, 1],
    ['named', 14, 3],
  ]);
});

test('what the code refers to is seen, and what only looks like it is not', () => {
  expect(names('setTimeout(f, 1)')).toContain('setTimeout');
  expect(names('globalThis.setTimeout(f, 1)')).toContain('setTimeout');
  expect(names('const later = setTimeout;')).toContain('setTimeout');
  expect(names('new Bus(setImmediate)')).toContain('setImmediate');
  expect(names('Date.now() + performance.now()')).toEqual(
    expect.arrayContaining(['Date.now', 'performance.now']),
  );
  expect(names('process["env"]["HOME"]')).toContain('process.env');
  expect(names('new Date()')).toContain('new Date()');
  expect(names('test.only.each([1])("x", f)')).toContain('test.only');
  expect(names('const x = y as any')).toContain('any');
  for (const harmless of [
    'socket.setTimeout(5)',
    'this.socket.setTimeout(5)',
    'const o = { setTimeout: 1 }',
    'interface I { setTimeout: number }',
    'class C { setTimeout() {} }',
    '"setTimeout"; // setTimeout(f, 1)',
    "import { setTimeout as delay } from 'node:timers/promises'",
  ]) {
    expect(names(harmless), harmless).not.toContain('setTimeout');
  }
  expect(names('new Date(0)')).not.toContain('new Date()');
  expect(names('const any = many')).toEqual(['any', 'many']);
});

test('lines count from 1', () => {
  const file = parseSource('a.ts', 'a;\nb;\n');
  expect([0, 2, 3, 5].map((offset) => lineAt(file, offset))).toEqual([1, 1, 2, 2]);
});

test('plain JavaScript is parsed as well, and what is neither is an error', () => {
  expect(exportsOf(parseSource('a.js', 'export const a = 1;'))).toHaveLength(1);
  expect(() => parseSource('a.ts', 'const = 1')).toThrow();
});
