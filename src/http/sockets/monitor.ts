/**
 * The protocol of the monitor WebSocket: all open sessions at once, for those who look after several.
 * JSON text both ways; an `id` comes back in the reply.
 *
 *   in   {"type":"ping","id":1}   {"type":"auth","access_token":"..."}
 *   out  {"type":"hello","protocol":1,"device":"...","epoch":7,"version":"..."}
 *        {"type":"sessions","items":[...],"clients":3,"removed":0}, then again every second in which
 *        anything of it has changed; an item is what SessionShape has of the session's people and time,
 *        with
 *          streams   streams that have had a reading since the session's span of this start began
 *          valuesHz  values a second of all streams together, over the last second
 *          alerts    alerts that last
 *          clients   WebSockets of the one whose own it is
 *        `clients` is how many WebSockets there are, `removed` how many have gone since the start
 *        without closing, as their network or power does, or were cut as they read too slowly
 *        {"type":"alert",...} and {"type":"tick","t":<us>} as those of the telemetry WebSocket
 *        {"type":"error","id":1,"code":"...","message":"..."}
 *
 * It is a client of the live view that has subscribed to alerts, so that what holds for slow clients
 * there (client.ts) holds here. Who is not shown names gets pseudonyms.
 */
import * as v from 'valibot';
import { ALERT } from '#core/alert.ts';
import type { Clock, Epoch } from '#core/clock.ts';
import type { Session } from '#core/session.ts';
import { type Client, lasting } from '../client.ts';
import { CLOSE_POLICY, CLOSE_TOO_BIG, CLOSE_TOO_MANY } from '../close-codes.ts';
import { encodeJson } from '../encode.ts';
import type { Subscription } from '../feed.ts';
import type { Live } from '../live.ts';
import { hiddenFrom, type People } from '../privacy.ts';
import { shapeOf } from '../routes/sessions-shape.ts';
import type { Peer, PeerSession } from '../transport.ts';
import type { Guest } from './gate.ts';
import { MessageId, parseMessage, VIOLATIONS_MAX } from './incoming.ts';
import type { WsOptions } from './telemetry.ts';

const PROTOCOL = 1;
/** The longest is a token. A longer one closes the connection. */
const MESSAGE_BYTES_MAX = 4 * 1024;
/** Between two looks, a second. More close the connection. */
const MESSAGES_MAX = 50;

const ALERTS = { patterns: [ALERT.id], maxHz: 1, format: 'json' } as const;

export const Message = v.variant('type', [
  v.object({ type: v.literal('ping'), id: MessageId }),
  v.object({ type: v.literal('auth'), id: MessageId, access_token: v.string() }),
]);

export interface MonitorOptions {
  /** In which clients wait. */
  readonly realTime: Clock;
  readonly live: Live;
  readonly hello: WsOptions['hello'];
  readonly people: People;
  /** Those that are open, oldest first. */
  openSessions(): readonly Session[];
  epochs(): ReadonlyMap<number, Epoch>;
  /** The alerts that last. */
  ongoing(): readonly unknown[];
}

/** Greets the client and tells it of all sessions from then on. */
export function openMonitor(peer: Peer, guest: Guest, options: MonitorOptions): PeerSession {
  const client = options.live.connect(peer, guest.identity.user.id);
  const monitor = new Monitor(peer, guest, options, client);
  monitor.begin();
  return monitor;
}

class Monitor implements PeerSession {
  readonly #peer: Peer;
  readonly #guest: Guest;
  readonly #options: MonitorOptions;
  readonly #client: Client;
  #stopLooking: () => void = () => {};
  /** What was told last. */
  #told = '';
  #messages = 0;
  #violations = 0;
  /** Of the look before. */
  #values: number;
  #valuesAt: number;

  constructor(peer: Peer, guest: Guest, options: MonitorOptions, client: Client) {
    this.#peer = peer;
    this.#guest = guest;
    this.#options = options;
    this.#client = client;
    this.#values = options.live.values;
    this.#valuesAt = options.realTime.now();
  }

  begin(): void {
    const { live, hello } = this.#options;
    this.#stopLooking = live.onTick(() => this.#look());
    this.#reply({ type: 'hello', protocol: PROTOCOL, ...hello });
    this.#look();
    const without = hiddenFrom(this.#guest.identity);
    const alerts: Subscription = { ...ALERTS, without };
    live.subscribe(this.#client, [alerts]);
    live.sendSnapshot(this.#client, alerts);
  }

  message(data: Uint8Array, binary: boolean): void {
    if (data.length > MESSAGE_BYTES_MAX) {
      this.#peer.end(CLOSE_TOO_BIG, `a message over ${MESSAGE_BYTES_MAX} bytes`);
    } else if (++this.#messages > MESSAGES_MAX) {
      this.#peer.end(CLOSE_TOO_MANY, `more than ${MESSAGES_MAX} messages a second`);
    } else {
      this.#take(binary ? undefined : parseMessage(data));
    }
  }

  drain(): void {
    this.#options.live.drain(this.#client);
  }

  close(code?: number): void {
    this.#stopLooking();
    this.#options.live.disconnect(this.#client, code);
  }

  #take(json: unknown): void {
    const { success, output } = v.safeParse(Message, json);
    if (!success) {
      const message = 'expected a message of the type ping or auth';
      this.#reply({ type: 'error', code: 'bad-message', message });
      if (++this.#violations >= VIOLATIONS_MAX) {
        this.#peer.end(CLOSE_POLICY, `${VIOLATIONS_MAX} messages that make no sense`);
      }
    } else if (output.type === 'ping') this.#reply({ type: 'pong', id: output.id });
    else this.#guest.renew(output);
  }

  #look(): void {
    this.#messages = 0;
    const { live } = this.#options;
    const { clients, cutSlow, dead } = live.stats;
    const removed = cutSlow + dead;
    const message = { type: 'sessions', items: this.#items(), clients, removed };
    const text = JSON.stringify(message);
    if (text === this.#told) return;
    this.#told = text;
    this.#reply(message);
  }

  #items(): readonly object[] {
    const { live, people, openSessions, epochs, ongoing } = this.#options;
    const audience = { asker: this.#guest.identity, people, epochs: epochs() };
    const valuesHz = this.#rate();
    const alerts = ongoing().length;
    return openSessions().map((session) => {
      const { id, state, startedAt, clockTrust, owner, driver } = shapeOf(session, audience);
      const from = session.spans.findLast(({ to }) => to === null)?.from;
      return {
        ...{ id, state, startedAt, clockTrust, owner, driver, valuesHz, alerts },
        streams: from === undefined ? 0 : live.streamsSince(from),
        clients: session.owner === null ? 0 : live.clientsOf(session.owner),
      };
    });
  }

  /** Values a second since the look before. */
  #rate(): number {
    const { live, realTime } = this.#options;
    const now = realTime.now();
    const seconds = (now - this.#valuesAt) / 1e6;
    const rate = seconds > 0 ? Math.round((live.values - this.#values) / seconds) : 0;
    this.#values = live.values;
    this.#valuesAt = now;
    return rate;
  }

  #reply(message: object): void {
    this.#client.deliver([lasting(encodeJson(message))]);
  }
}
