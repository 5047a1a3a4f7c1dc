import { expect, test } from 'vitest';
import { HomeBroker } from '../../../src/outbox/home-broker.ts';
import { PLACE } from '../../support/bridge-world.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeCloud } from '../../support/fake-cloud.ts';
import { SILENT_LOG } from '../../support/silent-log.ts';
import { expectStopInNoTime } from '../../support/stop-in-no-time.ts';

const GONE = { topic: 'car/car-1/state', payload: 'offline', qos: 1, retain: true } as const;

/** @param mute what the broker never answers */
function make(mute: 'subscribe' | 'publish') {
  const cloud = new FakeCloud(PLACE);
  const clock = new FakeClock();
  const warnings: string[] = [];
  const broker = new HomeBroker({
    server: { host: 'homeassistant.local', port: 1883, tls: false },
    connect: async (options, signal) => {
      const line = await cloud.connect(options, signal);
      line[mute] = () => line.closed.then((reason) => Promise.reject(reason));
      return line;
    },
    ...{ clock, random: () => 0.5, clientId: 'vigil-car-1' },
    log: { ...SILENT_LOG, warn: (_, text) => warnings.push(text) },
    ...{ will: GONE, farewell: GONE, onConnected: () => {}, onBirth: () => {} },
  });
  return { cloud, clock, broker, warnings };
}

test('a broker that confirms nothing is told and left, as one that would be waited for without end', async () => {
  const { cloud, clock, broker, warnings } = make('publish');
  const stopping = new AbortController();
  const run = broker.run(stopping.signal);
  await clock.advance(1_000);
  for (let s = 0; s < 29; s++) {
    broker.publish({ topic: `car/car-1/event/info/e${s}`, payload: '{}', qos: 1, retain: false });
    await clock.advance(1_000);
  }
  expect(cloud.connections).toBe(1);
  await clock.advance(62_000);
  expect(warnings).toEqual([
    'homeassistant.local:1883: it does not confirm what we send (no PUBACK)',
  ]);
  expect(cloud.connections).toBeGreaterThan(1);
  stopping.abort();
  await run;
});

test('a broker that never answers our subscription does not hold up the stop', async () => {
  const { cloud, clock, broker } = make('subscribe');
  await expectStopInNoTime(broker, { cloud, clock });
});
