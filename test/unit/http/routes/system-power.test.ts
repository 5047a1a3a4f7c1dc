import { expect, test } from 'vitest';
import { Powering } from '../../../../src/gateway/powering.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { powerOff, restartGateway } from '../../../../src/http/routes/system-power.ts';
import { type Power, PowerError } from '../../../../src/io/power.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { asAdmin } from '../callers.ts';
import { request } from '../fakes.ts';

function start({ isSupervised = true, off = () => Promise.resolve() }: Partial<Power> = {}) {
  const realTime = new FakeClock();
  const done: string[] = [];
  const power = new Powering({
    power: {
      isSupervised,
      off: async () => {
        await off();
        done.push('off');
      },
    },
    realTime,
    restart: () => void done.push('restart'),
    note: ({ action, who, from, result }) => void done.push(`${action} ${result} ${who} ${from}`),
  });
  const ask = async (path: string, body: unknown) => {
    const sent = request('POST', `/api/v1/system/${path}`, {
      headers: new Map([['content-type', 'application/json']]),
      body: new TextEncoder().encode(JSON.stringify(body)),
    });
    const reply = await dispatch([restartGateway, powerOff], { power }, sent, asAdmin).catch(
      (error: unknown) => {
        if (error instanceof Problem) return problemReply(error);
        throw error;
      },
    );
    return { status: reply?.status, text: String(reply?.body) };
  };
  return { ask, done, realTime };
}

const YES = { confirm: true };

test('those who manage the gateway only, and not by a slip', async () => {
  expect([restartGateway.access, powerOff.access]).toEqual(['manage', 'manage']);
  const { ask, done } = start();
  for (const body of [{}, { confirm: false }, { confirm: 'true' }, { ...YES, more: 1 }]) {
    expect((await ask('restart', body)).status).toBe(422);
    expect((await ask('poweroff', body)).status).toBe(422);
  }
  expect(done).toEqual([]);
});

test('a restart is promised first, and begins when the reply has left', async () => {
  const { ask, done, realTime } = start();
  expect((await ask('restart', YES)).status).toBe(202);
  expect(done).toEqual(['system.restart done admin 127.0.0.1']);
  await realTime.advance(1_000);
  await settle();
  expect(done.at(-1)).toBe('restart');
});

test('switching off is written down before it begins', async () => {
  const { ask, done } = start();
  expect((await ask('poweroff', YES)).status).toBe(202);
  expect(done).toEqual(['system.poweroff done admin 127.0.0.1', 'off']);
});

test('nothing is ended that nobody would start again', async () => {
  const { ask, done, realTime } = start({ isSupervised: false });
  for (const path of ['restart', 'poweroff']) {
    const { status, text } = await ask(path, YES);
    expect(status).toBe(409);
    expect(text).toContain('not started by systemd');
    expect(done.splice(0)).toEqual([`system.${path} refused admin 127.0.0.1`]);
  }
  await realTime.advance(1_000);
  expect(done).toEqual([]);
});

test('a computer that refuses says why', async () => {
  const off = () => Promise.reject(new PowerError('REFUSED', 'access denied'));
  const { ask, done } = start({ off });
  const { status, text } = await ask('poweroff', YES);
  expect([status, text]).toEqual([409, expect.stringContaining('Access denied.')]);
  expect(done.at(-1)).toBe('system.poweroff refused admin 127.0.0.1');
});
