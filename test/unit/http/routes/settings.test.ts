import * as v from 'valibot';
import { expect, test } from 'vitest';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import {
  changeSettings,
  readSettings,
  type SettingsDeps,
} from '../../../../src/http/routes/settings.ts';
import { SettingsError } from '../../../../src/settings/errors.ts';
import { noManaging } from '../../../support/no-managing.ts';
import { asAdmin } from '../callers.ts';
import { request } from '../fakes.ts';

/** Asks a gateway whose settings can be changed as `change` says. */
async function ask(
  method: string,
  headers: Readonly<Record<string, string>> = {},
  body: unknown = undefined,
  change: SettingsDeps['settings']['change'] = noManaging().settings.change,
) {
  const { view } = noManaging().settings;
  const sent = request(method, '/api/v1/settings', {
    headers: new Map(Object.entries({ 'content-type': 'application/json', ...headers })),
    body: new TextEncoder().encode(JSON.stringify(body) ?? ''),
  });
  const routes = [readSettings, changeSettings];
  const reply = await dispatch(routes, { settings: { view, change } }, sent, asAdmin).catch(
    (error: unknown) => {
      if (error instanceof Problem) return problemReply(error);
      throw error;
    },
  );
  const text = String(reply?.body ?? '');
  return { ...reply, json: text.startsWith('{') ? JSON.parse(text) : text };
}

test('those who manage the gateway only', () => {
  expect([readSettings.access, changeSettings.access]).toEqual(['manage', 'manage']);
});

test('the settings come with their tag, and not again to who has them', async () => {
  const { status, headers, json } = await ask('GET');
  expect([status, headers?.['etag']]).toEqual([200, '"r1"']);
  expect(v.parse(readSettings.reply, json)).toEqual(json);
  for (const tags of ['"r1"', '"r0", "r1"', '*']) {
    const reply = await ask('GET', { 'if-none-match': tags });
    expect([reply.status, reply.headers?.['etag'], reply.json]).toEqual([304, '"r1"', '']);
  }
  expect((await ask('GET', { 'if-none-match': '"r2"' })).status).toBe(200);
});

test('a change says what it is of, and reaches the settings whole', async () => {
  const calls: unknown[] = [];
  const change: SettingsDeps['settings']['change'] = async (...call) => {
    calls.push(call);
    return { ...(await noManaging().settings.view()), revision: 'r2' };
  };
  const body = { log: 'warn', eeg: ['a', 'b'], quota: 5, requireTls: false, obd: null };
  const { status, headers } = await ask('PATCH', { 'if-match': '"r0", "r1"' }, body, change);
  expect([status, headers?.['etag']]).toEqual([200, '"r2"']);
  expect(calls).toEqual([[body, ['r0', 'r1'], { who: 'admin', from: '127.0.0.1' }]]);
});

test('a change without a tag is told to bring one', async () => {
  expect((await ask('PATCH', {}, { log: 'warn' })).status).toBe(428);
  expect((await ask('PATCH', { 'if-match': ' ' }, { log: 'warn' })).status).toBe(428);
});

test.each([{}, [], { log: {} }, { log: [5] }, 'log', null])('%j is no change', async (body) => {
  expect((await ask('PATCH', { 'if-match': '*' }, body)).status).toBe(422);
});

test('refusals have their statuses, and point at what is wrong', async () => {
  const refusal = (error: SettingsError) =>
    ask('PATCH', { 'if-match': '*' }, { log: 'x' }, () => Promise.reject(error));
  expect((await refusal(new SettingsError('CHANGED', 'it changed'))).status).toBe(412);
  expect((await refusal(new SettingsError('UNWRITABLE', 'no permission'))).status).toBe(409);
  const faults = [{ pointer: '/log', message: 'expected info' }];
  const { status, json } = await refusal(new SettingsError('INVALID', 'it is wrong', { faults }));
  expect(status).toBe(422);
  expect(json).toMatchObject({
    detail: 'It is wrong.',
    errors: [{ pointer: '/log', message: 'Expected info.' }],
  });
});
