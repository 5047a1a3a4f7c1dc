/**
 * What the page knows about the car and the driver at this moment, as signals.
 *
 * No value is ever shown without its age: one that is older than three of its periods, or whose
 * link is silent, is `stale`, and whatever shows it has to say so.
 */
import { batch, computed, signal } from '@preact/signals';

/** A value is believed for this many of its periods. */
const STALE_PERIODS = 3;
/** At 512 Hz three periods are 6 ms, less than the way through the air: nothing is stale before, ms. */
const STALE_MS_MIN = 1_000;
/** Nothing at all from a source for so long: none of its values is believed, slow ones included, ms. */
const SOURCE_SILENT_MS = 6_000;
/** The parts of the gateway that bring readings; the streams of a device begin with its id. */
const SOURCE = /^(obd|eeg|can|replay)\d*$/;
const TROUBLE = 'obd.dtc';
/** From this speed on, for so long, the car is driven; below it for so long, it is not: km/h, ms. */
const DRIVING_KMH = 5;
const DRIVING_MS = 3_000;
/** A notice is read at a glance or not at all. */
const NOTICE_CHARS_MAX = 90;
/** Length of half the memory of the clock map, ms. */
const CLOCK_WINDOW_MS = 30_000;
/** A slower answer would be overtaken by the next question, ms. */
const HEALTH_TIMEOUT_MS = 4_000;

/** @typedef {import('./link.js').AlertMessage} AlertMessage */
/** @typedef {import('./link.js').Announced} Announced */
/** @typedef {import('./link.js').Block} Block */
/** @typedef {import('./link.js').Hello} Hello */
/** @typedef {import('./link.js').Phase} Phase */
/** @typedef {import('../src/core/health.ts').Health} Health */
/** @typedef {import('../src/core/health.ts').PartHealth} PartHealth */
/** @typedef {{ v: number, at: number }} Value `at`: when it was taken, on the page's clock, ms. */

/**
 * A value as it may be shown. `v` is undefined before the first one came.
 * @typedef {{ v: number | undefined, stale: boolean, ageMs: number, unit: string }} Reading
 */

/**
 * What the whole chain does: `idle` is a gateway that answers while no device brings readings.
 * @typedef {Phase | 'idle'} Flow
 */

/**
 * The check-engine lamp: the number of stored codes and the newest one, as far as they are known.
 * @typedef {{ lit: boolean, stale: boolean, count: number, code: string, text: string }} Lamp
 */

/** @typedef {{ stored?: readonly string[] | null, mil?: boolean | null }} EcuTroubles */

/**
 * The gateway's time on the page's clock. Messages are late by a changing amount and never early,
 * so the smallest difference seen is the best; only the last 30 to 60 s count, since two quartz
 * clocks part by a few ms a minute.
 */
export class ClockMap {
  #windowEnd = -Infinity;
  #previous = Infinity;
  #current = Infinity;

  /**
   * @param {number} t the gateway's time in a message, µs
   * @param {number} now when the message came, ms
   */
  observe(t, now) {
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + CLOCK_WINDOW_MS;
      this.#previous = this.#current;
      this.#current = Infinity;
    }
    this.#current = Math.min(this.#current, now - t / 1000);
  }

  /**
   * Milliseconds on the page's clock.
   * @param {number} t µs
   */
  local(t) {
    return t / 1000 + Math.min(this.#current, this.#previous);
  }
}

/**
 * True when a value of this age cannot be taken for the present one.
 * @param {number} ageMs
 * @param {number} hz nominal rate; 0 for streams that report only on change, which do not age
 */
export function isStale(ageMs, hz) {
  return hz > 0 && ageMs > Math.max((STALE_PERIODS * 1000) / hz, STALE_MS_MIN);
}

/**
 * A part's sentence for a person in a hurry: the part's name in front, without the code of the
 * error, and cut at the end of a sentence where it is long.
 * @param {string} id
 * @param {string} text
 */
export function noticeText(id, text) {
  const name = id.length <= 3 ? id.toUpperCase() : id;
  const plain = text.replace(/\s*\[[\w-]+\]$/, '');
  const named = plain.toLowerCase().startsWith(`${id.toLowerCase()}:`)
    ? `${name}${plain.slice(id.length)}`
    : `${name}: ${plain}`;
  if (named.length <= NOTICE_CHARS_MAX) return named;
  const start = named.slice(0, NOTICE_CHARS_MAX);
  const sentences = /^.*[.;?!](?=\s)/.exec(start)?.[0];
  return sentences ?? `${start.slice(0, -1).replace(/\s+\S*$/, '')}…`;
}

/** Implements the Listener of link.js. */
export class Live {
  /** The page's clock, ms, moved on by `advance`: what ages are computed from. */
  clock;
  /** @type {import('@preact/signals').Signal<{ phase: Phase, heardAt: number }>} */
  link;
  /** @type {import('@preact/signals').Signal<Hello | undefined>} */
  gateway = signal(undefined);
  /** @type {import('@preact/signals').Signal<Health | undefined>} */
  health = signal(undefined);
  /** What the gateway refused to do, in its words; empty when all is well. */
  refusal = signal('');
  /** True when the readings come from a simulated car or head. */
  simulated = computed(
    () =>
      this.gateway.value?.simulated === true ||
      (this.health.value?.parts.some((part) => part.details['simulated'] === true) ?? false),
  );

  /** The parts that bring readings; undefined until the gateway told of them. */
  sources = computed(() => this.health.value?.parts.filter(({ id }) => SOURCE.test(id)));
  /** @type {import('@preact/signals').ReadonlySignal<Flow>} */
  flow = computed(() => {
    const { phase } = this.link.value;
    if (phase !== 'live') return phase;
    if (!this.sources.value) return 'connecting';
    return this.sources.value.some(({ status }) => status === 'ok') ? 'live' : 'idle';
  });
  /** While it is true nothing wants to be typed, or read for long. */
  driving = signal(false);
  /** @type {(message: AlertMessage) => void} Told what happens to alerts. */
  onAlert = () => {};
  /** The streams that are too old, joined: it changes when one goes stale or is fresh again. */
  outdated = signal('');

  /** @type {() => number} */
  #now;
  #clockMap = new ClockMap();
  /** @type {import('@preact/signals').Signal<ReadonlyMap<string, Announced>>} */
  #streams = signal(new Map());
  /** @type {Map<string, import('@preact/signals').Signal<Value | undefined>>} */
  #values = new Map();
  /** When the newest value of each source was taken, on the page's clock, ms. */
  #heard = /** @type {Map<string, number>} */ (new Map());
  #newestCode = signal('');
  /** Since when the speed disagrees with `driving`, ms. */
  #disagrees = Infinity;
  /** What the codes mean that were told in words. */
  #codeTexts = /** @type {Map<string, string>} */ (new Map());
  /** @type {Set<(block: Block) => void>} */
  #blockListeners = new Set();

  /** @param {() => number} now monotonic milliseconds */
  constructor(now) {
    this.#now = now;
    this.clock = signal(now());
    this.link = signal({ phase: /** @type {Phase} */ ('connecting'), heardAt: now() });
  }

  advance() {
    this.clock.value = this.#now();
    this.outdated.value = [...this.#values]
      .filter(([id, { value }]) => value && isStale(this.#now() - value.at, this.#hz(id)))
      .map(([id]) => id)
      .join(' ');
    this.#watchSpeed();
  }

  /** Without a link nobody knows, so all stays as it was. */
  #watchSpeed() {
    if (this.link.value.phase !== 'live') return;
    const { v = 0, stale } = this.reading('obd.vehicle.speed');
    const moves = v >= DRIVING_KMH && !stale;
    if (this.#now() - this.#disagrees >= DRIVING_MS) this.driving.value = moves;
    const agrees = moves === this.driving.value;
    this.#disagrees = agrees ? Infinity : Math.min(this.#disagrees, this.#now());
  }

  /**
   * @param {Phase} phase
   * @param {number} heardAt
   */
  phase(phase, heardAt) {
    // Every try of an unreachable gateway looks like progress; to a person it is one long outage.
    if (phase === 'connecting' && this.link.value.phase === 'offline') return;
    batch(() => {
      this.advance();
      this.link.value = { phase, heardAt };
    });
  }

  /** @param {Hello} hello */
  hello(hello) {
    this.#clockMap = new ClockMap();
    batch(() => {
      this.gateway.value = hello;
      this.refusal.value = '';
      // Codes may have come and gone unheard; health tells which are there.
      this.#newestCode.value = '';
    });
  }

  /** @param {readonly Announced[]} streams */
  streams(streams) {
    const known = this.#streams.value;
    this.#streams.value = new Map([
      ...known,
      ...streams.map((stream) => /** @type {const} */ ([stream.id, stream])),
    ]);
  }

  /**
   * @param {number} t µs
   * @param {Record<string, number | null>} values
   */
  samples(t, values) {
    const at = this.#timeOf(t);
    batch(() => {
      for (const [id, v] of Object.entries(values)) {
        if (v !== null) this.#set(id, { v, at });
      }
    });
  }

  /** @param {Block} block */
  block(block) {
    const last = block.values.length - 1;
    const at = this.#timeOf(block.t + (last * 1e6) / block.hz);
    this.#set(block.stream, { v: block.values[last] ?? 0, at });
    for (const listener of this.#blockListeners) listener(block);
  }

  /**
   * @param {string} stream
   * @param {Record<string, unknown>} data
   */
  event(stream, { code, status, text, present }) {
    if (stream !== TROUBLE || status !== 'confirmed' || typeof code !== 'string') return;
    if (typeof text === 'string') this.#codeTexts.set(code, text);
    if (present) this.#newestCode.value = code;
    else if (this.#newestCode.value === code) this.#newestCode.value = '';
  }

  /**
   * The check-engine lamp of the car. To be read inside a component or an effect.
   * @returns {Lamp}
   */
  lamp() {
    const mil = this.reading('obd.monitor.mil');
    const told = this.health.value?.parts.find(({ id }) => id === 'obd')?.details['diagnosis'];
    const ecus = /** @type {{ ecus?: EcuTroubles[] } | undefined} */ (told)?.ecus ?? [];
    const stored = ecus.flatMap((ecu) => ecu.stored ?? []);
    const code = this.#newestCode.value || (stored.at(-1) ?? '');
    return {
      lit: mil.v === undefined ? ecus.some((ecu) => ecu.mil === true) : mil.v === 1,
      stale: mil.stale,
      count: this.reading('obd.monitor.dtcs').v ?? stored.length,
      code,
      text: this.#codeTexts.get(code) ?? '',
    };
  }

  /** @param {AlertMessage} message */
  alert(message) {
    this.onAlert(message);
  }

  /** @param {number} t µs */
  tick(t) {
    this.#clockMap.observe(t, this.#now());
  }

  /** @param {string} message */
  refused(message) {
    this.refusal.value = message;
  }

  /**
   * Calls `listener` with every block of every wave. Returns what stops it.
   * @param {(block: Block) => void} listener
   */
  onBlock(listener) {
    this.#blockListeners.add(listener);
    return () => void this.#blockListeners.delete(listener);
  }

  /**
   * The present reading of a stream, or of the first in the list that has ever reported.
   * To be read inside a component or an effect, which then follows it.
   * @param {...string} ids
   * @returns {Reading}
   */
  reading(...ids) {
    const reported = ids.find((id) => this.#value(id).value !== undefined);
    const id = reported ?? ids[0] ?? '';
    const stream = this.#streams.value.get(id);
    const value = this.#value(id).value;
    const ageMs = value ? Math.max(0, this.clock.value - value.at) : 0;
    const up = this.link.value.phase === 'live' && this.#isUp(id);
    return {
      v: value?.v,
      stale: value !== undefined && (!up || isStale(ageMs, this.#hz(id))),
      ageMs,
      unit: stream?.unit ?? '',
    };
  }

  /**
   * False when the source of a stream does not work, or brings nothing at all.
   * @param {string} id
   */
  #isUp(id) {
    const source = sourceOf(id);
    const part = this.sources.value?.find((each) => each.id === source);
    const heardAt = this.#heard.get(source) ?? -Infinity;
    return (part?.status ?? 'ok') === 'ok' && this.clock.value - heardAt <= SOURCE_SILENT_MS;
  }

  /** @param {string} id */
  #hz(id) {
    return this.#streams.value.get(id)?.hz ?? 1;
  }

  /**
   * @param {string} id
   * @param {Value} value
   */
  #set(id, value) {
    const source = sourceOf(id);
    this.#heard.set(source, Math.max(value.at, this.#heard.get(source) ?? -Infinity));
    this.#value(id).value = value;
  }

  /** @param {string} id */
  #value(id) {
    const known = this.#values.get(id);
    if (known) return known;
    /** @type {import('@preact/signals').Signal<Value | undefined>} */
    const created = signal(undefined);
    this.#values.set(id, created);
    return created;
  }

  /** @param {number} t µs */
  #timeOf(t) {
    this.#clockMap.observe(t, this.#now());
    return this.#clockMap.local(t);
  }
}

/** @param {string} id of a stream */
function sourceOf(id) {
  return id.slice(0, id.indexOf('.'));
}

/**
 * Asks once. Without an answer, or with one that is no health, what was known stays: that the
 * gateway cannot be reached is told by the link.
 * @param {Live} live
 * @param {typeof fetch} [ask]
 */
export async function askHealth(live, ask = fetch) {
  try {
    const response = await ask('/health', { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    const body = await response.json();
    // 503 is of a gateway with a part that failed. Other replies carry a problem, or a proxy's page.
    const told = response.status === 200 || response.status === 503;
    // Whoever is not logged in is told of no details.
    const whole = body?.parts?.every?.((/** @type {PartHealth} */ part) => part.details);
    if (told && whole) live.health.value = body;
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
  }
}

/**
 * No connection, no JSON, or none in time.
 * @param {unknown} error
 */
function isNoAnswer(error) {
  return (
    error instanceof TypeError ||
    error instanceof SyntaxError ||
    (error instanceof DOMException && error.name === 'TimeoutError')
  );
}
