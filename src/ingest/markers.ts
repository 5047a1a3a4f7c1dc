import type { Span } from '#core/session.ts';
import type { Event, Json } from '#core/stream.ts';
import { IngestError } from './errors.ts';
import type { MarkerBody } from './shapes.ts';
import { used } from './used.ts';

/**
 * Markers, each of which is made once for its idempotency key. The key is kept in the event itself, so
 * that a restart forgets none.
 */

/** Keys of one session; one more is refused. Some 200 bytes each. */
const KEYS_MAX = 10_000;
/** Sessions whose keys are in memory; those of the one asked for least recently are read again. */
const SESSIONS_MAX = 16;

/** Who makes a marker, and the key of it, if any. */
export interface Maker {
  /** Id of the account. */
  readonly by: string;
  readonly key?: string | undefined;
}

/** The id of its session is in it, as sessions overlap, and each has its own keys. */
export function markerData(session: number, body: MarkerBody, { by, key }: Maker): Event['data'] {
  const { text, event, data, client, t: clientT } = body;
  const all = { text, by, event, data, client, clientT, key, session };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]): [string, Json][] => {
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** The keys of one session, with what each made. */
class MarkerKeys {
  readonly #made = new Map<string, string>();

  /** Takes what a marker of the session says; of two with a key the first one counts. */
  add(data: Event['data']): void {
    const { by, key } = data;
    if (typeof by === 'string' && typeof key === 'string') {
      this.#made.set(nameOf({ by, key }), meaning(data));
    }
  }

  /** Whether this very marker is there. @throws IngestError KEY_REUSED, TOO_MANY */
  has(maker: Maker, data: Event['data']): boolean {
    if (maker.key === undefined) return false;
    const made = this.#made.get(nameOf(maker));
    if (made === meaning(data)) return true;
    if (made !== undefined) {
      const text = `another marker was made with the key ${JSON.stringify(maker.key)}`;
      throw new IngestError('KEY_REUSED', text);
    }
    if (this.#made.size < KEYS_MAX) return false;
    throw new IngestError('TOO_MANY', `a session has at most ${KEYS_MAX} markers with keys`);
  }
}

/** The keys of the sessions that are asked for. */
export class MarkerBook {
  readonly #bySession = new Map<number, MarkerKeys>();
  readonly #read: (spans: readonly Span[]) => Iterable<Event['data']>;

  /** @param read the markers since spans began, as the store has them */
  constructor(read: (spans: readonly Span[]) => Iterable<Event['data']>) {
    this.#read = read;
  }

  of(session: { readonly id: number; readonly spans: readonly Span[] }): MarkerKeys {
    const known = this.#bySession.get(session.id) ?? new MarkerKeys();
    if (!this.#bySession.has(session.id)) {
      for (const data of this.#read(session.spans)) {
        if (data['session'] === session.id) known.add(data);
      }
    }
    used(this.#bySession, session.id, known, SESSIONS_MAX);
    return known;
  }

  /** What is known is read anew. */
  clear(): void {
    this.#bySession.clear();
  }
}

function nameOf({ by, key = '' }: Maker): string {
  return `${by} ${key}`;
}

/** The same for two that say the same; who says it is in the name. */
function meaning({ text, event, data, client, clientT }: Event['data']): string {
  return JSON.stringify([text, event, data, client, clientT]);
}
