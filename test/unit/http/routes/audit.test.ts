import { expect, test } from 'vitest';
import type { AuditFact } from '../../../../src/accounts/audit.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { MemoryAudit } from '../../accounts/memory-audit.ts';
import { asAdmin } from '../callers.ts';
import { request } from '../fakes.ts';

const fact = (action: string, who: string): AuditFact => ({
  ...{ action, who, from: '192.168.4.20', target: 'x', result: 'done', details: { role: 'admin' } },
});

function startAudit() {
  const audit = new MemoryAudit();
  const gateway: Gateway = { ...bareGateway(), audit: audit.log };
  const get = async (path: string) => {
    const reply = await dispatch(ROUTES, gateway, request('GET', `/api/v1${path}`), asAdmin);
    return { headers: reply?.headers ?? {}, body: JSON.parse(String(reply?.body)) };
  };
  return { audit, get };
}

test('entries come newest first, page by page, without their hashes', async () => {
  const { audit, get } = startAudit();
  for (let i = 0; i < 5; i++) audit.log.note(fact('login', `user${i}`));
  await audit.log.flush();
  const first = await get('/audit?limit=3');
  expect(first.body.items[0]).toEqual({
    ...{ n: 5, time: '2026-11-22T00:00:00.000Z', ...fact('login', 'user4') },
  });
  expect(first.body.next).toBe('3');
  expect(first.headers['link']).toBe('<?limit=3&cursor=3>; rel="next"');
  const { body } = await get('/audit?limit=3&cursor=3');
  expect(body.items.map(({ n }: { n: number }) => n)).toEqual([2, 1]);
  expect(body.next).toBeNull();
});

test('entries of one action or one account are found, however far back', async () => {
  const { audit, get } = startAudit();
  audit.log.note(fact('claim', 'ada'));
  for (let i = 0; i < 900; i++) audit.log.note(fact('login', 'bob'));
  audit.log.note(fact('logout', 'ada'));
  await audit.log.flush();
  const numbers = async (query: string) =>
    (await get(`/audit?${query}`)).body.items.map(({ n }: { n: number }) => n);
  expect(await numbers('who=ada')).toEqual([902, 1]);
  expect(await numbers('action=claim')).toEqual([1]);
  expect(await numbers('action=claim&who=bob')).toEqual([]);
  const page = await get('/audit?who=ada&limit=1');
  expect(page.body.next).toBe('902');
  expect(await numbers('who=ada&limit=1&cursor=902')).toEqual([1]);
});

test('the log tells whether it is as it was written', async () => {
  const { audit, get } = startAudit();
  expect((await get('/audit/check')).body).toEqual({
    ...{ whole: true, entries: 0, first: null, last: null, brokenAt: null },
  });
  for (let i = 0; i < 3; i++) audit.log.note(fact('login', 'ada'));
  await audit.log.flush();
  expect((await get('/audit/check')).body).toEqual({
    ...{ whole: true, entries: 3, first: 1, last: 3, brokenAt: null },
  });
  audit.change(2, { who: 'bob' });
  expect((await get('/audit/check')).body).toMatchObject({ whole: false, brokenAt: 2 });
});
