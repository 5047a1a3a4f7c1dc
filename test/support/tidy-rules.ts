/**
 * Rules about the code itself, which no linter knows. After TigerBeetle's src/tidy.zig: what is not
 * executed decays. Each rule returns one sentence for each place that breaks it.
 */
import path from 'node:path';
import {
  exportsOf,
  functionsOf,
  importsOf,
  lineAt,
  mentionsOf,
  parseSource,
  type SourceFile,
} from './syntax.ts';

export interface Tree {
  /** Everything that can be parsed, by its path from the top of the repository. */
  readonly sources: ReadonlyMap<string, SourceFile>;
  /** Every file of src/, test/, scripts/ and web/, and whatever else is looked up here. */
  readonly texts: ReadonlyMap<string, string>;
}

type Rule = (tree: Tree) => string[];

export function createTree(texts: Readonly<Record<string, string>>): Tree {
  const parsed = Object.entries(texts).filter(([file]) => /\.[jt]s$/.test(file));
  return {
    sources: new Map(parsed.map(([file, text]) => [file, parseSource(file, text)])),
    texts: new Map(Object.entries(texts)),
  };
}

/** A folder may import values only from those before it; types also from its own rank. */
const RANKS: readonly (readonly string[])[] = [
  ['core'],
  ['codec'],
  ['io'],
  ['wire'],
  [
    ...['sources', 'sim', 'fatigue', 'store', 'sessions', 'accounts', 'ingest'],
    ...['alerts', 'export', 'outbox', 'cloud', 'settings', 'backup'],
  ],
  ['reading', 'exporting'],
  ['mqtt', 'http'],
  ['gateway'],
  [''], // Files directly in src/.
];

export const importsPointOneWay: Rule = ({ sources }) =>
  within(sources, 'src/').flatMap((file) => {
    const from = folderOf(file.path);
    if (rankOf(from) < 0) return [`${file.path}: the folder ${from} has no rank`];
    return importsOf(file).flatMap(({ from: written, typeOnly }) => {
      const target = resolveImport(file.path, written);
      if (target === undefined) return [];
      if (!sources.has(target)) return [`${file.path} imports ${target}, which is not there`];
      if (!target.startsWith('src/')) return [`${file.path} must not import ${target}`];
      const to = folderOf(target);
      const down = rankOf(to) < rankOf(from);
      const level = typeOnly && rankOf(to) === rankOf(from);
      return from === to || down || level ? [] : [`${file.path} must not import ${target}`];
    });
  });

/** `#core/` from everywhere outside core/; and every path says which file it means. */
export const importsAreWrittenAlike: Rule = ({ sources }) =>
  [...sources.values()].flatMap((file) =>
    importsOf(file).flatMap(({ from }) => {
      const target = resolveImport(file.path, from);
      if (target === undefined) return [];
      const alias = !file.path.startsWith('src/core/') && target.startsWith('src/core/');
      if (alias !== from.startsWith('#core/')) {
        return [`${file.path}: ${from} is ${alias ? '#core/...' : 'a relative path'} here`];
      }
      return /\.[jt]s$/.test(from) ? [] : [`${file.path}: ${from} does not end in .ts or .js`];
    }),
  );

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

/** @param tables files that are a table and may be as long as it, each with the reason */
export function sizesFitInAHead(tables: Readonly<Record<string, string>>): Rule {
  return ({ sources }) => [
    ...[...sources.values()].flatMap(({ path, text }) => {
      const lines = text.trimEnd().split('\n').length;
      if (Object.hasOwn(tables, path)) {
        return lines > FILE_LINES_MAX ? [] : [`${path}: ${lines} lines need no exception`];
      }
      return lines > FILE_LINES_MAX ? [`${path}: ${lines} lines`] : [];
    }),
    ...[...sources.values()].flatMap((file) =>
      functionsOf(file)
        .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
        .map(({ name, line, lines }) => `${file.path}:${line}: ${name} has ${lines} lines`),
    ),
  ];
}

/** Where programs begin: the gateway, its thread, the fleet side, and what a person runs. */
const ENTRIES =
  /^src\/(main|can-up)\.ts$|^src\/reading\/worker\.ts$|^src\/cloud\/(main|ingest)\.ts$|^scripts\//;

export const noFileIsDead: Rule = ({ sources, texts }) => {
  const page = texts.get('web/index.html') ?? '';
  const scripts = [...page.matchAll(/<script[^>]* src="\/([^"]+)"/g)].map(
    ([, file]) => `web/${file}`,
  );
  const alive = new Set<string>();
  const visit = (name: string): void => {
    const file = sources.get(name);
    if (file === undefined || alive.has(name)) return;
    alive.add(name);
    for (const { from } of importsOf(file)) visit(resolveImport(name, from) ?? '');
  };
  for (const name of [...sources.keys()].filter((name) => ENTRIES.test(name))) visit(name);
  for (const name of scripts) visit(name);
  return [...within(sources, 'src/'), ...within(sources, 'web/')]
    .filter((file) => !alive.has(file.path))
    .map((file) => `${file.path} is used by nothing that runs`);
};

/**
 * An export is used when something that runs imports it. A type is also used where another export of
 * its file shows it to those who use that one.
 *
 * @param exceptions `path name` of exports that only others need to know, each with the reason
 */
export function noExportIsDead(exceptions: Readonly<Record<string, string>>): Rule {
  return ({ sources }) => {
    const used = new Set<string>();
    for (const file of [...sources.values()].filter(({ path }) => !path.startsWith('test/'))) {
      for (const { from, names } of importsOf(file)) {
        const target = resolveImport(file.path, from);
        for (const name of names) used.add(`${target} ${name}`);
      }
    }
    const dead = [...within(sources, 'src/'), ...within(sources, 'web/')].flatMap((file) =>
      used.has(`${file.path} *`) ? [] : unseen(file).map((name) => `${file.path} ${name}`),
    );
    return [
      ...dead
        .filter((name) => !used.has(name) && !Object.hasOwn(exceptions, name))
        .map((name) => `${name} is exported and nobody imports it`),
      ...Object.keys(exceptions)
        .filter((name) => !dead.includes(name) || used.has(name))
        .map((name) => `${name} needs no exception`),
    ];
  };
}

/** What a file exports, without the types that its other exports show. */
function unseen(file: SourceFile): string[] {
  const all = exportsOf(file);
  return all
    .filter(
      ({ name, isType }) =>
        !(isType && all.some((other) => other.name !== name && other.signature.includes(name))),
    )
    .map(({ name }) => name);
}

/** Each is behind one file, so that replacing it changes one file. */
const ONE_IMPORTER = [
  ...['serialport', 'uWebSockets.js', 'socketcan', 'lmdb', 'aedes', 'mqtt'],
  ...['nodemailer', 'bcrypt', 'jose', 'yaml', 'rabbitmq-client', 'pg', 'pg-copy-streams'],
];

export const packagesStayBehindOneFile: Rule = ({ sources, texts }) => {
  const manifest: unknown = JSON.parse(texts.get('package.json') ?? '{}');
  const importers = new Map<string, string[]>();
  for (const file of within(sources, 'src/')) {
    const names = importsOf(file).map(({ from }) => packageOf(from));
    for (const name of new Set(names.filter((name) => name !== undefined))) {
      importers.set(name, [...(importers.get(name) ?? []), file.path]);
    }
  }
  return [...importers].flatMap(([name, files]) => [
    ...(isDependency(manifest, name) ? [] : [`${name} is no dependency, but imported`]),
    ...(ONE_IMPORTER.includes(name) && files.length > 1
      ? [`${name} is imported by ${files.join(' and ')}`]
      : []),
  ]);
};

function isDependency(manifest: unknown, name: string): boolean {
  return ['dependencies', 'optionalDependencies'].some((kind) => {
    const group = Reflect.get(Object(manifest), kind);
    return Object.hasOwn(Object(group), name);
  });
}

/** The npm package of an import; undefined for files and for what comes with Node. */
function packageOf(from: string): string | undefined {
  if (/^[.#]|^node:/.test(from)) return undefined;
  return /^(@[^/]+\/)?[^/]+/.exec(from)?.[0];
}

const IO = /^src\/io\//;
const MAIN = /^src\/main\.ts$/;
const NOWHERE = /^$/;

/** What reads the world, and the only files that may. Everything else gets it as an argument. */
const WORLD: readonly (readonly [names: RegExp, allowed: RegExp, why: string])[] = [
  [/^(Date\.now|new Date\(\)|performance\.now|process\.hrtime)$/, IO, 'time is an argument'],
  [/^Math\.random$/, IO, 'randomness is an argument'],
  [/^(setTimeout|setInterval|AbortSignal\.timeout)$/, IO, 'a Clock sleeps'],
  [/^setImmediate$/, MAIN, 'the bus is given its turns'],
  [/^process\.env$/, /^src\/(main|cloud\/main|settings\/config)\.ts$/, 'settings are arguments'],
  [/^console$/, NOWHERE, 'a Log is an argument'],
  [/^any$/, NOWHERE, 'unknown says the same, and is checked'],
];

/** Modules that do what a name of WORLD does. */
const WORLD_MODULES = /^(node:)?timers(\/promises)?$/;

export const theWorldIsAnArgument: Rule = ({ sources }) =>
  within(sources, 'src/').flatMap((file) => [
    ...mentionsOf(file).flatMap(({ name, start }) => {
      const [, allowed = /^/, why = ''] = WORLD.find(([names]) => names.test(name)) ?? [];
      return allowed.test(file.path)
        ? []
        : [`${file.path}:${lineAt(file, start)}: ${name}: ${why}`];
    }),
    ...importsOf(file)
      .filter(({ from }) => WORLD_MODULES.test(from) && !IO.test(file.path))
      .map(({ from }) => `${file.path} must not import ${from}`),
  ]);

/** Written so that the rule does not find itself. */
const LEFTOVERS = /\bTOD[O]\b|\bFIXM[E]\b|\bXX[X]\b|@ts-(?:ignor[e]|expect-erro[r]|nochec[k])/g;
const HELD_BACK = /^(test|it|describe|suite)\.(only|skip|todo)$/;

export const nothingIsLeftOver: Rule = ({ sources }) =>
  [...sources.values()].flatMap((file) => [
    ...[...file.text.matchAll(LEFTOVERS)].map(
      ({ 0: word, index }) => `${file.path}:${lineAt(file, index)}: ${word}`,
    ),
    ...mentionsOf(file)
      .filter(({ name }) => HELD_BACK.test(name))
      .map(({ name, start }) => `${file.path}:${lineAt(file, start)}: ${name}`),
  ]);

const KEBAB_CASE = /^[a-z0-9]+([-.][a-z0-9]+)*$/;

export const filesAreNamedAlike: Rule = ({ texts }) =>
  [...texts.keys()]
    .filter((file) => /^(src|test|scripts|web)\//.test(file))
    .filter((file) => !file.split('/').every((part) => KEBAB_CASE.test(part)))
    .map((file) => `${file} is not in kebab-case`);

function within(sources: Tree['sources'], folder: string): SourceFile[] {
  return [...sources.values()].filter(({ path }) => path.startsWith(folder));
}

/** The folder of src/ that a file is in; empty for files directly in src/. */
function folderOf(file: string): string {
  return file.split('/').slice(1, -1)[0] ?? '';
}

function rankOf(folder: string): number {
  return RANKS.findIndex((rank) => rank.includes(folder));
}

/** The file an import means; undefined for packages. */
function resolveImport(from: string, written: string): string | undefined {
  if (written.startsWith('#core/')) return written.replace('#', 'src/');
  return written.startsWith('.') ? path.posix.join(path.dirname(from), written) : undefined;
}
