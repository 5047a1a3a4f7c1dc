import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Alert, AlertNews, AlertRule } from '#core/alert.ts';
import { DeliveryError, type DurableAction } from '../../../../src/alerts/actions/action.ts';
import { buzzerAction } from '../../../../src/alerts/actions/buzzer.ts';
import type { ActionSetup } from '../../../../src/alerts/actions/queue.ts';
import { ActionRunner } from '../../../../src/alerts/actions/runner.ts';
import type { KeptAlert } from '../../../../src/alerts/kept-alert.ts';
import { alertOf, EVIDENCE, HOT } from '../../../support/alert-fixture.ts';
import { FakeAction, fails, hangs } from '../../../support/fake-action.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';

const EPOCH = 7;
const RULE: AlertRule = { ...HOT, actions: ['hook', 'mail'] };
const AWAY = new DeliveryError('UNREACHED', 'nothing listens there');
const ACKNOWLEDGED = { by: 'Ada', at: { epoch: EPOCH, t: 2 } };
const ENDED = { endedAt: { epoch: EPOCH, t: 9 }, endedBy: 'cleared' } as const;
const ALARM = alertOf({ severity: 'alarm' });

function createMail() {
  const put: string[] = [];
  const mail: DurableAction = {
    ...{ id: 'mail', kind: 'mail' },
    put: (news, { id }) => put.push(`${news} ${id}`),
    test: () => Promise.reject(AWAY),
    run: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    health: () => ({ id: 'mail', status: 'ok', text: '', details: {} }),
  };
  return { mail, put };
}

const SILENT = { info: () => {}, warn: () => {} };

/** Keeps who was told of each alert, as the book does. */
class Booked extends ActionRunner {
  readonly told = new Map<string, readonly string[]>();

  override notify(news: AlertNews, alert: KeptAlert, rule: AlertRule | undefined) {
    const before = this.told.get(alert.id) ?? alert.told;
    const told = super.notify(news, { ...alert, told: before }, rule);
    this.told.set(alert.id, told);
    return told;
  }
}

function begin(actions: readonly ActionSetup[]) {
  const clock = new FakeClock();
  const { mail, put } = createMail();
  const runner = new Booked({
    ...{ actions, durable: [mail], epoch: EPOCH, realTime: clock, log: SILENT },
    now: () => clock.now(),
    localTime: () => undefined,
  });
  const stop = new AbortController();
  const running = runner.run(stop.signal);
  onTestFinished(async () => {
    stop.abort(new Error('the test is over'));
    await running;
    expect(clock.sleepers).toBe(0);
  });
  return { clock, runner, mailed: put };
}

function beginBoth() {
  const [hook, buzzer] = [new FakeAction('hook'), new FakeAction('buzz', 'buzzer')];
  return { hook, buzzer, ...begin([{ action: hook }, { action: buzzer }]) };
}

test('the actions of the rule are told of start, escalation and end, and of nothing else', async () => {
  const { runner, hook, buzzer, mailed } = beginBoth();
  const all: readonly AlertNews[] = ['started', 'escalated', 'silenced', 'noted'];
  for (const news of all) runner.notify(news, alertOf(), RULE);
  runner.notify('ended', alertOf(ENDED), undefined);
  await settle();
  expect(hook.tries).toEqual(['started 7-1', 'escalated 7-1', 'ended 7-1']);
  expect(mailed).toEqual(hook.tries);
  expect(buzzer.tries).toEqual([]);
});

test('an alarm sounds without being asked for, also without its rule, and its end does not', async () => {
  const { runner, hook, buzzer } = beginBoth();
  runner.notify('started', ALARM, undefined);
  await settle();
  runner.notify('ended', { ...ALARM, ...ENDED }, undefined);
  await settle();
  expect(buzzer.tries).toEqual(['started 7-1']);
  // A webhook is told of everything, with and without a rule.
  expect(hook.tries).toEqual(['started 7-1', 'ended 7-1']);
});

test.each([
  ['info', [], ['hook']],
  ['warn', [], ['hook', 'mail']],
  ['alarm', [], ['hook', 'mail', 'buzz']],
  ['info', ['buzz'], ['hook', 'buzz']],
  ['info', ['mail', 'hook'], ['hook', 'mail']],
] as const)(
  'an alert of severity %s whose rule names %j goes to %j',
  async (severity, actions, to) => {
    const { runner, hook, buzzer, mailed } = beginBoth();
    runner.notify('started', alertOf({ severity }), { ...HOT, actions });
    await settle();
    const told = { hook: hook.tries, mail: mailed, buzz: buzzer.tries };
    for (const [id, tries] of Object.entries(told)) {
      expect([id, tries]).toEqual([id, to.some((one) => one === id) ? ['started 7-1'] : []]);
    }
  },
);

test('an alert that gets more severe reaches those that its start was not for, and its end all', async () => {
  const { runner, hook, mailed } = beginBoth();
  runner.notify('started', alertOf({ severity: 'info' }), HOT);
  runner.notify('escalated', alertOf({ severity: 'warn' }), HOT);
  runner.notify('ended', alertOf({ severity: 'warn', ...ENDED }), HOT);
  await settle();
  expect(hook.tries).toEqual(['started 7-1', 'escalated 7-1', 'ended 7-1']);
  expect(mailed).toEqual(['escalated 7-1', 'ended 7-1']);
});

test('an action that a rule names only later hears nothing of an end', async () => {
  const { runner, hook, mailed } = beginBoth();
  const info = alertOf({ severity: 'info' });
  runner.notify('started', info, { ...HOT, actions: [] });
  runner.notify('ended', { ...info, ...ENDED }, { ...HOT, actions: ['mail'] });
  await settle();
  expect([hook.tries, mailed]).toEqual([['started 7-1', 'ended 7-1'], []]);
});

test('a buzzer is switched off at the start, and one that cannot be says so', async () => {
  const gone = Object.assign(new Error('there is no chip gpiochip9'), { code: 'NO_CHIP' });
  const off = vi.fn().mockResolvedValueOnce(undefined).mockRejectedValueOnce(gone);
  const play = vi.fn(() => Promise.resolve());
  const good = begin([{ action: buzzerAction('buzz', { play, off }) }]);
  await settle();
  expect(off).toHaveBeenCalledOnce();
  expect(play).not.toHaveBeenCalled();
  expect(good.runner.list()[0]).toMatchObject({ id: 'buzz', status: 'ok' });
  const bad = begin([{ action: buzzerAction('buzz', { play, off }) }]);
  await settle();
  expect(bad.runner.list()[0]).toMatchObject({ status: 'failed', text: gone.message });
  bad.runner.notify('started', ALARM, undefined);
  await settle();
  expect(bad.runner.list()[0]).toMatchObject({ status: 'ok' });
});

test('a rule may name the buzzer for less than an alarm', async () => {
  const { runner, buzzer } = beginBoth();
  runner.notify('started', alertOf(), { ...RULE, actions: ['buzz'] });
  await settle();
  expect(buzzer.tries).toEqual(['started 7-1']);
});

test('nobody is told of what is silenced, and of its end only those who know of its start', async () => {
  const { runner, clock, hook, buzzer } = beginBoth();
  const silenced = { ...ALARM, silencedUntil: { epoch: EPOCH, t: 60e6 } };
  runner.notify('started', silenced, RULE);
  runner.notify('ended', { ...silenced, ...ENDED }, RULE);
  await settle();
  expect([hook.tries, buzzer.tries]).toEqual([[], []]);
  runner.notify('started', alertOf({ id: '7-2' }), RULE);
  runner.notify('silenced', { ...silenced, id: '7-2' }, RULE);
  runner.notify('escalated', { ...silenced, id: '7-2' }, RULE);
  runner.notify('ended', { ...silenced, ...ENDED, id: '7-2' }, RULE);
  await settle();
  expect(hook.tries).toEqual(['started 7-2', 'ended 7-2']);
  await clock.advance(60_000);
  runner.notify('started', { ...silenced, id: '7-3' }, RULE);
  await settle();
  expect(hook.tries.at(-1)).toBe('started 7-3');
});

test('a silence of another start of the gateway does not count', async () => {
  const { runner, hook } = beginBoth();
  runner.notify('started', alertOf({ silencedUntil: { epoch: EPOCH - 1, t: 1e12 } }), RULE);
  await settle();
  expect(hook.tries).toEqual(['started 7-1']);
});

test('an alarm sounds every 10 s until it is acknowledged, and anew when it gets worse', async () => {
  const { runner, clock, buzzer } = beginBoth();
  runner.notify('started', ALARM, RULE);
  await clock.advance(35_000);
  expect(buzzer.tries).toHaveLength(4);
  runner.notify('acknowledged', { ...ALARM, acknowledged: ACKNOWLEDGED }, RULE);
  await clock.advance(60_000);
  expect(buzzer.tries).toHaveLength(4);
  runner.notify('escalated', ALARM, RULE);
  await settle();
  expect(buzzer.tries).toHaveLength(5);
  runner.notify('ended', { ...ALARM, ...ENDED }, RULE);
  await clock.advance(60_000);
  expect(buzzer.tries).toHaveLength(5);
});

test('an alarm sounds again when its silence is over', async () => {
  const { runner, clock, buzzer } = beginBoth();
  runner.notify('started', ALARM, RULE);
  await settle();
  runner.notify('silenced', { ...ALARM, silencedUntil: { epoch: EPOCH, t: 60e6 } }, RULE);
  await clock.advance(59_000);
  expect(buzzer.tries).toHaveLength(1);
  await clock.advance(11_000);
  expect(buzzer.tries).toHaveLength(3);
});

test('a sound ends when somebody acknowledges', async () => {
  const { runner, buzzer } = beginBoth();
  buzzer.outcomes.push(hangs);
  runner.notify('started', ALARM, RULE);
  await settle();
  runner.notify('acknowledged', { ...ALARM, acknowledged: ACKNOWLEDGED }, RULE);
  await settle();
  expect(buzzer.aborted).toBe(true);
});

test('after a restart an alarm that lasts sounds on, and its end is told to those who knew', async () => {
  const { runner, clock, hook, buzzer, mailed } = beginBoth();
  runner.resume(ALARM, RULE);
  await clock.advance(10_000);
  expect([hook.tries, buzzer.tries]).toEqual([[], ['started 7-1']]);
  const told = ['hook', 'buzz'];
  runner.notify('ended', { ...ALARM, ...ENDED, told } satisfies KeptAlert, RULE);
  await settle();
  expect([hook.tries, mailed]).toEqual([['ended 7-1'], []]);
});

test('an action is never told that it does not work, the others are', async () => {
  const { runner, clock, hook, buzzer, mailed } = beginBoth();
  const rule = { ...RULE, stream: 'gateway.action.*', actions: ['hook', 'buzz', 'mail'] };
  const about = (id: string): Alert =>
    alertOf({ id: `7-${id}`, cause: `gateway.action.${id}`, severity: 'alarm' });
  hook.outcomes.push(fails(new DeliveryError('REFUSED', 'said 404', { permanent: true })));
  runner.notify('started', alertOf(), RULE);
  await settle();
  expect(runner.list()[0]?.status).toBe('failed');
  runner.notify('started', about('hook'), rule);
  await settle();
  runner.notify('started', about('buzz'), rule);
  await clock.advance(10_000);
  runner.notify('ended', { ...about('hook'), ...ENDED }, rule);
  await clock.advance(10_000);
  expect(hook.tries).toEqual(['started 7-1', 'started 7-buzz']);
  expect(buzzer.tries).toEqual(['started 7-hook', 'started 7-hook']);
  expect(mailed).toEqual(['started 7-1', 'started 7-hook', 'started 7-buzz', 'ended 7-hook']);
});

test('a rule of several streams that looks at an action is about it too', async () => {
  const { runner, hook } = beginBoth();
  const readings = [{ stream: 'gateway.action.hook', t: 1, v: 0 }];
  runner.notify('started', alertOf({ evidence: { ...EVIDENCE, readings } }), RULE);
  await settle();
  expect(hook.tries).toEqual([]);
});

test('an action that is not there any more is counted', () => {
  const { runner } = beginBoth();
  runner.notify('started', alertOf(), { ...RULE, actions: ['pager', 'hook'] });
  expect(runner.unknown).toBe(1);
});

test('the test button reaches each action, or says that there is none', async () => {
  const { runner, hook } = beginBoth();
  const { signal } = new AbortController();
  await runner.test('hook', signal);
  expect(hook.tries).toEqual(['started 7-test']);
  await expect(runner.test('mail', signal)).rejects.toBe(AWAY);
  await expect(runner.test('pager', signal)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: 'there is no action "pager"',
  });
});

test('the list and health have a part for each action', async () => {
  const { runner, hook } = beginBoth();
  expect(runner.list()).toEqual([
    { id: 'hook', kind: 'webhook', status: 'ok', text: 'webhook ready' },
    { id: 'buzz', kind: 'buzzer', status: 'ok', text: 'buzzer ready' },
    { id: 'mail', kind: 'mail', status: 'ok', text: '' },
  ]);
  expect(runner.ids).toEqual(['hook', 'buzz', 'mail']);
  expect(runner.health().map(({ id, text }) => [id, text])).toEqual([
    ['hook', 'webhook ready'],
    ['buzz', 'buzzer ready'],
    ['mail', ''],
  ]);
  hook.outcomes.push(fails(new DeliveryError('REFUSED', 'said 404', { permanent: true })));
  runner.notify('started', alertOf(), RULE);
  await settle();
  expect(runner.list()[0]).toMatchObject({ status: 'failed', text: 'said 404' });
});

test('one action that hangs for ever never delays another', async () => {
  const step = fc.record({
    severity: fc.constantFrom('info', 'warn', 'alarm'),
    pauseMs: fc.nat(30_000),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (steps, deaf) => {
        const clock = new FakeClock();
        const [stuck, free] = [new FakeAction('stuck'), new FakeAction('free')];
        stuck.outcomes.push(hangs);
        // One that does not even listen to its signal.
        const worse = { id: 'stuck', kind: 'webhook', deliver: hangs } as const;
        const runner = new ActionRunner({
          actions: [{ action: deaf ? worse : stuck }, { action: free }],
          ...{ durable: [], epoch: EPOCH, realTime: clock, log: SILENT },
          now: () => clock.now(),
          localTime: () => undefined,
        });
        const stop = new AbortController();
        // With a deaf one it does not end: the stop of the gateway has a limit for that.
        const running = runner.run(stop.signal);
        const rule = { ...RULE, actions: ['stuck', 'free'] };
        for (const [i, { severity, pauseMs }] of steps.entries()) {
          runner.notify('started', alertOf({ id: `7-${i}`, severity }), rule);
          await settle();
          expect(free.tries).toHaveLength(i + 1);
          await clock.advance(pauseMs);
        }
        stop.abort(new Error('the test is over'));
        if (!deaf) await running;
      },
    ),
    { numRuns: 30 },
  );
});

test('a buzzer beeps once for an info, twice for a warning, and 3 s at 1 Hz for an alarm', async () => {
  const played: (readonly number[])[] = [];
  const play = (pattern: readonly number[]) => {
    played.push(pattern);
    return Promise.resolve();
  };
  const buzzer = buzzerAction('buzz', { play, off: () => Promise.resolve() });
  const { signal } = new AbortController();
  for (const severity of ['info', 'warn', 'alarm'] as const) {
    await buzzer.deliver('started', alertOf({ severity }), signal);
  }
  expect(played.map((pattern) => Math.ceil(pattern.length / 2))).toEqual([1, 2, 3]);
  const [, , alarm = []] = played;
  expect(alarm).toEqual([500, 500, 500, 500, 500]);
});
