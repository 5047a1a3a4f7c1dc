import type { Stream } from '#core/stream.ts';
import { oneLine } from '#core/text.ts';
import type { Message, Signal } from './database.ts';
import { rawRange, scaleOf, stepOf, toValue } from './scale.ts';
import { segmentsOf } from './segments.ts';
import { ucumOf } from './units.ts';

/** Of a name and of a label, for people; a longer one is cut. */
const NAME_CHARS_MAX = 100;

/** In the unit of the signal: two bits, of which a switch uses two values to say that it is broken. */
const PRESET_SPAN_MAX = 4;

/**
 * The streams of a message of those that it was asked for, made when they are asked for: one for each signal,
 * in the order of `message.signals`, so that the position a decoder gives finds its stream.
 */
export type StreamsOf = (message: Message) => readonly Stream[];

/**
 * What makes the streams of the messages of one bus.
 *
 * @param bus a segment of stream ids: `can0`
 * @param messages no two with the same identifier
 */
export function streamsOf(bus: string, messages: readonly Message[]): StreamsOf {
  const segments = segmentsOf(
    messages.map(({ name, id, extended }) => ({
      name,
      key: `${name} ${id.toString(16)}${extended ? 'x' : ''}`,
    })),
  );
  const segmentOf = new Map(messages.map((message, index) => [message, segments[index]]));
  const tables = new StateTables();
  return (message) => streamsOfMessage(`can.${bus}.${segmentOf.get(message)}`, message, tables);
}

function streamsOfMessage(
  prefix: string,
  message: Message,
  tables: StateTables,
): readonly Stream[] {
  const segments = segmentsOf(message.signals.map(({ name }) => ({ name, key: name })));
  return message.signals.map((signal, index) => ({
    id: `${prefix}.${segments[index]}`,
    // How often each value of a multiplexer comes is not in the file.
    hz: message.cycleMs > 0 && signal.when === undefined ? 1000 / message.cycleMs : 0,
    ...describe(signal, tables),
  }));
}

function describe(signal: Signal, tables: StateTables): Omit<Stream, 'id' | 'hz'> {
  const unit = ucumOf(signal.unit);
  const step = stepOf(signal);
  const states = tables.of(signal, unit);
  return {
    name: oneLine(signal.longName, NAME_CHARS_MAX),
    unit,
    range: rangeOf(signal),
    kind: 'sample',
    ...(states ? { states } : {}),
    ...(step ? { step } : {}),
  };
}

/**
 * The limits of the file, as far as the bits can express them, else what the bits can express. Files give
 * the limits of what is measured: values beyond them do come, mostly to say that there is none, and are
 * not taken out, as too many files have limits that are wrong. The most common of those is [0|1], which
 * an editor writes for every new signal: it is believed of a signal that cannot express much more.
 */
function rangeOf(signal: Signal): Stream['range'] {
  const scale = scaleOf(signal);
  const ends = rawRange(signal).map((raw) => {
    const value = toValue(scale, raw);
    return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
  });
  const min = Math.min(...ends);
  const max = Math.max(...ends);
  const [from, to] = signal.limits ?? [min, max];
  if (from === 0 && to === 1 && max - min > PRESET_SPAN_MAX) return [min, max];
  const low = Math.max(min, from);
  const high = Math.min(max, to);
  return low < high ? [low, high] : [min, max];
}

type States = NonNullable<Stream['states']>;

/** What the values of each enumeration mean, once for all signals that share a table. */
class StateTables {
  readonly #tables = new Map<Signal['labels'], States>();

  /**
   * A signal that has a unit or a scale is no enumeration: what its labels name is "not available" and
   * the like, and whoever sees states expects no other values.
   */
  of(signal: Signal, unit: string): States | undefined {
    const { labels, factor, offset } = signal;
    if (labels.size === 0 || unit !== '1' || factor !== 1 || offset !== 0) return undefined;
    const known = this.#tables.get(labels);
    if (known) return known;
    const states = Object.fromEntries(
      [...labels].map(([value, text]) => [value, oneLine(text, NAME_CHARS_MAX)]),
    );
    this.#tables.set(labels, states);
    return states;
  }
}
