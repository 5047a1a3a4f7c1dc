import type { Stream } from '#core/stream.ts';
import type { BusState } from '../../io/can/bus.ts';

/** How often a bus tells how it is, s. */
export const STATUS_S = 5;
const HZ = 1 / STATUS_S;
/** A bus of 1 Mbit/s carries no more frames a second: 47 bits each, without data and without stuffing. */
const RATE_HZ_MAX = 21_276;

/** What is not good is lower, as in the streams of the gateway's own state. */
const STATES: Readonly<Record<number, string>> = {
  0: 'off the bus',
  1: 'error-passive',
  2: 'errors',
  3: 'good',
};
const STATE_NUMBERS: Readonly<Record<BusState, number | undefined>> = {
  ...{ off: 0, passive: 1, warning: 2, active: 3 },
  // A link that does not tell has no value, which is not the same as a good one.
  unknown: undefined,
};

/**
 * The streams that each bus has, whatever its DBC files say. Those of signals have one part more,
 * `can.<bus>.<message>.<signal>`, so that no message can have a name that is one of these.
 */
export interface BusStreams {
  /** Everything that comes, as it comes. */
  readonly frames: Stream;
  readonly rate: Stream;
  readonly load: Stream;
  readonly state: Stream;
  readonly lost: Stream;
}

/** @param bus its name, `[a-z0-9_-]{1,23}` */
export function busStreams(bus: string): BusStreams {
  const of = (part: string, name: string, unit: string, range: Stream['range']): Stream => {
    return {
      id: `can.${bus}.${part}`,
      name: `${name}, ${bus}`,
      unit,
      range,
      hz: HZ,
      kind: 'sample',
    };
  };
  return {
    frames: {
      id: `can.${bus}`,
      name: `CAN frames, ${bus}`,
      unit: '1',
      range: [0, 0x1fff_ffff],
      hz: 0,
      kind: 'frame',
    },
    rate: of('rate', 'Frames', '/s', [0, RATE_HZ_MAX]),
    load: of('load', 'Bus load', '%', [0, 100]),
    state: { ...of('state', 'Bus', '1', [0, 3]), states: STATES },
    lost: of('lost', 'Frames lost since the start', '1', [0, Number.MAX_SAFE_INTEGER]),
  };
}

/** A state as a value of its stream; undefined where the link does not tell. */
export function stateNumber(state: BusState): number | undefined {
  return STATE_NUMBERS[state];
}
