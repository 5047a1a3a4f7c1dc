import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

const BUSYBOX = '/bin/busybox';
const FOLDERS = ['bin', 'dev', 'proc', 'sys', 'host', 'memory', 'root', 'modules'];
/** Of an initramfs, and of each module in it. */
const BYTES_MAX = 64 * 2 ** 20;

export interface InitramfsParts {
  /** Where it is written. */
  readonly file: string;
  /** The script that the kernel starts. */
  readonly init: string;
  /** Files, in the order in which they can be loaded; `/modules/order` tells their names in it. */
  readonly modules: readonly string[];
}

/**
 * Writes an initramfs of a busybox that needs no libraries, a script and modules. It is not compressed:
 * that would take longer in an emulated processor than reading it.
 *
 * @throws Error without a busybox that can be alone
 */
export function writeInitramfs({ file, init, modules }: InitramfsParts): void {
  const tree = mkdtempSync(`${file}-`);
  const put = (name: string, content: Buffer | string): void =>
    writeFileSync(path.join(tree, name), content);
  for (const folder of FOLDERS) mkdirSync(path.join(tree, folder));
  if (needsLibraries(readFileSync(BUSYBOX))) {
    throw new Error(`${BUSYBOX} needs libraries: install busybox-static in its place`);
  }
  copyFileSync(BUSYBOX, path.join(tree, 'bin/busybox'));
  copyFileSync(init, path.join(tree, 'init'));
  chmodSync(path.join(tree, 'init'), 0o755);
  const names = modules.map((module) => path.basename(module, '.xz'));
  for (const [i, module] of modules.entries()) {
    const packed = module.endsWith('.xz');
    const bytes = packed ? outputOf('xz', ['-dc', module], tree) : readFileSync(module);
    put(`modules/${names[i]}`, bytes);
  }
  put('modules/order', `${names.join('\n')}\n`);
  const files = ['init', 'bin/busybox', 'modules/order', ...names.map((name) => `modules/${name}`)];
  const list = [...FOLDERS, ...files].join('\n');
  writeFileSync(file, outputOf(BUSYBOX, ['cpio', '-o', '-H', 'newc'], tree, list));
  rmSync(tree, { recursive: true });
}

/** A program that does names its loader, in a header of the type PT_INTERP of its ELF file. */
function needsLibraries(elf: Buffer): boolean {
  const table = Number(elf.readBigUInt64LE(0x20));
  const [size, count] = [elf.readUInt16LE(0x36), elf.readUInt16LE(0x38)];
  return Array.from({ length: count }, (_, i) => elf.readUInt32LE(table + i * size)).includes(3);
}

function outputOf(command: string, args: readonly string[], cwd: string, input = ''): Buffer {
  const end = spawnSync(command, args, { cwd, input, maxBuffer: BYTES_MAX });
  if (end.error !== undefined) throw end.error;
  if (end.status !== 0) throw new Error(`${command} ended with ${end.status}: ${end.stderr}`);
  return end.stdout;
}
