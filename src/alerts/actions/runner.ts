import {
  type Alert,
  type AlertNews,
  type AlertRule,
  type Evidence,
  SEVERITIES,
  type Severity,
} from '#core/alert.ts';
import { actionStream } from '#core/gateway-streams.ts';
import type { PartHealth } from '#core/health.ts';
import type { Micros } from '#core/stream.ts';
import type { Log } from '../../io/log.ts';
import { AlertError } from '../errors.ts';
import type { KeptAlert } from '../kept-alert.ts';
import type { ActionKind, ActionState, DurableAction } from './action.ts';
import type { GateTime } from './gate.ts';
import { ActionQueue, type ActionSetup } from './queue.ts';

/** An alarm sounds again so long after it did, until somebody does something about it. */
const REPEAT_MS = 10_000;
/** From this severity on an alert goes to every action of a kind; below, to those that its rule names. */
const LEAST: Readonly<Record<ActionListing['kind'], Severity>> = {
  webhook: 'info',
  mail: 'warn',
  buzzer: 'alarm',
};

export interface ActionRunnerOptions extends GateTime {
  readonly actions: readonly ActionSetup[];
  readonly durable: readonly DurableAction[];
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Id of this start of the gateway. */
  readonly epoch: number;
  /** The time of what is measured, in which silences are. */
  now(): Micros;
}

/** An action as people see it. */
export interface ActionListing {
  readonly id: string;
  readonly kind: ActionKind;
  readonly status: ActionState;
  /** A sentence. */
  readonly text: string;
}

/**
 * Decides who is told of an alert: the actions of its rule, and those of a kind that its severity is
 * enough for. Each action has a queue and a worker of its own, so that none delays another, and nobody
 * waits for any of them.
 */
export class ActionRunner {
  /** Deliveries to actions that there are none of: rules outlive a configuration. */
  unknown = 0;
  readonly #options: ActionRunnerOptions;
  readonly #queues: ReadonlyMap<string, ActionQueue>;
  readonly #durable: ReadonlyMap<string, DurableAction>;
  /** Those that are alarms, acknowledged and silenced ones included, in the order they became so. */
  readonly #alarms = new Map<string, { readonly alert: Alert; readonly rule: Streams }>();
  #wake = new AbortController();

  constructor(options: ActionRunnerOptions) {
    const { actions, durable } = options;
    this.#options = options;
    this.#queues = new Map(actions.map((setup) => [setup.action.id, this.#queueOf(setup)]));
    this.#durable = new Map(durable.map((action) => [action.id, action]));
  }

  /** Ids, in the order of the configuration. */
  get ids(): readonly string[] {
    return [...this.#queues.keys(), ...this.#durable.keys()];
  }

  /** In the order of `ids`. */
  list(): readonly ActionListing[] {
    const queues = [...this.#queues.values()].map((queue) => {
      const { id, kind } = queue.action;
      return { id, kind, status: queue.state, text: queue.health().text };
    });
    const durable = [...this.#durable.values()].map((action) => {
      const { status, text } = action.health();
      return { id: action.id, kind: action.kind, status, text };
    });
    return [...queues, ...durable];
  }

  /**
   * Has the actions of an alert follow what happened to it. Returns at once.
   *
   * @param alert as it is now
   * @param rule undefined where it is not there any more: its severity alone says who is told then
   * @returns who has been told of it by now, which is to be in the alert the next time
   */
  notify(news: AlertNews, alert: KeptAlert, rule: AlertRule | undefined): readonly string[] {
    const quiet = this.#isQuiet(alert);
    this.#follow(alert, rule);
    if (quiet || alert.endedAt) for (const queue of this.#buzzers()) queue.withdraw(alert.id);
    const { told = [] } = alert;
    if (news === 'ended') this.#tellEnd(alert, told);
    if ((news !== 'started' && news !== 'escalated') || quiet) return told;
    const ids = this.#actionsFor(alert, rule);
    for (const id of ids) this.#put(id, news, alert);
    return [...new Set([...told, ...ids])];
  }

  /** Takes up an alert that lasted when the gateway stopped. */
  resume(alert: Alert, rule: AlertRule | undefined): void {
    this.#follow(alert, rule);
  }

  /**
   * Has one action say that it works, at once, whatever waits for it.
   *
   * @throws AlertError NOT_FOUND; what the action says is wrong, with a `code`; the signal's reason
   */
  async test(id: string, signal: AbortSignal): Promise<void> {
    const durable = this.#durable.get(id);
    if (durable) return await durable.test(signal);
    const queue = this.#queues.get(id);
    if (queue) return await queue.test(testAlert(id, this.#options), signal);
    throw new AlertError('NOT_FOUND', `there is no action ${JSON.stringify(id.slice(0, 60))}`);
  }

  health(): readonly PartHealth[] {
    return [...this.#queues.values(), ...this.#durable.values()].map((one) => one.health());
  }

  /** Works until the signal aborts. Rejects only on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const workers = [...this.#queues.values(), ...this.#durable.values()];
    await Promise.all([this.#repeat(signal), ...workers.map((one) => one.run(signal))]);
  }

  #queueOf(setup: ActionSetup): ActionQueue {
    return new ActionQueue(setup, this.#options);
  }

  #buzzers(): readonly ActionQueue[] {
    return [...this.#queues.values()].filter(({ action }) => action.kind === 'buzzer');
  }

  /** Keeps in mind what has to sound again. */
  #follow(alert: Alert, rule: Streams): void {
    if (alert.endedAt) this.#alarms.delete(alert.id);
    else if (alert.severity === 'alarm') {
      this.#alarms.set(alert.id, { alert, rule });
      this.#wake.abort();
    }
  }

  /** A silence counts in the start of the gateway in which it began. */
  #isQuiet({ acknowledged, silencedUntil }: Alert): boolean {
    if (acknowledged) return true;
    const { epoch, now } = this.#options;
    return silencedUntil?.epoch === epoch && now() < silencedUntil.t;
  }

  /** Who an alert goes to; never the action that it is about, which would go round in a circle. */
  #actionsFor(alert: Alert, rule: AlertRule | undefined): readonly string[] {
    const rank = SEVERITIES.indexOf(alert.severity);
    const usual = this.list().filter(({ kind }) => rank >= SEVERITIES.indexOf(LEAST[kind]));
    const ids = new Set([...(rule?.actions ?? []), ...usual.map(({ id }) => id)]);
    return [...ids].filter((id) => !isAbout(alert, rule, id));
  }

  /** Who never heard of an alert does not hear of its end. */
  #tellEnd(alert: Alert, told: readonly string[]): void {
    for (const id of told) {
      if (this.#queues.get(id)?.action.kind !== 'buzzer') this.#put(id, 'ended', alert);
    }
  }

  #put(id: string, news: AlertNews, alert: Alert): void {
    const one = this.#queues.get(id) ?? this.#durable.get(id);
    if (one) one.put(news, alert);
    else this.unknown++;
  }

  /** Sounds the newest alarm that nobody has seen, again and again. */
  async #repeat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const awake = AbortSignal.any([signal, this.#wake.signal]);
      const some = this.#alarms.size > 0;
      // An alarm that comes while another one sounds does not put that off.
      await this.#options.realTime.sleep(REPEAT_MS, some ? signal : awake).catch(() => {}); // There is an alarm, or a stop.
      if (some && !signal.aborted) this.#sound();
    }
  }

  #sound(): void {
    const loud = [...this.#alarms.values()].filter(({ alert }) => !this.#isQuiet(alert));
    for (const queue of this.#buzzers()) {
      const { id } = queue.action;
      const newest = loud.findLast(({ alert, rule }) => !isAbout(alert, rule, id))?.alert;
      // What waits or sounds yet is not put behind itself.
      if (newest && !queue.has(newest.id)) queue.put('started', newest);
    }
  }
}

/** What a rule looks at, as far as it is known. */
type Streams = AlertRule | undefined;

/** Whether an alert says how this action is. */
function isAbout({ cause, evidence }: Alert, rule: Streams, id: string): boolean {
  const { id: stream } = actionStream(id);
  if (cause === stream || evidence.stream === stream) return true;
  const looksAt = rule && 'stream' in rule ? rule.stream : '';
  return looksAt === stream || evidence.readings.some((one) => one.stream === stream);
}

const TEST_SEVERITY: Severity = 'warn';

/** Made up for the button; no rule and no history knows of it. */
function testAlert(id: string, { epoch, now }: ActionRunnerOptions): Alert {
  const startedAt = { epoch, t: now() };
  const text = `This is a test of the action ${id}`;
  const evidence: Evidence = { stream: null, value: null, unit: null, readings: [], text };
  return {
    id: `${epoch}-test`,
    rule: { id: 'test', name: 'Test' },
    ...{ cause: '', severity: TEST_SEVERITY, startedAt, endedAt: null, endedBy: null, evidence },
    ...{ acknowledged: null, silencedUntil: null, notes: [] },
  };
}
