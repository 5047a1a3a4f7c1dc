import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type Clock, wallMs } from '#core/clock.ts';
import type { AuditFact } from '../accounts/audit.ts';
import { Bluetooth } from '../io/bluetooth/bluetooth.ts';
import type { Log } from '../io/log.ts';
import type { Power } from '../io/power.ts';
import type { Config, Invocation } from '../settings/config.ts';
import type { Accounting } from './accounting.ts';
import type { Alerting } from './alerting.ts';
import { BackingUp } from './backing-up.ts';
import { Bluetoothing } from './bluetoothing.ts';
import { keptDbc } from './canning.ts';
import { Configuring } from './configuring.ts';
import type { Starting } from './last-good.ts';
import { Powering } from './powering.ts';
import type { Recording } from './recording.ts';

/** What the gateway can do about its own process. */
export interface Process {
  readonly starting: Starting;
  readonly power: Power;
  /** Stops the gateway so that it is started again. */
  restart(): void;
}

export interface ManagingOptions {
  readonly process: Process;
  readonly clock: Clock;
  readonly realTime: Clock;
  readonly log: Log;
  readonly recording: Recording;
  readonly accounting: Accounting;
  readonly alerting: Alerting;
  readonly version: string;
}

/** What those do who manage the gateway: its settings, backups, and its power. */
export function managing(options: ManagingOptions) {
  const { process, clock, realTime, log, recording, accounting, alerting, version } = options;
  const note = (fact: AuditFact): void => accounting.audit.note(fact);
  const { starting, power } = process;
  const settings = new Configuring({ starting, isSupervised: power.isSupervised, log, note });
  return {
    settings,
    backup: new BackingUp({
      ...{ configuring: settings, accounts: accounting.accounts, rules: alerting.rules },
      dbc: keptDbc(starting.invocation.config.data),
      ...{ realTime, version, note, random: randomBytes },
      now: () => new Date(wallMs(recording.epoch, clock.now())).toISOString(),
    }),
    power: new Powering({ power, realTime, restart: process.restart, note }),
    bluetooth: new Bluetoothing({ bluetooth: new Bluetooth({ clock: realTime }), note }),
  };
}

/** A gateway that is part of another program: its settings are those that it was given. */
export function partOfAnother(config: Config): Process {
  const { data } = config;
  const file = { path: path.join(data, 'settings.yaml'), text: undefined, isNamed: false, data };
  const invocation: Invocation = { config, check: false, written: new Map(), file };
  const none = { fault: undefined, refused: undefined, good: undefined };
  return {
    starting: { invocation, ...none, reread: () => invocation, instead: () => undefined },
    power: { isSupervised: false, off: () => Promise.resolve() },
    restart: () => {},
  };
}
