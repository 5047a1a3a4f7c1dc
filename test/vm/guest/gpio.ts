/** A line of a GPIO chip of the kernel, switched by the gpioset that is installed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { openGpio } from '../../../src/io/gpio.ts';
import { check } from './support/check.ts';
import { plugGpioChip } from './support/gpio-chip.ts';

const NEVER = new AbortController().signal;
const WAIT_STEP_MS = 20;
/** Each value is another child's, and those take long to start here. */
const LATE_MS = 10_000;

await using chip = await plugGpioChip();

/** Forgets what was before. */
function levels(line: number): { readonly all: () => number[]; readonly times: () => number[] } {
  const from = chip.changes.length;
  const own = () => chip.changes.slice(from).filter((change) => change.line === line);
  return {
    all: () => own().map(({ level }) => level),
    times: () => own().map(({ atMs }) => atMs),
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(WAIT_STEP_MS);
}

await check('a pattern is on, off, on for so long each, and ends off', async () => {
  const seen = levels(2);
  const pattern = [300, 200, 400];
  const gpio = openGpio({ chip: chip.name, line: 2, activeLow: false });
  await gpio.play(pattern, NEVER);
  assert.deepEqual(seen.all(), [1, 0, 1, 0]);
  const times = seen.times();
  const lasted = pattern.map((_, i) => Math.round((times[i + 1] ?? 0) - (times[i] ?? 0)));
  for (const [i, ms] of pattern.entries()) {
    const took = lasted[i] ?? 0;
    // A child begins to wait when the chip has answered, which is after a change was noted.
    assert.ok(took >= ms && took < ms + LATE_MS, `${ms} ms took ${took}`);
  }
  return { lasted };
});

await check('where on is low, off is high', async () => {
  const seen = levels(1);
  const gpio = openGpio({ chip: chip.name, line: 1, activeLow: true });
  await gpio.off();
  await gpio.play([100], NEVER);
  assert.deepEqual(seen.all(), [1, 0, 1]);
});

await check('a stop in the middle leaves the line off', async () => {
  const seen = levels(0);
  const stop = new AbortController();
  const reason = new Error('stopped');
  const gpio = openGpio({ chip: chip.name, line: 0, activeLow: false });
  const played = assert.rejects(gpio.play([60_000], stop.signal), reason);
  await until(() => seen.all().length === 1);
  stop.abort(reason);
  await played;
  assert.deepEqual(seen.all(), [1, 0]);
});

await check('a line that somebody else has is busy, until it is given back', async () => {
  const seen = levels(3);
  const gpio = openGpio({ chip: chip.name, line: 3, activeLow: false });
  const holder = spawn('gpioset', ['--mode=signal', chip.name, '3=1']);
  await until(() => seen.all().length === 1);
  await assert.rejects(gpio.play([100], NEVER), {
    code: 'BUSY',
    message: `line 3 of ${chip.name} is in use: gpioinfo says by whom`,
  });
  holder.kill();
  await once(holder, 'exit');
  await gpio.off();
  assert.deepEqual(seen.all(), [1, 0]);
});

await check('a chip or a line that is not there is said to be missing', async () => {
  const noChip = openGpio({ chip: 'gpiochip77', line: 0, activeLow: false });
  await assert.rejects(noChip.off(), { code: 'NO_CHIP' });
  const noLine = openGpio({ chip: chip.name, line: 77, activeLow: false });
  await assert.rejects(noLine.off(), { code: 'NO_LINE' });
});
