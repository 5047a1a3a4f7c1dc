/**
 * A gateway in this process, with a simulated car and driver and people who have accounts; it tells how
 * late its event loop ran while others log in. A stream besides has the time as its value, so that a
 * client sees how long a reading takes to it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as v from 'valibot';
import type { Stream } from '#core/stream.ts';
import { build, start } from '../../../src/gateway/gateway.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import { readConfig } from '../../../src/settings/config.ts';
import { adminToken, LOCAL } from '../../support/accounts.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';
import { PASSWORD } from '../../support/tokens.ts';
import { orders, tell } from './orders.ts';

const { flags, people } = v.parse(
  v.object({
    /** Of the gateway. */
    flags: v.array(v.string()),
    /** Names of accounts with the password PASSWORD. */
    people: v.array(v.string()),
  }),
  orders(),
);
/** Asks to watch the event loop for so long. */
const Watch = v.object({ seconds: v.number() });

/** How often the event loop is looked at: what blocks it for less may go unseen. */
const LOOK_MS = 5;
const STAMP_MS = 10;
const STAMP: Stream = {
  ...{ id: 'bench.stamp', name: 'Time', unit: 'us', kind: 'sample' },
  ...{ hz: 1000 / STAMP_MS, range: [0, Number.MAX_SAFE_INTEGER] },
};

const clock = monotonicClock();
/** Of CLOCK_MONOTONIC, which is the same in every process, at time 0 of the gateway's. */
const offsetUs = Number(process.hrtime.bigint() / 1000n) - clock.now();
const { config } = readConfig(flags, {}, () => '');
const parts = build(config, {
  ...{ clock, realTime: clock, log: SILENT_LOG, defer: setImmediate, setupPassword: PASSWORD },
});
const { accounts } = parts.accounting;
const { url, bug } = await start(config, parts, new AsyncDisposableStack(), new AbortController());
bug.catch((error: unknown) => {
  throw error;
});
process.on('message', (message) => void watch(v.parse(Watch, message)));
process.on('SIGTERM', () => process.exit(0));
while (!parts.recording.health().some(({ text }) => text === 'recording')) await clock.sleep(50);
for (const username of people) {
  const member = { username, password: PASSWORD, role: 'viewer' } as const;
  await accounts.members.create(member, { who: 'bench', remote: LOCAL });
}
void stamp();
tell({ url, offsetUs, token: await adminToken(accounts) });

/**
 * How late the event loop ran, and the most CPU time that its thread took between two looks: the first
 * has in it what the machine gives to others, the second has not.
 */
async function watch({ seconds }: v.InferOutput<typeof Watch>): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: LOOK_MS });
  delay.enable();
  const busyMs = await longestBusyMs(clock.now() + seconds * 1e6);
  delay.disable();
  // The histogram holds nanoseconds between two looks.
  const { count, max } = delay;
  tell({ looks: count, lateMs: Math.max(0, max / 1e6 - LOOK_MS), busyMs });
}

async function longestBusyMs(until: number): Promise<number> {
  let longestUs = 0;
  for (let before = threadUs(); clock.now() < until; ) {
    await clock.sleep(LOOK_MS);
    const now = threadUs();
    longestUs = Math.max(longestUs, now - before);
    before = now;
  }
  return longestUs / 1000;
}

function threadUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

async function stamp(): Promise<void> {
  while (true) {
    await clock.sleep(STAMP_MS);
    const t = clock.now();
    parts.bus.emit({ kind: 'sample', stream: STAMP, t, v: t });
  }
}
