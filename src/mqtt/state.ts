/**
 * What the gateway tells of itself: `state`, `info`, `avail/<source>` and `stats`, all retained.
 *
 *   state            online | offline; offline is the last will where the broker is another's
 *   avail/<source>   online while the source brings data
 *   info             {"version":"1.2.0","epoch":7,"clock":{"wallMs":...,"trust":"ntp"},"simulated":false,
 *                     "streams":[{"number":0,"id":"obd.engine.rpm","name":"Engine speed","unit":"/min",...}]}
 *   stats            what GET /health counts, every 10 s
 *
 * Times in all messages are microseconds since the start of the epoch; `clock.wallMs` is its wall-clock
 * time as far as `trust` says. A stream is written as it is declared (core/stream.ts), with the number that
 * stands for it in the binary blocks of `stream/`: numbers hold until the gateway ends, so that they are
 * to be taken from the `info` of the same epoch.
 */
import type { Epoch } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import type { Json, Micros, Stream } from '#core/stream.ts';
import { Debounce } from './policy.ts';

/** Numbers are 16 bits wide, and a message has to stay one that a phone can take. More have none. */
const STREAMS_MAX = 4_096;
const STATS_US = 10_000_000;
/** New streams come in swarms: of one swarm `info` tells once. */
const QUIET_US = 2_000_000;
const WAIT_US_MAX = 10_000_000;
const ONLINE = 'online';
export const OFFLINE = 'offline';

/** A source, as it is at this moment. */
export interface SourceNow extends Pick<PartHealth, 'id' | 'status'> {
  /** Everything that it may bring. */
  readonly streams: readonly Stream[];
}

export interface StateOptions {
  readonly version: string;
  readonly simulated: boolean;
  epoch(): Pick<Epoch, 'id' | 'wallMs' | 'trust'>;
  streams(): readonly Stream[];
  sources(): readonly SourceNow[];
  stats(): { readonly [key: string]: Json };
}

interface StateOutlet {
  /** Sends a retained message of the group. `name` is that of the source, where the group has many. */
  send(group: 'state' | 'info' | 'avail' | 'stats', payload: string, name?: string): void;
  /** Streams that `info` had, and has no more. */
  gone(ids: readonly string[]): void;
}

/** Streams and the numbers that stand for them, in the order in which they became known. */
class StreamBook {
  readonly #numbers = new Map<string, number>();
  #declared: readonly Stream[] = [];

  /** Undefined where there are too many. */
  numberOf({ id }: Stream): number | undefined {
    const known = this.#numbers.get(id);
    if (known !== undefined || this.#numbers.size >= STREAMS_MAX) return known;
    this.#numbers.set(id, this.#numbers.size);
    return this.#numbers.size - 1;
  }

  /** Takes what there is now. True where that is not what there was. */
  declare(streams: readonly Stream[]): boolean {
    const isSame =
      streams.length === this.#declared.length &&
      streams.every((stream, i) => stream === this.#declared[i]);
    this.#declared = streams;
    return !isSame;
  }

  list(): ({ readonly number: number } & Stream)[] {
    return this.#declared.flatMap((stream) => {
      const number = this.numberOf(stream);
      return number === undefined ? [] : [{ number, ...stream }];
    });
  }
}

export class StateBoard {
  readonly book = new StreamBook();
  readonly #options: StateOptions;
  readonly #outlet: StateOutlet;
  /** By the id of the source. */
  readonly #avail = new Map<string, string>();
  readonly #sourceOf = new Map<string, string>();
  readonly #infoChanged = new Debounce(QUIET_US, WAIT_US_MAX);
  #clock = '';
  #info = '';
  /** Ids of the streams of the last one. */
  #listed: readonly string[] = [];
  #statsAt: Micros = Number.NEGATIVE_INFINITY;

  constructor(options: StateOptions, outlet: StateOutlet) {
    this.#options = options;
    this.#outlet = outlet;
  }

  /** Tells everything, whether it has been told or not. */
  renew(now: Micros): void {
    this.#avail.clear();
    this.#info = '';
    this.#statsAt = Number.NEGATIVE_INFINITY;
    this.#outlet.send('state', ONLINE);
    this.book.declare(this.#options.streams());
    this.#tellInfo();
    this.look(now);
  }

  /** Tells what has changed, or is due. */
  look(now: Micros): void {
    this.#lookAtSources();
    const { wallMs, trust } = this.#options.epoch();
    const clock = `${wallMs} ${trust}`;
    const hasChanged = this.book.declare(this.#options.streams());
    if (hasChanged || clock !== this.#clock) this.#infoChanged.changed(now);
    this.#clock = clock;
    if (this.#infoChanged.isDue(now)) this.#tellInfo();
    if (now - this.#statsAt < STATS_US) return;
    this.#statsAt = now;
    this.#outlet.send('stats', JSON.stringify(this.#options.stats()));
  }

  end(): void {
    for (const id of this.#avail.keys()) this.#outlet.send('avail', OFFLINE, id);
    this.#outlet.send('state', OFFLINE);
  }

  /** Id of the source that brings a stream; undefined for what no source brings. */
  sourceOf({ id }: Stream): string | undefined {
    return this.#sourceOf.get(id);
  }

  /** Whether what brings a stream is lost. */
  isLost(stream: Stream): boolean {
    const source = this.sourceOf(stream);
    return source !== undefined && this.#avail.get(source) === OFFLINE;
  }

  #lookAtSources(): void {
    const sources = this.#options.sources();
    this.#sourceOf.clear();
    for (const { id, status, streams } of sources) {
      for (const stream of streams) this.#sourceOf.set(stream.id, id);
      this.#tellAvail(id, status === 'ok' ? ONLINE : OFFLINE);
    }
    for (const id of this.#avail.keys()) {
      if (!sources.some((source) => source.id === id)) this.#tellAvail(id, OFFLINE);
    }
  }

  #tellAvail(id: string, state: string): void {
    if (this.#avail.get(id) === state) return;
    this.#avail.set(id, state);
    this.#outlet.send('avail', state, id);
  }

  /** A declaration that was made anew and says the same is no news. */
  #tellInfo(): void {
    const { version, simulated } = this.#options;
    const { id: epoch, wallMs, trust } = this.#options.epoch();
    this.#clock = `${wallMs} ${trust}`;
    const clock = { wallMs, trust };
    const streams = this.book.list();
    const info = JSON.stringify({ version, epoch, clock, simulated, streams });
    if (info === this.#info) return;
    this.#info = info;
    this.#outlet.send('info', info);
    const ids = new Set(streams.map(({ id }) => id));
    const gone = this.#listed.filter((id) => !ids.has(id));
    this.#listed = [...ids];
    if (gone.length > 0) this.#outlet.gone(gone);
  }
}
