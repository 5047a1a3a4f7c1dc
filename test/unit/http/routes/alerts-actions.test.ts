import { expect, test } from 'vitest';
import { startAlerting } from './ask.ts';

test('actions are listed with how they are', async () => {
  const { ask } = startAlerting();
  expect((await ask('GET', '/alerts/actions')).body).toEqual({
    items: [
      { id: 'mail', kind: 'mail', status: 'ok', text: 'nothing waits' },
      { id: 'horn', kind: 'buzzer', status: 'failed', text: 'there is no line 17' },
    ],
    next: null,
  });
});

test('an action is tried, and what the other end says is told', async () => {
  const { ask, tested } = startAlerting();
  expect(await ask('POST', '/alerts/actions/mail/test')).toMatchObject({ status: 204, body: null });
  expect((await ask('POST', '/alerts/actions/mail/test', {})).status).toBe(204);
  expect(await ask('POST', '/alerts/actions/horn/test')).toMatchObject({
    status: 502,
    body: { title: 'Bad Gateway', status: 502, detail: 'Line 17: no such line.' },
  });
  expect(tested).toEqual(['mail', 'mail', 'horn']);
});

test('an action that is not there is a 404, and a fault of ours is no problem of the client', async () => {
  const { ask } = startAlerting();
  expect((await ask('POST', '/alerts/actions/pager/test')).status).toBe(404);
  await expect(ask('POST', '/alerts/actions/bug/test')).rejects.toThrow(new TypeError('a bug'));
});
