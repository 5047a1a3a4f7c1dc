import type { AnyRoute } from '../route.ts';

/** Where an example made of the schema alone would make no sense. */

const TERMS = {
  name: 'Engine coolant',
  holdMs: 2_000,
  cooldownMs: 30_000,
  severity: 'warn',
  escalate: [{ value: 120, severity: 'alarm' }],
  while: { engine: 'on' },
  actions: [],
  enabled: true,
};
const COMPARISON = {
  stream: 'obd.engine.coolant',
  when: { op: '>', value: 110, clear: 105 },
};

/** By the name of the shape. */
export const OF_COMPONENTS: Readonly<Record<string, unknown>> = {
  AlertRule: {
    id: 'coolant-hot',
    ...TERMS,
    ...COMPARISON,
    origin: 'own',
    sentence: 'Engine coolant temperature over 110 Cel for 2 s.',
    ongoing: 0,
    faults: [],
  },
  AlertRuleDraft: { ...TERMS, ...COMPARISON },
  AlertRulePatch: { holdMs: 5_000, enabled: false },
  AlertWhen: COMPARISON.when,
  ConditionList: [COMPARISON],
  Json: 12,
};

const LOGIN = { grant_type: 'password', username: 'maria', password: 'correct horse battery' };

/** Bodies by method and path. */
const BODIES: Readonly<Record<string, unknown>> = {
  'POST /auth/token': LOGIN,
  'POST /auth/login': LOGIN,
  'POST /auth/refresh': {
    grant_type: 'refresh_token',
    refresh_token: 'uXh9-3yW5cQm2vT8kLr1sN6pZb0dFg4jHa7eKx_VnMo',
  },
  'PATCH /settings': { device: 'van-2' },
  'POST /sessions': {
    ...{ driver: 'maria', vehicle: 'van', study: 'night-drives', tags: ['city'] },
    consent: 'I agree that this drive is recorded.',
  },
  'PATCH /sessions/:id': { notes: 'dry road', pinned: true },
  'POST /sessions/:id/alerts': {
    ...{ client: 'camera', seq: 7, epoch: 3 },
    items: [{ t: 81_500_000, severity: 'warn', text: 'Eyes closed', value: 0.31, kind: 'fatigue' }],
  },
  'POST /alerts/backtest': { sessions: [12], rules: ['coolant-hot'] },
  'POST /export': { session: 12, format: 'csv', streams: ['obd.engine.rpm'] },
};

/** What a name in a path may stand for, by what comes before it. */
const IDS: Readonly<Record<string, string>> = {
  '/alerts': 'coolant-hot',
  '/alerts/actions': 'mail',
  '/alerts/history': '7-3',
  '/auth/sessions': 'kR7xT2vQ9mLwZ4cN',
  '/bluetooth/devices': '00:1D:A5:68:98:8B',
  '/can': 'body',
  '/can/:bus/dbc': 'car',
  '/diagnostics/ecus': '7e8',
  '/diagnostics/ecus/:ecu/data': 'F190',
  '/diagnostics/ecus/:ecu/dtc': 'P0301-11',
  '/exports': 'q3VtYzJ8bW5kRk9wTGhXcA',
  '/invites': 'Zx4_k9Qp',
  '/sessions': '12',
  '/sources': 'obd',
  '/users': 'B5dYs0-Hf8uJgE3a',
};

/** @param name of a part of the path, without its colon */
export function idExample(path: string, name: string): string | undefined {
  return IDS[path.slice(0, path.indexOf(`/:${name}`))];
}

/** Undefined where the schema tells enough. */
export function bodyExample({ method, path }: Pick<AnyRoute<never>, 'method' | 'path'>): unknown {
  return BODIES[`${method} ${path}`];
}
