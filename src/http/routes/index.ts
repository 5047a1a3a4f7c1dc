import type { Health } from '#core/health.ts';
import type { Stream } from '#core/stream.ts';
import type { Guard } from '../authorise.ts';
import type { People } from '../privacy.ts';
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
import { type AuditDeps, checkAudit, listAudit } from './audit.ts';
import { type AuthDeps, getToken, login, logout, refreshToken, register } from './auth.ts';
import { changeMe, deleteMe, type MeDeps, readMe } from './auth-me.ts';
import { endLogin, type LoginsDeps, listLogins } from './auth-sessions.ts';
import { type BackupDeps, makeBackup, restoreBackup } from './backup.ts';
import {
  type BluetoothDeps,
  forgetBluetooth,
  listBluetooth,
  pairBluetooth,
  scanBluetooth,
} from './bluetooth.ts';
import {
  type CanDeps,
  deleteDbcFile,
  listBuses,
  listDbcFiles,
  putDbcFile,
  readDbcFile,
} from './can.ts';
import {
  type DiagnosticsDeps,
  listFreezeFrames,
  listPids,
  readReadiness,
  readVehicle,
} from './diagnostics.ts';
import { clearTroubleCodes, listTroubleCodes, type TroubleCodesDeps } from './diagnostics-dtc.ts';
import { type EcusDeps, listEcuValues, readEcuCode, readEcuValue } from './diagnostics-ecus.ts';
import { documentRoutes } from './docs.ts';
import { type ExportDeps, exportSession } from './export.ts';
import { deleteExport, type ExportsDeps, readExport, readExportFile } from './exports.ts';
import { readHealth } from './health.ts';
import {
  exchangeTime,
  type IngestDeps,
  sendAlerts,
  sendEeg,
  sendFace,
  sendGame,
  tellClock,
} from './ingest.ts';
import { createInvite, deleteInvite, type InvitesDeps, listInvites } from './invites.ts';
import { readMetrics } from './metrics.ts';
import { listEvents, readData, readRecentData, type SessionDataDeps } from './session-data.ts';
import { markSession, type SessionEventsDeps } from './session-events.ts';
import {
  changeSession,
  deleteSession,
  listCurrentSessions,
  listSessions,
  readSession,
  type SessionsDeps,
  startSession,
} from './sessions.ts';
import { changeSettings, readSettings, type SettingsDeps } from './settings.ts';
import { claimGateway, type SetupDeps } from './setup.ts';
import { listSources, restartSource, type SourcesDeps } from './sources.ts';
import { listStreams } from './streams.ts';
import { readSync, type SyncDeps } from './sync.ts';
import { readSystem, type SystemDeps } from './system.ts';
import { type PowerDeps, powerOff, restartGateway } from './system-power.ts';
import {
  readAuthority,
  readAuthorityPem,
  readProfile,
  readTrustPage,
  type TrustDeps,
} from './trust.ts';
import {
  changeUser,
  createUser,
  deleteUser,
  listUsers,
  readUser,
  type UsersDeps,
} from './users.ts';

/** What the routes together need of the gateway. */
export interface Gateway extends TrustDeps {
  health(): Health;
  streams(): readonly Stream[];
  readonly reading: SessionsDeps['reading'] &
    SessionDataDeps['reading'] &
    ExportDeps['reading'] &
    AlertRulesDeps['reading'] &
    AlertHistoryDeps['reading'] &
    AlertBacktestDeps['reading'] &
    MeDeps['reading'];
  readonly accounts: Guard &
    People &
    SetupDeps['accounts'] &
    AuthDeps['accounts'] &
    MeDeps['accounts'] &
    LoginsDeps['accounts'] &
    UsersDeps['accounts'] &
    InvitesDeps['accounts'];
  readonly can?: CanDeps['can'];
  readonly exports?: (ExportDeps & ExportsDeps)['exports'];
  readonly audit: AuditDeps['audit'] &
    MeDeps['audit'] &
    SessionsDeps['audit'] &
    TroubleCodesDeps['audit'] &
    SourcesDeps['audit'];
  readonly alerting: AlertRulesDeps['alerting'] &
    AlertHistoryDeps['alerting'] &
    AlertActionsDeps['alerting'] &
    AlertBacktestDeps['alerting'];
  readonly ingest: IngestDeps['ingest'] & SessionEventsDeps['ingest'];
  readonly diagnosis: DiagnosticsDeps['diagnosis'] &
    TroubleCodesDeps['diagnosis'] &
    EcusDeps['diagnosis'];
  readonly sources: SourcesDeps['sources'];
  readonly system: SystemDeps['system'];
  readonly sync: SyncDeps['sync'];
  readonly settings: SettingsDeps['settings'];
  readonly backup: BackupDeps['backup'];
  readonly power: PowerDeps['power'];
  readonly bluetooth: BluetoothDeps['bluetooth'];
}

/** Every REST endpoint. Of two that match, the first answers. */
export const ROUTES: readonly AnyRoute<Gateway>[] = [
  readTrustPage,
  readAuthority,
  readAuthorityPem,
  readProfile,
  readHealth,
  readMetrics,
  ...documentRoutes(() => ROUTES),
  claimGateway,
  getToken,
  login,
  refreshToken,
  logout,
  register,
  readMe,
  changeMe,
  deleteMe,
  listLogins,
  endLogin,
  listUsers,
  createUser,
  readUser,
  changeUser,
  deleteUser,
  listInvites,
  createInvite,
  deleteInvite,
  listAudit,
  checkAudit,
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
  markSession,
  sendEeg,
  sendFace,
  sendGame,
  sendAlerts,
  exchangeTime,
  tellClock,
  exportSession,
  readExport,
  readExportFile,
  deleteExport,
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
  listPids,
  readVehicle,
  readReadiness,
  listFreezeFrames,
  listTroubleCodes,
  clearTroubleCodes,
  listEcuValues,
  readEcuValue,
  readEcuCode,
  listBuses,
  listDbcFiles,
  putDbcFile,
  readDbcFile,
  deleteDbcFile,
  readSystem,
  readSync,
  listSources,
  restartSource,
  listBluetooth,
  scanBluetooth,
  pairBluetooth,
  forgetBluetooth,
  readSettings,
  changeSettings,
  makeBackup,
  restoreBackup,
  restartGateway,
  powerOff,
];
