import type { Stream } from './stream.ts';

/**
 * What the gateway tells of itself as streams, so that rules, recordings and clients see it as they
 * see the car: a value at every change, and every 10 s anyway.
 */

/** Of the parts of `GET /health`: what is not `ok` is lower. */
const STATES: Readonly<Record<number, string>> = { 0: 'failed', 1: 'waiting', 2: 'ok' };
const HZ = 0.1;

/** Patterns of the streams that there are one of for each source and for each action. */
export const SOURCE_STATES = 'gateway.source.*';
export const ACTION_STATES = 'gateway.action.*';

/** @param id of a source, `[a-z0-9_-]{1,23}` */
export function sourceStream(id: string): Stream {
  return stateStream(`gateway.source.${id}`, `Source ${id}`);
}

/** @param id of an action of alerts, `[a-z0-9_-]{1,23}` */
export function actionStream(id: string): Stream {
  return stateStream(`gateway.action.${id}`, `Alert action ${id}`);
}

export const STORE_STATE = stateStream('gateway.store', 'Store');

/** How far the wall clock can be believed: positions in TRUST of clock.ts. */
export const CLOCK_STATE: Stream = {
  id: 'gateway.clock',
  name: 'Clock',
  unit: '1',
  range: [0, 4],
  hz: HZ,
  kind: 'sample',
  states: {
    0: 'not set',
    1: 'set by its battery',
    2: 'set by a phone',
    3: 'set by the network',
    4: 'set by GPS',
  },
};

/** How tired the driver is. */
export const FATIGUE_LEVEL: Stream = {
  id: 'fatigue.level',
  name: 'Driver',
  unit: '1',
  range: [0, 3],
  hz: 0.2,
  kind: 'sample',
  states: { 0: 'awake', 1: 'tired', 2: 'very tired', 3: 'falling asleep' },
};

function stateStream(id: string, name: string): Stream {
  return { id, name, unit: '1', range: [0, 2], hz: HZ, kind: 'sample', states: STATES };
}
