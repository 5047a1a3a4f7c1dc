/** What the rules about the code need to know of a file, taken from its syntax tree (ESTree). */
import path from 'node:path';
import { parseAst } from 'vitest/node';

/** Any node of the tree; which fields it has depends on its type. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

export interface SourceFile {
  /** From the top of the repository: `src/core/bus.ts`. */
  readonly path: string;
  readonly text: string;
  readonly root: Node;
}

export interface Import {
  /** As written: `./ring.ts`, `#core/ring.ts`, `valibot`. */
  readonly from: string;
  /** The names as the other file exports them; `*` for all of them. */
  readonly names: readonly string[];
  /** Gone at run time. */
  readonly typeOnly: boolean;
}

export interface Export {
  readonly name: string;
  /** An interface or a type alias; a class counts as a value. */
  readonly isType: boolean;
  /** The names a user of this one meets with it. */
  readonly signature: readonly string[];
}

export interface Mention {
  readonly name: string;
  /** Where in the text. */
  readonly start: number;
}

export interface FunctionSize {
  readonly name: string;
  readonly line: number;
  /** From its first line to the line of its closing brace, both included. */
  readonly lines: number;
}

export function parseSource(file: string, text: string): SourceFile {
  const lang = path.extname(file) === '.js' ? 'js' : 'ts';
  const root: unknown = parseAst(text, { lang, sourceType: 'module' }, file);
  if (!isNode(root)) throw new TypeError(`${file}: the parser returned no tree`);
  return { path: file, text, root };
}

/** Everything the file takes from others: imports, re-exports, `import()` and types by `import()`. */
export function importsOf({ root }: SourceFile): Import[] {
  return nodesOf(root).flatMap((node) => {
    const source = field(node, 'source') ?? field(node, 'argument');
    const from = source?.['value'];
    if (typeof from !== 'string') return [];
    switch (node.type) {
      case 'ImportDeclaration':
        return { from, names: namesOf(node), typeOnly: node['importKind'] === 'type' };
      case 'ExportNamedDeclaration':
        return { from, names: namesOf(node), typeOnly: node['exportKind'] === 'type' };
      case 'ExportAllDeclaration':
        return { from, names: ['*'], typeOnly: node['exportKind'] === 'type' };
      case 'ImportExpression':
        return { from, names: ['*'], typeOnly: false };
      case 'TSImportType':
        return { from, names: ['*'], typeOnly: true };
      default:
        return [];
    }
  });
}

function namesOf(declaration: Node): string[] {
  return children(declaration, 'specifiers').map((specifier) => {
    if (specifier.type === 'ImportDefaultSpecifier') return 'default';
    if (specifier.type === 'ImportNamespaceSpecifier') return '*';
    return nameOf(field(specifier, 'imported') ?? field(specifier, 'local'));
  });
}

/** The names the file exports, types included, each with the names in its signature. */
export function exportsOf({ root }: SourceFile): Export[] {
  return children(root, 'body').flatMap((node) => {
    const signature = signatureOf(node);
    const declaration = field(node, 'declaration');
    const isType = TYPES.includes(declaration?.type ?? '') || node['exportKind'] === 'type';
    return exportedNames(node).map((name) => ({ name, isType, signature }));
  });
}

const TYPES = ['TSInterfaceDeclaration', 'TSTypeAliasDeclaration'];

function exportedNames(node: Node): string[] {
  if (node.type === 'ExportDefaultDeclaration') return ['default'];
  if (node.type !== 'ExportNamedDeclaration') return [];
  const declaration = field(node, 'declaration');
  if (!declaration) return children(node, 'specifiers').map((s) => nameOf(field(s, 'exported')));
  if (declaration.type !== 'VariableDeclaration') return [nameOf(field(declaration, 'id'))];
  return children(declaration, 'declarations').flatMap((one) => boundNames(field(one, 'id')));
}

/** Every name in a declaration, the bodies of functions left out. */
function signatureOf(node: Node): string[] {
  if (node.type === 'BlockStatement') return [];
  const within = Object.keys(node).flatMap((name) => children(node, name));
  return [...(node.type === 'Identifier' ? [nameOf(node)] : []), ...within.flatMap(signatureOf)];
}

/** The names that a pattern such as `{ a, b: [c = 1] }` declares. */
function boundNames(pattern: Node | undefined): string[] {
  switch (pattern?.type) {
    case 'Identifier':
      return [nameOf(pattern)];
    case 'ObjectPattern':
      return children(pattern, 'properties').flatMap((property) =>
        boundNames(field(property, 'value') ?? field(property, 'argument')),
      );
    case 'ArrayPattern':
      return children(pattern, 'elements').flatMap(boundNames);
    case 'AssignmentPattern':
      return boundNames(field(pattern, 'left'));
    case 'RestElement':
      return boundNames(field(pattern, 'argument'));
    default:
      return [];
  }
}

const FUNCTIONS = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'];

/** Functions, methods and arrow functions, those within others included. */
export function functionsOf(file: SourceFile): FunctionSize[] {
  return nodesOf(file.root)
    .filter(({ type }) => FUNCTIONS.includes(type))
    .map((node) => {
      const line = lineAt(file, node.start);
      const name = nameOf(field(node, 'id')) || 'a function';
      return { name, line, lines: lineAt(file, node.end) - line + 1 };
    });
}

/**
 * Names the code refers to, as far as they are written out: `setTimeout`, `Date.now`, `test.only`.
 * `new Date()` without arguments, which reads the clock, is told by that name; `any` is the type.
 */
export function mentionsOf({ root }: SourceFile): Mention[] {
  const mentions: Mention[] = [];
  const visit = (node: Node): void => {
    const name = mention(node);
    if (name !== '') mentions.push({ name, start: node.start });
    for (const child of referring(node)) visit(child);
  };
  visit(root);
  return mentions;
}

function mention(node: Node): string {
  switch (node.type) {
    case 'Identifier':
      return nameOf(node);
    case 'TSAnyKeyword':
      return 'any';
    case 'NewExpression': {
      const bare = children(node, 'arguments').length === 0;
      return bare && nameOf(field(node, 'callee')) === 'Date' ? 'new Date()' : '';
    }
    case 'MemberExpression': {
      const object = nameOf(field(node, 'object'));
      const property = nameOf(field(node, 'property'));
      if (object === 'globalThis') return property;
      return object === '' ? '' : `${object}.${property}`;
    }
    default:
      return '';
  }
}

const KEYED = ['Property', 'PropertyDefinition', 'MethodDefinition', 'TSPropertySignature'];

/** The children of a node that can refer to something: not the keys of objects, nor imported names. */
function referring(node: Node): Node[] {
  if (node.type === 'ImportDeclaration') return [];
  const keyed = node.type === 'MemberExpression' ? 'property' : 'key';
  const plain = node['computed'] !== true;
  const skips = plain && (keyed === 'property' || KEYED.includes(node.type));
  return Object.keys(node)
    .filter((name) => !(skips && name === keyed))
    .flatMap((name) => children(node, name));
}

/** The node and everything in it, in the order of the text. */
function nodesOf(node: Node): Node[] {
  const within = Object.keys(node).flatMap((name) => children(node, name));
  return [node, ...within.flatMap(nodesOf)];
}

function children(node: Node, name: string): Node[] {
  const value = node[name];
  return (Array.isArray(value) ? value : [value]).filter(isNode);
}

function field(node: Node, name: string): Node | undefined {
  return children(node, name)[0];
}

/** The name of an identifier, or the text of a string in its place. */
function nameOf(node: Node | undefined): string {
  const name = node?.['name'] ?? node?.['value'];
  return typeof name === 'string' ? name : '';
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** The line of a place in the text, from 1. */
export function lineAt({ text }: SourceFile, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
