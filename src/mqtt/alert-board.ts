/**
 * Alerts as MQTT tells of them: `alert/<rule>`, retained for as long as one of the rule lasts.
 *
 *   {"state":"active","news":"escalated","level":"alarm","since":{"epoch":7,"t":<us>},"id":"7-3",
 *    "name":"Coolant too hot","cause":"","text":"...","stream":"...","value":112,"unit":"Cel",
 *    "acknowledged":false,"active":1}
 *
 * `news` is what happened last (started, escalated, acknowledged, silenced, noted, ended), `active` how
 * many alerts of the rule last: a rule may have several causes, and of those the most severe is told,
 * the newest of the equal. Once none lasts, the last is told as `ended`, not retained, and then an empty
 * message takes away what was kept. Who has acknowledged one is for those who ask the API.
 */
import { ALERT, ALERT_CHANGE, SEVERITIES } from '#core/alert.ts';
import type { Event, Json } from '#core/stream.ts';

type Data = Event['data'];

/** From the least severe on. */
const LEVELS: readonly string[] = SEVERITIES;

/** What there is to say of a rule. */
export interface AlertNotice {
  /** Id. */
  readonly rule: string;
  readonly payload: string;
  readonly retain: boolean;
}

export function isAlert({ stream }: Event): boolean {
  return stream.id === ALERT.id || stream.id === ALERT_CHANGE.id;
}

export class AlertBoard {
  /** By the rule's id, then by the alert's. */
  readonly #active = new Map<string, Map<string, Data>>();

  /** Ids of the rules that have an alert now. */
  get rules(): string[] {
    return [...this.#active.keys()];
  }

  /** @param event of one of the streams of alerts */
  take({ data }: Event): AlertNotice[] {
    const { rule } = ruleOf(data);
    const [id, hasEnded] = [String(data['id']), data['endedAt'] !== null];
    const known = this.#active.get(rule);
    if (!hasEnded) {
      const alerts = known ?? new Map<string, Data>();
      this.#active.set(rule, alerts.set(id, data));
      return [this.#notice(rule, alerts)];
    }
    // A note on one that was over already changes nothing here.
    if (!known?.delete(id) && data['state'] !== 'ended') return [];
    if (known !== undefined && known.size > 0) return [this.#notice(rule, known)];
    this.#active.delete(rule);
    return [
      { rule, payload: textOf(data, 0), retain: false },
      { rule, payload: '', retain: true },
    ];
  }

  /** What lasts, for who has been told nothing yet. */
  all(): AlertNotice[] {
    return [...this.#active].map(([rule, alerts]) => this.#notice(rule, alerts));
  }

  #notice(rule: string, alerts: ReadonlyMap<string, Data>): AlertNotice {
    const worst = [...alerts.values()].reduce((a, b) => (levelOf(b) >= levelOf(a) ? b : a));
    return { rule, payload: textOf(worst, alerts.size), retain: true };
  }
}

function levelOf({ severity }: Data): number {
  return LEVELS.indexOf(String(severity));
}

function textOf(data: Data, active: number): string {
  const { id, state, severity, startedAt, cause, text, stream, value, unit } = data;
  return JSON.stringify({
    state: active > 0 ? 'active' : 'ended',
    ...{ news: state, level: severity, since: startedAt, id, name: ruleOf(data).name },
    ...{ cause, text, stream, value, unit },
    ...{ acknowledged: data['acknowledgedBy'] !== null, active },
  });
}

function ruleOf({ rule }: Data): { readonly rule: string; readonly name: Json } {
  const isRule = typeof rule === 'object' && rule !== null && 'id' in rule;
  return isRule
    ? { rule: String(rule['id']), name: rule['name'] ?? null }
    : { rule: '', name: null };
}
