/**
 * Debian's newest kernel for PCs, with what a virtual machine of ours needs of it: the kernel itself as
 * QEMU loads it fastest, an initramfs that gets to the host's files, and the modules of MODULES.
 *
 * It is made once and kept in the user's cache, below a name that says what it was made of, so that the
 * second time needs no network. Two that make it at once make it twice, and one of them is kept.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { writeInitramfs } from './initramfs.ts';
import { uncompressedKernel } from './vmlinux.ts';

const run = promisify(execFile);

const META_PACKAGE = 'linux-image-amd64';
/** In the initramfs, loaded in this order, each after what it needs. */
const BOOT_MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay'];
/** To be had in a running machine by modprobe, or by what asks the kernel for them. */
const MODULES = [
  ...['can', 'can-raw', 'can-bcm', 'can-gw', 'can-isotp', 'vcan', 'vxcan', 'slcan', 'kvaser_pci'],
  ...['bluetooth', 'hci_vhci', 'rfcomm'],
  // btvirt and bluetoothd have the kernel encrypt for them.
  ...['algif_hash', 'algif_skcipher', 'cmac', 'ecb'],
  ...['uhid', 'hid-cp2112'],
];
const INIT = path.join(import.meta.dirname, 'guest/init.sh');
/** What nobody has used for so long goes when something new is made. */
const KEPT_MS = 7 * 24 * 3600 * 1000;

export interface Kernel {
  /** An ELF file. */
  readonly vmlinux: string;
  readonly initramfs: string;
  /** A directory with `lib/modules/<release>` in it. */
  readonly moduleTree: string;
}

/**
 * The newest kernel that the package lists of this machine know, made where it is not in the cache yet.
 *
 * @throws Error where there is neither a list of packages nor a network to get one
 */
export async function kernelForVm(): Promise<Kernel> {
  const home = process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache');
  const cache = path.join(home, 'vigil-vm');
  mkdirSync(cache, { recursive: true });
  const kept = (await known(cache)) ?? (await makeNewest(cache));
  const now = new Date();
  utimesSync(kept, now, now);
  return {
    vmlinux: path.join(kept, 'vmlinux'),
    initramfs: path.join(kept, 'initramfs'),
    moduleTree: kept,
  };
}

/** Where the newest kernel is, if it was made. */
async function known(cache: string): Promise<string | undefined> {
  const newest = await newestPackage();
  const kept = newest && placeOf(cache, newest);
  return kept !== undefined && existsSync(kept) ? kept : undefined;
}

async function makeNewest(cache: string): Promise<string> {
  removeUnused(cache);
  const directory = mkdtempSync(path.join(cache, '.making-'));
  try {
    const newest = await downloadNewest(directory);
    await make(directory, newest);
    const kept = placeOf(cache, newest);
    keep(directory, kept);
    return kept;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Package {
  readonly name: string;
  readonly version: string;
}

function placeOf(cache: string, { name, version }: Package): string {
  return path.join(cache, `${name}_${version}_${recipe()}`);
}

async function downloadNewest(cwd: string): Promise<Package> {
  const download = async (): Promise<Package> => {
    const newest = await newestPackage();
    if (newest === undefined) throw new Error(`the lists of packages know no ${META_PACKAGE}`);
    await run('apt-get', ['download', '-qq', `${newest.name}=${newest.version}`], { cwd });
    return newest;
  };
  try {
    return await download();
  } catch {
    // There are no lists yet, or ones so old that what they name is not offered any more.
    await run('apt-get', ['update', '-qq']);
    return await download();
  }
}

/** The package that the meta package stands for: `linux-image-6.1.0-56-amd64 (= 6.1.192-2)`. */
async function newestPackage(): Promise<Package | undefined> {
  // Ends with an error where it has nothing to show.
  const args = ['show', '--no-all-versions', META_PACKAGE];
  const { stdout } = await run('apt-cache', args).catch(() => ({ stdout: '' }));
  const [, name, version] = /^Depends: (linux-image-\S+) \(= (\S+)\)/m.exec(stdout) ?? [];
  return name === undefined || version === undefined ? undefined : { name, version };
}

/** Of all that the result depends on besides the package. */
function recipe(): string {
  const parts = ['initramfs.ts', 'kernel.ts', 'vmlinux.ts'].map((name) =>
    readFileSync(path.join(import.meta.dirname, name), 'utf8'),
  );
  const all = [...parts, readFileSync(INIT, 'utf8')];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 16);
}

async function make(directory: string, { name }: Package): Promise<void> {
  const options = { cwd: directory };
  const [deb = ''] = readdirSync(directory).filter((file) => file.endsWith('.deb'));
  await run('dpkg-deb', ['-x', deb, 'package'], options);
  rmSync(path.join(directory, deb));
  const release = name.replace('linux-image-', '');
  const unpacked = path.join(directory, 'package');
  await run('depmod', ['-b', unpacked, release]);
  const image = readFileSync(path.join(unpacked, 'boot', `vmlinuz-${release}`));
  writeFileSync(path.join(directory, 'vmlinux'), uncompressedKernel(image));
  writeInitramfs({
    file: path.join(directory, 'initramfs'),
    init: INIT,
    modules: await withNeeds(unpacked, release, BOOT_MODULES),
  });
  await copyModules(unpacked, release, directory);
  rmSync(unpacked, { recursive: true });
}

/** Files of modules and of what they need, in an order in which they can be loaded. */
async function withNeeds(
  tree: string,
  release: string,
  modules: readonly string[],
): Promise<readonly string[]> {
  const args = ['-d', tree, '-S', release, '-a', '--show-depends', ...modules];
  const { stdout } = await run('modprobe', args);
  const files = [...stdout.matchAll(/^insmod (\S+)/gm)].map(([, file = '']) => file);
  return [...new Set(files)];
}

async function copyModules(from: string, release: string, to: string): Promise<void> {
  const place = path.join('lib/modules', release);
  for (const file of await withNeeds(from, release, [...BOOT_MODULES, ...MODULES])) {
    const copy = path.join(to, path.relative(from, file));
    mkdirSync(path.dirname(copy), { recursive: true });
    copyFileSync(file, copy);
  }
  // What is part of the kernel itself needs no file.
  for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
    copyFileSync(path.join(from, place, name), path.join(to, place, name));
  }
  await run('depmod', ['-b', to, release]);
}

function keep(directory: string, kept: string): void {
  try {
    renameSync(directory, kept);
  } catch (error) {
    // Somebody else was first, with the same.
    if (!existsSync(kept)) throw error;
  }
}

/** Other versions, and what was being made when its process ended. */
function removeUnused(cache: string): void {
  for (const name of readdirSync(cache)) {
    const entry = path.join(cache, name);
    const age = Date.now() - statSync(entry).mtimeMs;
    if (age > KEPT_MS) rmSync(entry, { recursive: true, force: true });
  }
}
