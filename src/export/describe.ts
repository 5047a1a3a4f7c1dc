import { type Trust, wallMs } from '#core/clock.ts';
import type { Stretch } from '#core/session.ts';
import type { Stream, StreamKind } from '#core/stream.ts';
import type { ExportAbout } from './about.ts';
import type { ExportSource } from './source.ts';

/** What a file tells of itself, in its first line or its metadata. */
export interface Description {
  readonly title: string;
  readonly about?: ExportAbout;
  readonly streams: readonly StreamDescription[];
  readonly stretches: readonly StretchDescription[];
}

interface StreamDescription {
  readonly id: string;
  readonly name: string;
  /** UCUM code. */
  readonly unit: string;
  readonly kind: StreamKind;
  /** Nominal rate; 0 for streams that report on change. */
  readonly hz: number;
  readonly states?: NonNullable<Stream['states']>;
}

interface StretchDescription {
  /** RFC 3339, UTC, milliseconds. */
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
  /** Microseconds since the session's start. */
  readonly t: number;
  /** How far `time` can be believed in this stretch; `t` always can. */
  readonly clock: Trust;
}

export function describe({ title, about, streams, stretches }: ExportSource): Description {
  return {
    title,
    ...(about ? { about } : {}),
    streams: streams.map(({ id, name, unit, kind, hz, states }) => ({
      ...{ id, name, unit, kind, hz },
      ...(states ? { states } : {}),
    })),
    stretches: stretches.map(({ epoch, from, to, at }) => ({
      from: new Date(wallMs(epoch, from)).toISOString(),
      to: new Date(wallMs(epoch, to)).toISOString(),
      t: at,
      clock: epoch.trust,
    })),
  };
}

/** What is written of each number of an enumeration; undefined for streams that are none. */
export function statesOf(
  { states }: Stream,
  write: (text: string) => string,
): ReadonlyMap<number, string> | undefined {
  return states && new Map(Object.entries(states).map(([n, text]) => [Number(n), write(text)]));
}

/** What to add to a time of the stretch's epoch. All in whole microseconds. */
export interface Offsets {
  /** For the time since 1970. */
  readonly wall: number;
  /** For the time since the session's start. */
  readonly session: number;
}

export function offsetsOf({ epoch, from, at }: Stretch): Offsets {
  return { wall: Math.round(wallMs(epoch, 0) * 1000), session: Math.round(at) - from };
}
