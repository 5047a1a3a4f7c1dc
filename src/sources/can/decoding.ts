import type { Stream } from '#core/stream.ts';
import type { Database, Message } from './dbc/database.ts';
import { decodersOf, type FindDecoder, keyOf } from './dbc/lookup.ts';
import { type StreamsOf, streamsOf } from './dbc/streams.ts';
import { MessageSignals, type Pace, REFRESH_HZ } from './signals.ts';

/**
 * Streams of one bus. Where its files have more, as the whole of SAE J1939 has, those of a message are
 * there from its first frame on and not before, and the frames of messages that are too many then are
 * recorded and not decoded.
 */
const STREAMS_MAX = 4_000;
/** Streams that are made in one turn: a millisecond or two of work. */
const TURN_STREAMS = 200;

/** A DBC file of a bus. */
export interface NamedDatabase {
  readonly name: string;
  readonly database: Database;
  /** What could not be taken as it stands in the file. */
  readonly warnings: number;
}

/** What of a DBC file counts. */
export interface DbcSummary {
  readonly name: string;
  readonly messages: number;
  readonly signals: number;
  readonly warnings: number;
  /** Messages whose identifier a file before it, by name, has too: those of the first count. */
  readonly shadowed: number;
}

/** What the frames of a bus mean, by all of its DBC files together. */
export class Decoding {
  readonly files: readonly DbcSummary[];
  /** Messages that came and found no room for their streams. */
  leftOut = 0;
  readonly #pace: Pace;
  readonly #find: FindDecoder;
  readonly #streamsOf: StreamsOf;
  readonly #messages: readonly Message[];
  /** Those whose streams are there; undefined for those that found no room. */
  readonly #declared = new Map<Message, MessageSignals | undefined>();
  readonly #list: Stream[] = [];

  /**
   * Has no streams before `declare` has made them.
   *
   * @param bus its name, `[a-z0-9_-]{1,23}`
   */
  constructor(bus: string, databases: readonly NamedDatabase[], pace: Pace) {
    const { messages, files } = merged(databases);
    this.files = files;
    this.#pace = pace;
    this.#messages = messages;
    this.#find = decodersOf(messages);
    this.#streamsOf = streamsOf(bus, messages);
  }

  /** Makes the streams of all messages, where they are not too many. Stops wherever others may have a turn. */
  *declare(): Generator<void, void, void> {
    const total = this.#messages.reduce((sum, { signals }) => sum + signals.length, 0);
    if (total > STREAMS_MAX) return;
    let made = 0;
    for (const { id, extended, signals } of this.#messages) {
      this.signalsOf(id, extended);
      made += signals.length;
      if (made < TURN_STREAMS) continue;
      made = 0;
      yield;
    }
  }

  /** Those that there are, which may become more when a frame comes. */
  get streams(): readonly Stream[] {
    return this.#list;
  }

  /** What decodes the frames of an identifier, the same for all identifiers of one message. */
  signalsOf(id: number, extended: boolean): MessageSignals | undefined {
    const decoder = this.#find(id, extended);
    if (decoder === undefined) return undefined;
    const { message } = decoder;
    if (this.#declared.has(message)) return this.#declared.get(message);
    const streams = this.#streamsOf(message).map((one) => asTold(one, message));
    const fits = this.#list.length + streams.length <= STREAMS_MAX;
    const signals = fits ? new MessageSignals(streams, decoder, this.#pace) : undefined;
    this.#declared.set(message, signals);
    if (fits) this.#list.push(...streams);
    else this.leftOut++;
    return signals;
  }
}

/** Of two messages with the same identifier the first counts. */
function merged(databases: readonly NamedDatabase[]) {
  const byKey = new Map<number, Message>();
  const files = databases.map(({ name, database: { messages }, warnings }): DbcSummary => {
    let shadowed = 0;
    for (const message of messages) {
      const key = keyOf(message.id, message.extended);
      if (byKey.has(key)) shadowed++;
      else byKey.set(key, message);
    }
    const signals = messages.reduce((sum, one) => sum + one.signals.length, 0);
    return { name, messages: messages.length, signals, warnings, shadowed };
  });
  return { messages: [...byKey.values()], files };
}

/**
 * A stream with the rate at which its signal is told at least while its frames come: that of the frames
 * would have it taken for silent while it stays the same. Most files do not tell how often a message
 * comes; nearly all come several times a second.
 */
function asTold(stream: Stream, { cycleMs }: Message): Stream {
  return { ...stream, hz: cycleMs > 0 ? Math.min(1000 / cycleMs, REFRESH_HZ) : REFRESH_HZ };
}
