import type { AlertRule, Comparison } from '#core/alert.ts';
import type { Micros, Stream } from '#core/stream.ts';
import { EVENT_LAST_S, FRESH_US_MIN, freshUs } from '../watch/comparison.ts';
import { ESCALATION_MEMORY_US } from '../watch/machine.ts';
import { compile, streamsOf } from '../watch/program.ts';

/** On top of what a rule looks back. */
const SPARE_US = 60_000_000;

type StreamOf = (id: string) => Stream | undefined;

/**
 * How long before a session a rule has to begin, so that it knows at its start what it knew live:
 * the longest that anything of it looks back. Infinity where something stays true until the contrary
 * comes, as a trouble code or a value that is only told when it changes.
 */
export function leadUs(rule: AlertRule, streamOf: StreamOf): Micros {
  const { holdMs, cooldownMs } = rule;
  const times = compile(rule, streamOf).specs.map(({ comparison }) => {
    return memoryUs(comparison, streamOf(comparison.stream));
  });
  const turns = [holdMs * 1000, cooldownMs * 1000, escalationUs(rule)];
  return SPARE_US + Math.max(FRESH_US_MIN, ...turns, ...times);
}

/** Time that one alert after the other has counted is at its limit after this, or begins anew. */
function escalationUs({ escalate }: AlertRule): Micros {
  const afterMs = escalate.reduce((most, step) => Math.max(most, step.afterMs ?? 0), 0);
  return afterMs === 0 ? 0 : afterMs * 1000 + ESCALATION_MEMORY_US;
}

function memoryUs({ when }: Comparison, stream: Stream | undefined): Micros {
  const believedUs = stream ? freshUs(stream) : FRESH_US_MIN;
  switch (when.op) {
    case 'event':
      if (when.until && when.lastS === undefined) return Number.POSITIVE_INFINITY;
      return (when.lastS ?? EVENT_LAST_S) * 1e6;
    case 'count':
      return when.windowS * 1e6;
    case 'stale':
      return when.value * 1e6;
    case 'rate>':
    case 'rate<':
      return Math.max(when.windowS * 1e6, believedUs);
    default:
      return believedUs;
  }
}

/** Ids and patterns of the streams that a rule needs. */
export function neededBy(rule: AlertRule): readonly string[] {
  return streamsOf(compile(rule, () => undefined));
}
