import { expect, test } from 'vitest';
import type { AlertRule } from '#core/alert.ts';
import { alertOf } from '../support/alert-fixture.ts';
import { createAlerting as create, HOT } from '../support/alerting-world.ts';
import { settle } from '../support/fake-clock.ts';

test('the log has a line when an alert starts, gets worse and ends', async () => {
  const rule: AlertRule = {
    ...{ ...HOT, severity: 'info' },
    escalate: [
      { value: 120, severity: 'warn' },
      { value: 130, severity: 'alarm' },
    ],
  };
  const { hear, logged, alerting } = create({ rules: [rule] });
  await settle();
  for (const v of [111, 121, 131]) hear(v);
  const [alert] = alerting.ongoing();
  await alerting.acknowledge(alert?.id ?? '', 'Ada');
  hear(100);
  expect(logged).toEqual([
    'info alerts Coolant too hot: Oven 111 °C, over 110',
    'warn alerts Coolant too hot: Oven 121 °C, over 110',
    'error alerts Coolant too hot: Oven 131 °C, over 110',
    'info alerts Coolant too hot is over: cleared',
  ]);
});

test('what the gateway tells of itself is a list of streams', () => {
  const ids = create({ flags: ['--webhook', 'http://127.0.0.1:9/'] }).alerting.ownStreams.map(
    ({ id }) => id,
  );
  expect(ids).toEqual(
    expect.arrayContaining(['alert', 'alert.change', 'gateway.store', 'gateway.clock']),
  );
  expect(ids).toEqual(expect.arrayContaining(['gateway.source.obd', 'gateway.action.webhook']));
});

test('the gateway says how its parts are, and a rule that comes with it tells of a lost source', async () => {
  const { alerting, clock, seen, source } = create({ rules: [] });
  await clock.advance(2_000);
  source.status = 'failed';
  await clock.advance(1_000);
  const told = seen.flatMap((one) => {
    return one.kind === 'sample' && one.stream.id === 'gateway.source.obd' ? [one.v] : [];
  });
  expect(told).toEqual([2, 0]);
  await clock.advance(60_000);
  expect(alerting.ongoing().map(({ cause }) => cause)).toContain('gateway.source.obd');
});

test('rules that come with the gateway count when the store does not open', async () => {
  const { alerting, clock, source } = create({ stuck: true });
  source.status = 'failed';
  await clock.advance(60_000);
  expect(alerting.ongoing().map(({ cause }) => cause)).toContain('gateway.source.obd');
  expect(alerting.rules.find('hot')).toBeUndefined();
});

test('an alert that lasted when the gateway stopped goes on, and its time counts', async () => {
  const rule: AlertRule = { ...HOT, escalate: [{ afterMs: 120_000, severity: 'alarm' }] };
  const alert = alertOf({ id: '6-1', startedAt: { epoch: 6, t: 0 } });
  const { alerting, clock, hear } = create({ rules: [rule], alerts: [alert] });
  await settle();
  for (let s = 0; s < 20; s++) {
    hear(120);
    expect(alerting.get('6-1').severity).toBe('warn');
    await clock.advance(1_000);
  }
  hear(120);
  expect(alerting.get('6-1').severity).toBe('alarm');
});
