import { expect, test } from 'vitest';
import { webhookAction } from '../../../../src/alerts/actions/webhook.ts';
import { WebhookError } from '../../../../src/io/webhook.ts';
import { alertOf } from '../../../support/alert-fixture.ts';

const EPOCH = 7;
const ENDED = { endedAt: { epoch: EPOCH, t: 9 }, endedBy: 'cleared' } as const;
const ALARM = alertOf({ severity: 'alarm' });

test('a webhook says what happened, with times as they are believed, under one key a delivery', async () => {
  const posts: { body: string; key: string }[] = [];
  const hook = webhookAction(
    'hook',
    {
      post: (body, key) => {
        posts.push({ body, key });
        return Promise.resolve();
      },
    },
    {
      device: 'Früh 1',
      timeOf: ({ epoch, t }) =>
        epoch === EPOCH ? { time: `T${t}`, trust: t === 9 ? 'ntp' : 'rtc' } : undefined,
    },
  );
  const { signal } = new AbortController();
  await hook.deliver('started', alertOf(), signal);
  await hook.deliver('started', alertOf(), signal);
  await hook.deliver('escalated', ALARM, signal);
  await hook.deliver('ended', alertOf(ENDED), signal);
  await hook.deliver('started', alertOf({ startedAt: { epoch: 3, t: 0 } }), signal);
  const bodies: unknown[] = posts.map(({ body }) => JSON.parse(body));
  expect(bodies[0]).toEqual({
    device: 'Früh 1',
    news: 'started',
    alert: {
      id: '7-1',
      rule: { id: 'hot', name: 'Coolant too hot' },
      cause: '',
      severity: 'warn',
      text: 'Engine coolant temperature 112 °C, over 110',
      stream: 'obd.engine.coolant',
      value: 112,
      unit: 'Cel',
      startedAt: 'T1000000',
      endedAt: null,
      endedBy: null,
      clockTrust: 'rtc',
    },
  });
  expect(bodies[3]).toMatchObject({
    alert: { endedAt: 'T9', endedBy: 'cleared', clockTrust: 'rtc' },
  });
  expect(bodies[4]).toMatchObject({ alert: { startedAt: null, clockTrust: 'none' } });
  const keys = posts.map(({ key }) => key);
  expect(keys[1]).toBe(keys[0]);
  expect(new Set(keys).size).toBe(4);
  expect(keys.join('')).toMatch(/^[A-Za-z0-9_-]+$/);
});

test('what a receiver says decides on another try', async () => {
  const { signal } = new AbortController();
  const said = async (error: Error) => {
    const post = () => Promise.reject(error);
    const hook = webhookAction('hook', { post }, { device: 'car', timeOf: () => undefined });
    return await hook.deliver('started', alertOf(), signal).catch((caught) => caught);
  };
  expect(await said(new WebhookError('CONNECT', 'x: nothing listens there'))).toMatchObject({
    ...{ code: 'UNREACHED', permanent: false, message: 'x: nothing listens there' },
  });
  const later = new WebhookError('LATER', 'x said 429', { status: 429, retryAfterMs: 5_000 });
  expect(await said(later)).toMatchObject({
    ...{ code: 'REFUSED', permanent: false, retryAfterMs: 5_000 },
  });
  const refused = new WebhookError('REFUSED', 'x said 404', { status: 404, retryAfterMs: 0 });
  expect(await said(refused)).toMatchObject({ code: 'REFUSED', permanent: true });
  expect(await said(new TypeError('a bug'))).toBeInstanceOf(TypeError);
});
