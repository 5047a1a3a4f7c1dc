/**
 * The protocol of the telemetry WebSocket. JSON text both ways; an `id` comes back in the reply.
 *
 *   in   {"type":"subscribe","id":1,"streams":["obd.*","eeg.bands"],"maxHz":10,"format":"bin"}
 *        {"type":"subscribe","id":2,"streams":["can.body"],"frames":true,"format":"bin"}
 *        {"type":"unsubscribe","id":1}   {"type":"ping"}   {"type":"time","t1":<any number>}
 *        {"type":"auth","access_token":"..."}
 *   out  {"type":"hello","protocol":1,"device":"...","epoch":7,"version":"..."}
 *        {"type":"subscribed","id":1,"streams":[<Stream and its number>]}, then the newest values;
 *        without an id when a stream appears later
 *        {"type":"tick","t":<us>,"seq":<n>} every second; readings as encode.ts lays them out
 *        {"type":"status","live":false,"reason":"..."}, see below
 *        {"type":"export",...} to who has asked for the export, at its start, once a second and at its
 *        end: what GET /exports/{id} tells
 *        {"type":"error","id":1,"code":"...","message":"..."}
 *
 * A subscribe with an id used before replaces that subscription; without an id it is a subscription
 * of its own, the unnamed one. Streams in several subscriptions come once, at the fastest rate.
 *
 * With "frames":true a subscription is of raw frames and of nothing else: `streams` are the ids of their
 * streams, without patterns. They come as frames.ts lays them out, whatever maxHz says; without it no
 * pattern brings any.
 *
 * A client that comes back subscribes with "since":{"epoch":7,"seq":41}, the epoch of its `hello` and
 * the highest `seq` that it has had of events, alerts and ticks. Behind the `subscribed` it gets the
 * events and alerts that it has missed, of a minute and 500 at most, and before them
 * {"type":"gap","stream":"*","lost":<n>} where more have been, or where it was another start. Samples
 * are not sent again: it gets the newest.
 *
 * Alerts come to those who subscribed to `alert`, which covers `alert.change`: at once, whatever
 * maxHz says, all of them and in order; a client that cannot be given them all is closed (4290).
 * Those that last already come behind the `subscribed`, marked with "snapshot":true: the newest 100,
 * with `state` "silenced" where they are so and else "started". `GET /alerts/active` has them all.
 *
 * Who sees only what is their own gets readings and alerts while a session of theirs is open, and no
 * value of before it. They are told by `status`, at first and at every change, which is noticed within
 * a second: {"type":"status","live":true}. Subscriptions count meanwhile; what they cover is told, by
 * `subscribed` without an id, when it is live.
 */
import * as v from 'valibot';
import type { Clock } from '#core/clock.ts';
import type { Session } from '#core/session.ts';
import type { Micros } from '#core/stream.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import type { ExportJob } from '../../exporting/exports.ts';
import { type Client, lasting } from '../client.ts';
import { CLOSE_POLICY, CLOSE_TOO_BIG, CLOSE_TOO_MANY } from '../close-codes.ts';
import { encodeJson } from '../encode.ts';
import { faultText, seen } from '../fault.ts';
import type { Subscription } from '../feed.ts';
import type { Live } from '../live.ts';
import { isOwn } from '../own.ts';
import { PATTERN, PATTERN_EXPECTED } from '../pattern.ts';
import { hiddenFrom } from '../privacy.ts';
import { exportJobShape } from '../routes/exports.ts';
import type { Peer, PeerSession } from '../transport.ts';
import type { Guest } from './gate.ts';
import { MessageId, parseMessage, VIOLATIONS_MAX } from './incoming.ts';

const PROTOCOL = 1;
export const MESSAGE_BYTES_MAX = 16 * 1024;
/** Messages a second; as many may come at once after a pause. */
export const MESSAGES_HZ_MAX = 50;
const RATE = { perS: MESSAGES_HZ_MAX, burst: MESSAGES_HZ_MAX, namesMax: 1 };
/** Patterns of one client in all its subscriptions; each subscription has at least one. */
export const PATTERNS_MAX = 64;
/** Rate of `samples` messages that nobody asked to be otherwise: once a picture of a screen. */
const HZ_DEFAULT = 60;
const HZ_MIN = 0.1;
const HZ_MAX = 1000;

const PATTERNS_EXPECTED = `expected a list of 1 to ${PATTERNS_MAX} stream ids`;

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Pattern = v.pipe(v.string(), v.maxLength(128), v.regex(PATTERN, PATTERN_EXPECTED));
export const Message = v.variant('type', [
  v.object({
    type: v.literal('subscribe'),
    id: MessageId,
    streams: v.pipe(
      v.array(Pattern, PATTERNS_EXPECTED),
      v.minLength(1, PATTERNS_EXPECTED),
      v.maxLength(PATTERNS_MAX, PATTERNS_EXPECTED),
    ),
    maxHz: v.optional(v.pipe(v.number(), v.minValue(HZ_MIN), v.maxValue(HZ_MAX)), HZ_DEFAULT),
    format: v.optional(v.picklist(['json', 'bin']), 'json'),
    frames: v.optional(v.boolean(), false),
    since: v.optional(v.object({ epoch: Count, seq: Count })),
  }),
  v.object({ type: v.literal('unsubscribe'), id: MessageId }),
  v.object({ type: v.literal('ping'), id: MessageId }),
  v.object({ type: v.literal('time'), id: MessageId, t1: v.number() }),
  v.object({ type: v.literal('auth'), id: MessageId, access_token: v.string() }),
]);
export type Message = v.InferOutput<typeof Message>;
type Subscribe = Message & { readonly type: 'subscribe' };
type Id = v.InferOutput<typeof MessageId>;
const TYPES: ReadonlySet<unknown> = new Set(
  Message.options.map(({ entries }) => entries.type.literal),
);

export interface WsOptions {
  /** The time of readings. */
  readonly clock: Clock;
  /** In which clients wait. */
  readonly realTime: Clock;
  readonly live: Live;
  /** What `hello` tells of this gateway. */
  readonly hello: {
    readonly device: string;
    /** See core/clock.ts; times of two epochs do not compare. */
    readonly epoch: number;
    readonly version: string;
    /** The readings come from a simulated car. */
    readonly simulated?: boolean;
  };
  readonly stats: WsStats;
  /** Exports that are made into files. */
  readonly exports?: { onChange(listener: (job: ExportJob) => void): () => void } | undefined;
  /** Sessions that are open at this moment; none where left out. */
  readonly openSessions?: () => readonly Session[];
}

/** Since the start. */
export class WsStats {
  messagesIn = 0;
  /** Messages that were no JSON or fit no shape. */
  violations = 0;
  /** Clients closed for breaking a limit. */
  cutLimit = 0;
}

/** Greets the client; what it returns handles everything that follows. */
export function openTelemetry(peer: Peer, guest: Guest, options: WsOptions): PeerSession {
  const client = options.live.connect(peer, guest.identity.user.id);
  const session = new Telemetry(peer, guest, options, client);
  session.begin();
  return session;
}

class Telemetry implements PeerSession {
  readonly #peer: Peer;
  readonly #guest: Guest;
  readonly #options: WsOptions;
  readonly #client: Client;
  readonly #subscriptions = new Map<Id, Subscription>();
  #violations = 0;
  readonly #rate: TokenBuckets;
  /** What came before is not for this client; undefined while nothing is. */
  #from: Micros | undefined;
  #stopFollowing: () => void = () => {};
  #stopWatching: () => void = () => {};

  constructor(peer: Peer, guest: Guest, options: WsOptions, client: Client) {
    this.#peer = peer;
    this.#guest = guest;
    this.#options = options;
    this.#client = client;
    this.#rate = new TokenBuckets(options.realTime, RATE);
  }

  begin(): void {
    const { live, exports, hello } = this.#options;
    const { scope, identity } = this.#guest;
    this.#from = this.#ownFrom();
    if (scope !== 'all') this.#stopFollowing = live.onTick(() => this.#follow());
    const stop = exports?.onChange((job) => {
      if (job.owner === identity.user.id) this.reply({ ...exportJobShape(job), type: 'export' });
    });
    if (stop) this.#stopWatching = stop;
    this.reply({ type: 'hello', protocol: PROTOCOL, ...hello });
    if (scope !== 'all') this.#tellStatus();
  }

  message(data: Uint8Array, binary: boolean): void {
    const now = this.#options.clock.now();
    this.#options.stats.messagesIn++;
    if (data.length > MESSAGE_BYTES_MAX) {
      this.#cut(CLOSE_TOO_BIG, `a message over ${MESSAGE_BYTES_MAX} bytes`);
    } else if (this.#rate.take('') > 0) {
      this.#cut(CLOSE_TOO_MANY, `more than ${MESSAGES_HZ_MAX} messages a second`);
    } else if (binary) {
      this.#violation('bad-message', 'binary messages are not understood');
    } else {
      this.#parse(data, now);
    }
  }

  drain(): void {
    this.#options.live.drain(this.#client);
  }

  close(code?: number): void {
    this.#stopFollowing();
    this.#stopWatching();
    this.#options.live.disconnect(this.#client, code);
  }

  reply(message: object): void {
    this.#client.deliver([lasting(encodeJson(message))]);
  }

  #parse(data: Uint8Array, now: number): void {
    const json = parseMessage(data);
    if (typeof json !== 'object' || json === null) {
      this.#violation('bad-message', 'expected a JSON object');
      return;
    }
    const { type, id: rawId } = json as { type?: unknown; id?: unknown };
    const id = v.is(MessageId, rawId) ? rawId : undefined;
    const { success, output, issues } = v.safeParse(Message, json);
    if (success) {
      this.#handle(output, now);
    } else if (TYPES.has(type)) {
      const [issue] = issues;
      this.#violation(
        'bad-message',
        `${v.getDotPath(issue) ?? 'message'}: ${faultText(issue, [])}`,
        id,
      );
    } else {
      // Not held against the client: it may speak a later version of the protocol.
      this.#error('unknown-type', `no message has this type: ${seen(type)}`, id);
    }
  }

  #handle(message: Message, t2: number): void {
    const { id } = message;
    switch (message.type) {
      case 'subscribe':
        this.#subscribe(message);
        break;
      case 'unsubscribe':
        this.#subscriptions.delete(id);
        this.#join();
        this.reply({ type: 'unsubscribed', id });
        break;
      case 'ping':
        this.reply({ type: 'pong', id });
        break;
      case 'time':
        this.reply({ type: 'time', id, t1: message.t1, t2, t3: this.#options.clock.now() });
        break;
      case 'auth':
        this.#guest.renew(message);
        break;
    }
  }

  #subscribe({ id, streams, maxHz, format, frames, since }: Subscribe): void {
    const pattern = frames ? streams.find((one) => one.includes('*')) : undefined;
    if (pattern !== undefined) {
      this.#violation('bad-message', `streams: expected ids of raw frames, found ${pattern}`, id);
      return;
    }
    const without = hiddenFrom(this.#guest.identity);
    const subscription: Subscription = { patterns: streams, maxHz, format, frames, without };
    // As of this moment: a session may have begun or ended since the last look.
    this.#follow();
    this.#subscriptions.set(id, subscription);
    const subscriptions = [...this.#subscriptions.values()];
    if (subscriptions.flatMap(({ patterns }) => patterns).length > PATTERNS_MAX) {
      this.#cut(CLOSE_TOO_MANY, `more than ${PATTERNS_MAX} patterns in all subscriptions`);
      return;
    }
    this.#announce(subscription, id);
    if (since) this.#resume(subscription, since);
    this.#join();
    this.#sendSnapshot(subscription);
  }

  #resume(subscription: Subscription, since: NonNullable<Subscribe['since']>): void {
    if (this.#from === undefined) return;
    const { live, hello } = this.#options;
    const seq = since.epoch === hello.epoch ? since.seq : undefined;
    live.resume(this.#client, subscription, seq, this.#from);
  }

  #announce(subscription: Subscription, id?: Id): void {
    const streams = this.#from === undefined ? [] : this.#options.live.announce(subscription);
    this.reply({ type: 'subscribed', id, streams });
  }

  #join(): void {
    const subscriptions = this.#from === undefined ? [] : [...this.#subscriptions.values()];
    this.#options.live.subscribe(this.#client, subscriptions);
  }

  #sendSnapshot(subscription: Subscription): void {
    if (this.#from === undefined) return;
    this.#options.live.sendSnapshot(this.#client, subscription, this.#from);
  }

  /** Since when a session of theirs has been open; undefined where none is. */
  #ownFrom(): Micros | undefined {
    const { scope, identity } = this.#guest;
    if (scope === 'all') return Number.NEGATIVE_INFINITY;
    const { openSessions = () => [] } = this.#options;
    const own = openSessions().filter((session) => isOwn({ scope, user: identity.user }, session));
    // One that waits for the car after a restart has no open span yet.
    const spans = own.flatMap((session) => session.spans.filter(({ to }) => to === null));
    return spans.length === 0 ? undefined : Math.min(...spans.map(({ from }) => from));
  }

  /** Begins or ends what is live when a session of theirs has. */
  #follow(): void {
    const before = this.#from;
    this.#from = this.#ownFrom();
    if ((this.#from === undefined) === (before === undefined)) return;
    this.#tellStatus();
    const subscriptions = [...this.#subscriptions.values()];
    if (this.#from !== undefined) for (const one of subscriptions) this.#announce(one);
    this.#join();
    for (const one of subscriptions) this.#sendSnapshot(one);
  }

  #tellStatus(): void {
    const reason = 'no session of yours is open';
    const isLive = this.#from !== undefined;
    this.reply({ type: 'status', live: isLive, ...(isLive ? {} : { reason }) });
  }

  #error(code: string, message: string, id?: Id): void {
    this.reply({ type: 'error', id, code, message });
  }

  #violation(code: string, message: string, id?: Id): void {
    this.#options.stats.violations++;
    this.#error(code, message, id);
    if (++this.#violations >= VIOLATIONS_MAX) {
      this.#cut(CLOSE_POLICY, `${VIOLATIONS_MAX} messages that make no sense`);
    }
  }

  #cut(code: number, reason: string): void {
    this.#options.stats.cutLimit++;
    this.#peer.end(code, reason);
  }
}
