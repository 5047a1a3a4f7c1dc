import type { Health } from '#core/health.ts';
import type { Stream } from '#core/stream.ts';
import type { AnyRoute } from '../route.ts';
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
export interface Gateway extends SessionsDeps, SessionDataDeps, ExportDeps {
  health(): Health;
  streams(): readonly Stream[];
  readonly reading: SessionsDeps['reading'] & SessionDataDeps['reading'] & ExportDeps['reading'];
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
];
