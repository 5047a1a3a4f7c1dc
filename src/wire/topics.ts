import type { StreamKind } from '#core/stream.ts';

/**
 * Topics between a gateway and its cloud:
 *
 *   v1/<tenant>/<d>/up/<p0-3>/<stream>   batches (batch.ts); the dots of the stream's id are slashes
 *   v1/<tenant>/<d>/ack                  retained: what the cloud has stored (ack.ts)
 *   v1/<tenant>/<d>/state                retained: online | offline
 *   v1/<tenant>/<d>/info                 retained: what the gateway is
 *   v1/<tenant>/<d>/req/<cmd>            what somebody asks of it
 *   v1/<tenant>/<d>/res/<cmd>            what it answered
 *
 * The cloud finds out from the topic whose batch it is, as a broker lets a gateway publish under its
 * own name only; what the batch is, its head tells.
 */
const VERSION = 'v1';
/** Of a tenant and of a device: what is neither a level nor a wildcard of MQTT 3.1.1 clause 4.7.1. */
const NAME = /^[a-z0-9_-]{1,23}$/;

/** A gateway as its cloud knows it. */
export interface Place {
  readonly tenant: string;
  /** `device` of its settings. */
  readonly device: string;
}

/**
 * In which order a gateway sends, what it gives up first, and what the cloud keeps in a queue of its
 * own: p0 alerts, events and records; p1 states; p2 what the car measures; p3 EEG and CAN as they came.
 */
export const PRIORITIES = ['p0', 'p1', 'p2', 'p3'] as const;
export type Priority = (typeof PRIORITIES)[number];

interface Meaning {
  readonly id: string;
  readonly kind: StreamKind;
  readonly hz: number;
}

/** Streams of less than this many values a second tell a state, not a course. */
const STATE_HZ_MAX = 0.5;

export function priorityOf({ id, kind, hz }: Meaning): Priority {
  if (kind === 'event') return 'p0';
  if (kind === 'wave' || kind === 'frame') return 'p3';
  return id.startsWith('gateway.') || hz < STATE_HZ_MAX ? 'p1' : 'p2';
}

/** @throws RangeError for a name that would change the meaning of a topic */
function base({ tenant, device }: Place): string {
  for (const name of [tenant, device]) {
    if (!NAME.test(name)) throw new RangeError(`no name for a topic: ${JSON.stringify(name)}`);
  }
  return `${VERSION}/${tenant}/${device}`;
}

/**
 * By which a gateway connects: two tenants may call a car the same, and of two clients with one id a broker
 * lets the older one go (MQTT 3.1.1 clause 3.1.4). The dot is in no name.
 *
 * @throws RangeError for a name that would change the meaning of a topic
 */
export function clientIdOf(place: Place): string {
  base(place);
  return `${place.tenant}.${place.device}`;
}

/** Where batches of a stream go. */
export function upTopic(place: Place, stream: Meaning): string {
  return `${base(place)}/up/${priorityOf(stream)}/${stream.id.replaceAll('.', '/')}`;
}

export function ackTopic(place: Place): string {
  return `${base(place)}/ack`;
}

export function stateTopic(place: Place): string {
  return `${base(place)}/state`;
}

export function infoTopic(place: Place): string {
  return `${base(place)}/info`;
}

/** @param cmd `+` where all are meant, as a subscription */
export function requestTopic(place: Place, cmd: string): string {
  return `${base(place)}/req/${cmd}`;
}

export function responseTopic(place: Place, cmd: string): string {
  return `${base(place)}/res/${cmd}`;
}

/** What an up topic tells. */
export interface UpTopic extends Place {
  readonly priority: Priority;
  /** Id of the stream, as the sender wrote it there; the head of the batch is what counts. */
  readonly stream: string;
}

/**
 * @param separator `.` for a routing key, as RabbitMQ turns the slashes of a topic into dots
 * @returns undefined for any other topic
 */
export function parseUpTopic(topic: string, separator: '/' | '.' = '/'): UpTopic | undefined {
  const [version, tenant = '', device = '', up, p, ...id] = topic.split(separator);
  const priority = PRIORITIES.find((name) => name === p);
  if (version !== VERSION || up !== 'up' || priority === undefined || id.length === 0) {
    return undefined;
  }
  if (!NAME.test(tenant) || !NAME.test(device)) return undefined;
  return { tenant, device, priority, stream: id.join('.') };
}
