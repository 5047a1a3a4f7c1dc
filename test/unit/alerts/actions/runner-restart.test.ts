import { expect, onTestFinished, test } from 'vitest';
import { ActionRunner } from '../../../../src/alerts/actions/runner.ts';
import { alertOf, HOT } from '../../../support/alert-fixture.ts';
import { FakeAction } from '../../../support/fake-action.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';

const EPOCH = 7;
const ENDED = { endedAt: { epoch: EPOCH, t: 9 }, endedBy: 'changed' } as const;

test.each([
  ['that did not go on reaches those who know of it', ['hook', 'buzz'], ['ended 7-1']],
  ['that nobody was told of reaches nobody', [], []],
])('the end of an alert of an earlier start %s', async (_name, told, tries) => {
  const [hook, buzzer] = [new FakeAction('hook'), new FakeAction('buzz', 'buzzer')];
  const clock = new FakeClock();
  const runner = new ActionRunner({
    ...{ actions: [{ action: hook }, { action: buzzer }], durable: [], epoch: EPOCH },
    ...{
      realTime: clock,
      log: { info: () => {}, warn: () => {} },
      now: () => clock.now(),
      localTime: () => undefined,
    },
  });
  const stop = new AbortController();
  const running = runner.run(stop.signal);
  onTestFinished(async () => {
    stop.abort(new Error('the test is over'));
    await running;
  });
  const startedAt = { epoch: EPOCH - 1, t: 1 };
  const alert = { ...alertOf({ severity: 'alarm', startedAt, ...ENDED }), told };
  runner.notify('ended', alert, HOT);
  await settle();
  expect([hook.tries, buzzer.tries]).toEqual([tries, []]);
});
