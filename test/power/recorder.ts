/**
 * Records what three lives of the gateway do to a disk, every write and flush of it in order. It is
 * the first process of a PID and mount namespace (namespace.ts), so that its mounts, its loop device
 * and its children go with it, whatever its end.
 *
 *   store -> ext4 -> loop device -> FUSE file -> QEMU's blklogwrites -> image and log
 *
 *   node recorder.ts '<RecorderOrder as JSON>'
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { WriterOrder } from './writer.ts';

export interface RecorderOrder {
  /** With `disk.img` in it. The log becomes `log`, the acknowledgements `acks`, the log's end `end`. */
  readonly directory: string;
  /** Of real time, all lives together. */
  readonly seconds: number;
}

/**
 * The first life is killed, the second stopped, the last one ends with the power. A small quota has
 * the ring go round; a larger one than before has the data file grow.
 */
const LIVES = [
  { share: 0.4, killed: true, quotaBytes: 4 * 2 ** 20 },
  { share: 0.3, killed: false, quotaBytes: 4 * 2 ** 20 },
  { share: 0.3, killed: true, quotaBytes: 12 * 2 ** 20 },
];
const EXPORT_TRIES = 100;
const EXPORT_TRY_MS = 50;

async function record({ directory, seconds }: RecorderOrder): Promise<void> {
  const file = (name: string): string => path.join(directory, name);
  for (const name of ['log', 'export', 'acks']) writeFileSync(file(name), '');
  mkdirSync(file('mount'));
  const daemon = exportDisk(file);
  await exported(file('export'), daemon);
  execFileSync('mount', ['-o', 'loop', file('export'), file('mount')]);
  mkdirSync(file('mount/data'));
  for (const [i, { share, killed, quotaBytes }] of LIVES.entries()) {
    await live({
      directory: file('mount/data'),
      log: file('log'),
      acks: file('acks'),
      epoch: i + 1,
      quotaBytes,
      seconds: seconds * share,
      killed,
    });
  }
  // What unmounting writes comes behind the end.
  writeFileSync(file('end'), String(statSync(file('log')).size));
  execFileSync('umount', [file('mount')]);
  daemon.kill();
}

function exportDisk(file: (name: string) => string): ChildProcess {
  const blockdevs = [
    `driver=file,node-name=disk,filename=${file('disk.img')}`,
    `driver=file,node-name=log,filename=${file('log')}`,
    'driver=blklogwrites,node-name=logged,file=disk,log=log,log-sector-size=512',
  ];
  const fuse = `type=fuse,id=export,node-name=logged,mountpoint=${file('export')},writable=on`;
  const args = [...blockdevs.flatMap((text) => ['--blockdev', text]), '--export', fuse];
  return spawn('qemu-storage-daemon', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function exported(mountPoint: string, daemon: ChildProcess): Promise<void> {
  for (let i = 0; i < EXPORT_TRIES && daemon.exitCode === null; i++) {
    if (readFileSync('/proc/mounts', 'utf8').includes(` ${mountPoint} fuse`)) return;
    await pause(EXPORT_TRY_MS);
  }
  throw new Error(`qemu-storage-daemon did not export the disk (exit code ${daemon.exitCode})`);
}

async function live(order: WriterOrder): Promise<void> {
  const program = path.join(import.meta.dirname, 'writer.ts');
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code, signal] = await once(child, 'exit');
  const expected = order.killed ? signal === 'SIGKILL' : code === 0;
  if (!expected) throw new Error(`the writer of epoch ${order.epoch} ended: ${code} ${signal}`);
}

if (import.meta.main) await record(JSON.parse(process.argv[2] ?? ''));
