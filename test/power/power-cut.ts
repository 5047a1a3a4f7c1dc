/**
 * The simulated power cut: records once what the store does to a disk, then makes the disk that a cut
 * at any moment may leave, and starts the gateway's store on it. Needs root, /dev/fuse, loop devices,
 * and qemu-storage-daemon, mkfs.ext4 and unshare.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { slotOf } from '../../src/codec/slot.ts';
import { seededRandom } from '../support/store-load.ts';
import { type Cut, CutDisk, chooseCuts, type Random } from './cuts.ts';
import { type DiskWrite, parseDiskLog } from './disk-log.ts';
import { expectationAt } from './expectation.ts';
import { START_US } from './model.ts';
import { runIsolated } from './namespace.ts';
import type { RecorderOrder } from './recorder.ts';
import type { Verdict } from './recording-check.ts';
import type { Ack } from './writer.ts';

/** Room for the data file, the journal of the store and that of the file system. */
const DISK_BYTES = 80 * 2 ** 20;
/** The small journal of the file system goes round a few times while it is recorded. */
const MKFS = ['-q', '-F', '-J', 'size=4', '-E', 'lazy_itable_init=0,lazy_journal_init=0'];
/** What recording takes longer than it records. */
const RECORDING_EXTRA_MS = 60_000;
const CHECK_MS_MAX = 120_000;
const PARALLEL = 2;
const PROGRAMS = ['qemu-storage-daemon', 'mkfs.ext4', 'mount', 'unshare', 'setpriv'];
/** Gives the new start another boot id, as a real one has: lmdb-js asks for it. */
const START_SCRIPT = `set -e
cat /proc/sys/kernel/random/uuid > "$1/boot"
mount --bind "$1/boot" /proc/sys/kernel/random/boot_id
mount -o loop "$1/disk.img" "$1/mount"
mkdir -p "$1/mount/data"
"$2" "$3" "$1/mount/data" "$(cat "$1/expectation")"`;

export interface CutOptions {
  readonly points: number;
  readonly seed: number;
  /** The disk says that it has flushed, and has not: what the test must find out. */
  readonly ignoreSync: boolean;
  readonly signal: AbortSignal;
  /** Where the disks of bad points are kept; nowhere if it is left out. */
  readonly keep?: string;
}

export interface BadPoint extends Verdict {
  readonly cut: Cut;
}

export interface CutResult {
  readonly points: number;
  /** What became of the writes that had not been flushed at the cuts. */
  readonly open: CutDisk['open'];
  /** Points at which the file system could not be mounted. */
  readonly unmountable: readonly BadPoint[];
  /** Points at which something that was acknowledged is missing. */
  readonly lost: readonly BadPoint[];
  /** Other points at which something was not as it was written, or did not go on. */
  readonly corrupt: readonly BadPoint[];
}

/** What the store did to a disk. */
export interface Recording {
  /** The disk before. */
  readonly blank: Buffer;
  readonly writes: readonly DiskWrite[];
  readonly acks: readonly Ack[];
  /** Whether the ring had gone round by the end. */
  readonly evicted: boolean;
}

/** What is missing for it here, in words; empty where nothing is. */
export function missingTools(): string {
  const isRoot = process.getuid?.() === 0;
  const files = ['/dev/fuse', '/dev/loop-control'].filter((file) => !existsSync(file));
  const { PATH } = withSystemPaths();
  const programs = PROGRAMS.filter(
    (name) => !PATH.split(':').some((folder) => existsSync(path.join(folder, name))),
  );
  return [...(isRoot ? [] : ['root']), ...files, ...programs].join(', ');
}

/** Records for some seconds of real time. Leaves nothing behind, whatever its end. */
export async function recordWrites(seconds: number, signal: AbortSignal): Promise<Recording> {
  const directory = makeDirectory();
  const file = (name: string): string => path.join(directory, name);
  try {
    writeFileSync(file('disk.img'), Buffer.alloc(DISK_BYTES));
    execFileSync('mkfs.ext4', [...MKFS, file('disk.img')], { env: withSystemPaths() });
    const blank = readFileSync(file('disk.img'));
    const order: RecorderOrder = { directory, seconds };
    const program = path.join(import.meta.dirname, 'recorder.ts');
    const command = [process.execPath, program, JSON.stringify(order)];
    const timeoutMs = seconds * 1000 + RECORDING_EXTRA_MS;
    const { code, stderr } = await runIsolated(command, signal, timeoutMs);
    if (code !== 0) throw new Error(`the recording ended with ${code}: ${stderr}`);
    const end = Number(readFileSync(file('end'), 'utf8'));
    const writes = parseDiskLog(readFileSync(file('log')).subarray(0, end));
    const lines = readFileSync(file('acks'), 'utf8').trimEnd().split('\n');
    const acks = lines.map((line): Ack => JSON.parse(line));
    return { blank, writes, acks, evicted: hasEvicted(acks) };
  } finally {
    removeDirectory(directory);
  }
}

/** Cuts the power at so many points and looks at what is left. Leaves nothing behind either. */
export async function cutPower(recording: Recording, options: CutOptions): Promise<CutResult> {
  const directory = makeDirectory();
  try {
    const { bad, open } = await checkAll(directory, recording, options);
    const isUnmountable = ({ problems }: BadPoint): boolean => /mount: /.test(problems[0] ?? '');
    const rest = bad.filter((point) => !isUnmountable(point));
    return {
      points: options.points,
      open,
      unmountable: bad.filter(isUnmountable),
      lost: rest.filter(({ lost }) => lost > 0),
      corrupt: rest.filter(({ lost }) => lost === 0),
    };
  } finally {
    removeDirectory(directory);
  }
}

/** In memory, where there is such a place: a point writes 80 MB. */
function makeDirectory(): string {
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  return mkdtempSync(path.join(base, 'vigil-power-'));
}

/** A process that is just being killed may still be writing there. */
function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
}

function hasEvicted(acks: readonly Ack[]): boolean {
  const oldest = acks.findLast((ack) => ack.oldest !== null)?.oldest?.['frames'];
  if (oldest === undefined) return false;
  return oldest.epoch > 1 || slotOf(oldest.t) > slotOf(START_US);
}

async function checkAll(
  directory: string,
  { blank, writes, acks }: Recording,
  options: CutOptions,
): Promise<{ bad: readonly BadPoint[]; open: CutDisk['open'] }> {
  const random = seededRandom(options.seed);
  // The last two acknowledgements tell of the cuts before them what may have been evicted.
  const places = acks.slice(0, -2).map(({ at }) => at);
  const cuts = chooseCuts(writes, places, options.points, random);
  const disk = new CutDisk(writes, Buffer.from(blank));
  const queue = cuts.values();
  const bad: BadPoint[] = [];
  const worker = async (name: string): Promise<void> => {
    const place = path.join(directory, name);
    for (const cut of queue) {
      const verdict = await checkOne(place, { cut, disk, acks, random }, options);
      if (verdict.lost > 0 || verdict.problems.length > 0) bad.push({ cut, ...verdict });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, (_, i) => worker(`point-${i}`)));
  bad.sort((a, b) => a.cut.writes - b.cut.writes);
  return { bad, open: disk.open };
}

interface Point {
  readonly cut: Cut;
  readonly disk: CutDisk;
  readonly acks: readonly Ack[];
  readonly random: Random;
}

async function checkOne(
  place: string,
  { cut, disk, acks, random }: Point,
  { ignoreSync, signal, keep }: CutOptions,
): Promise<Verdict> {
  // A new directory and a new file: a loop device that is still going away must not be met again.
  const directory = mkdtempSync(`${place}-`);
  const file = (name: string): string => path.join(directory, name);
  const image = ignoreSync ? disk.lying(cut, random) : disk.honest(cut, random);
  mkdirSync(file('mount'));
  writeFileSync(file('disk.img'), image);
  writeFileSync(file('expectation'), JSON.stringify(expectationAt(acks, cut.at)));
  const program = path.join(import.meta.dirname, 'checker.ts');
  const command = ['sh', '-c', START_SCRIPT, 'start', directory, process.execPath, program];
  const { code, stdout, stderr } = await runIsolated(command, signal, CHECK_MS_MAX);
  const verdict = verdictOf(code, stdout, stderr);
  if (keep !== undefined && verdict.problems.length > 0) {
    writeFileSync(path.join(keep, `cut-${cut.writes}.img`), image);
    copyFileSync(file('expectation'), path.join(keep, `cut-${cut.writes}.json`));
  }
  rmSync(directory, { recursive: true });
  return verdict;
}

/** A check that did not come to its end has met something that it could not bear. */
function verdictOf(code: number | null, stdout: string, stderr: string): Verdict {
  if (code === 0) return JSON.parse(stdout);
  return { lost: 0, problems: [`the start ended with ${code}: ${stderr.trim().slice(0, 1_000)}`] };
}

/** mkfs is where an ordinary user's PATH does not lead. */
function withSystemPaths() {
  return { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
}
