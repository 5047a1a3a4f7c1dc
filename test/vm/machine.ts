/**
 * A virtual machine for what the kernel of the machine that tests may not have: CAN and Bluetooth. It has
 * this machine's files, the checkout and what is installed among them, and its writes go to memory. It
 * runs one program and ends; its processor is emulated, so that JavaScript takes some nine times longer.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { type Kernel, kernelForVm } from './kernel.ts';
import { type GuestResult, ResultLines } from './result-lines.ts';

const CHECKOUT = path.resolve(import.meta.dirname, '../..');
const TIMEOUT_MS = 120_000;
const MEMORY_MIB = 1024;
/**
 * Measured on 2 cores: with one, two machines beside each other take no longer than one (17 s for
 * can-smoke.sh); with two, one takes 13 s and two of them 45 s, and Bluetooth's time limits go by.
 */
const PROCESSORS = 1;
/** Of what an error quotes of the console. */
const TAIL_CHARS = 4_000;

export interface VmOrder {
  /** What is run in the machine, bash or `*.ts`: a path from the top of the checkout. */
  readonly program: string;
  /** From starting QEMU to its end. */
  readonly timeoutMs?: number;
  /** Of MODULES in kernel.ts, loaded before the program runs. What the kernel asks for comes by itself. */
  readonly modules?: readonly string[];
  /** Variables that the program gets; none of their values has a quotation mark in it. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Arguments of QEMU for what else is plugged in. */
  readonly devices?: readonly string[];
}

export interface VmRun {
  /** What the program ended with. */
  readonly code: number;
  /** By the name of the check. */
  readonly results: ReadonlyMap<string, GuestResult>;
  /** The console: what the program and the kernel said. */
  readonly output: string;
  /** From starting QEMU until the program was started, and to the end. */
  readonly bootMs: number;
  readonly totalMs: number;
}

/**
 * Boots a machine for one program. It is gone when this settles, and also when this process ends.
 *
 * @throws Error with the end of the console where the time is over, or the machine ends without a word
 */
export async function runInVm(order: VmOrder): Promise<VmRun> {
  const kernel = await kernelForVm();
  const directory = mkdtempSync(path.join(tmpdir(), 'vigil-vm-'));
  const consoleFile = path.join(directory, 'console');
  writeFileSync(consoleFile, '');
  const startedAt = performance.now();
  const sinceStart = (): number => Math.round(performance.now() - startedAt);
  const lines = new ResultLines(sinceStart);
  try {
    const qemu = start(kernel, order, consoleFile);
    const timeoutMs = order.timeoutMs ?? TIMEOUT_MS;
    const how = await ended(qemu, lines, timeoutMs);
    const output = readFileSync(consoleFile, 'utf8').replaceAll('\r', '');
    const { code, bootMs, mistake } = lines;
    if (code === undefined || bootMs === undefined || mistake !== undefined) {
      const done = [...lines.results.keys()].join(', ') || 'none';
      const what = mistake ?? `the machine ${how}`;
      const tail = output.slice(-TAIL_CHARS);
      throw new Error(`${order.program}: ${what}; checks done: ${done}; console:\n${tail}`);
    }
    return { code, bootMs, results: lines.results, output, totalMs: sinceStart() };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function start(kernel: Kernel, order: VmOrder, consoleFile: string): ChildProcess {
  // Not known to the kernel, these become the environment of the first program.
  const environment = {
    ...order.environment,
    VIGIL_CHECKOUT: CHECKOUT,
    VIGIL_PROGRAM: order.program,
    VIGIL_MODULE_TREE: kernel.moduleTree,
    VIGIL_MODULES: (order.modules ?? []).join(' '),
  };
  const quick = 'quiet panic=-1 cryptomgr.notests mitigations=off';
  // Where the host is busy, a clock that the kernel has to measure first runs up to three times too fast.
  const clock = 'clocksource=hpet nolapic_timer no_timer_check';
  const settings = Object.entries(environment).map(([name, value]) => `${name}="${value}"`);
  const args = [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-M', 'q35,i8042=off'],
    ...['-m', `${MEMORY_MIB}`, '-smp', `${PROCESSORS}`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-nic', 'none'],
    // The console, and what no message of the kernel gets into.
    ...['-serial', `file:${consoleFile}`, '-serial', 'stdio'],
    ...['-kernel', kernel.vmlinux, '-initrd', kernel.initramfs],
    ...['-append', ['console=ttyS0', quick, clock, ...settings].join(' ')],
    ...['-fsdev', 'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap'],
    ...['-device', 'virtio-9p-pci,fsdev=host,mount_tag=host'],
    ...(order.devices ?? []),
  ];
  return spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Says how, for an error: QEMU itself ends with 0 whatever the machine did. */
async function ended(qemu: ChildProcess, lines: ResultLines, timeoutMs: number): Promise<string> {
  let said = '';
  qemu.stdout?.setEncoding('utf8').on('data', (text: string) => lines.take(text));
  qemu.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-TAIL_CHARS);
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    qemu.kill('SIGKILL');
  }, timeoutMs);
  try {
    await once(qemu, 'close');
  } finally {
    clearTimeout(timer);
  }
  return late ? `took longer than ${timeoutMs} ms` : `ended without EXIT ${said}`.trimEnd();
}
