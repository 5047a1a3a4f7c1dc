/**
 * Values as MQTT tells of them: `signal/<id>`, retained.
 *
 *   {"v":53.2,"t":<us>,"q":0}              `v` is null where the value is no number
 *   {"v":2,"t":<us>,"q":0,"s":"running"}   of a stream with states: what the number means, or null
 *
 * When is in policy.ts; so is what `q` says. Under a name of VSS, `v` is in the unit of that name.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Micros, Sample, Stream } from '#core/stream.ts';
import { GOOD, MIN_US, Pace, type Quality, UNWANTED_US } from './policy.ts';
import type { Vss } from './vss.ts';

/** Of all signals together: at some point a broker on a Pi would do nothing else. The others wait. */
const MESSAGES_PER_S_MAX = 1_000;
/** At once, after a pause. */
const BURST_MAX = 500;
/** Streams with a topic of their own; of more nothing is told. */
const SIGNALS_MAX = 4_096;

export interface SignalsOptions {
  /** Undefined where the id makes no topic. */
  topicOf(stream: Stream): string | undefined;
  /** The name under which the value is told too, if any. */
  vssOf(stream: Stream): { readonly topic: string; readonly vss: Vss } | undefined;
  /** Whether what brings it is lost. */
  isLost(stream: Stream): boolean;
  isWanted(topic: string): boolean;
  /** Retained, QoS 0. */
  send(topic: string, payload: string): void;
  /** A stream is told for the first time, means another thing now, or is no more. */
  changed(): void;
}

interface Signal {
  readonly pace: Pace;
  readonly topic: string;
  readonly vss: { readonly topic: string; readonly vss: Vss } | undefined;
  /** Nobody wants it: it need not be looked at before. */
  restsUntil: Micros;
}

export class Signals {
  /** Values of streams that have no topic. */
  dropped = 0;
  readonly #options: SignalsOptions;
  /** By the object, as a look-up is what every reading costs; by id, as an object may be made anew. */
  readonly #byStream = new Map<Stream, Signal | undefined>();
  readonly #byId = new Map<string, Signal>();
  readonly #waiting = new Set<Signal>();
  /** Of signals whose stream has become another. */
  #suppressed = 0;
  #tokens = BURST_MAX;
  #tokensAt: Micros = 0;

  constructor(options: SignalsOptions) {
    this.#options = options;
  }

  get waits(): boolean {
    return this.#waiting.size > 0;
  }

  /** Values that were not worth a message. */
  get suppressed(): number {
    let sum = this.#suppressed;
    for (const { pace } of this.#byId.values()) sum += pace.suppressed;
    return sum;
  }

  /** Streams of which something has been told. */
  streams(): Stream[] {
    const all = [...this.#byId.values()].map(({ pace }) => pace);
    return all.filter(({ told }) => told !== undefined).map(({ stream }) => stream);
  }

  /** Topics that something has been told under. */
  topics(): string[] {
    const told = [...this.#byId.values()].filter(({ pace }) => pace.told !== undefined);
    return told.flatMap(({ topic, vss }) => (vss ? [topic, vss.topic] : [topic]));
  }

  take(sample: Sample, now: Micros): void {
    const { stream } = sample;
    const found = this.#byStream.get(stream);
    const signal = found === undefined && !this.#byStream.has(stream) ? this.#find(stream) : found;
    if (signal === undefined) this.dropped++;
    else if (signal.pace.offer(sample, now)) this.#waiting.add(signal);
  }

  /** Tells what waits and is due, the one that waited longest first. */
  flush(now: Micros): void {
    if (this.#waiting.size === 0) return;
    this.#refill(now);
    for (const signal of this.#waiting) {
      if (this.#tokens < 1) return;
      if (!this.#isDue(signal, now)) continue;
      this.#waiting.delete(signal);
      const sample = signal.pace.take(now);
      if (sample !== undefined) this.#tell(signal, { sample, q: GOOD }, now);
    }
  }

  /** Tells what became uncertain, and again what has not changed for long. */
  look(now: Micros): void {
    this.#refill(now);
    for (const signal of this.#byId.values()) {
      const { told, stream } = signal.pace;
      if (this.#tokens < 1) return;
      const q = signal.pace.repeat(now, this.#options.isLost(stream));
      if (q !== undefined && told !== undefined)
        this.#tell(signal, { sample: told.sample, q }, now);
    }
  }

  /** Takes away what is kept of streams that are no more. */
  remove(ids: readonly string[]): void {
    for (const id of ids) {
      const signal = this.#byId.get(id);
      if (signal === undefined) continue;
      this.#forget(signal);
      this.#byId.delete(id);
      this.#options.send(signal.topic, '');
      if (signal.vss) this.#options.send(signal.vss.topic, '');
      this.#options.changed();
    }
  }

  /** Tells all that has been told again, to who may not have got it. */
  renew(now: Micros): void {
    for (const signal of this.#byId.values()) {
      const { told } = signal.pace;
      if (told !== undefined) this.#tell(signal, told, now);
    }
  }

  #isDue(signal: Signal, now: Micros): boolean {
    const age = signal.pace.age(now);
    if (age < MIN_US || now < signal.restsUntil) return false;
    if (age >= UNWANTED_US || this.#isWanted(signal)) return true;
    signal.restsUntil = now + MIN_US;
    return false;
  }

  #isWanted({ topic, vss }: Signal): boolean {
    const { isWanted } = this.#options;
    return isWanted(topic) || (vss !== undefined && isWanted(vss.topic));
  }

  #tell(signal: Signal, told: { readonly sample: Sample; readonly q: Quality }, now: Micros): void {
    const { pace, topic, vss } = signal;
    const { sample, q } = told;
    const isFirst = pace.told === undefined;
    pace.tell(sample, q, now);
    this.#tokens--;
    this.#options.send(topic, textOf(sample, q));
    if (vss !== undefined) this.#options.send(vss.topic, vssTextOf(vss.vss, sample, q));
    if (isFirst) this.#options.changed();
  }

  #refill(now: Micros): void {
    const more = ((now - this.#tokensAt) * MESSAGES_PER_S_MAX) / 1e6;
    this.#tokens = Math.min(BURST_MAX, this.#tokens + more);
    this.#tokensAt = now;
  }

  /** The signal of a stream that has not been seen as this object. */
  #find(stream: Stream): Signal | undefined {
    const known = this.#byId.get(stream.id);
    let signal = known;
    if (known === undefined || !isDeepStrictEqual(known.pace.stream, stream)) {
      signal = this.#make(stream);
      if (known !== undefined) this.#forget(known);
      if (signal === undefined) this.#byId.delete(stream.id);
      else this.#byId.set(stream.id, signal);
    }
    // A declaration that is made anew all the time must not pile up.
    if (this.#byStream.size >= 2 * SIGNALS_MAX) this.#byStream.clear();
    this.#byStream.set(stream, signal);
    return signal;
  }

  #forget(signal: Signal): void {
    this.#suppressed += signal.pace.suppressed;
    this.#waiting.delete(signal);
    // Several objects may have stood for it.
    this.#byStream.clear();
  }

  #make(stream: Stream): Signal | undefined {
    const topic = this.#options.topicOf(stream);
    const isFull = this.#byId.size >= SIGNALS_MAX && !this.#byId.has(stream.id);
    if (topic === undefined || isFull) return undefined;
    const vss = this.#options.vssOf(stream);
    return { pace: new Pace(stream), topic, vss, restsUntil: 0 };
  }
}

function textOf({ stream, t, v }: Sample, q: Quality): string {
  const value = Number.isFinite(v) ? v : 'null';
  if (!stream.states) return `{"v":${value},"t":${t},"q":${q}}`;
  const state = JSON.stringify(stream.states[v] ?? null);
  return `{"v":${value},"t":${t},"q":${q},"s":${state}}`;
}

function vssTextOf({ convert }: Vss, { t, v }: Sample, q: Quality): string {
  return JSON.stringify({ v: Number.isFinite(v) ? convert(v) : null, t, q });
}
