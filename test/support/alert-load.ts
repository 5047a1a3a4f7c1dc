/**
 * A gateway under load, in a process of its own: a simulated car and driver, so many readings a second
 * of made-up streams besides, so many rules on them, and readings that cross a threshold, each of
 * which has to be an alert. Orders and answers are JSON messages of the parent.
 *
 *   at the start   the orders, in VIGIL_ALERT_LOAD; answered with {url, offsetUs, token}
 *   {flood: true}  events to whoever listens, until a client is behind; answered with {behind}
 *   {inject: n}    n alerts one after the other; answered with {health, slow} when the last is over
 */
import * as v from 'valibot';
import type { Stream } from '#core/stream.ts';
import { build, start } from '../../src/gateway/gateway.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import { readConfig } from '../../src/settings/config.ts';
import { adminToken } from './accounts.ts';
import { SILENT_LOG } from './silent-log.ts';
import { PASSWORD } from './tokens.ts';

const Orders = v.object({
  /** Flags of the gateway. */
  flags: v.array(v.string()),
  /** As many streams: each has a rule that is crossed, at most 6 times a minute. */
  rules: v.number(),
  /** Readings a second of all these streams together. */
  readingsHz: v.number(),
  /** Alerts a second. */
  alertsHz: v.number(),
});
const Order = v.union([v.object({ flood: v.literal(true) }), v.object({ inject: v.number() })]);

/** How often the load comes. */
const TURN_MS = 10;
/** From the crossing to its end. */
const LASTS_MS = 15;
const THRESHOLD = 1_000;
const NOISE: Stream = {
  ...{ id: 'load.noise', name: 'Noise', unit: '', kind: 'event' },
  ...{ hz: 0, range: [0, 0] },
};
const NOISE_TEXT = 'x'.repeat(60_000);

const { flags, rules, readingsHz, alertsHz } = v.parse(
  Orders,
  JSON.parse(process.env['VIGIL_ALERT_LOAD'] ?? '{}'),
);
const clock = monotonicClock();
/** Of CLOCK_MONOTONIC, which is the same in every process, at time 0 of the gateway's. */
const offsetUs = Number(process.hrtime.bigint() / 1000n) - clock.now();
const streams: readonly Stream[] = Array.from({ length: rules }, (_, i) => {
  const base = { name: `Load ${i}`, unit: '1', range: [0, 1e9], kind: 'sample' } as const;
  return { ...base, id: `load.value${i}`, hz: readingsHz / rules };
});

const { config } = readConfig(flags, {}, () => '');
const parts = build(config, {
  clock,
  realTime: clock,
  log: SILENT_LOG,
  defer: setImmediate,
  setupPassword: PASSWORD,
});
const running = new AsyncDisposableStack();
const stopping = new AbortController();
const { url, bug } = await start(config, parts, running, stopping);
bug.catch((error: unknown) => {
  throw error;
});
process.on('message', (message) => {
  const order = v.parse(Order, message);
  void ('inject' in order ? inject(order.inject) : flood());
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
await watch();
void load();
process.send?.({ url, offsetUs, token: await adminToken(parts.accounting.accounts) });

/** Each stream is known, and has a rule. */
async function watch(): Promise<void> {
  while (!parts.recording.health().some(({ text }) => text === 'recording')) await clock.sleep(50);
  const t = clock.now();
  for (const stream of streams) parts.bus.emit({ kind: 'sample', stream, t, v: 0 });
  // The store learns of them with its next flush.
  while (!parts.recording.streams().some(({ id }) => id === streams.at(-1)?.id)) {
    await clock.sleep(100);
  }
  for (const { id } of streams) {
    await parts.alerting.rules.create({
      ...{ name: id, stream: id, when: { op: '>', value: THRESHOLD }, severity: 'warn' },
      ...{ holdMs: 0, cooldownMs: 0, escalate: [], while: {}, actions: [], enabled: true },
    });
  }
}

/** Values below the thresholds, at their rate. */
async function load(): Promise<void> {
  let sent = 0;
  const began = clock.now();
  for (let n = 0; ; n++) {
    await clock.sleep(TURN_MS);
    const due = ((clock.now() - began) / 1e6) * readingsHz;
    for (; sent < due; sent++) {
      const stream = streams[sent % streams.length];
      if (stream === undefined) return;
      parts.bus.emit({ kind: 'sample', stream, t: clock.now(), v: n % THRESHOLD });
    }
  }
}

/** More than the kernel takes for a client that does not read. */
async function flood(): Promise<void> {
  while (parts.live.stats.coalescing === 0) {
    parts.bus.emit({ kind: 'event', stream: NOISE, t: clock.now(), data: { text: NOISE_TEXT } });
    await clock.sleep(1);
  }
  process.send?.({ behind: parts.live.stats.coalescing });
}

/** The value of a crossing is its number above the threshold. */
async function inject(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const stream = streams[n % streams.length];
    if (stream === undefined) return;
    parts.bus.emit({ kind: 'sample', stream, t: clock.now(), v: THRESHOLD + 1 + n });
    await clock.sleep(LASTS_MS);
    parts.bus.emit({ kind: 'sample', stream, t: clock.now(), v: 0 });
    await clock.sleep(Math.max(0, 1000 / alertsHz - LASTS_MS));
  }
  const health = [...parts.alerting.health(), ...parts.recording.health()];
  const { coalescing, cutSlow } = parts.live.stats;
  process.send?.({ health, slow: { coalescing, cutSlow } });
}
