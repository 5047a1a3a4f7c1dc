import type { Clock } from '#core/clock.ts';
import type { Emit, Frame, Json, Micros, Stream } from '#core/stream.ts';
import type { BusState, CanBus, CanFrame, OpenCanBus } from '../../io/can/bus.ts';
import type { Source } from '../source.ts';
import { type BusStreams, busStreams, STATUS_S, stateNumber } from './bus-streams.ts';
import { type DbcSummary, Decoding, type NamedDatabase } from './decoding.ts';
import { frameBits } from './frame-bits.ts';
import { IdTable, type KnownId } from './ids.ts';
import { type MessageSignals, Pace } from './signals.ts';
import { BusTally } from './tally.ts';

/**
 * A CAN bus as a source: every frame as it comes, and what its DBC files make of them as samples, less
 * often (signals.ts). A parked car's bus is silent for hours, so that the bus itself tells every STATUS_S
 * how it is; that is what SILENCE_MS waits for. A bus that is lost without an error is found by its driver.
 */
const SILENCE_MS = 4 * STATUS_S * 1000;
/** How often changes are looked for that have waited long enough: half of what they wait at least. */
const FLUSH_MS = 25;
const ADAPT_US = 1_000_000;
/** Without a frame for so long the bus is told to be silent. */
const QUIET_US = 2_000_000;
/** Identifiers that have stopped and are told by name; the rest is counted. */
const STOPPED_TOLD_MAX = 20;

export interface CanSourceOptions {
  /** Of the source: `can`, `can2`. */
  readonly id: string;
  /** Of the bus, `[a-z0-9_-]{1,23}`: its streams begin with `can.<name>`. */
  readonly name: string;
  /** What messages call it: `can0`, `/dev/ttyACM0`. */
  readonly device: string;
  readonly open: OpenCanBus;
  /** What the bus is played from, where it is none of now: that is what its note tells. */
  readonly recording?: Pick<Source, 'note' | 'health'>;
  /** Those that it begins with. */
  readonly databases?: readonly NamedDatabase[];
}

/** A bus at this moment, for people. Undefined is what nobody can tell. */
export interface CanStatus {
  readonly bus: string;
  readonly device: string;
  readonly isOpen: boolean;
  readonly state: BusState;
  readonly bitRate: number | undefined;
  readonly listenOnly: boolean | undefined;
  /** Frames a second, and how much of its time the bus is busy, in %; over the last STATUS_S. */
  readonly rate: number;
  readonly load: number | undefined;
  readonly frames: number;
  readonly lost: number;
  readonly lostBy: 'counted' | 'reckoned' | 'unknown';
  /** Identifiers that came, and those of them of which no DBC file says what they mean. */
  readonly ids: number;
  readonly unknownIds: number;
  readonly databases: readonly DbcSummary[];
}

export interface CanSource extends Source {
  readonly bus: string;
  /**
   * Takes other DBC files in place of those before: from the frame after it resolves on. One at a time.
   *
   * @param rest resolves in a later turn of the event loop: thousands of streams are made in several
   */
  use(databases: readonly NamedDatabase[], rest: () => Promise<void>): Promise<void>;
  status(): CanStatus;
}

export function canSource(options: CanSourceOptions): CanSource {
  const { id, name } = options;
  const reader = new BusReader(options);
  return {
    id,
    bus: name,
    get streams() {
      return reader.streams;
    },
    silenceMs: SILENCE_MS,
    run: (emit, clock, signal) => reader.run(emit, clock, signal),
    note: () => reader.note(),
    health: () => reader.health(),
    use: (databases, rest) => reader.use(databases, rest),
    status: () => reader.status(),
  };
}

/** Frames to readings. Lives as long as the process, so that counters go on. */
class BusReader {
  readonly #options: CanSourceOptions;
  readonly #own: BusStreams;
  readonly #pace = new Pace();
  readonly #tally = new BusTally();
  readonly #ids = new IdTable<MessageSignals>((...of) => this.#decoding.signalsOf(...of));
  #decoding: Decoding;
  #frames = 0;
  #bits = 0;
  #newestAt: Micros | undefined;
  /** The same at the last time that the bus told how it is, and what it told. */
  #before: { readonly at: Micros; readonly frames: number; readonly bits: number } | undefined;
  #rate = 0;
  #load: number | undefined;
  #clock: Clock | undefined;

  constructor(options: CanSourceOptions) {
    this.#options = options;
    this.#own = busStreams(options.name);
    this.#decoding = new Decoding(options.name, options.databases ?? [], this.#pace);
    for (const _ of this.#decoding.declare()); // Nothing runs beside it yet.
  }

  get streams(): readonly Stream[] {
    return [...Object.values(this.#own), ...this.#decoding.streams];
  }

  async use(databases: readonly NamedDatabase[], rest: () => Promise<void>): Promise<void> {
    const decoding = new Decoding(this.#options.name, databases, this.#pace);
    for (const _ of decoding.declare()) await rest();
    this.#decoding = decoding;
    // Of the signals as they were before; the frames have them.
    this.#pace.waiting.clear();
    this.#ids.renew();
  }

  async run(emit: Emit, clock: Clock, signal: AbortSignal): Promise<void> {
    await using bus = await this.#options.open({ clock, signal });
    this.#clock = clock;
    this.#tally.opened(() => bus.health());
    this.#before = { at: clock.now(), frames: this.#frames, bits: this.#bits };
    const stop = bus.listen((frame, t) => this.#take(frame, t, emit));
    try {
      await Promise.race([bus.lost, this.#tend(bus, emit, clock, signal)]);
    } finally {
      stop();
      // What has changed last is told, however short ago that was.
      this.#pace.flush(clock.now(), emit, Number.NEGATIVE_INFINITY);
      this.#tally.closed();
      this.#before = undefined;
      this.#rate = 0;
      this.#load = undefined;
    }
  }

  note(): string | undefined {
    const health = this.#tally.health();
    if (health === undefined) return undefined;
    const { recording } = this.#options;
    if (recording) return recording.note?.();
    if (health.state === 'off') return 'the controller is off the bus: nothing is received';
    const now = this.#clock?.now() ?? 0;
    const mode = health.listenOnly === false ? '' : 'listening; ';
    if (this.#newestAt === undefined) return `${mode}no frame on the bus yet`;
    const silentUs = now - this.#newestAt;
    if (silentUs > QUIET_US)
      return `${mode}no frame on the bus for ${Math.round(silentUs / 1e6)} s`;
    if (health.state === 'passive') return 'receiving data; the bus has many errors';
    return undefined;
  }

  status(): CanStatus {
    const { name, device } = this.#options;
    const health = this.#tally.health();
    const { lost } = this.#tally.counters();
    const known = [...this.#ids.all()];
    return {
      ...{ bus: name, device, isOpen: health !== undefined },
      state: health?.state ?? 'unknown',
      bitRate: health?.bitRate,
      listenOnly: health?.listenOnly,
      ...{ rate: this.#rate, load: this.#load, frames: this.#frames },
      ...{ lost, lostBy: health?.lostBy ?? 'unknown' },
      ids: this.#ids.size,
      unknownIds: known.filter(({ signals }) => signals === undefined).length,
      databases: this.#decoding.files,
    };
  }

  health(): { readonly [key: string]: Json } {
    const { device, state, bitRate, listenOnly, rate, load, ...status } = this.status();
    const { txErrors, rxErrors, warnings = [] } = this.#tally.health() ?? {};
    const stopped = this.#stopped();
    return {
      ...{ device, state, bitRate: bitRate ?? null, listenOnly: listenOnly ?? null, rate },
      ...this.#options.recording?.health(),
      ...{ load: load ?? null, txErrors: txErrors ?? null, rxErrors: rxErrors ?? null },
      bus: { ...this.#tally.counters() },
      lostBy: status.lostBy,
      ids: status.ids,
      unknownIds: status.unknownIds,
      untrackedFrames: this.#ids.untracked,
      stopped: stopped.length,
      stoppedIds: stopped.slice(0, STOPPED_TOLD_MAX),
      signals: {
        told: this.#pace.told,
        merged: this.#pace.merged,
        missing: this.#pace.missing,
        messagesLeftOut: this.#decoding.leftOut,
        changeMs: this.#pace.changeUs / 1000,
      },
      databases: status.databases.map((file) => ({ ...file })),
      warnings,
    };
  }

  #take(frame: CanFrame, t: Micros, emit: Emit): void {
    const { id, extended, data } = frame;
    this.#frames++;
    this.#bits += frameBits(extended, data.length);
    this.#newestAt = t;
    const reading: Frame = { kind: 'frame', stream: this.#own.frames, t, id, extended, data };
    emit(reading);
    const known = this.#ids.take(id, extended, t);
    const signals = known ? known.signals : this.#decoding.signalsOf(id, extended);
    signals?.take(data, t, emit);
  }

  /** Tells what has waited, and how the bus is. Resolves when it is to stop. */
  async #tend(bus: CanBus, emit: Emit, clock: Clock, signal: AbortSignal): Promise<void> {
    let adaptedAt = clock.now();
    while (!signal.aborted) {
      await clock.sleep(FLUSH_MS, signal).catch(() => {}); // The stop ends it.
      const now = clock.now();
      this.#pace.flush(now, emit);
      if (now - adaptedAt >= ADAPT_US) {
        adaptedAt = now;
        this.#pace.adapt();
      }
      if (now - (this.#before?.at ?? now) >= STATUS_S * 1e6) this.#tellStatus(bus, now, emit);
    }
  }

  #tellStatus(bus: CanBus, now: Micros, emit: Emit): void {
    const { at, frames, bits } = this.#before ?? { at: now, frames: 0, bits: 0 };
    const seconds = (now - at) / 1e6;
    const { state, bitRate, lostBy } = bus.health();
    this.#before = { at: now, frames: this.#frames, bits: this.#bits };
    this.#rate = rounded((this.#frames - frames) / seconds);
    // The bits are reckoned: a bus that is full may seem fuller.
    const share = bitRate === undefined ? undefined : (this.#bits - bits) / seconds / bitRate;
    this.#load = share === undefined ? undefined : rounded(Math.min(100, 100 * share));
    const tell = (stream: Stream, v: number | undefined): void => {
      if (v !== undefined) emit({ kind: 'sample', stream, t: now, v });
    };
    tell(this.#own.rate, this.#rate);
    tell(this.#own.load, this.#load);
    tell(this.#own.state, stateNumber(state));
    tell(this.#own.lost, lostBy === 'unknown' ? undefined : this.#tally.counters().lost);
  }

  /** Those that came in a rhythm and come no more, the longest silence first. Of a silent bus it is none. */
  #stopped(): Json[] {
    const now = this.#clock?.now() ?? 0;
    if (this.#newestAt === undefined || now - this.#newestAt > QUIET_US) return [];
    return [...this.#ids.all()]
      .filter((known) => known.hasStopped(now))
      .toSorted((a, b) => b.silentUs(now) - a.silentUs(now))
      .map((known) => toldOf(known, now));
  }
}

function toldOf(known: KnownId<MessageSignals>, now: Micros): Json {
  return {
    id: idText(known),
    silentS: Math.round(known.silentUs(now) / 1e6),
    everyMs: Math.round((known.periodUs ?? 0) / 1000),
  };
}

/** As people write an identifier: 3 hexadecimal digits, or 8 where it has 29 bits. */
function idText({ id, extended }: Pick<CanFrame, 'id' | 'extended'>): string {
  return id
    .toString(16)
    .toUpperCase()
    .padStart(extended ? 8 : 3, '0');
}

/** To a tenth: what is reckoned over seconds is known no better. */
function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
