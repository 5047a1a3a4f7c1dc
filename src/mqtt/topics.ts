/**
 * Names of topics. Below `car/<device>/` a level matches `[a-z0-9_-]{1,23}`, as a segment of a stream's
 * id does, and a topic has LEVELS_MAX levels at most, so that small clients (and the matchers of big
 * ones) get by with it. What does not fit has no topic: whoever publishes leaves it out and counts it.
 *
 *   car/<d>/state | info | stats            car/<d>/avail/<source>
 *   car/<d>/signal | stream | ingest/<id of a stream, slashes for dots>
 *   car/<d>/vss/<path of the COVESA Vehicle Signal Specification, slashes for dots>
 *   car/<d>/event/<severity>/<name>         car/<d>/alert/<rule>
 *   car/<d>/request | response/<command, which may have slashes: session/start>
 *   homeassistant/device/<d>/config
 */
const LEVELS_MAX = 8;
const LEVEL = /^[a-z0-9_-]{1,23}$/;
/** VSS 6 writes names in CamelCase, and calls no branch longer than this. */
const VSS_LEVEL = /^[A-Za-z0-9]{1,40}$/;
/** Ids of rules are longer than other levels may be: 1 to 40 of a-z, 0-9 and -. */
const RULE = /^[a-z0-9_-]{1,40}$/;
/** MQTT 3.1.1 clause 4.7.2: what a wildcard in front does not match. */
const SYSTEM = '$';

/** What comes behind `car/<d>/`. */
export const GROUPS = [
  ...(['state', 'info', 'avail', 'signal', 'vss', 'stream', 'event', 'alert', 'stats'] as const),
  ...(['ingest', 'request', 'response'] as const),
] as const;
export type Group = (typeof GROUPS)[number];

/** A topic of the car, taken apart. */
export interface Parsed {
  readonly group: Group;
  /** The levels behind the group. */
  readonly rest: readonly string[];
}

/** The topics of one car. Those made of an id are undefined where it does not fit. */
export class Topics {
  readonly state: string;
  readonly info: string;
  readonly stats: string;
  /** Where Home Assistant finds what there is. */
  readonly discovery: string;
  readonly #root: string;

  /** @param device matches `[a-z0-9_-]{1,23}` */
  constructor(device: string) {
    this.#root = `car/${device}`;
    this.state = `${this.#root}/state`;
    this.info = `${this.#root}/info`;
    this.stats = `${this.#root}/stats`;
    this.discovery = `homeassistant/device/${device}/config`;
  }

  avail(source: string): string | undefined {
    return this.#topic('avail', [source], LEVEL);
  }

  /** @param id of a stream of samples */
  signal(id: string): string | undefined {
    return this.#topic('signal', id.split('.'), LEVEL);
  }

  /** @param path as VSS writes it: `Vehicle.Speed` */
  vss(path: string): string | undefined {
    return this.#topic('vss', path.split('.'), VSS_LEVEL);
  }

  /** @param id of a stream of waves or frames */
  stream(id: string): string | undefined {
    return this.#topic('stream', id.split('.'), LEVEL);
  }

  event(severity: string, name: string): string | undefined {
    return this.#topic('event', [severity, name], RULE);
  }

  alert(rule: string): string | undefined {
    return this.#topic('alert', [rule], RULE);
  }

  ingest(id: string): string | undefined {
    return this.#topic('ingest', id.split('.'), LEVEL);
  }

  /** @param command as it is called: `session/start` */
  request(command: string): string | undefined {
    return this.#topic('request', command.split('/'), LEVEL);
  }

  response(command: string): string | undefined {
    return this.#topic('response', command.split('/'), LEVEL);
  }

  /** Everything of a group, as a filter. */
  all(group: Group): string {
    return `${this.#root}/${group}/#`;
  }

  /** Undefined for a topic that is none of the car's, or not one that is made here. */
  parse(topic: string): Parsed | undefined {
    if (!topic.startsWith(`${this.#root}/`)) return undefined;
    const [name, ...rest] = topic.slice(this.#root.length + 1).split('/');
    const group = GROUPS.find((one) => one === name);
    if (group === undefined || this.#again(group, rest) !== topic) return undefined;
    return { group, rest };
  }

  /** The id of the stream that a topic of `signal`, `stream` or `ingest` is of; undefined for others. */
  streamOf(topic: string): string | undefined {
    const { group, rest } = this.parse(topic) ?? {};
    const isStream = group === 'signal' || group === 'stream' || group === 'ingest';
    return isStream ? rest?.join('.') : undefined;
  }

  /** Whether what is retained of a topic is replaced all the time, and so not worth a write each. */
  isBusy(topic: string): boolean {
    const group = this.parse(topic)?.group;
    return group === 'signal' || group === 'vss' || group === 'stats';
  }

  /** What is made of the same parts, by the same rules. */
  #again(group: Group, rest: readonly string[]): string | undefined {
    const [first = '', second = ''] = rest;
    switch (group) {
      case 'state':
      case 'info':
      case 'stats':
        return this[group];
      case 'event':
        return this.event(first, second);
      case 'avail':
      case 'alert':
        return this[group](first);
      case 'request':
      case 'response':
        return this[group](rest.join('/'));
      case 'signal':
      case 'vss':
      case 'stream':
      case 'ingest':
        return this[group](rest.join('.'));
    }
  }

  #topic(group: Group, levels: readonly string[], form: RegExp): string | undefined {
    const topic = [this.#root, group, ...levels].join('/');
    const fits = topic.split('/').length <= LEVELS_MAX && levels.every((one) => form.test(one));
    return fits ? topic : undefined;
  }
}

/** Whether a filter matches a topic (MQTT 3.1.1 clause 4.7). */
export function matches(filter: string, topic: string): boolean {
  return covers(filter, topic);
}

/** Whether every topic that `inner` matches is matched by `outer` too. A topic is a filter of its own. */
export function covers(outer: string, inner: string): boolean {
  if (passesOver(outer, inner)) return false;
  const within = inner.split('/');
  for (const [i, level] of outer.split('/').entries()) {
    // Clause 4.7.1.2: `a/#` is `a` too.
    if (level === '#') return true;
    const other = within[i];
    if (other === undefined || other === '#') return false;
    if (level !== '+' && level !== other) return false;
  }
  return within.length === outer.split('/').length;
}

/** Whether there can be a topic that both match. */
export function overlaps(a: string, b: string): boolean {
  if (passesOver(a, b) || passesOver(b, a)) return false;
  const [left, right] = [a.split('/'), b.split('/')];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const [one, other] = [left[i], right[i]];
    if (one === '#' || other === '#') return true;
    if (one === undefined || other === undefined) return false;
    if (one !== '+' && other !== '+' && one !== other) return false;
  }
  return true;
}

/** Clause 4.7.2: a filter that begins with a wildcard matches no topic that begins with `$`. */
function passesOver(filter: string, other: string): boolean {
  return /^[+#]/.test(filter) && other.startsWith(SYSTEM);
}
