import { expect, test, vi } from 'vitest';
import type { AlertRule } from '#core/alert.ts';
import type { Stream } from '#core/stream.ts';
import { KnownStreams } from '../../../src/alerts/known-streams.ts';
import { SHIPPED_RULES } from '../../../src/alerts/rule/shipped.ts';
import { type RuleDraft, Rules } from '../../../src/alerts/rules.ts';
import { HOT, MemoryRecords } from '../../support/alert-fixture.ts';

const COOLANT: Stream = {
  ...{ id: 'obd.engine.coolant', name: 'Coolant', unit: 'Cel', range: [-40, 215], hz: 1 },
  kind: 'sample',
};
const RPM: Stream = { ...COOLANT, id: 'obd.engine.rpm', name: 'RPM', unit: '/min' };

function draftOf({ id, ...draft }: AlertRule): RuleDraft {
  return draft;
}
const DRAFT = draftOf(HOT);
const OTHER = { ...DRAFT, stream: RPM.id, unit: '/min' };

function create(kept: readonly AlertRule[] = []) {
  const records = new MemoryRecords<string, AlertRule>(kept);
  const streams: Stream[] = [COOLANT];
  const changed = vi.fn();
  const said: string[] = [];
  const known = new KnownStreams(() => [...streams], ['mail']);
  const surroundings = vi.fn(() => known.surroundings());
  const rules = new Rules(records, {
    ...{ surroundings, changed },
    tell: ({ id }, what) => said.push(`${id} ${what}`),
  });
  rules.load();
  changed.mockClear();
  return { rules, records, streams, changed, said };
}

const [SHIPPED] = SHIPPED_RULES;
if (!SHIPPED) throw new Error('no rule comes with the gateway');

test('a rule is made, counts at once and is kept', async () => {
  const { rules, records, changed } = create();
  const rule = await rules.create(DRAFT);
  expect(rule).toEqual({ ...HOT, id: 'coolant-too-hot' });
  expect(rules.get(rule.id)).toBe(rule);
  expect(records.list()).toEqual([rule]);
  expect(changed).toHaveBeenCalledExactlyOnceWith(rules.list());
  expect(rules.originOf(rule.id)).toBe('own');
});

test('a rule written before the store was open takes the place of none in it', async () => {
  const kept: AlertRule = { ...HOT, id: 'coolant-too-hot', holdMs: 7_000 };
  const records = new MemoryRecords<string, AlertRule>([kept]);
  const known = new KnownStreams(() => [COOLANT], []);
  const surroundings = () => known.surroundings();
  const rules = new Rules(records, { surroundings, changed: () => {}, tell: () => {} });
  records.failing = true;
  void rules.create(DRAFT);
  await vi.waitFor(() => expect(rules.failure).not.toBe(''));
  rules.load();
  records.failing = false;
  await rules.flush();
  const written = { ...HOT, id: 'coolant-too-hot-2' };
  expect([rules.get(kept.id), rules.get(written.id)]).toEqual([kept, written]);
  expect(records.list()).toEqual([kept, written]);
});

test.each([
  ['Coolant too hot!', 'coolant-too-hot'],
  ['  Öl: 90 °C ', 'o-l-90-c'],
  ['!!!', 'rule'],
  ['x'.repeat(80), 'x'.repeat(35)],
  // These would hide a route, or be hidden behind it.
  ['History', 'history-2'],
  ['active', 'active-2'],
  ['Actions', 'actions-2'],
  ['Backtest', 'backtest-2'],
])('a rule called %j is %s', async (name, id) => {
  const { rules } = create();
  expect((await rules.create({ ...DRAFT, name })).id).toBe(id);
});

test('names that are alike have numbers', async () => {
  const { rules } = create();
  await rules.create(DRAFT);
  expect((await rules.create(DRAFT)).id).toBe('coolant-too-hot-2');
  expect((await rules.create(DRAFT)).id).toBe('coolant-too-hot-3');
});

test('own rules come after those of the gateway, by their names', async () => {
  const { rules } = create();
  await rules.create({ ...DRAFT, name: 'Zebra' });
  await rules.create({ ...DRAFT, name: 'apple' });
  const ids = rules.list().map(({ id }) => id);
  expect(ids.slice(0, -2)).toEqual(SHIPPED_RULES.map(({ id }) => id));
  expect(ids.slice(-2)).toEqual(['apple', 'zebra']);
});

test('what makes no sense is refused, and nothing changes', async () => {
  const { rules, records, changed } = create();
  const draft = { ...DRAFT, unit: 'K' };
  await expect(rules.create(draft)).rejects.toMatchObject({
    code: 'INVALID',
    faults: [{ pointer: '/unit', message: 'expected the unit of the stream, Cel, found "K"' }],
  });
  expect([records.list(), changed.mock.calls]).toEqual([[], []]);
});

test('one more than 1,000 is refused', async () => {
  const own = Array.from({ length: 1_000 - SHIPPED_RULES.length }, (_, i) => {
    return { ...HOT, id: `hot-${i}` };
  });
  const { rules } = create(own);
  await expect(rules.create(DRAFT)).rejects.toMatchObject({ code: 'TOO_MANY' });
  await rules.remove('hot-7');
  expect((await rules.create(DRAFT)).id).toBe('coolant-too-hot');
});

test('a new threshold leaves stream and unit, another condition takes the place of all of it', async () => {
  const { rules } = create([HOT]);
  const when = { op: '>' as const, value: 100 };
  expect(await rules.update('hot', { when, holdMs: 500 })).toEqual({ ...HOT, when, holdMs: 500 });
  const all = [{ stream: COOLANT.id, when }];
  const changed = await rules.update('hot', { all });
  expect(changed).toMatchObject({ id: 'hot', holdMs: 500, all });
  for (const key of ['stream', 'unit', 'when']) expect(changed).not.toHaveProperty(key);
});

test('what a patch makes has to be a rule', async () => {
  const { rules, records } = create([HOT]);
  const all = [{ stream: COOLANT.id, when: { op: '>', value: 1 } }];
  for (const patch of [{ when: { op: '>' } }, { all: [] }, { all, any: all }]) {
    await expect(rules.update('hot', patch)).rejects.toMatchObject({ code: 'INVALID' });
  }
  expect(await rules.update('hot', { name: undefined })).toEqual(HOT);
  expect(records.list()).toEqual([HOT]);
});

test('a stream that is not there today is no reason against another name', async () => {
  const lost = { ...HOT, stream: 'obd.engine.oil' };
  const { rules } = create([lost]);
  expect(await rules.update('hot', { name: 'Oil' })).toEqual({ ...lost, name: 'Oil' });
  await expect(rules.update('hot', { stream: 'obd.engine.fuel' })).rejects.toMatchObject({
    code: 'INVALID',
  });
});

test('a rule of the gateway is changed and comes back, and is not removed', async () => {
  const { rules, records } = create();
  const { id } = SHIPPED;
  await expect(rules.remove(id)).rejects.toMatchObject({ code: 'SHIPPED' });
  await rules.update(id, { enabled: false });
  expect([rules.originOf(id), rules.get(id).enabled]).toEqual(['changed', false]);
  await rules.remove(id);
  expect([rules.originOf(id), rules.get(id), records.list()]).toEqual(['shipped', SHIPPED, []]);
});

test('a rule that is not there is told by name, which is cut', async () => {
  const { rules } = create();
  const message = 'there is no rule "nothing"';
  expect(() => rules.get('nothing')).toThrow(message);
  await expect(rules.update('nothing', {})).rejects.toThrow(message);
  await expect(rules.remove('nothing')).rejects.toThrow(message);
  expect(rules.find('nothing')).toBeUndefined();
  expect(() => rules.get('x'.repeat(999))).toThrow(`"${'x'.repeat(60)}"`);
});

test('a disk that takes nothing is told, and what it did not take goes there later', async () => {
  const { rules, records } = create();
  records.failing = true;
  const made = rules.create(DRAFT);
  await rules.flush();
  expect(rules.failure).toBe('the disk takes nothing');
  expect(rules.get('coolant-too-hot').name).toBe(HOT.name);
  records.failing = false;
  await rules.flush();
  expect(records.list()).toEqual([await made]);
  expect(rules.failure).toBe('');
});

test('faults are found once, and again when there are other streams', async () => {
  const { rules, streams } = create([HOT, { ...HOT, ...OTHER, id: 'rpm' }]);
  const faults = () => rules.list().flatMap((rule) => rules.check(rule));
  const [rpm] = rules.check(rules.get('rpm'));
  expect(rpm?.message).toMatch(/^expected a stream that there is/);
  expect(rules.check(rules.get('rpm'))).toBe(rules.check(rules.get('rpm')));
  const before = faults().length;
  streams.push(RPM);
  expect(rules.check(rules.get('rpm'))).toEqual([]);
  expect(faults()).toHaveLength(before - 1);
  // A change is another rule, which is looked at by itself.
  const range = { op: '>' as const, value: 9_999 };
  expect(rules.check({ ...rules.get('rpm'), when: range } as AlertRule)).not.toEqual([]);
});

test('what somebody does to rules is told', async () => {
  const { rules, said } = create();
  await rules.create(DRAFT);
  await rules.update('coolant-too-hot', { holdMs: 1 });
  await rules.update('coolant-too-hot', { enabled: false });
  await rules.update('coolant-too-hot', { enabled: true });
  await rules.remove('coolant-too-hot');
  await rules.update('speed', { name: 'Too fast' });
  await rules.remove('speed');
  expect(said).toEqual([
    ...['made', 'changed', 'switched off', 'switched on', 'removed'].map((what) => {
      return `coolant-too-hot was ${what}`;
    }),
    'speed was changed',
    'speed is as it came again',
  ]);
});
