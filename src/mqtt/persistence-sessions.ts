import { FILTERS_MAX } from '#core/mqtt-limits.ts';
import type { Json } from '#core/stream.ts';
import { matches } from './topics.ts';

/** Clients with a session; at one more, that used longest ago of those not connected goes. */
export const SESSIONS_MAX = 200;
/** A session that nobody comes back to. */
const IDLE_MS_MAX = 7 * 86_400_000;
/** How old what is written of the last use may be: the disk is spared. */
const USE_MS_MAX = 3_600_000;

/** As the broker's library calls its fields; all but the first two are of MQTT 5. */
export interface Subscription {
  readonly topic: string;
  readonly qos: number;
  readonly rh?: number | undefined;
  readonly rap?: boolean | undefined;
  readonly nl?: boolean | undefined;
  readonly subscriptionIdentifier?: number | undefined;
}

/** A moment that outlives a restart: `Moments` of accounts/moments.ts tells how long ago it was. */
export interface At {
  readonly epoch: number;
  readonly t: number;
}

export interface Ages {
  now(): At;
  /** Milliseconds; undefined where nobody can tell. */
  since(at: At): number | undefined;
}

interface Session {
  readonly subscriptions: Map<string, Subscription>;
  usedAt: At;
  /** As it was written last. */
  writtenAt: At;
}

interface SessionRecord {
  readonly subscriptions: readonly Subscription[];
  readonly usedAt: At;
}

/** What clients with a session (MQTT 3.1.1 clause 3.1.2.4) have subscribed to. */
export class Sessions {
  /** Sessions that went because there were too many. */
  displaced = 0;
  expired = 0;
  readonly #ages: Ages;
  readonly #sessions = new Map<string, Session>();
  /** Clients that have begun anew since the start, whatever the records have; until those are known. */
  #begun: Set<string> | undefined = new Set();

  constructor(ages: Ages) {
    this.#ages = ages;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Subscriptions that anything is kept for. */
  get keeping(): number {
    const all = [...this.#sessions.values()].flatMap(({ subscriptions }) => [
      ...subscriptions.values(),
    ]);
    return all.filter(({ qos }) => qos > 0).length;
  }

  /** @returns whether all could be taken; none is where not */
  add(client: string, added: readonly Subscription[]): boolean {
    const session = this.#sessions.get(client) ?? this.#create(new Map());
    const names = new Set([...session.subscriptions.keys(), ...added.map(({ topic }) => topic)]);
    if (names.size > FILTERS_MAX) return false;
    this.#sessions.set(client, session);
    for (const one of added) session.subscriptions.set(one.topic, pick(one));
    this.touch(client);
    return true;
  }

  remove(client: string, topics: readonly string[]): void {
    const session = this.#sessions.get(client);
    for (const topic of topics) session?.subscriptions.delete(topic);
    if (session?.subscriptions.size === 0) this.#sessions.delete(client);
  }

  /** A session ends, or a client comes that wants none of before. */
  forget(client: string): void {
    this.#sessions.delete(client);
    this.#begun?.add(client);
  }

  of(client: string): Subscription[] {
    return [...(this.#sessions.get(client)?.subscriptions.values() ?? [])];
  }

  /** Those that a message is kept for. */
  matching(topic: string): (Subscription & { clientId: string })[] {
    const found = [...this.#sessions].flatMap(([clientId, { subscriptions }]) =>
      [...subscriptions.values()]
        .filter((one) => one.qos > 0 && matches(one.topic, topic))
        .map(({ topic: filter, qos, rh, rap, nl }) => ({
          clientId,
          topic: filter,
          qos,
          rh,
          rap,
          nl,
        })),
    );
    // In no order that matters; wildcards first, as the library's own persistence has them.
    return found.toSorted((a, b) => (a.topic > b.topic ? -1 : 1));
  }

  /** Clients that have subscribed to just this filter. */
  withFilter(filter: string): string[] {
    return [...this.#sessions]
      .filter(([, { subscriptions }]) => subscriptions.has(filter))
      .map(([client]) => client);
  }

  clients(): Iterable<string> {
    return this.#sessions.keys();
  }

  /** Used now. @returns whether that is to be written */
  touch(client: string): boolean {
    const session = this.#sessions.get(client);
    if (session === undefined) return false;
    session.usedAt = this.#ages.now();
    return (this.#ages.since(session.writtenAt) ?? USE_MS_MAX) >= USE_MS_MAX;
  }

  /**
   * Those that are to end: not used for too long, or too many. Whoever asks ends them.
   *
   * @param isConnected never of these
   */
  over(isConnected: (client: string) => boolean): string[] {
    const idle = [...this.#sessions]
      .filter(([client]) => !isConnected(client))
      .map(([client, { usedAt }]) => ({ client, ms: this.#ages.since(usedAt) }));
    const expired = idle.filter(({ ms }) => (ms ?? 0) > IDLE_MS_MAX);
    this.expired += expired.length;
    // Those of which nobody can tell were used before this boot.
    const longest = idle
      .filter((one) => !expired.includes(one))
      .toSorted((a, b) =>
        (a.ms ?? Number.POSITIVE_INFINITY) > (b.ms ?? Number.POSITIVE_INFINITY) ? -1 : 1,
      );
    const surplus = Math.max(0, this.#sessions.size - expired.length - SESSIONS_MAX);
    const displaced = longest.slice(0, surplus);
    this.displaced += displaced.length;
    return [...expired, ...displaced].map(({ client }) => client);
  }

  valueOf(client: string): Json | undefined {
    const session = this.#sessions.get(client);
    if (session === undefined) return undefined;
    session.writtenAt = session.usedAt;
    const record: SessionRecord = {
      subscriptions: [...session.subscriptions.values()],
      usedAt: session.usedAt,
    };
    return JSON.parse(JSON.stringify(record));
  }

  /** A session of an earlier start. @returns whether it is still wanted */
  take(client: string, value: Json): boolean {
    if (this.#begun?.has(client)) return false;
    const { subscriptions, usedAt }: SessionRecord = Object(value);
    const before = new Map(subscriptions.map((one) => [one.topic, one]));
    const since = this.#sessions.get(client);
    const all = new Map([...before, ...(since?.subscriptions ?? [])]);
    this.#sessions.set(client, {
      subscriptions: all,
      usedAt: since?.usedAt ?? usedAt,
      writtenAt: usedAt,
    });
    return true;
  }

  /** Everything of earlier starts is known. */
  settle(): void {
    this.#begun = undefined;
  }

  #create(subscriptions: Map<string, Subscription>): Session {
    const now = this.#ages.now();
    return { subscriptions, usedAt: now, writtenAt: now };
  }
}

function pick({ topic, qos, rh, rap, nl, subscriptionIdentifier }: Subscription): Subscription {
  const known = { topic, qos, rh, rap, nl };
  return subscriptionIdentifier === undefined ? known : { ...known, subscriptionIdentifier };
}
