import type {
  AlertRule,
  Comparison,
  Condition,
  Match,
  Severity,
  When,
  While,
} from '#core/alert.ts';
import { ACTION_STATES, actionStream, SOURCE_STATES, sourceStream } from '#core/gateway-streams.ts';
import { type Event, isPattern, type Stream } from '#core/stream.ts';
import { oneLine } from '#core/text.ts';

/** A rule and an alert as sentences for a person. */

/** Text out of an event's data that is told; a marker may be as long as somebody likes. */
const TOLD_CHARS_MAX = 120;
/** Significant digits of a value, and more only where they tell it from its threshold. */
const DIGITS = 4;
const DIGITS_MAX = 17;
/** Fields of an event's data that say what happened, in this order. */
const TELLING = ['code', 'text', 'label'];

/** UCUM codes that people write otherwise. */
const UNITS: ReadonlyMap<string, string> = new Map([
  ['1', ''],
  ['Cel', '°C'],
  ['[degF]', '°F'],
  ['deg', '°'],
  ['uV', 'µV'],
  ['us', 'µs'],
  ['Ohm', 'Ω'],
  ['N.m', 'N·m'],
  ['m/s2', 'm/s²'],
  ['mg/m3', 'mg/m³'],
  ['[ppm]', 'ppm'],
  ['[psi]', 'psi'],
  ['[mi_i]', 'mi'],
  ['[mi_i]/h', 'mph'],
]);

const SIDES = { '>': 'over', '<': 'under', 'rate>': 'over', 'rate<': 'under' } as const;
const KINDS: Readonly<Record<Severity, string>> = {
  info: 'info',
  warn: 'warning',
  alarm: 'alarm',
};
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** Patterns of streams that are alike: what one of them is called, and how it is. */
const ALIKE: ReadonlyMap<string, Stream> = new Map([
  [SOURCE_STATES, { ...sourceStream('any'), name: 'a source' }],
  [ACTION_STATES, { ...actionStream('any'), name: 'an alert action' }],
]);

type StreamOf = (id: string) => Stream | undefined;

/**
 * What an alert says: `Engine coolant temperature 112 °C, over 110`.
 *
 * @param comparison that decided; undefined where it was time
 * @param value that it compared: the reading, its change a second, how many events there were, the
 *   distance in m, the seconds of silence; null for an event
 * @param stream of the comparison, where it is known
 * @param data of the event that decided
 */
export function alertText(
  comparison: Comparison | undefined,
  value: number | null,
  stream: Stream | undefined,
  data?: Event['data'],
): string {
  if (comparison === undefined) return 'The conditions of the rule are met';
  const name = stream?.name ?? comparison.stream;
  const unit = stream?.unit ?? comparison.unit ?? '1';
  const { when } = comparison;
  switch (when.op) {
    case '>':
    case '<': {
      const state = value === null ? undefined : stream?.states?.[value];
      if (state !== undefined) return `${name}: ${state}`;
      return compared(name, value, unit, { side: SIDES[when.op], ends: [when.value] });
    }
    case 'outside':
    case 'inside':
      return compared(name, value, unit, { side: when.op, ends: when.value });
    case 'rate>':
    case 'rate<':
      return changing(name, value, unit, when);
    case 'stale':
      return `${name}: no reading for ${told(value ?? when.value, [])} s`;
    case 'count':
      return `${name}: ${value ?? when.value} times within ${when.windowS} s`;
    case 'event':
      return happened(name, when, data);
    case 'within':
    case 'beyond':
      return `${name} ${placed(when, value)}`;
  }
}

/** An alert on one line: `Coolant too hot: Oven 112 °C, over 110`, and nothing twice. */
export function alertLine(name: string, text: string): string {
  return bare(name) === bare(text) ? name : `${name}: ${text}`;
}

function bare(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]+/gu, ' ').toLowerCase();
}

/**
 * A rule in one sentence: `Warning when Engine coolant temperature is over 110 °C for 5 s; alarm over
 * 118 °C.`
 *
 * @param known the stream of an id; an unknown one is called by its id
 */
export function ruleSentence(rule: AlertRule, known: StreamOf): string {
  const streamOf: StreamOf = (id) => ALIKE.get(id) ?? known(id);
  const hold = rule.holdMs > 0 ? ` for ${duration(rule.holdMs)}` : '';
  const steps = rule.escalate.map((step) => {
    const beyond = step.value === undefined ? [] : [stepWords(rule, step.value, streamOf)];
    const lasting = step.afterMs === undefined ? [] : [`after ${duration(step.afterMs)}`];
    return `; ${KINDS[step.severity]} ${[...beyond, ...lasting].join(' or ')}`;
  });
  const kind = KINDS[rule.severity];
  const when = `${conditionWords(rule, streamOf)}${hold}${whileWords(rule.while)}`;
  return `${kind.charAt(0).toUpperCase()}${kind.slice(1)} when ${when}${steps.join('')}.`;
}

/** From where on it is more severe. */
function stepWords(rule: AlertRule, value: number, streamOf: StreamOf): string {
  if (!('when' in rule)) return `beyond ${value}`;
  const { op } = rule.when;
  switch (op) {
    case '>':
    case '<': {
      const states = statesBeyond({ op, value }, streamOf(rule.stream));
      if (states.length > 0) return `when ${states.join(' or ')}`;
      return `${SIDES[op]} ${quantity(value, unitOf(rule, streamOf))}`;
    }
    case 'stale':
      return `after ${value} s of silence`;
    case 'count':
      return `from ${value} times on`;
    case 'within':
    case 'beyond':
      return `${op} ${value} m`;
    default:
      return `beyond ${quantity(value, unitOf(rule, streamOf))}`;
  }
}

/** A value with its unit as people write it. */
export function quantity(value: number, unit: string): string {
  return `${told(value, [])}${after(unit)}`;
}

/** The unit as it follows a number. */
function after(unit: string): string {
  const text = UNITS.get(unit) ?? unit;
  return text === '' || text === '°' ? text : ` ${text}`;
}

interface Limit {
  readonly side: string;
  readonly ends: readonly number[];
}

function compared(name: string, value: number | null, unit: string, { side, ends }: Limit): string {
  if (value === null) return `${name} ${side} ${ends.join(' to ')}${after(unit)}`;
  return `${name} ${told(value, ends)}${after(unit)}, ${side} ${ends.join(' to ')}`;
}

function changing(
  name: string,
  value: number | null,
  unit: string,
  { op, value: limit }: When & { readonly op: 'rate>' | 'rate<' },
): string {
  const change = value === null ? '' : ` by ${told(value, [limit])}${after(unit)} a second`;
  return `${name} changes${change}, ${SIDES[op]} ${limit}`;
}

function placed(
  { op, value: { lat, lon, radiusM } }: When & { readonly op: 'within' | 'beyond' },
  metres: number | null,
): string {
  const away = metres === null ? '' : `${Math.round(metres)} m from ${lat}, ${lon}, `;
  return `${away}${op === 'within' ? 'within' : 'over'} ${radiusM} m`;
}

/** As few digits as do, since it is read at a glance; never so few that it equals a limit it is not. */
function told(value: number, limits: readonly number[]): string {
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  for (let digits = DIGITS; digits < DIGITS_MAX; digits++) {
    const decimals = Math.min(Math.max(digits - 1 - magnitude, 0), 100);
    const rounded = Number(value.toFixed(decimals));
    if (limits.every((limit) => rounded !== limit || value === limit)) return String(rounded);
  }
  return String(value);
}

function happened(
  name: string,
  { key = [], match = {} }: When & { readonly op: 'event' },
  data: Event['data'] = {},
): string {
  const telling = fields(data, TELLING);
  const said = telling.length > 0 ? telling : fields(data, [...key, ...Object.keys(match)]);
  return [name, ...said].join(' ');
}

/** What these fields hold, each on one line; nothing of one that shows nothing. */
function fields(data: Event['data'], names: readonly string[]): string[] {
  return [...new Set(names)]
    .map((name) => (Object.hasOwn(data, name) ? data[name] : undefined))
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .map((value) => oneLine(String(value), TOLD_CHARS_MAX))
    .filter((text) => text !== '');
}

function conditionWords(condition: Condition, streamOf: StreamOf): string {
  if ('when' in condition) return comparisonWords(condition, streamOf);
  const list = (parts: readonly Condition[], word: string): string => {
    const words = parts.map((part) =>
      'when' in part ? comparisonWords(part, streamOf) : `(${conditionWords(part, streamOf)})`,
    );
    return words.join(` ${word} `);
  };
  if ('all' in condition) return list(condition.all, 'and');
  return 'any' in condition ? list(condition.any, 'or') : `not (${list(condition.not, 'or')})`;
}

function comparisonWords(comparison: Comparison, streamOf: StreamOf): string {
  const { stream: id, when } = comparison;
  const stream = streamOf(id);
  const name = stream?.name ?? (isPattern(id) ? `one of ${id}` : id);
  const unit = unitOf(comparison, streamOf);
  switch (when.op) {
    case '>':
    case '<': {
      const clear = when.clear === undefined ? '' : ` (until ${quantity(when.clear, unit)})`;
      const states = statesBeyond(when, stream);
      if (states.length > 0) return `${name} is ${states.join(' or ')}`;
      return `${name} is ${SIDES[when.op]} ${quantity(when.value, unit)}${clear}`;
    }
    case 'outside':
    case 'inside': {
      const clear = when.clear ? ` (until ${range(when.clear, unit)})` : '';
      return `${name} is ${when.op} ${range(when.value, unit)}${clear}`;
    }
    case 'rate>':
    case 'rate<': {
      const rate = `${SIDES[when.op]} ${quantity(when.value, unit)} a second`;
      return `${name} changes ${rate} within ${when.windowS} s`;
    }
    case 'stale':
      return `${name} has had no reading for ${when.value} s`;
    case 'count':
      return `${name}${matchWords(when.match)} comes ${when.value} times within ${when.windowS} s`;
    case 'event':
      return `${name}${matchWords(when.match)} comes`;
    case 'within':
    case 'beyond':
      return `${name} is ${circle(when)}`;
  }
}

function unitOf({ stream, unit }: Comparison, streamOf: StreamOf): string {
  return streamOf(stream)?.unit ?? unit ?? '1';
}

/** The words of an enumeration that make the comparison true. */
function statesBeyond(
  { op, value }: When & { readonly op: '>' | '<' },
  stream: Stream | undefined,
): string[] {
  return Object.entries(stream?.states ?? {})
    .filter(([state]) => (op === '>' ? Number(state) > value : Number(state) < value))
    .map(([, word]) => word);
}

function range([min, max]: readonly [number, number], unit: string): string {
  return `${told(min, [])} to ${quantity(max, unit)}`;
}

function matchWords(match: Match = {}): string {
  const pairs = Object.entries(match).map(([field, value]) => `${field} ${value}`);
  const words = pairs.map((pair) => oneLine(pair, TOLD_CHARS_MAX));
  return words.length > 0 ? ` (${words.join(', ')})` : '';
}

function circle({ op, value }: When & { readonly op: 'within' | 'beyond' }): string {
  const side = op === 'within' ? 'within' : 'more than';
  const from = op === 'within' ? 'of' : 'from';
  return `${side} ${told(value.radiusM, [])} m ${from} ${value.lat}, ${value.lon}`;
}

function whileWords({ moving, engine, study, schedule }: While): string {
  const words: string[] = [];
  if (moving !== undefined)
    words.push(moving ? 'while the car moves' : 'while the car stands still');
  if (engine !== undefined) words.push(`while the engine is ${engine}`);
  if (study !== undefined)
    words.push(`in a session of the study ${oneLine(study, TOLD_CHARS_MAX)}`);
  if (schedule) {
    const days = schedule.days?.map((day) => DAYS[day - 1] ?? day).join(', ');
    words.push(`from ${schedule.from} to ${schedule.to}${days ? ` on ${days}` : ''}`);
  }
  return words.map((word) => `, ${word}`).join('');
}

function duration(ms: number): string {
  return ms >= 120_000 && ms % 60_000 === 0 ? `${ms / 60_000} min` : `${told(ms / 1000, [])} s`;
}
