import type { Event, Micros, Stream } from './stream.ts';

/**
 * What is watched for, and what was found. A rule is what a person writes; an alert is one time that
 * it was true, from its start to its end.
 */
export const SEVERITIES = ['info', 'warn', 'alarm'] as const;
/** From "good to know" to "act now". */
export type Severity = (typeof SEVERITIES)[number];

/** Fields of an event's data that have to be there with just these values. */
export type Match = Readonly<Record<string, string | number | boolean>>;

/**
 * What one stream has to do. Numbers are in the stream's unit. `clear` is where it ends: values between
 * the two change nothing, in either direction, so that noise at the threshold does not flicker.
 */
export type When =
  /** Begins beyond `value`, ends when no longer beyond `clear`. */
  | { readonly op: '>' | '<'; readonly value: number; readonly clear?: number | undefined }
  /** Both ends belong to the range. */
  | {
      readonly op: 'outside' | 'inside';
      readonly value: readonly [min: number, max: number];
      readonly clear?: readonly [min: number, max: number] | undefined;
    }
  /** Change a second, over the last `windowS` seconds; `value` of `rate<` is below 0 for a fall. */
  | {
      readonly op: 'rate>' | 'rate<';
      readonly value: number;
      readonly clear?: number | undefined;
      readonly windowS: number;
    }
  /** No reading for `value` seconds. */
  | { readonly op: 'stale'; readonly value: number }
  /** At least `value` events within `windowS` seconds; ends at `clear` or fewer (value - 1). */
  | {
      readonly op: 'count';
      readonly value: number;
      readonly clear?: number | undefined;
      readonly windowS: number;
      readonly match?: Match | undefined;
    }
  /**
   * An event came. One alert for each combination of the fields in `key`; it ends with an event that
   * fits `until`, or without one after `lastS` seconds.
   */
  | {
      readonly op: 'event';
      readonly match?: Match | undefined;
      readonly key?: readonly string[] | undefined;
      readonly until?: Match | undefined;
      readonly lastS?: number | undefined;
    }
  /** The position, an event with `lat` and `lon` in degrees (WGS 84), is in the circle, or is not. */
  | {
      readonly op: 'within' | 'beyond';
      readonly value: { readonly lat: number; readonly lon: number; readonly radiusM: number };
      /** Radius, m. */
      readonly clear?: number | undefined;
    };

/** One comparison. */
export interface Comparison {
  /** Id; in a rule of one comparison also `gateway.part.*`: one alert for each stream below. */
  readonly stream: string;
  readonly when: When;
  /** UCUM; where given, it has to be the stream's. */
  readonly unit?: string | undefined;
}

/** `not` is true when none of the list is. */
export type Condition =
  | Comparison
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: readonly Condition[] };

/** When a rule counts at all; everything given has to be so. */
export interface While {
  /** The car moves, or stands still. */
  readonly moving?: boolean | undefined;
  readonly engine?: 'on' | 'off' | undefined;
  /** A session of this study is open. */
  readonly study?: string | undefined;
  /**
   * Local time, `HH:MM`, over midnight where `to` is before `from`; `days` are those on which it
   * begins, 1 (Monday) to 7, all where left out. Counts always while the wall clock cannot be believed.
   */
  readonly schedule?:
    | { readonly days?: readonly number[] | undefined; readonly from: string; readonly to: string }
    | undefined;
}

/** An alert gets more severe when its value is beyond `value`, or when it has lasted for `afterMs`. */
interface Escalation {
  readonly value?: number | undefined;
  readonly afterMs?: number | undefined;
  readonly severity: Severity;
}

interface RuleTerms {
  /** `[a-z0-9-]{1,40}`, unique. */
  readonly id: string;
  readonly name: string;
  /** The condition has to hold for so long before an alert begins. */
  readonly holdMs: number;
  /** No new alert of the same cause for so long after one has ended, unless it is more severe. */
  readonly cooldownMs: number;
  /** At its start. */
  readonly severity: Severity;
  /** Each more severe than the one before. */
  readonly escalate: readonly Escalation[];
  readonly while: While;
  /** Ids of actions, besides those that every alert has. */
  readonly actions: readonly string[];
  readonly enabled: boolean;
}

export type AlertRule = RuleTerms & Condition;

/** A moment, on the clock of one start of the gateway. */
export interface Instant {
  /** Id. */
  readonly epoch: number;
  readonly t: Micros;
}

/** What a rule saw when it decided. */
export interface Evidence {
  /** Id of the stream that decided; null where it was time, as in a schedule. */
  readonly stream: string | null;
  /** Null for an event and for silence. */
  readonly value: number | null;
  /** UCUM. */
  readonly unit: string | null;
  /** The newest of each stream of the rule, at most EVIDENCE_MAX. */
  readonly readings: readonly {
    readonly stream: string;
    readonly t: Micros;
    readonly v: number | null;
  }[];
  /** A sentence for a person: `Engine coolant temperature 112 Cel, over 110 Cel`. */
  readonly text: string;
}
export const EVIDENCE_MAX = 16;

/** `silent`: its streams brought no data any more. `changed`: its rule was changed, switched off or removed. */
export type AlertEnd = 'cleared' | 'silent' | 'changed';

/** What a rule has to say at a moment. */
export type AlertChange = {
  readonly rule: AlertRule;
  /** Which of the rule's causes: a stream, the values of `key`; empty for a rule that has one. */
  readonly cause: string;
  readonly t: Micros;
} & (
  | {
      readonly kind: 'started' | 'escalated';
      readonly severity: Severity;
      readonly evidence: Evidence;
    }
  | { readonly kind: 'ended'; readonly by: AlertEnd }
);

/** What somebody has said of an alert. */
export interface AlertNote {
  readonly by: string;
  readonly at: Instant;
  readonly text: string;
}

/** One alert, as it is kept. */
export interface Alert {
  /** The start of the gateway and the number in it, from 1: `12-3`. It needs no disk to be unique. */
  readonly id: string;
  readonly rule: { readonly id: string; readonly name: string };
  readonly cause: string;
  /** The highest that it reached. */
  readonly severity: Severity;
  readonly startedAt: Instant;
  /** Null while it lasts. */
  readonly endedAt: Instant | null;
  readonly endedBy: AlertEnd | null;
  /** Of its start, or of its last escalation. */
  readonly evidence: Evidence;
  readonly acknowledged: { readonly by: string; readonly at: Instant } | null;
  /** Until then its actions are quiet. */
  readonly silencedUntil: Instant | null;
  readonly notes: readonly AlertNote[];
}
/** A day. Nobody silences an alert for longer at once. */
export const SILENCE_MINUTES_MAX = 24 * 60;

/** What happened to an alert. */
export const ALERT_CHANGES = [
  'started',
  'escalated',
  'ended',
  'acknowledged',
  'silenced',
  'noted',
] as const;
export type AlertNews = (typeof ALERT_CHANGES)[number];

/** One event for each alert: its start. Its data is that of `alertEvent`. */
export const ALERT: Stream = {
  id: 'alert',
  name: 'Alert',
  unit: '1',
  range: [0, 0xffff_ffff],
  hz: 0,
  kind: 'event',
};

/** One event for everything that happens to an alert after its start. */
export const ALERT_CHANGE: Stream = { ...ALERT, id: 'alert.change', name: 'Change of an alert' };

/** Id of the stream that an event on the bus tells of, where it is an alert and a stream decided. */
export function streamOfAlert(id: string, { stream }: Event['data']): string | undefined {
  const isAlert = id === ALERT.id || id === ALERT_CHANGE.id;
  return isAlert && typeof stream === 'string' ? stream : undefined;
}

/** An alert on the bus: `state` says what happened, the rest is the alert as it is then. */
export function alertEvent(news: AlertNews, alert: Alert, t: Micros): Event {
  const { id, rule, cause, severity, startedAt, endedAt, endedBy, evidence, acknowledged } = alert;
  const { stream, value, unit, text } = evidence;
  return {
    kind: 'event',
    stream: news === 'started' ? ALERT : ALERT_CHANGE,
    t,
    data: {
      ...{ id, state: news, rule, cause, severity, text },
      ...{ stream, value, unit, endedBy },
      startedAt: { ...startedAt },
      endedAt: endedAt && { ...endedAt },
      acknowledgedBy: acknowledged?.by ?? null,
    },
  };
}
