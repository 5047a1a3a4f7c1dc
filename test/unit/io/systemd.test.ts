import { expect, test, vi } from 'vitest';
import { systemd } from '../../../src/io/systemd.ts';
import { settle } from '../../support/fake-clock.ts';

const NOTIFY_SOCKET = '/run/systemd/notify';

test('pings come twice in a period of the watchdog, and only where there is one', () => {
  const cases: [env: Record<string, string>, pingMs: number | undefined][] = [
    [{ NOTIFY_SOCKET, WATCHDOG_USEC: '30000000' }, 15_000],
    [{ NOTIFY_SOCKET }, undefined],
    [{ NOTIFY_SOCKET, WATCHDOG_USEC: '0' }, undefined],
    [{ NOTIFY_SOCKET, WATCHDOG_USEC: 'soon' }, undefined],
    [{ WATCHDOG_USEC: '30000000' }, undefined],
    [{}, undefined],
  ];
  for (const [env, pingMs] of cases) {
    expect(systemd(env, vi.fn()).pingMs, JSON.stringify(env)).toBe(pingMs);
  }
});

test('without systemd nothing is sent, nor missed', async () => {
  const onError = vi.fn();
  // An empty PATH: whatever it would start could not be found.
  systemd({ PATH: '' }, onError).notify('READY=1');
  await settle();
  expect(onError).not.toHaveBeenCalled();
});
