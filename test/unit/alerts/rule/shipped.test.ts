import { expect, test } from 'vitest';
import { TRUST } from '#core/clock.ts';
import {
  actionStream,
  CLOCK_STATE,
  FATIGUE_LEVEL,
  STORE_STATE,
  sourceStream,
} from '#core/gateway-streams.ts';
import type { Stream } from '#core/stream.ts';
import { checkRule } from '../../../../src/alerts/rule/check.ts';
import { parseRule } from '../../../../src/alerts/rule/schema.ts';
import { SHIPPED_RULES } from '../../../../src/alerts/rule/shipped.ts';
import { ruleSentence } from '../../../../src/alerts/rule/words.ts';
import { PIDS } from '../../../../src/sources/obd/j1979/pid-table.ts';
import { ADAPTER_VOLTAGE, IGNITION, TROUBLE } from '../../../../src/sources/obd/streams.ts';

const STREAMS: readonly Stream[] = [
  ...PIDS.flatMap((row) => row.signals.map(({ stream }) => stream)),
  ...[ADAPTER_VOLTAGE, IGNITION, TROUBLE],
  ...[STORE_STATE, CLOCK_STATE, FATIGUE_LEVEL],
  ...[sourceStream('obd'), sourceStream('eeg2'), actionStream('mail')],
];

function streams(pattern: string): readonly Stream[] {
  if (pattern === '*') return STREAMS;
  const above = pattern.replace(/\*$/, '');
  return STREAMS.filter(({ id }) => (above === pattern ? id === above : id.startsWith(above)));
}

test.each(SHIPPED_RULES.map((rule) => [rule.id, rule] as const))('%s', (_, rule) => {
  expect(parseRule(JSON.parse(JSON.stringify(rule)))).toEqual(rule);
  expect(checkRule(rule, { streams, actions: [] }, { hints: true })).toEqual([]);
  expect('stream' in rule && streams(rule.stream)).not.toEqual([]);
  expect(ruleSentence(rule, (id) => streams(id)[0])).toMatch(/^(Info|Warning|Alarm) when .+\.$/);
});

test('no two of them have one id or name', () => {
  expect(new Set(SHIPPED_RULES.map(({ id }) => id)).size).toBe(SHIPPED_RULES.length);
  expect(new Set(SHIPPED_RULES.map(({ name }) => name)).size).toBe(SHIPPED_RULES.length);
});

test('every state that the gateway tells of itself has a word', () => {
  for (const { range, states } of STREAMS.filter(({ id }) => /^(gateway|fatigue)\./.test(id))) {
    const all = Array.from({ length: range[1] - range[0] + 1 }, (_, i) => String(range[0] + i));
    expect(Object.keys(states ?? {})).toEqual(all);
  }
  expect(CLOCK_STATE.range).toEqual([0, TRUST.length - 1]);
});

test('the battery is measured by what is awake while the engine is off', () => {
  const battery = SHIPPED_RULES.find(({ id }) => id === 'battery-low');
  expect(battery).toMatchObject({ stream: ADAPTER_VOLTAGE.id, while: { engine: 'off' } });
});
