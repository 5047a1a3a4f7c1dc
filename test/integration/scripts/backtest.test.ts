/** `vigil backtest` on a store that a gateway has left. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AlertRule } from '#core/alert.ts';
import { HOT } from '../../support/alert-fixture.ts';
import { recordInto, sessionOf } from '../../support/recorded-store.ts';

const TOP = path.resolve(import.meta.dirname, '../../..');
const KEPT: AlertRule = {
  ...{ ...HOT, id: 'slow', name: 'Slow here', unit: 'km/h', stream: 'obd.vehicle.speed' },
  when: { op: '<', value: 50 },
};
let top = '';
/** The car drives at 36 km/h all the time, from 5 s on in a session. */
beforeAll(async () => {
  top = mkdtempSync(path.join(tmpdir(), 'vigil-backtest-'));
  mkdirSync(path.join(top, 'data'));
  const sessions = [sessionOf(1, 1, 5e6, 20e6)];
  const rules = [KEPT, { ...KEPT, id: 'speed', name: 'Faster' }];
  const recorded = { epoch: 1, seconds: 30, sessions, rules };
  await (await recordInto(path.join(top, 'data'), recorded)).close();
});

afterAll(() => rmSync(top, { recursive: true }));

function ruleFile(name: string, changes: object): string {
  const when = { op: '<', value: 50 };
  const rule = { name: 'Slow', severity: 'info', stream: 'obd.vehicle.speed', when, ...changes };
  const file = path.join(top, name);
  writeFileSync(file, JSON.stringify(rule));
  return file;
}

function vigil(...args: string[]) {
  const cache = path.join(TOP, 'node_modules/.cache/node');
  const env = { VIGIL_DATA: path.join(top, 'data'), TZ: 'UTC', NODE_COMPILE_CACHE: cache };
  const argv = [path.join(TOP, 'scripts/vigil.ts'), 'backtest', ...args];
  const run = spawnSync(process.execPath, argv, { cwd: top, env, encoding: 'utf8' });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

test('alerts of two versions are a table, with what they come to', () => {
  const first = ruleFile('slow.json', { holdMs: 2_000 });
  const second = ruleFile('slower.json', { holdMs: 8_000 });
  const { status, out } = vigil('1', '--rule', first, '--against', second);
  expect(out.split('\n')).toEqual([
    'SESSION  START  DURATION  SEVERITY  ENDED  CAUSE  FOUND BY       TEXT',
    '      1  -0:03         -  info      lasts  -      both (first)   obd.vehicle.speed 36 km/h, under 50',
    '      1   0:03         -  info      lasts  -      both (second)  obd.vehicle.speed 36 km/h, under 50',
    'session 1: Slow (first): 1 alert, 0:15 in all, 100.0 %',
    'session 1: Slow (second): 1 alert, 0:12 in all, 80.0 %',
    '',
  ]);
  expect(status).toBe(0);
});

test('a rule of the gateway goes by its id, and a stream that was not recorded is told', () => {
  expect(vigil('last', '--rule', 'fatigue').out.split('\n')).toEqual([
    'session 1: Driver tired: 0 alerts, 0:00 in all, 0.0 %',
    'session 1: stream fatigue.level: nothing was recorded of it in this session',
    '',
  ]);
});

test('rules that somebody made or changed are known by their ids', () => {
  const { out, err } = vigil('1', '--rule', 'slow', '--against', 'speed');
  expect(err).toBe('');
  expect(out).toContain('session 1: Slow here (first): 1 alert');
  expect(out).toContain('session 1: Faster (second): 1 alert');
});

test('what cannot be tried says why', () => {
  const clear = ruleFile('clear.json', { when: { op: '>', value: 80, clear: 90 } });
  const form = ruleFile('form.json', { severity: 'loud' });
  const part = ruleFile('part.json', { severity: undefined });
  const broken = path.join(top, 'broken.json');
  writeFileSync(broken, '{');
  for (const [args, said] of [
    [['1'], /expected --rule/],
    [['--rule', 'fatigue'], /expected a session/],
    [['7', '--rule', 'fatigue'], /no session "7"/],
    [['1', '--rule', 'tired'], /no rule "tired"; there are coolant-hot,/],
    [['1', '--rule', clear], /clear\.json: \/when\/clear: expected at most 80/],
    [['1', '--rule', form], /form\.json: \/severity: expected one of info, warn, alarm/],
    [['1', '--rule', broken], /broken\.json: /],
    [['1', '--rule', './none.json'], /none\.json: there is no such file/],
    [['1', '--rule', part], /part\.json: \/severity: this is missing/],
  ] as const) {
    const { status, err, out } = vigil(...args);
    expect({ status, out }, args.join(' ')).toEqual({ status: 2, out: '' });
    expect(err).toMatch(said);
  }
});
