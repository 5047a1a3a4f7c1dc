/** Backtests of what a real store has, in the reading thread: over two starts of the gateway. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Alert, AlertRule } from '#core/alert.ts';
import type { Epoch } from '#core/clock.ts';
import type { Session } from '#core/session.ts';
import type { ExportFile } from '../../../src/reading/client.ts';
import type { SessionBacktest } from '../../../src/reading/questions.ts';
import { type BacktestRequest, createReading, type Reading } from '../../../src/reading/service.ts';
import { Sessions } from '../../../src/sessions/sessions.ts';
import { DATA_FILE } from '../../../src/store/opening/opening.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { drive, liveAlerts, RULES, type Start } from '../../support/live-alerts.ts';
import { sessionOf } from '../../support/recorded-store.ts';
import { storeOf } from './recorded.ts';

const STARTS: readonly Start[] = [
  { epoch: epoch(1, 0), readings: drive(1, 1_200), end: 1_200e6 },
  { epoch: epoch(2, 1_260_000), readings: drive(2, 900), end: 900e6 },
];
const EPOCHS: readonly Epoch[] = STARTS.map((start) => start.epoch);
/** Both starts, without what the end of the second one is for. */
const DRIVE: Session = {
  ...sessionOf(1, 1, 0, 0),
  spans: [
    { epoch: 1, from: 0, to: 1_200e6 },
    { epoch: 2, from: 0, to: 900e6 },
  ],
};
const STUDY: Session = { ...sessionOf(2, 2, 300e6, 600e6), study: 'night' };

function epoch(id: number, laterMs: number): Epoch {
  const wallMs = Date.UTC(2026, 10, 22) + laterMs;
  return { id, wallMs, trust: 'ntp', bootId: 'boot', monotonicMs: laterMs };
}

let directory: string;
let reading: Reading;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'vigil-backtest-'));
  for (const [i, one] of EPOCHS.entries()) {
    const store = storeOf(directory, one);
    const stop = new AbortController();
    const running = store.run(stop.signal);
    const close = async (): Promise<void> => {
      stop.abort();
      await running;
    };
    await store.settled;
    store.take(STARTS[i]?.readings ?? []);
    await store.durable();
    if (i === 0) await close();
    else {
      stops.push(close);
      reading = await readingOf(store);
    }
  }
});

afterAll(async () => {
  await reading.close();
  for (const stop of stops) await stop();
  await rm(directory, { recursive: true });
});

async function readingOf(store: ReturnType<typeof storeOf>): Promise<Reading> {
  const now = () => 900e6;
  const epochs = () => new Map(EPOCHS.map((one) => [one.id, one]));
  const [first, second] = EPOCHS;
  if (!first || !second) throw new Error('there are two starts');
  const records = {
    ...{ list: () => [DRIVE, STUDY], lastId: () => 2 },
    ...{ put: async () => {}, remove: async () => {} },
  };
  const sessions = new Sessions(records, {
    ...{ epoch: second, epochs, now, tell: () => {} },
    statistics: (spans) => reading.statistics(spans),
    erase: async () => {},
  });
  await sessions.open({ lastSeen: store.lastSeen });
  const file = path.join(directory, DATA_FILE);
  return createReading({ store, sessions, epochs, now, clock: new FakeClock(), file });
}

async function jsonOf({ pieces }: ExportFile): Promise<{ sessions: SessionBacktest[] }> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of pieces) text += decoder.decode(piece);
  return JSON.parse(text);
}

async function ask(request: Partial<BacktestRequest>): Promise<SessionBacktest[]> {
  const file = await reading.backtest({
    ...{ sessions: [1], rules: RULES, versions: false },
    ...request,
  });
  expect(file.mime).toBe('application/json');
  return (await jsonOf(file)).sessions;
}

function ruleOf(id: string): AlertRule {
  const rule = RULES.find((one) => one.id === id);
  if (!rule) throw new Error(`no rule ${id}`);
  return rule;
}

type Told = Pick<Alert, 'cause' | 'severity' | 'endedBy'> & {
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly text: string;
};

const sorted = (alerts: readonly Told[]): Told[] =>
  alerts.toSorted((a, b) => a.startedAt - b.startedAt || (a.cause < b.cause ? -1 : 1));

test('every rule finds in the store what it found live, alert for alert', async () => {
  const live = await liveAlerts(RULES, STARTS);
  // The second start began 1,260 s after the first.
  const at = ({ epoch: id, t }: Alert['startedAt']): number => (id === 1 ? t : t + 1_260e6);
  const [session] = await ask({});
  expect(session).toMatchObject({ session: 1, durationS: 2_100, versions: null, notes: [] });
  const rules = session?.rules ?? [];
  expect(rules.map(({ rule }) => rule.id)).toEqual(RULES.map(({ id }) => id));
  for (const { rule, alerts, totals } of rules) {
    const expected = live
      .filter((alert) => alert.rule.id === rule.id)
      .map(({ cause, severity, startedAt, endedAt, endedBy, evidence: { text } }) => {
        return {
          cause,
          severity,
          startedAt: at(startedAt),
          endedAt: endedAt && at(endedAt),
          endedBy,
          text,
        };
      });
    const found = alerts.map(({ cause, severity, startedAt, endedAt, endedBy, text }) => {
      return { cause, severity, startedAt, endedAt, endedBy, text };
    });
    expect(sorted(found), rule.name).toEqual(sorted(expected));
    expect(totals.count).toBe(expected.length);
  }
  expect(live.length).toBeGreaterThan(100);
});

test('sessions are answered in the order in which they were asked for', async () => {
  const answers = await ask({ sessions: [2, 1], rules: [ruleOf('edge')] });
  expect(answers.map(({ session }) => session)).toEqual([2, 1]);
  const part = answers[0]?.rules[0]?.alerts ?? [];
  const whole = answers[1]?.rules[0]?.alerts ?? [];
  const shift = (1_260 + 300) * 1e6;
  const inside = whole.filter(({ startedAt, endedAt }) => {
    return startedAt < shift + 300e6 && (endedAt ?? Number.POSITIVE_INFINITY) > shift;
  });
  expect(part.map(({ startedAt }) => startedAt + shift)).toEqual(
    inside.map(({ startedAt }) => startedAt),
  );
  expect(part.length).toBeGreaterThan(2);
});

test('a study is that of every session that was open', async () => {
  const studying = { ...ruleOf('edge'), while: { study: 'night' } };
  const [answer] = await ask({ rules: [studying, ruleOf('edge')] });
  const [within, always] = answer?.rules ?? [];
  const from = (1_260 + 300) * 1e6;
  expect(within?.totals.count).toBeGreaterThan(2);
  expect(always?.totals.count).toBeGreaterThan(within?.totals.count ?? 0);
  for (const { startedAt, endedAt } of within?.alerts ?? []) {
    expect(startedAt).toBeGreaterThanOrEqual(from);
    expect(endedAt).toBeLessThanOrEqual(from + 300e6);
  }
});

test('two versions of a rule are compared', async () => {
  const edge = ruleOf('edge');
  const later = { ...edge, holdMs: 5_000 };
  const [answer] = await ask({ rules: [edge, later], versions: true });
  const { both = [], onlyFirst = [], onlySecond = [] } = answer?.versions ?? {};
  const [first, second] = answer?.rules ?? [];
  expect(onlySecond).toEqual([]);
  expect(new Set(both.map(([, place]) => place)).size).toBe(second?.alerts.length);
  expect(both.length + onlyFirst.length).toBe(first?.alerts.length);
  expect(onlyFirst.length).toBeGreaterThan(0);
});

test('a stream that the session does not have is told', async () => {
  const rule = { ...ruleOf('edge'), stream: 'obd.no.such' } as AlertRule;
  const [answer] = await ask({ sessions: [2], rules: [rule] });
  expect(answer?.rules[0]?.totals).toEqual({ count: 0, onS: 0, share: 0 });
  expect(answer?.notes).toEqual(['stream obd.no.such: nothing was recorded of it in this session']);
});

test('other questions are answered meanwhile, and nobody has to hear it to the end', async () => {
  const file = await reading.backtest({ sessions: [1], rules: RULES, versions: false });
  expect((await reading.statistics(DRIVE.spans)).durationS).toBe(2_100);
  await file.pieces.return?.();
  expect(reading.health().details).toMatchObject({ exports: 0, running: 0 });
});

test('a session that is not there is told before there is an answer', async () => {
  const request = { sessions: [1, 9], rules: RULES, versions: false };
  await expect(reading.backtest(request)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
