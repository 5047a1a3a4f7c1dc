/**
 * Builds the native part of the package socketcan, without which the gateway has no CAN interfaces of
 * Linux: npm's scripts are switched off. It takes some 10 s, once; where there is no compiler, or no
 * socketcan, everything else works.
 *
 * The part is built beside the package and put into it whole, so that two set-ups at once, and one
 * that is interrupted, do no harm. It speaks Node-API only: any Node loads it.
 *
 *   node scripts/socketcan-build.ts
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the gateway loads; see src/io/can/socketcan.ts. */
const BUILT = 'build/Release/can.node';
/** In the package: for which version and processor its native part was built. */
const STAMP = 'build/.vigil-built';
/** In the package too: what was said about a compiler that is missing. */
const TOLD = '.vigil-told';
const TOOLS = ['g++', 'make', 'python3'];
/** Milliseconds; on a small Pi the compiler takes two minutes. */
const BUILD_MS_MAX = 600_000;
/** What of the many lines of a build says what went wrong, and how many of these are told. */
const FAULT = /\berror\b|ERR! (?!System|command|cwd|node|not ok|stack)/i;
const FAULTS_TOLD = 3;

export interface BuildOptions {
  /** Where the packages are. */
  readonly modules: string;
  /** The Node to build for, and to build with. */
  readonly node: string;
  readonly arch: string;
  /** Where the tools are looked for. */
  readonly searchPath: string;
}

/** Builds what is missing; returns a sentence on what was done, or undefined where nothing was to do. */
export function buildInstalled({
  modules,
  node,
  arch,
  searchPath,
}: BuildOptions): string | undefined {
  const home = path.join(modules, 'socketcan');
  if (!existsSync(path.join(home, 'package.json'))) return undefined;
  const stamp = `${versionOf(home)} ${arch}`;
  if (existsSync(path.join(home, BUILT)) && readStamp(home) === stamp) return undefined;
  const missing = TOOLS.filter((tool) => !isInstalled(tool, searchPath));
  if (missing.length > 0) {
    const needed = `CAN interfaces need a compiler, and ${missing.join(', ')} is missing`;
    return once(home, `${needed}: apt install g++ make python3, and run this again`);
  }
  const work = mkdtempSync(path.join(modules, '.socketcan-'));
  try {
    for (const name of ['binding.gyp', 'native', 'package.json']) {
      cpSync(path.join(home, name), path.join(work, name), { recursive: true });
    }
    const fault = compile(work, { modules, node, arch, searchPath });
    if (fault !== undefined)
      return `CAN interfaces are missing, as socketcan was not built: ${fault}`;
    mkdirSync(path.join(home, path.dirname(BUILT)), { recursive: true });
    renameSync(path.join(work, BUILT), path.join(home, BUILT));
    writeFileSync(path.join(home, STAMP), stamp);
    return `socketcan was built: CAN interfaces can be used`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The sentence, unless it was the last that was said: this runs at each start of the gateway. */
function once(home: string, sentence: string): string | undefined {
  const file = path.join(home, TOLD);
  if (existsSync(file) && readFileSync(file, 'utf8') === sentence) return undefined;
  writeFileSync(file, sentence);
  return sentence;
}

/** Undefined where it went well, else what went wrong. */
function compile(
  work: string,
  { modules, node, arch, searchPath }: BuildOptions,
): string | undefined {
  const gyp = path.join(modules, 'node-gyp/bin/node-gyp.js');
  const { status, stdout, stderr, error } = spawnSync(node, [gyp, 'rebuild'], {
    cwd: work,
    encoding: 'utf8',
    timeout: BUILD_MS_MAX,
    env: {
      // binding.gyp asks a `node` where the headers of node-addon-api are.
      PATH: `${path.dirname(node)}:${searchPath}`,
      HOME: work,
      // The headers of the pinned Node: nothing is fetched.
      npm_config_nodedir: path.join(modules, `node-linux-${arch}`),
    },
  });
  if (status === 0) return undefined;
  const faults = `${stdout}${stderr}`.split('\n').filter((line) => FAULT.test(line));
  return error?.message ?? faults.slice(0, FAULTS_TOLD).join('; ');
}

function versionOf(home: string): string {
  const manifest: unknown = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'));
  return String(Reflect.get(Object(manifest), 'version'));
}

function readStamp(home: string): string {
  const file = path.join(home, STAMP);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function isInstalled(tool: string, searchPath: string): boolean {
  return searchPath.split(':').some((directory) => existsSync(path.join(directory, tool)));
}

if (import.meta.main) {
  const done = buildInstalled({
    modules: fileURLToPath(new URL('../node_modules', import.meta.url)),
    node: process.execPath,
    arch: process.arch,
    searchPath: process.env['PATH'] ?? '',
  });
  if (done) console.log(`setup: ${done}`);
}
