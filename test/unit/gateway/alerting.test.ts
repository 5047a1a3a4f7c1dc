import { expect, test } from 'vitest';
import type { AlertRule } from '#core/alert.ts';
import { SHIPPED_RULES } from '../../../src/alerts/rule/shipped.ts';
import { alertOf } from '../../support/alert-fixture.ts';
import { createAlerting as create, HOT } from '../../support/alerting-world.ts';
import { settle } from '../../support/fake-clock.ts';

test('the log has a line when an alert starts, gets worse and ends', async () => {
  const rule: AlertRule = {
    ...{ ...HOT, severity: 'info' },
    escalate: [
      { value: 120, severity: 'warn' },
      { value: 130, severity: 'alarm' },
    ],
  };
  const { hear, logged, alerting, clock } = create({ rules: [rule] });
  await settle();
  for (const v of [111, 121, 131]) hear(v);
  const [alert] = alerting.ongoing();
  await alerting.acknowledge(alert?.id ?? '', 'Ada');
  await alerting.silence(alert?.id ?? '', 5);
  await clock.advance(42_000);
  hear(100);
  expect(logged).toEqual([
    'info alerts Coolant too hot: Oven 111 °C, over 110',
    'warn alerts Coolant too hot: Oven 121 °C, over 110',
    'error alerts Coolant too hot: Oven 131 °C, over 110',
    'info alerts Coolant too hot was acknowledged by Ada',
    'info alerts Coolant too hot was silenced for 5 min',
    'info alerts Coolant too hot is over after 0:42',
  ]);
});

test('the log tells what somebody does to rules, and why an alert is over', async () => {
  const { alerting, hear, logged } = create();
  await settle();
  hear(120);
  await alerting.rules.update('hot', { holdMs: 9 });
  expect(logged.slice(1)).toEqual([
    'info alerts rule Coolant too hot was changed',
    'info alerts Coolant too hot is over after 0:00, its rule was changed',
  ]);
});

test('alerts that last are there for who begins to listen, silenced ones as such', async () => {
  const { alerting, hear } = create();
  await settle();
  hear(120);
  const states = () => alerting.snapshot().map(({ data }) => [data['state'], data['snapshot']]);
  expect(states()).toEqual([['started', true]]);
  await alerting.silence('7-1', 5);
  expect(states()).toEqual([['silenced', true]]);
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

const REPLAY = [
  ...['--replay', '1', '--webhook', 'http://127.0.0.1:9/', '--buzzer', 'gpio:gpiochip0/17'],
  ...['--mail', 'smtp://127.0.0.1:9?tls=none&from=a@example.org&to=b@example.org'],
];

test('a replay tells nobody: neither webhooks nor mail nor the buzzer', async () => {
  const { alerting, hear } = create({ rules: [], flags: REPLAY, stuck: true });
  await settle();
  await alerting.rules.create({ ...HOT, actions: [] });
  hear(120);
  expect(alerting.ongoing()).toHaveLength(1);
  expect(alerting.actions()).toEqual([]);
});

test('a replay keeps nothing of its alerts, and nobody waits for a disk', async () => {
  const { alerting, hear } = create({ flags: REPLAY, stuck: true });
  await settle();
  await alerting.rules.create({ ...HOT, actions: [] });
  hear(120);
  const [alert] = alerting.ongoing();
  const { acknowledged } = await alerting.acknowledge(alert?.id ?? '', 'Ada');
  expect(acknowledged).toMatchObject({ by: 'Ada' });
  expect(alerting.health()[0]).toMatchObject({ id: 'alerts', status: 'ok' });
});

test('a replay waits for no store: its first readings are watched', async () => {
  const { alerting } = create({ flags: REPLAY, stuck: true });
  await settle();
  expect(alerting.health()[0]?.details).toMatchObject({ rules: SHIPPED_RULES.length });
});

test('an alert that lasted when the gateway stopped goes on, and its time counts', async () => {
  const rule: AlertRule = { ...HOT, escalate: [{ afterMs: 120_000, severity: 'alarm' }] };
  const alert = alertOf({ id: '6-1', startedAt: { epoch: 6, t: 0 } });
  const { alerting, clock, hear, logged } = create({ rules: [rule], alerts: [alert] });
  await settle();
  expect(logged).toEqual(['info alerts 1 alert goes on from before the start']);
  for (let s = 0; s < 20; s++) {
    hear(120);
    expect(alerting.get('6-1').severity).toBe('warn');
    await clock.advance(1_000);
  }
  hear(120);
  expect(alerting.get('6-1').severity).toBe('alarm');
});
