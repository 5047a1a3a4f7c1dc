import {
  ALERT,
  ALERT_CHANGE,
  type Alert,
  type AlertEnd,
  type AlertNews,
  type AlertRule,
  alertEvent,
  type Instant,
  type Severity,
} from '#core/alert.ts';
import type { Bus } from '#core/bus.ts';
import { type Clock, onClockOf, TRUST, waitAtMost, wallMs } from '#core/clock.ts';
import { durationText } from '#core/duration.ts';
import {
  actionStream,
  CLOCK_STATE,
  FATIGUE_LEVEL,
  STORE_STATE,
  sourceStream,
} from '#core/gateway-streams.ts';
import type { PartHealth } from '#core/health.ts';
import type { Event, Micros, Stream } from '#core/stream.ts';
import { DeliveryError } from '../alerts/actions/action.ts';
import { ActionRunner } from '../alerts/actions/runner.ts';
import { AlertBook } from '../alerts/book.ts';
import { AlertEngine } from '../alerts/engine.ts';
import type { AlertPage, AlertQuery } from '../alerts/history.ts';
import type { KeptAlert } from '../alerts/kept-alert.ts';
import { KnownStreams } from '../alerts/known-streams.ts';
import type { StoredMail } from '../alerts/mail/shelf.ts';
import { alertLine } from '../alerts/rule/words.ts';
import { Rules } from '../alerts/rules.ts';
import { unkept } from '../alerts/unkept.ts';
import { RuleSet } from '../alerts/watch/rule-set.ts';
import type { LocalTime } from '../alerts/watch/situation.ts';
import { localTime, readWall } from '../io/clock.ts';
import type { Log } from '../io/log.ts';
import type { Config } from '../settings/config.ts';
import { createActions, createMail, type MailAction } from './alert-actions.ts';
import type { Recording } from './recording.ts';
import { SelfReport } from './self-report.ts';

/** Rules that somebody changed are waited for so long; then those that come with the gateway count. */
const RULES_MS_MAX = 3_000;
/** A test of an action that takes longer has failed. */
const TEST_MS_MAX = 60_000;
/** What the streams of the gateway's own state say, by their numbers. */
const STATES: readonly PartHealth['status'][] = ['failed', 'waiting', 'ok'];
const LEVELS: Readonly<Record<Severity, 'info' | 'warn' | 'error'>> = {
  ...{ info: 'info', warn: 'warn', alarm: 'error' },
};
const ENDS: Readonly<Record<AlertEnd, string>> = {
  cleared: '',
  silent: ', its data stopped',
  changed: ', its rule was changed',
};
const UNKEPT_TABLES = {
  rules: unkept<string, AlertRule>(),
  alerts: unkept<string, Alert>(),
  mail: unkept<readonly number[], StoredMail>(),
};
/** There whatever the devices are. */
const OWN_STREAMS: readonly Stream[] = [
  STORE_STATE,
  CLOCK_STATE,
  FATIGUE_LEVEL,
  ALERT,
  ALERT_CHANGE,
];

export interface AlertingOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly realTime: Clock;
  readonly log: Log;
  readonly bus: Bus;
  readonly recording: Recording;
  /** What the devices may report. */
  streams(): readonly Stream[];
  /** How each source is, under its id. */
  sources(): readonly PartHealth[];
}

/**
 * Everything that watches and tells: rules, the alerts that they find, and the ways to people. What
 * the gateway says of itself comes from here too, so that rules can watch it.
 */
export class Alerting {
  readonly rules: Rules;
  /** What the gateway tells of itself: alerts, and how its parts are. */
  readonly ownStreams: readonly Stream[];
  readonly #options: AlertingOptions;
  readonly #known: KnownStreams;
  readonly #book: AlertBook;
  readonly #engine: AlertEngine;
  readonly #actions: ActionRunner;
  readonly #mail: readonly MailAction[];
  readonly #report: SelfReport;

  constructor(options: AlertingOptions) {
    const { config, clock, realTime, log, bus, recording } = options;
    this.#options = options;
    // What a replay finds has been kept, and told, when it was news.
    const isReplay = config.replay !== undefined;
    const tables = isReplay ? UNKEPT_TABLES : recording.alertTables();
    const gate = { realTime, localTime: () => this.#localTimeNow() };
    const parts = { config, log, recording, records: tables.mail, ...gate };
    this.#mail = isReplay ? [] : createMail(parts);
    this.#actions = new ActionRunner({
      ...{ ...gate, log },
      actions: isReplay ? [] : createActions(parts),
      durable: this.#mail,
      epoch: recording.epoch.id,
      now: () => clock.now(),
    });
    this.#book = new AlertBook(tables.alerts, {
      epoch: recording.epoch.id,
      now: () => clock.now(),
      emit: bus.emit,
      notify: (news, alert) => this.#notify(news, alert),
    });
    this.ownStreams = [
      ...OWN_STREAMS,
      ...this.#actions.ids.map(actionStream),
      ...options.sources().map(({ id }) => sourceStream(id)),
    ];
    this.#known = new KnownStreams(
      () => [...recording.streams(), ...this.ownStreams, ...options.streams()],
      this.#actions.ids,
    );
    this.rules = new Rules(tables.rules, {
      surroundings: () => this.#known.surroundings(),
      changed: (rules) => this.#engine.setRules(rules),
      tell: (rule, what) =>
        log.info({ source: 'alerts', rule: rule.id }, `rule ${rule.name} ${what}`),
    });
    const ruleSet = new RuleSet(this.#situation(), (id) => this.#known.find(id));
    this.#engine = new AlertEngine({
      ...{ ruleSet, rules: this.rules, book: this.#book, clock, realTime },
      speed: config.speed,
      momentOf: (at) => this.#momentOf(at),
    });
    bus.first(this.#engine.take);
    this.#report = new SelfReport({ clock, emit: bus.emit, states: () => this.#states() });
  }

  /** Those that last, oldest first. */
  ongoing(): readonly Alert[] {
    return this.#book.ongoing();
  }

  /** Those that last as events, for who begins to listen; of a silenced one it says that. */
  snapshot(): readonly Event[] {
    const { clock, recording } = this.#options;
    const t = clock.now();
    return this.#book.ongoing().map((alert) => {
      const { silencedUntil: until } = alert;
      const quiet = until?.epoch === recording.epoch.id && t < until.t;
      const event = alertEvent(quiet ? 'silenced' : 'started', alert, t);
      return { ...event, data: { ...event.data, snapshot: true } };
    });
  }

  list(query: AlertQuery): AlertPage {
    return this.#book.list(query);
  }

  /** @throws AlertError NOT_FOUND */
  get(id: string): Alert {
    return this.#book.get(id);
  }

  /** @throws AlertError NOT_FOUND */
  acknowledge(id: string, by: string): Promise<Alert> {
    return this.#engine.acknowledge(id, by);
  }

  /** @throws AlertError NOT_FOUND, ENDED */
  silence(id: string, minutes: number): Promise<Alert> {
    return this.#book.silence(id, minutes);
  }

  /** @throws AlertError NOT_FOUND, TOO_MANY */
  note(id: string, by: string, text: string): Promise<Alert> {
    return this.#book.note(id, by, text);
  }

  /** The ways to people, and how they are. */
  actions() {
    return this.#actions.list();
  }

  /** @throws AlertError NOT_FOUND; what the action says, an error with a `code` */
  async test(id: string): Promise<void> {
    const done = new AbortController();
    const late = this.#options.realTime.sleep(TEST_MS_MAX, done.signal).then(
      () => done.abort(new DeliveryError('TIMEOUT', `${id}: not done in ${TEST_MS_MAX / 1000} s`)),
      () => {}, // The test was over before.
    );
    try {
      await this.#actions.test(id, done.signal);
    } finally {
      done.abort();
      await late;
    }
  }

  health(): readonly PartHealth[] {
    return [this.#engine.health(), ...this.#actions.health()];
  }

  /** Watches until the signal aborts. Rejects only by a bug. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#open(signal),
      this.#engine.run(signal),
      this.#report.run(signal),
      this.#actions.run(signal),
    ]);
  }

  /** Takes up what an earlier start has left, or begins without it when the store takes long. */
  async #open(signal: AbortSignal): Promise<void> {
    const { config, recording } = this.#options;
    const opened = recording.opened(signal);
    // Of a replay nothing is kept: there is nothing to wait for, and no reading to miss.
    if (config.replay === undefined) await waitAtMost(this.#options.realTime, RULES_MS_MAX, opened);
    if (signal.aborted) return;
    this.#engine.setRules(this.rules.list());
    if (!(await opened)) return;
    const lasting = this.#engine.resume();
    for (const alert of lasting) this.#actions.resume(alert, this.rules.find(alert.rule.id));
    this.#tellResumed(lasting.length);
    for (const mail of this.#mail) mail.open();
  }

  #notify(news: AlertNews, alert: KeptAlert): readonly string[] {
    this.#logNews(news, alert);
    return this.#actions.notify(news, alert, this.rules.find(alert.rule.id));
  }

  #tellResumed(count: number): void {
    if (count === 0) return;
    const text = count === 1 ? '1 alert goes on' : `${count} alerts go on`;
    this.#options.log.info({ source: 'alerts' }, `${text} from before the start`);
  }

  /** A line for each start, escalation and end, and for what people do. */
  #logNews(news: AlertNews, { id, rule, ...alert }: Alert): void {
    const { log } = this.#options;
    const fields = { source: 'alerts', alert: id, rule: rule.id };
    switch (news) {
      case 'started':
      case 'escalated':
        log[LEVELS[alert.severity]](fields, alertLine(rule.name, alert.evidence.text));
        break;
      case 'ended':
        log.info(
          fields,
          `${rule.name} is over${this.#after(alert)}${ENDS[alert.endedBy ?? 'cleared']}`,
        );
        break;
      case 'acknowledged':
        log.info(fields, `${rule.name} was acknowledged by ${alert.acknowledged?.by}`);
        break;
      case 'silenced':
        log.info(fields, `${rule.name} was silenced${this.#forMinutes(alert)}`);
        break;
      case 'noted': // It is with the alert, and may be long.
        break;
    }
  }

  /** How long it has lasted; nothing where the computer was off in between. */
  #after({ startedAt, endedAt }: Pick<Alert, 'startedAt' | 'endedAt'>): string {
    const [from, to] = [this.#momentOf(startedAt), endedAt && this.#momentOf(endedAt)];
    return from == null || to == null ? '' : ` after ${durationText(Math.max(0, to - from) / 1e6)}`;
  }

  #forMinutes({ silencedUntil }: Pick<Alert, 'silencedUntil'>): string {
    if (!silencedUntil) return '';
    return ` for ${Math.round((silencedUntil.t - this.#options.clock.now()) / 60e6)} min`;
  }

  /** On the clock of this start; undefined where nobody knows how long ago it was. */
  #momentOf({ epoch, t }: Instant): Micros | undefined {
    const { recording } = this.#options;
    if (epoch === recording.epoch.id) return t;
    const known = recording.epochs().get(epoch);
    return known && onClockOf(recording.epoch, known, t);
  }

  #situation() {
    const { recording } = this.#options;
    return {
      localTime: (t: Micros) => this.#localTime(t),
      get studies(): ReadonlySet<string> {
        return new Set(recording.openSessions().flatMap(({ study }) => study ?? []));
      },
    };
  }

  #localTime(t: Micros): LocalTime | undefined {
    const { epoch } = this.#options.recording;
    return epoch.trust === 'none' ? undefined : localTime(wallMs(epoch, t));
  }

  #localTimeNow(): LocalTime | undefined {
    const { ms, trust } = readWall();
    return trust === 'none' ? undefined : localTime(ms);
  }

  #states(): (readonly [Stream, number])[] {
    const { sources, recording } = this.#options;
    const parts = [
      ...sources().map((part) => [sourceStream(part.id), part] as const),
      ...this.#actions.list().map((one) => [actionStream(one.id), one] as const),
      [STORE_STATE, recording.storeHealth()] as const,
    ];
    return [
      ...parts.map(([stream, { status }]) => [stream, STATES.indexOf(status)] as const),
      [CLOCK_STATE, TRUST.indexOf(recording.epoch.trust)],
    ];
  }
}
