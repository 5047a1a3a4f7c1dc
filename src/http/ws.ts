/**
 * The protocol of the telemetry WebSocket. JSON text both ways; an `id` comes back in the reply.
 *
 *   in   {"type":"subscribe","id":1,"streams":["obd.*","eeg.bands"],"maxHz":10,"format":"bin"}
 *        {"type":"unsubscribe","id":1}   {"type":"ping"}   {"type":"time","t1":<any number>}
 *        {"type":"auth","access_token":"..."}
 *   out  {"type":"hello","protocol":1,"device":"...","epoch":7,"version":"..."}
 *        {"type":"subscribed","id":1,"streams":[<Stream and its number>]}, then the newest values;
 *        without an id when a stream appears later
 *        {"type":"tick","t":<us>} every second; readings as encode.ts lays them out
 *        {"type":"error","id":1,"code":"...","message":"..."}
 *
 * A subscribe with an id used before replaces that subscription; without an id it is a subscription
 * of its own, the unnamed one. Streams in several subscriptions come once, at the fastest rate.
 *
 * Alerts come to those who subscribed to `alert`, which covers `alert.change`: at once, whatever
 * maxHz says, all of them and in order; a client that cannot be given them all is closed (4290).
 * Those that last already come behind the `subscribed`, marked with "snapshot":true: the newest 100,
 * with `state` "silenced" where they are so and else "started". `GET /alerts/active` has them all.
 */
import * as v from 'valibot';
import type { Clock } from '#core/clock.ts';
import { lasting } from './client.ts';
import { encodeJson } from './encode.ts';
import { faultText, seen } from './fault.ts';
import type { Subscription } from './feed.ts';
import type { Live } from './live.ts';
import { PATTERN, PATTERN_EXPECTED } from './pattern.ts';
import type { Peer, PeerSession } from './transport.ts';

const PROTOCOL = 1;
const MESSAGE_BYTES_MAX = 16 * 1024;
/** Messages a second; as many may come at once after a pause. */
const MESSAGES_HZ_MAX = 50;
/** Patterns of one client in all its subscriptions; each subscription has at least one. */
const PATTERNS_MAX = 64;
const ID_CHARS_MAX = 64;
/** Messages that are no JSON or fit no shape before the client is closed. */
const VIOLATIONS_MAX = 10;
/** Rate of `samples` messages that nobody asked to be otherwise: once a picture of a screen. */
const HZ_DEFAULT = 60;
const HZ_MIN = 0.1;
const HZ_MAX = 1000;

/** RFC 6455 clause 7.4.1: the message breaks the rules of the protocol. */
const CLOSE_POLICY = 1008;
/** RFC 6455 clause 7.4.1. */
const CLOSE_TOO_BIG = 1009;
const CLOSE_TOO_MANY = 4429;

const PATTERNS_EXPECTED = `expected a list of 1 to ${PATTERNS_MAX} stream ids`;

const Id = v.optional(
  v.union(
    [v.number(), v.pipe(v.string(), v.maxLength(ID_CHARS_MAX))],
    `expected a number, or text of at most ${ID_CHARS_MAX} characters`,
  ),
);
const Pattern = v.pipe(v.string(), v.maxLength(128), v.regex(PATTERN, PATTERN_EXPECTED));
const Message = v.variant('type', [
  v.object({
    type: v.literal('subscribe'),
    id: Id,
    streams: v.pipe(
      v.array(Pattern, PATTERNS_EXPECTED),
      v.minLength(1, PATTERNS_EXPECTED),
      v.maxLength(PATTERNS_MAX, PATTERNS_EXPECTED),
    ),
    maxHz: v.optional(v.pipe(v.number(), v.minValue(HZ_MIN), v.maxValue(HZ_MAX)), HZ_DEFAULT),
    format: v.optional(v.picklist(['json', 'bin']), 'json'),
    since: v.optional(v.object({ epoch: v.number(), seq: v.number() })),
  }),
  v.object({ type: v.literal('unsubscribe'), id: Id }),
  v.object({ type: v.literal('ping'), id: Id }),
  v.object({ type: v.literal('time'), id: Id, t1: v.number() }),
  v.object({ type: v.literal('auth'), id: Id, access_token: v.string() }),
]);
type Message = v.InferOutput<typeof Message>;
type Id = v.InferOutput<typeof Id>;
const TYPES: ReadonlySet<unknown> = new Set(
  Message.options.map(({ entries }) => entries.type.literal),
);

export interface WsOptions {
  readonly clock: Clock;
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
export function openTelemetry(peer: Peer, options: WsOptions): PeerSession {
  const session = new Telemetry(peer, options);
  session.reply({ type: 'hello', protocol: PROTOCOL, ...options.hello });
  return session;
}

class Telemetry implements PeerSession {
  readonly #peer: Peer;
  readonly #options: WsOptions;
  readonly #client;
  readonly #subscriptions = new Map<Id, Subscription>();
  #violations = 0;
  /** Token bucket of MESSAGES_HZ_MAX. */
  #tokens = MESSAGES_HZ_MAX;
  #refilledAt: number;

  constructor(peer: Peer, options: WsOptions) {
    this.#peer = peer;
    this.#options = options;
    this.#client = options.live.connect(peer);
    this.#refilledAt = options.clock.now();
  }

  message(data: Uint8Array, binary: boolean): void {
    const now = this.#options.clock.now();
    this.#options.stats.messagesIn++;
    if (data.length > MESSAGE_BYTES_MAX) {
      this.#cut(CLOSE_TOO_BIG, `a message over ${MESSAGE_BYTES_MAX} bytes`);
    } else if (!this.#takeToken(now)) {
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

  close(): void {
    this.#options.live.disconnect(this.#client);
  }

  reply(message: object): void {
    this.#client.deliver([lasting(encodeJson(message))]);
  }

  #parse(data: Uint8Array, now: number): void {
    const json = parseJson(data);
    if (typeof json !== 'object' || json === null) {
      this.#violation('bad-message', 'expected a JSON object');
      return;
    }
    const { type, id: rawId } = json as { type?: unknown; id?: unknown };
    const id = v.is(Id, rawId) ? rawId : undefined;
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
        this.#options.live.subscribe(this.#client, [...this.#subscriptions.values()]);
        this.reply({ type: 'unsubscribed', id });
        break;
      case 'ping':
        this.reply({ type: 'pong', id });
        break;
      case 'time':
        this.reply({ type: 'time', id, t1: message.t1, t2, t3: this.#options.clock.now() });
        break;
      case 'auth':
        // Everybody may listen while the gateway is reachable from its own host only.
        this.reply({ type: 'authenticated', id });
        break;
    }
  }

  #subscribe({ id, streams, maxHz, format, since }: Message & { type: 'subscribe' }): void {
    const { live } = this.#options;
    const subscription: Subscription = { patterns: streams, maxHz, format };
    this.#subscriptions.set(id, subscription);
    const subscriptions = [...this.#subscriptions.values()];
    if (subscriptions.flatMap(({ patterns }) => patterns).length > PATTERNS_MAX) {
      this.#cut(CLOSE_TOO_MANY, `more than ${PATTERNS_MAX} patterns in all subscriptions`);
      return;
    }
    this.reply({ type: 'subscribed', id, streams: live.announce(subscription) });
    if (since)
      this.#error('since-unsupported', 'what was missed is not kept: live from here on', id);
    live.subscribe(this.#client, subscriptions);
    live.sendSnapshot(this.#client, subscription);
  }

  #takeToken(now: number): boolean {
    const earned = ((now - this.#refilledAt) / 1e6) * MESSAGES_HZ_MAX;
    this.#tokens = Math.min(MESSAGES_HZ_MAX, this.#tokens + earned);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
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

/** The value, or undefined where the bytes are not JSON in UTF-8. */
function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch {
    return undefined; // Not an error of ours; the caller counts it against the client.
  }
}
