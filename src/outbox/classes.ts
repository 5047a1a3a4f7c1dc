import type { Stream } from '#core/stream.ts';
import type { Bearer } from '../io/bearer.ts';
import type { Priority } from '../wire/topics.ts';

/**
 * What is sent first, what waits, and what may wait for ever.
 *
 * A head has 110 bytes and a state one value in 5 to 10 s: sent as they come, the states of a car cost as much
 * as all that it measures. That a car has gone its will tells at once, and what is wrong its alerts do.
 *
 * P0 goes before everything, alerts before the other events. Below it the classes share the line by weight:
 * a class that has much to send cannot starve another. A month's budget of bytes is given up from below:
 * at 80 % P3 stops, at 95 % P2 is decimated (live.ts), at 100 % P1 stops too. P0 never stops.
 */
export interface ClassPolicy {
  /** Share of the line beside the other classes; P0 does not share. */
  readonly weight: number;
  /** How long data may wait for more of its stream, so that a batch is worth its head; ms. */
  readonly holdMs: number;
  /** The same where each byte is paid for. Below the minute at which a stream counts as one that lags. */
  readonly meteredHoldMs: number;
  /** Networks that it may use. */
  readonly bearers: readonly Bearer[];
  /** Older data is not sent: the cloud is told that it will not come. Undefined for any age. */
  readonly ageSMax: number | undefined;
  /** Share of the month's budget at which it stops. */
  readonly budgetShare: number;
}

export type ClassPolicies = Readonly<Record<Priority, ClassPolicy>>;

const ANY: readonly Bearer[] = ['local', 'ethernet', 'wifi', 'cellular', 'unknown'];
const UNMETERED: readonly Bearer[] = ['local', 'ethernet', 'wifi'];
const DAY_S = 86_400;

// biome-ignore format: a table
export const CLASS_POLICIES: ClassPolicies = {
  p0: { weight: Infinity, holdMs: 1_000,  meteredHoldMs: 1_000,  bearers: ANY,       ageSMax: undefined,  budgetShare: Infinity },
  p1: { weight: 16,       holdMs: 20_000, meteredHoldMs: 45_000, bearers: ANY,       ageSMax: 90 * DAY_S, budgetShare: 1 },
  p2: { weight: 8,        holdMs: 10_000, meteredHoldMs: 45_000, bearers: ANY,       ageSMax: 90 * DAY_S, budgetShare: 0.95 },
  p3: { weight: 1,        holdMs: 10_000, meteredHoldMs: 45_000, bearers: UNMETERED, ageSMax: 30 * DAY_S, budgetShare: 0.8 },
};

/** Whether each byte is paid for; of what is unknown that is to be thought. */
export function isMetered(bearer: Bearer): boolean {
  return !UNMETERED.includes(bearer);
}

/** How long data of a class may wait for more of its stream; ms. */
export function holdMsOf({ holdMs, meteredHoldMs }: ClassPolicy, metered: boolean): number {
  return metered ? meteredHoldMs : holdMs;
}

/** Whether its events go one by one, and at once. */
export function isAlert({ id, kind }: Pick<Stream, 'id' | 'kind'>): boolean {
  return kind === 'event' && (id === 'alert' || id.startsWith('alert.'));
}
