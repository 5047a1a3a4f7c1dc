/**
 * From a reading that crosses a threshold to the alert at a WebSocket client, in a gateway with 200
 * rules and 5,000 readings a second besides a simulated car and driver; and how much faster than the
 * drive itself a backtest of one is.
 *
 * Both ends of the way stamp with CLOCK_MONOTONIC, which is the same clock in every process. The rule
 * counts in whole ms, so up to one of the time is the reading's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SHIPPED_RULES } from '../../src/alerts/rule/shipped.ts';
import { backtests } from '../../src/reading/backtest.ts';
import { StoreReader } from '../../src/store/reading/reader.ts';
import { AlertListener } from '../support/alert-listener.ts';
import { startLoaded } from '../support/loaded-gateway.ts';
import { type Bench, type Figure, interleave, Side, secondsOf } from './bench.ts';
import { temporary } from './directory.ts';
import { percentile, significant } from './stats.ts';
import { obdLoad } from './store-load.ts';
import { EPOCH, openRecorded, record } from './store-vigil.ts';

const RULES = 200;
const READINGS_HZ = 5_000;
const ALERTS_HZ = 20;
const ALERTS = 600;
const SETTLE_MS = 5_000;
const HOURS = 8;
const ROUNDS = 3;

export const alert: Bench = {
  name: 'alert',
  async *run({ scales }) {
    for (const scale of scales) yield* measure(scale);
    yield* backtested();
  },
};

async function* measure(scale: number): AsyncGenerator<Figure> {
  await using data = await temporary();
  const load = { rules: RULES, readingsHz: READINGS_HZ * scale, alertsHz: ALERTS_HZ };
  await using gateway = await startLoaded({ data: data.path, ...load });
  const { child, url, offsetUs } = gateway;
  using listener = new AlertListener(url, offsetUs);
  await listener.opened();
  await delay(SETTLE_MS);
  await child.ask({ inject: ALERTS });
  // One that is lost would make the figures better.
  if (listener.counts.size < ALERTS) throw new Error(`${listener.counts.size} alerts came`);
  yield* figures(listener.latencyMs, scale);
}

function* figures(ms: readonly number[], scale: number): Generator<Figure> {
  const figure = (p: number) => ({
    metric: `${RULES} rules, ${READINGS_HZ * scale} readings/s, p${p}`,
    value: significant(percentile(ms, p), 3),
    unit: 'ms',
    n: ms.length,
  });
  yield figure(50);
  yield { ...figure(99), goal: '<= 10 ms' };
  yield figure(100);
}

/** An 8 h drive, as fast as the files can be read, in this process. */
async function* backtested(): AsyncGenerator<Figure> {
  await using directory = await temporary();
  await record([obdLoad()], HOURS * 3_600, directory.path);
  const database = openRecorded(directory.path);
  const stretch = { epoch: EPOCH, from: 0, to: HOURS * 3_600_000_000, at: 0 };
  const sessions = [{ session: 1, stretches: [stretch] }];
  const speed = SHIPPED_RULES.filter(({ id }) => id === 'speed');
  for (const [name, rules] of [
    ['shipped rules', SHIPPED_RULES],
    ['one rule', speed],
  ] as const) {
    const question = { rules, versions: false, sessions, studies: [] };
    const side = new Side(() =>
      secondsOf(() => {
        for (const _ of backtests(new StoreReader(database, undefined), question));
      }),
    );
    await interleave(ROUNDS, [side]);
    yield {
      metric: `backtest of ${HOURS} h of OBD, ${name}`,
      value: Math.round((HOURS * 3_600) / side.median),
      unit: 'times real time',
      goal: '>= 1,000',
      n: ROUNDS,
    };
  }
  await database.close();
}
