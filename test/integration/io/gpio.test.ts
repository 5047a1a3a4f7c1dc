/**
 * A GPIO line by stand-ins for `gpioset` of libgpiod 1.6 and 2.2: scripts that take the arguments of
 * theirs, write down what the line does, and say what the real ones say of what is missing. A real line
 * is for the virtual machine, which has a kernel with gpio-sim.
 */
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type GpioOptions, openGpio } from '../../../src/io/gpio.ts';

const NEVER = new AbortController().signal;

/** Notes the arguments, each value of the line (on or off, by its polarity), and being told to end. */
const PROGRAM = `#!${process.execPath}
const { appendFileSync } = require('node:fs');
const path = require('node:path');
const VERSION = $VERSION;
const note = (text) => appendFileSync(path.join(__dirname, 'log'), text + '\\n');
const args = process.argv.slice(2);
const die = (text) => { process.stderr.write('gpioset: ' + text + '\\n'); process.exit(1); };
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
note('run ' + args.join(' '));
if (args[0] === '--version') {
  process.stdout.write('gpioset (libgpiod) v' + VERSION + '\\nCopyright\\n');
  process.exit(0);
}
const [line, value] = args.at(-1).split('=').map(Number);
const first = VERSION.startsWith('1');
const chip = first ? args.at(-2) : args[args.indexOf('-c') + 1];
const failure = {
  gpiochip7: ['error setting the GPIO line values: No such file or directory',
    "cannot find GPIO chip character device 'gpiochip7'"],
  gpiochip8: ['error setting the GPIO line values: Permission denied',
    "unable to open chip '/dev/gpiochip8': Permission denied"],
  gpiochip9: ['error setting the GPIO line values: Device or resource busy',
    "unable to request lines on chip 'gpiochip9': Device or resource busy"],
  gpiochip10: ['what\\n\\u001b[31mever', 'what\\n\\u001b[31mever'],
}[chip];
if (failure) die(failure[first ? 0 : 1]);
if (line > 53) {
  die(first ? 'error setting the GPIO line values: Invalid argument'
    : "offset " + line + " is out of range on chip '" + chip + "'");
}
const set = (now) => note('line ' + line + ' ' + (now ? 'on' : 'off'));
set(value);
if (first) {
  const of = (name) => Number(args.find((arg) => arg.startsWith(name))?.slice(name.length) ?? 0);
  if (args[0] === '--mode=time') sleep(of('--sec=') * 1000 + of('--usec=') / 1000);
} else {
  let now = value;
  for (const time of args[args.indexOf('-t') + 1].split(',')) {
    if (time === '0') break;
    sleep(parseInt(time));
    now = 1 - now;
    set(now);
  }
}
note('done');
`;

function standIn(version: string, program = PROGRAM) {
  const folder = mkdtempSync(path.join(tmpdir(), 'vigil-gpio-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'gpioset');
  writeFileSync(file, program.replace('$VERSION', JSON.stringify(version)));
  chmodSync(file, 0o755);
  writeFileSync(path.join(folder, 'log'), '');
  const log = () => readFileSync(path.join(folder, 'log'), 'utf8').trimEnd().split('\n');
  return {
    open: (options: Partial<GpioOptions> = {}) =>
      openGpio({ chip: 'gpiochip0', line: 17, activeLow: false, searchPath: folder, ...options }),
    log,
    remove: () => renameSync(file, `${file}.away`),
    restore: () => renameSync(`${file}.away`, file),
    line: () => log().filter((text) => text.startsWith('line')),
    runs: () => log().filter((text) => text.startsWith('run')),
  };
}

const VERSIONS = ['1.6.3', '2.2.1'];
const ON = 'line 17 on';
const OFF = 'line 17 off';

test.each(VERSIONS)('%s: a pattern is on, off, on, and ends off', async (version) => {
  const { open, line } = standIn(version);
  await open().play([20, 30, 20], NEVER);
  expect(line()).toEqual([ON, OFF, ON, OFF]);
});

test('1.6 gets a child for each value, and is asked for its version once', async () => {
  const { open, runs } = standIn('1.6.3');
  const gpio = open({ activeLow: true });
  await gpio.play([20, 30, 1], NEVER);
  await gpio.play([1_010], NEVER);
  expect(runs()).toEqual([
    'run --version',
    'run --mode=time --sec=0 --usec=20000 --active-low gpiochip0 17=1',
    'run --mode=time --sec=0 --usec=30000 --active-low gpiochip0 17=0',
    'run --mode=time --sec=0 --usec=1000 --active-low gpiochip0 17=1',
    'run --mode=exit --active-low gpiochip0 17=0',
    'run --mode=time --sec=1 --usec=10000 --active-low gpiochip0 17=1',
    'run --mode=exit --active-low gpiochip0 17=0',
  ]);
});

test('2.x gets one child for all of it', async () => {
  const { open, runs } = standIn('2.2.1');
  const gpio = open({ activeLow: true });
  await gpio.play([20, 30, 20], NEVER);
  await gpio.off();
  expect(runs()).toEqual([
    'run --version',
    'run -c gpiochip0 --active-low -t 20ms,30ms,20ms,0 17=1',
    'run -c gpiochip0 --active-low -t 0 17=0',
  ]);
});

test.each(VERSIONS)('%s: a stop in the middle leaves the line off', async (version) => {
  const { open, log, line } = standIn(version);
  const stop = new AbortController();
  const reason = new Error('stopped');
  const played = open().play([30_000], stop.signal);
  const failed = expect(played).rejects.toBe(reason);
  await vi.waitFor(() => expect(line()).toEqual([ON]), { timeout: 10_000 });
  stop.abort(reason);
  await failed;
  expect(line()).toEqual([ON, OFF]);
  // The first one never came to its end.
  expect(log().filter((text) => text === 'done')).toHaveLength(1);
});

test('what was stopped before it began touches nothing', async () => {
  const { open, log } = standIn('2.2.1');
  const reason = new Error('stopped');
  await expect(open().play([20], AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(log()).toEqual(['']);
});

test('a child that does not listen is killed, and the line is off', async () => {
  // As a shell that ignores SIGTERM; it says so in the log first, when it is on.
  const deaf = `#!/bin/sh
cd "\${0%/*}"
case "$*" in
  --version) echo 'gpioset (libgpiod) v2.2.1' ;;
  *17=0) echo 'line 17 off' >> log ;;
  *) trap '' TERM; echo 'line 17 on' >> log; while :; do :; done ;;
esac
`;
  const { open, line } = standIn('', deaf);
  const stop = new AbortController();
  const failed = expect(open().play([30_000], stop.signal)).rejects.toThrow('stopped');
  await vi.waitFor(() => expect(line()).toEqual([ON]), { timeout: 10_000 });
  stop.abort(new Error('stopped'));
  await failed;
  expect(line()).toEqual([ON, OFF]);
});

test('a child that takes much longer than it was asked to is ended', async () => {
  const slow = `#!/bin/sh
case "$*" in
  --version) echo 'gpioset (libgpiod) v2.2.1' ;;
  *17=0) ;;
  *) exec /bin/sleep 60 ;;
esac
`;
  const { open } = standIn('', slow);
  await expect(open().play([20], NEVER)).rejects.toMatchObject({
    ...{ code: 'FAILED', message: 'line 17 of gpiochip0: gpioset had to be killed' },
  });
});

const FAULTS = [
  [
    { chip: 'gpiochip7' },
    'NO_CHIP',
    'there is no GPIO chip gpiochip7: gpiodetect lists those here',
  ],
  [{ line: 99 }, 'NO_LINE', 'gpiochip0 has no line 99: gpioinfo lists what it has'],
  [
    { chip: 'gpiochip8' },
    'DENIED',
    'gpiochip8 is not for us: our user has to be in its group (gpio)',
  ],
  [{ chip: 'gpiochip9' }, 'BUSY', 'line 17 of gpiochip9 is in use: gpioinfo says by whom'],
  [
    { chip: 'gpiochip10' },
    'FAILED',
    'line 17 of gpiochip10: gpioset ended with 1 and said gpioset: what [31mever',
  ],
] as const;

test.each(VERSIONS.flatMap((version) => FAULTS.map((fault) => [version, ...fault] as const)))(
  '%s with %j fails with %s',
  async (version, options, code, message) => {
    const gpio = standIn(version).open(options);
    await expect(gpio.play([20], NEVER)).rejects.toMatchObject({ code, message });
  },
);

test('without the program the error says what to install, until it is there', async () => {
  const { open, line, remove, restore } = standIn('2.2.1');
  remove();
  const gpio = open();
  const missing = { code: 'NO_PROGRAM', message: 'there is no gpioset here: apt install gpiod' };
  await expect(gpio.play([20], NEVER)).rejects.toMatchObject(missing);
  await expect(gpio.off()).rejects.toMatchObject(missing);
  restore();
  await gpio.off();
  expect(line()).toEqual([OFF]);
});
