import type { Stream } from '#core/stream.ts';
import { IngestError } from './errors.ts';
import { COUNT_MAX, UV_MAX } from './shapes.ts';

/**
 * The streams that clients make. They have ids of their own, so that no client can write into what the
 * gateway measures:
 *
 *   eeg.<client>.raw.<channel>          wave, uV or counts
 *   eeg.<client>.attention, .meditation what the headset computed, as eeg.attention is
 *   eeg.<client>.bands.<band>
 *   face.<what>, game.<what>            samples of the client that was first, and events
 *   game.<event>                        events of it
 *   face.<client>.<what> and the like   the same of another one, see holders.ts
 *   client.alert                        events: alerts of all clients
 *   marker, marker.<event>              events
 *   ingest.<client>.<kind>              events: one a batch, see receipt.ts
 *
 * A store keeps every stream for ever and has numbers for 65,535, so that those of clients are counted.
 */

/**
 * Streams of clients in the life of a store; one with another rate or unit is another one. A batch that
 * would make one more is refused.
 */
const CLIENT_STREAMS_MAX = 1_000;
/** Of those, sorts of events in driving tasks, and of markers. */
const EVENT_STREAMS_MAX = 200;

/**
 * Of both, new ones in the sessions of one account since the start: whoever may send must not use up what
 * there is for everybody, for as long as the store is there.
 */
const OWN_STREAMS_MAX = 200;
const OWN_EVENT_STREAMS_MAX = 40;

/** What a sample of uV is kept in: below the noise of any amplifier. */
const UV_STEP = 0.001;

/** `eeg.<name>.<anything>` is what the headsets of the gateway have. */
const NOT_CLIENTS: readonly string[] = ['bands', 'quality'];

const OURS =
  /^(eeg\.(?!(bands|quality)\.)[a-z0-9_-]+\.(raw\.[a-z0-9_-]+|attention|meditation|bands\.[a-z_]+)|(face|game|ingest)\.[a-z0-9_.-]+|client\.alert|marker(\.[a-z0-9_-]+)?)$/;

/** Whether a stream is one that clients have made. */
function isClientStream({ id }: Stream): boolean {
  return OURS.test(id);
}

// biome-ignore format: one stream a line, in columns
export const FACE = {
  detected:   sample('face.detected',    'Face',           '1',   [0, 1], { states: { 0: 'not seen', 1: 'seen' } }),
  confidence: sample('face.confidence',  'Face, certainty','1',   [0, 1]),
  perclos:    sample('face.perclos60',   'PERCLOS, 60 s',  '1',   [0, 1]),
  eyeClosure: sample('face.eye_closure', 'Eyes closed',    '1',   [0, 1]),
  headYaw:    sample('face.head.yaw',    'Head, left',     'deg', [-180, 180]),
  headPitch:  sample('face.head.pitch',  'Head, up',       'deg', [-180, 180]),
  headRoll:   sample('face.head.roll',   'Head, rolled',   'deg', [-180, 180]),
  gazeYaw:    sample('face.gaze.yaw',    'Gaze, left',     'deg', [-180, 180]),
  gazePitch:  sample('face.gaze.pitch',  'Gaze, up',       'deg', [-180, 180]),
  blink:      event('face.blink', 'Blink'),
  yawn:       event('face.yawn',  'Yawn'),
} as const;

/** Numbers in the data of a driving task's events that are streams of their own, by their names there. */
// biome-ignore format: one stream a line, in columns
export const MEASURES: Readonly<Record<string, Stream>> = {
  reaction_ms:    sample('game.reaction_ms',    'Reaction time',     'ms',   [0, 60_000]),
  lane_deviation: sample('game.lane_deviation', 'Lane deviation',    'm',    [-20, 20]),
  speed:          sample('game.speed',          'Speed in the task', 'km/h', [-100, 500]),
  steering:       sample('game.steering',       'Steering wheel',    'deg',  [-1_080, 1_080]),
};

/** @throws IngestError INVALID for one that is a measure */
export function gameEvent(name: string, pointer: string): Stream {
  if (!Object.hasOwn(MEASURES, name)) return event(`game.${name}`, `Task: ${name}`);
  const text = `${name}: a measure has this name, and no event may`;
  throw new IngestError('INVALID', text, { pointer });
}

/** Known before the first one comes, for a rule that is to watch it. */
export const CLIENT_ALERT = event('client.alert', 'Alert of a client');

/** The same of a client that was not first: `face.perclos60` is `face.<client>.perclos60`. */
export function underClient(stream: Stream, client: string): Stream {
  const { id, name } = stream;
  return { ...stream, id: id.replace('.', `.${client}.`), name: `${name}, ${client}` };
}

export function marker(name: string | undefined): Stream {
  return name === undefined
    ? event('marker', 'Marker')
    : event(`marker.${name}`, `Marker: ${name}`);
}

export function receiptStream(client: string, kind: string): Stream {
  return event(`ingest.${client}.${kind}`, `Batches of ${kind} from ${client}`);
}

/** @throws IngestError INVALID for a name that parts of the gateway's own ids have */
export function checkClient(client: string): void {
  if (!NOT_CLIENTS.includes(client)) return;
  const text = `client: ${client} is part of what the gateway's own headsets are called`;
  throw new IngestError('INVALID', text, { pointer: '/client' });
}

export function rawStream(
  client: string,
  channel: string,
  { hz, unit }: { readonly hz: number; readonly unit: 'uV' | 'counts' },
): Stream {
  const max = unit === 'uV' ? UV_MAX : COUNT_MAX;
  return {
    id: `eeg.${client}.raw.${channel.toLowerCase()}`,
    name: `EEG ${channel}, ${client}`,
    unit: unit === 'uV' ? 'uV' : '1',
    range: [-max, max],
    hz,
    kind: 'wave',
    lsb: unit === 'uV' ? UV_STEP : 1,
  };
}

/** @param feature `attention`, `bands.alpha` */
export function featureStream(client: string, feature: string): Stream {
  const max = feature.startsWith('bands.') ? 1e9 : 100;
  return sample(`eeg.${client}.${feature}`, `${feature}, ${client}`, '1', [0, max], { hz: 1 });
}

function sample(
  id: string,
  name: string,
  unit: string,
  range: Stream['range'],
  more: Partial<Stream> = {},
): Stream {
  return { id, name, unit, range, hz: 0, kind: 'sample', ...more };
}

function event(id: string, name: string): Stream {
  return { id, name, unit: '1', range: [0, 0], hz: 0, kind: 'event' };
}

/** Streams that an account has made, and those of them that it has named. */
interface Charge {
  readonly streams: number;
  readonly named: number;
}

/** Those that there are, each as one object. */
export class ClientStreams {
  readonly #byMeaning = new Map<string, Stream>();
  /** As they are now. */
  readonly #byId = new Map<string, Stream>();
  /** By the id of the account: as many as there are streams at most. */
  readonly #byOwner = new Map<string, Charge>();
  #events = 0;

  get count(): number {
    return this.#byMeaning.size;
  }

  /** Clients that have sent batches of a kind in the life of the store. */
  senders(kind: string): string[] {
    return [...this.#byId.keys()].flatMap((id) => {
      const [area, client = '', of] = id.split('.');
      return area === 'ingest' && of === kind ? client : [];
    });
  }

  /** @param stored every stream of the store; of two with one id the later one counts */
  load(stored: readonly Stream[]): void {
    for (const stream of stored) if (isClientStream(stream)) this.#add(stream);
  }

  /** For whom they are of use: without what is kept for the gateway itself. */
  list(): Stream[] {
    const all = new Map([[CLIENT_ALERT.id, CLIENT_ALERT], ...this.#byId]);
    return [...all.values()].filter(({ id }) => !id.startsWith('ingest.'));
  }

  /**
   * The same streams as the objects that they are known by. All of them, or none is new.
   *
   * @param taken ids that are none of clients
   * @param owner whose own the session is; null where it is nobody's
   * @throws IngestError TOO_MANY, INVALID
   */
  all(
    wanted: readonly Stream[],
    taken: ReadonlySet<string>,
    owner: string | null,
  ): readonly Stream[] {
    const own = wanted.find(({ id }) => taken.has(id));
    if (own) throw new IngestError('INVALID', `${own.id} is what the gateway itself measures`);
    const fresh = new Map(wanted.map((stream) => [meaning(stream), stream]));
    for (const key of fresh.keys()) if (this.#byMeaning.has(key)) fresh.delete(key);
    const named = [...fresh.values()].filter(isNamed).length;
    checkRoom(this.count + fresh.size, CLIENT_STREAMS_MAX, 'streams of clients');
    checkRoom(this.#events + named, EVENT_STREAMS_MAX, 'sorts of events');
    if (owner !== null && fresh.size > 0) this.#charge(owner, { streams: fresh.size, named });
    for (const stream of fresh.values()) this.#add(stream);
    return wanted.map((stream) => {
      const known = this.#byMeaning.get(meaning(stream)) ?? stream;
      this.#byId.set(known.id, known);
      return known;
    });
  }

  #charge(owner: string, { streams, named }: Charge): void {
    const before = this.#byOwner.get(owner) ?? { streams: 0, named: 0 };
    const now = { streams: before.streams + streams, named: before.named + named };
    checkRoom(now.streams, OWN_STREAMS_MAX, 'new streams in sessions of one account');
    checkRoom(now.named, OWN_EVENT_STREAMS_MAX, 'new sorts of events in sessions of one account');
    this.#byOwner.set(owner, now);
  }

  #add(stream: Stream): void {
    const key = meaning(stream);
    if (!this.#byMeaning.has(key) && isNamed(stream)) this.#events++;
    this.#byMeaning.set(key, this.#byMeaning.get(key) ?? stream);
    this.#byId.set(stream.id, this.#byMeaning.get(key) ?? stream);
  }
}

/** Whether a client made up what it is called. */
function isNamed({ id, kind }: Stream): boolean {
  return kind === 'event' && /^(game|marker)\./.test(id);
}

function checkRoom(wanted: number, max: number, what: string): void {
  if (wanted <= max) return;
  throw new IngestError('TOO_MANY', `there may be ${max} ${what}, and these would be ${wanted}`);
}

/** As the store tells streams apart. */
function meaning({ id, unit, kind, hz, lsb }: Stream): string {
  return JSON.stringify([id, unit, kind, hz, lsb]);
}
