/** A gateway's alerts as a test wants them: its routes of alerts are answered here, and nowhere else. */
import type { Page, Route, WebSocketRoute } from 'playwright-core';
import type { Alert, Rule } from '../../web/alerts-api.js';
import type { How, useDrive } from './recorded.ts';

const AT = '2026-11-22T01:41:18.316Z';

export function alert(id: string, change: Partial<Alert> = {}): Alert {
  return {
    id,
    rule: { id: 'coolant-hot', name: 'Coolant too hot' },
    cause: '',
    severity: 'warn',
    state: 'active',
    startedAt: AT,
    endedAt: null,
    clockTrust: 'ntp',
    endedBy: null,
    text: 'Engine coolant temperature 112 °C, over 110 °C',
    stream: 'obd.engine.coolant',
    value: 112,
    unit: 'Cel',
    readings: [
      { stream: 'obd.engine.coolant', t: 61_000_000, v: 112 },
      { stream: 'obd.vehicle.speed', t: 60_900_000, v: 87 },
    ],
    acknowledgedBy: null,
    acknowledgedAt: null,
    silencedUntil: null,
    notes: [],
    ...change,
  };
}

export const COOLANT: Rule = {
  id: 'coolant-hot',
  name: 'Coolant too hot',
  severity: 'warn',
  stream: 'obd.engine.coolant',
  when: { op: '>', value: 110, clear: 105 },
  unit: 'Cel',
  holdMs: 5_000,
  cooldownMs: 30_000,
  escalate: [{ value: 118, severity: 'alarm' }],
  while: {},
  actions: [],
  enabled: true,
  origin: 'shipped',
  sentence:
    'Warning when Engine coolant temperature is over 110 °C (until 105 °C) for 5 s; alarm over 118 °C.',
  ongoing: 1,
  faults: [],
};

export const TIRED_AT_NIGHT: Rule = {
  id: 'night',
  name: 'Fast and tired at night',
  severity: 'alarm',
  all: [
    { stream: 'obd.vehicle.speed', when: { op: '>', value: 80 }, unit: 'km/h' },
    { stream: 'fatigue.level', when: { op: '>', value: 1.5 } },
  ],
  holdMs: 0,
  cooldownMs: 60_000,
  escalate: [],
  while: { schedule: { from: '22:00', to: '06:00' } },
  actions: ['mail'],
  enabled: false,
  origin: 'own',
  sentence: 'Alarm when Vehicle speed is over 80 km/h and fatigue.level is over 1.5.',
  ongoing: 0,
  faults: [{ pointer: '/all/1/stream', message: 'There is no stream fatigue.level.' }],
};

const ACTIONS = [
  { id: 'mail', kind: 'mail', status: 'failed', text: 'The server refuses the password.' },
  { id: 'buzzer', kind: 'buzzer', status: 'ok', text: 'Line 17 of gpiochip0.' },
];

/** What was asked, in order: `POST /alerts/history/12-3/ack`, with the body where there is one. */
export interface Asked {
  readonly what: string;
  readonly body: unknown;
}

interface Stub {
  alerts: Alert[];
  rules: Rule[];
  readonly asked: Asked[];
  /** Answers in place of the stub, by what is asked. */
  readonly instead: Map<string, { readonly status: number; readonly json: unknown }>;
  /** What the car's speed is said to be, km/h. */
  speed: number;
  /** Tells the page what has happened to an alert. */
  tell(state: string, one: Alert): void;
  /** Ends the connection; the next one is well. */
  drop(): void;
  /** Ends the connection, and every later one. */
  cut(): void;
}

/** Opens the dashboard at a hash, as `open` does, with alerts that are those of the test. */
export function withStub(open: ReturnType<typeof useDrive>['open']) {
  return async (hash: string, how: How = {}, alerts = [alert('12-3')]) => {
    let stub: Stub | undefined;
    const opened = await open(hash, {
      ...how,
      prepare: async (page) => {
        stub = await stubAlerts(page, alerts);
        await how.prepare?.(page);
      },
    });
    if (!stub) throw new Error('there is no stub before the page');
    return { ...opened, stub };
  };
}

/** To be called before the page is loaded. */
async function stubAlerts(page: Page, alerts: Alert[] = []): Promise<Stub> {
  let socket: WebSocketRoute | undefined;
  let dead = false;
  const stub: Stub = {
    alerts,
    rules: [COOLANT, TIRED_AT_NIGHT],
    asked: [],
    instead: new Map(),
    speed: 0,
    tell(state, one) {
      // Whoever asks later is told the same.
      const now: Alert = { ...one, state: state === 'ended' ? 'ended' : 'active' };
      stub.alerts = [now, ...stub.alerts.filter(({ id }) => id !== one.id)];
      socket?.send(JSON.stringify({ type: 'alert', t: 0, ...one, state }));
    },
    drop() {
      void socket?.close();
    },
    cut() {
      dead = true;
      void socket?.close();
    },
  };
  await page.routeWebSocket(/telemetry/, (route) => {
    socket = route;
    if (dead) {
      void route.close();
      return;
    }
    route.connectToServer().onMessage((message) => {
      // The gateway has alerts of its own.
      if (String(message).startsWith('{"type":"alert"')) return;
      const told = `"obd.vehicle.speed":${stub.speed}`;
      const text = String(message).replace(/"obd\.vehicle\.speed":[\d.]+/, told);
      route.send(typeof message === 'string' ? text : message);
    });
  });
  await page.route(/\/api\/v1\/alerts(\/|\?|$)/, (route) => answer(stub, route));
  return stub;
}

async function answer(stub: Stub, route: Route): Promise<void> {
  const request = route.request();
  const { pathname, searchParams } = new URL(request.url());
  const path = pathname.replace('/api/v1/', '/');
  const what = `${request.method()} ${path}`;
  stub.asked.push({ what, body: request.postDataJSON() });
  const told = stub.instead.get(what);
  const { status, json } = told ?? { status: 200, json: replyTo(stub, what, searchParams) };
  const contentType = status < 400 ? 'application/json' : 'application/problem+json';
  await route.fulfill({ status, contentType, body: JSON.stringify(json ?? null) });
}

function replyTo(stub: Stub, what: string, query: URLSearchParams): unknown {
  const id = what.split('/')[3] ?? '';
  const one = () => stub.alerts.find((each) => each.id === id);
  if (what === 'GET /alerts') return { items: stub.rules, next: null };
  if (what === 'GET /alerts/active') {
    return { items: stub.alerts.filter(({ state }) => state === 'active') };
  }
  if (what === 'GET /alerts/actions') return { items: ACTIONS };
  if (what === 'POST /alerts/backtest') return BACKTEST;
  if (what === 'GET /alerts/history') return pageOf(stub, query);
  if (what.startsWith('GET /alerts/history/')) return one();
  if (what.endsWith('/ack')) return change(stub, id, { acknowledgedBy: 'dashboard' });
  if (what.startsWith('POST /alerts/history/')) return one();
  if (what.startsWith('GET /alerts/')) {
    return stub.rules.find((rule) => what.endsWith(`/${rule.id}`));
  }
  return stub.rules[0];
}

function change(stub: Stub, id: string, to: Partial<Alert>): Alert | undefined {
  stub.alerts = stub.alerts.map((one) => (one.id === id ? { ...one, ...to } : one));
  return stub.alerts.find((one) => one.id === id);
}

function pageOf({ alerts }: Stub, query: URLSearchParams) {
  const severity = query.get('severity');
  const state = query.get('state');
  const found = alerts.filter(
    (one) => (!severity || one.severity === severity) && (!state || one.state === state),
  );
  const start = Number(query.get('cursor') ?? 0);
  const end = start + Number(query.get('limit') ?? 100);
  return { items: found.slice(start, end), next: end < found.length ? String(end) : null };
}

const FIRED = {
  endedBy: 'cleared',
  cause: '',
  value: 112,
  readings: [],
  text: 'Engine coolant temperature 112 °C, over 110 °C',
};

export const BACKTEST = {
  sessions: [
    {
      session: 1,
      durationS: 100,
      notes: ['The wall clock was not known: hours of the day are not looked at.'],
      rules: [
        {
          rule: { id: 'coolant-hot', name: 'Coolant too hot' },
          alerts: [
            { startedAt: 20_000_000, endedAt: 31_000_000, severity: 'warn', ...FIRED },
            { startedAt: 70_000_000, endedAt: null, severity: 'alarm', ...FIRED },
          ],
          truncated: 0,
          totals: { count: 2, onS: 41, share: 0.41 },
        },
        {
          rule: { id: 'coolant-hot', name: 'Coolant too hot' },
          alerts: [{ startedAt: 72_000_000, endedAt: 80_000_000, severity: 'warn', ...FIRED }],
          truncated: 0,
          totals: { count: 1, onS: 8, share: 0.08 },
        },
      ],
      versions: { both: [[1, 0]], onlyFirst: [0], onlySecond: [] },
    },
  ],
};
