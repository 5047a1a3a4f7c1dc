import type { Health } from '#core/health.ts';
import type { Stream } from '#core/stream.ts';
import type { AnyRoute } from '../route.ts';
import {
  type AlertRulesDeps,
  changeRule,
  createRule,
  deleteRule,
  listRules,
  readRule,
} from './alerts.ts';
import { type AlertActionsDeps, listActions, testAction } from './alerts-actions.ts';
import { type AlertBacktestDeps, backtestRules } from './alerts-backtest.ts';
import {
  type AlertHistoryDeps,
  acknowledgeAlert,
  listActiveAlerts,
  listAlerts,
  noteAlert,
  readAlert,
  silenceAlert,
} from './alerts-history.ts';
import { type ExportDeps, exportSession } from './export.ts';
import { readHealth } from './health.ts';
import { listEvents, readData, readRecentData, type SessionDataDeps } from './session-data.ts';
import {
  changeSession,
  deleteSession,
  listCurrentSessions,
  listSessions,
  readSession,
  type SessionsDeps,
  startSession,
} from './sessions.ts';
import { listStreams } from './streams.ts';

/** What the routes together need of the gateway. */
export interface Gateway {
  health(): Health;
  streams(): readonly Stream[];
  readonly reading: SessionsDeps['reading'] &
    SessionDataDeps['reading'] &
    ExportDeps['reading'] &
    AlertRulesDeps['reading'] &
    AlertHistoryDeps['reading'] &
    AlertBacktestDeps['reading'];
  readonly alerting: AlertRulesDeps['alerting'] &
    AlertHistoryDeps['alerting'] &
    AlertActionsDeps['alerting'] &
    AlertBacktestDeps['alerting'];
}

/** Every REST endpoint. Of two that match, the first answers. */
export const ROUTES: readonly AnyRoute<Gateway>[] = [
  readHealth,
  listStreams,
  listSessions,
  startSession,
  listCurrentSessions,
  readRecentData,
  readSession,
  changeSession,
  deleteSession,
  readData,
  listEvents,
  exportSession,
  listRules,
  createRule,
  listActiveAlerts,
  listAlerts,
  readAlert,
  acknowledgeAlert,
  silenceAlert,
  noteAlert,
  listActions,
  testAction,
  backtestRules,
  readRule,
  changeRule,
  deleteRule,
];
