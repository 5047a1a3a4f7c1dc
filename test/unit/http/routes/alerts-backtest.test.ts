import * as v from 'valibot';
import { expect, test } from 'vitest';
import { AlertError } from '../../../../src/alerts/errors.ts';
import { Problem } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import {
  type AlertBacktestDeps,
  backtestRules,
} from '../../../../src/http/routes/alerts-backtest.ts';
import { backtestPieces } from '../../../../src/reading/backtest.ts';
import type { BacktestRequest } from '../../../../src/reading/service.ts';
import { SessionError } from '../../../../src/sessions/errors.ts';
import { StoreError } from '../../../../src/store/errors.ts';
import { StoreReader } from '../../../../src/store/reading/reader.ts';
import { HOT } from '../../../support/alert-fixture.ts';
import { MemoryReads } from '../../../support/memory-reads.ts';
import { asAdmin } from '../callers.ts';
import { request } from '../fakes.ts';

const { id, ...DRAFT } = HOT;
const WRONG = { pointer: '/when/clear', message: 'expected less than 110, found 120' };

/** A gateway with one rule, which answers with nothing found and keeps what it was asked for. */
function gateway(backtest?: AlertBacktestDeps['reading']['backtest']) {
  const asked: BacktestRequest[] = [];
  const deps: AlertBacktestDeps = {
    alerting: {
      rules: {
        get(wanted) {
          if (wanted === id) return HOT;
          throw new AlertError('NOT_FOUND', `there is no rule ${JSON.stringify(wanted)}`);
        },
        check: ({ holdMs }) => (holdMs === 13 ? [WRONG] : []),
      },
    },
    reading: {
      backtest: async (one) => {
        asked.push(one);
        if (backtest) return await backtest(one);
        const sessions = one.sessions.map((session) => ({ session, stretches: [] }));
        const reader = new StoreReader(new MemoryReads(), undefined);
        const pieces = backtestPieces(reader, { ...one, sessions, studies: [] });
        return { fileName: '', mime: 'application/json', pieces: walked(pieces) };
      },
    },
  };
  const ask = async (body: unknown) => {
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    const headers = new Map([
      ['host', 'localhost'],
      ['content-type', 'application/json'],
    ]);
    const post = request('POST', '/api/v1/alerts/backtest', { body: bytes, headers });
    return await dispatch([backtestRules], deps, post, asAdmin);
  };
  return { ask, asked };
}

async function* walked(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  yield* pieces;
}

async function problemOf(reply: Promise<unknown>): Promise<unknown> {
  const problem = await reply.catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(Problem);
  return problem;
}

async function textOf(body: unknown): Promise<string> {
  if (!(typeof body === 'object' && body !== null && Symbol.asyncIterator in body)) return '';
  let text = '';
  for await (const piece of body as AsyncIterable<Uint8Array>) text += Buffer.from(piece);
  return text;
}

test('the answer has the shape that it says', async () => {
  const { ask } = gateway();
  const reply = await ask({ sessions: [3, 5], rule: id, against: DRAFT });
  expect(reply).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
  const answer = JSON.parse(await textOf(reply?.body));
  expect(v.parse(backtestRules.reply, answer)).toEqual(answer);
  expect(answer.sessions).toMatchObject([
    { session: 3, versions: { both: [], onlyFirst: [], onlySecond: [] } },
    { session: 5, rules: [{ rule: { id: 'hot' } }, { rule: { id: 'draft' } }] },
  ]);
  expect(answer.sessions[0].notes).toEqual([
    'stream obd.engine.coolant: nothing was recorded of it in this session',
  ]);
});

test('a rule is an id or is written out, alone, against another, or in a list', async () => {
  const { ask, asked } = gateway();
  const draft = { ...DRAFT, id: 'draft' };
  await ask({ sessions: [1], rule: id });
  await ask({ sessions: [1, 1], rule: DRAFT, against: id });
  await ask({ sessions: [1], rules: [id, DRAFT] });
  expect(asked).toEqual([
    { sessions: [1], rules: [HOT], versions: false },
    { sessions: [1], rules: [draft, HOT], versions: true },
    { sessions: [1], rules: [HOT, draft], versions: false },
  ]);
});

test('what is wrong with a rule is told where it is', async () => {
  const { ask, asked } = gateway();
  const wrong = { ...DRAFT, holdMs: 13 };
  const message = 'Expected less than 110, found 120.';
  for (const [body, pointer] of [
    [{ sessions: [1], rule: wrong }, '/rule/when/clear'],
    [{ sessions: [1], rule: id, against: wrong }, '/against/when/clear'],
    [{ sessions: [1], rules: [id, wrong] }, '/rules/1/when/clear'],
  ] as const) {
    const faults = [{ pointer, message }];
    expect(await problemOf(ask(body))).toMatchObject({ status: 422, faults });
  }
  const misspelt = { sessions: [1], rule: { ...DRAFT, hodlMs: 5 } };
  expect(await problemOf(ask(misspelt))).toMatchObject({
    status: 422,
    faults: [{ pointer: '/rule/hodlMs' }],
  });
  expect(asked).toEqual([]);
});

test('a body that says not what is to be tried is refused', async () => {
  const { ask } = gateway();
  const bodies = [
    { sessions: [], rule: id },
    { sessions: Array.from({ length: 101 }, (_, i) => i + 1), rule: id },
    { sessions: [0], rule: id },
    { sessions: [1] },
    { sessions: [1], rule: id, rules: [id] },
    { sessions: [1], rules: [id], against: id },
    { sessions: [1], rules: [] },
  ];
  for (const body of bodies) {
    expect(await problemOf(ask(body)), JSON.stringify(body)).toMatchObject({ status: 422 });
  }
});

test('unknown rules and sessions are not found, and without a store there is nothing to try', async () => {
  const fails = (error: Error) =>
    gateway(() => Promise.reject(error)).ask({ sessions: [9], rule: id });
  expect(await problemOf(gateway().ask({ sessions: [1], rule: 'nope' }))).toMatchObject({
    ...{ status: 404, message: 'There is no rule "nope".' },
  });
  const unknown = new SessionError('NOT_FOUND', 'there is no session 9');
  expect(await problemOf(fails(unknown))).toMatchObject({ status: 404 });
  const off = new StoreError('OFF', 'the store is not open');
  expect(await problemOf(fails(off))).toMatchObject({ status: 503 });
});
