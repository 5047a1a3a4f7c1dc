/**
 * The protocol of the WebSocket of one session: that of telemetry (telemetry.ts), and what clients send
 * besides. JSON text both ways; an `id` comes back in the reply.
 *
 *   in   {"type":"data","id":1,"stream":"eeg","client":"muse","seq":7,"t":<us>,"hz":256,...}
 *        {"type":"data","id":1,"stream":"face"|"game"|"alert","client":"cam","seq":7,
 *        "items":[...]}
 *        {"type":"marker","id":1,"text":"...","key":"..."}
 *        {"type":"clock","id":1,"client":"muse","epoch":7,"exchanges":[{"t1","t2","t3","t4"}]}
 *   out  {"type":"joined","session":7,"send":true,"window":32} behind the `hello`
 *        {"type":"ack","id":1,"stream":"eeg","client":"muse","seq":7,"duplicate":false}
 *        {"type":"clock","id":1,"client":"muse","offset":<us>,"t":<us>,"drift":<us/us>,"roundTrip":<us>}
 *        {"type":"error","id":1,"stream":"eeg","client":"muse","seq":7,"code":"...","message":"..."}
 *
 * Shapes are those of ingest/shapes.ts. Exchanges are those of `time` messages, of which the least round
 * trip counts: some 8 in a row at first, and again every minute. A batch has its `ack` when it is
 * durable, whatever comes then; on the code `busy` it is to be sent again, after a pause and with the
 * same number. On `other-epoch` and `before-session` it never will be taken: what was not acknowledged
 * before the gateway was started again is left out, and the next number is sent. Acks go to who sent;
 * what was in the batch goes to everybody here, as samples, waves and events of the streams that were
 * subscribed to: those of all clients, unless somebody says otherwise.
 *
 * Closed with 4404 where there is no such session, or one that is not theirs, 1013 while the store is
 * not open, 4290 for who does not read what is answered, and as telemetry is.
 */
import * as v from 'valibot';
import { isExpected } from '#core/errors.ts';
import type { Session } from '#core/session.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import { scopeOf } from '../../accounts/roles.ts';
import type { ClockEstimate } from '../../ingest/clock-map.ts';
import { IngestError } from '../../ingest/errors.ts';
import type { Marked, Taken } from '../../ingest/ingest.ts';
import type { Maker } from '../../ingest/markers.ts';
import type { Batch, ClockBody, MarkerBody } from '../../ingest/shapes.ts';
import { SessionError } from '../../sessions/errors.ts';
import { StoreError } from '../../store/errors.ts';
import {
  CLOSE_LATER,
  CLOSE_NOT_FOUND,
  CLOSE_POLICY,
  CLOSE_TOO_BIG,
  CLOSE_TOO_MANY,
  CLOSE_TOO_SLOW,
} from '../close-codes.ts';
import { encodeJson } from '../encode.ts';
import { faultPointer, faultText, seen } from '../fault.ts';
import { isOwn } from '../own.ts';
import type { Peer, PeerSession } from '../transport.ts';
import type { Guest } from './gate.ts';
import { parseMessage, VIOLATIONS_MAX } from './incoming.ts';
import { SessionClock, SessionData, SessionMarker } from './session-messages.ts';
import { openTelemetry, type WsOptions } from './telemetry.ts';

/** A longer message closes the connection; uws.ts cuts at the same. */
const MESSAGE_BYTES_MAX = 64 * 1024;
/** Messages a second; as many may come at once after a pause. */
const RATE = { perS: 50, burst: 50, namesMax: 1 };
/** Batches and markers that are not answered yet; one more is refused with `busy`. */
const WINDOW = 32;
/** What everybody here gets to see who does not say otherwise. */
const SHOWN = ['eeg', 'face', 'game', 'client', 'marker', 'alert'];

const Head = v.object({
  type: v.string(),
  id: v.optional(v.union([v.number(), v.string()])),
  stream: v.optional(v.string()),
  client: v.optional(v.string()),
  seq: v.optional(v.number()),
});
type Head = v.InferOutput<typeof Head>;

export interface SessionSocketOptions extends WsOptions {
  /** As the address says it. */
  readonly id: string;
  readonly reading: {
    /** @throws StoreError OFF */
    sessions(): { get(id: number): Session };
  };
  /** `Ingest` of ingest/ingest.ts. */
  readonly ingest: {
    send(session: number, batch: Batch): Promise<Taken>;
    mark(session: number, body: MarkerBody, maker: Maker): Promise<Marked>;
    tellClock(session: number, body: ClockBody): ClockEstimate;
  };
}

/** Greets the client where it may be here; what it returns handles everything that follows. */
export function openSession(peer: Peer, guest: Guest, options: SessionSocketOptions): PeerSession {
  const { id: text, reading } = options;
  const id = Number(text);
  const refusal = refusalOf(guest, () => reading.sessions().get(id), text);
  if (refusal !== undefined) {
    peer.end(...refusal);
    return NOBODY;
  }
  const telemetry = openTelemetry(peer, guest, options);
  const socket = new SessionSocket(peer, guest, { ...options, session: id, telemetry });
  socket.begin();
  return socket;
}

/** Of a client that is being closed. */
const NOBODY: PeerSession = { message: () => {}, drain: () => {}, close: () => {} };

/** Of what is another's nothing is told. */
function refusalOf(
  { scope, identity: { user } }: Guest,
  session: () => Session,
  id: string,
): Parameters<Peer['end']> | undefined {
  const isNone: Parameters<Peer['end']> = [CLOSE_NOT_FOUND, `there is no session ${seen(id)}`];
  try {
    return isOwn({ scope, user }, session()) ? undefined : isNone;
  } catch (error) {
    if (error instanceof SessionError) return isNone;
    if (error instanceof StoreError) return [CLOSE_LATER, 'the store is not open'];
    throw error;
  }
}

interface Joined extends SessionSocketOptions {
  readonly session: number;
  /** Everything that is no matter of this session alone. */
  readonly telemetry: PeerSession;
}

class SessionSocket implements PeerSession {
  readonly #peer: Peer;
  readonly #guest: Guest;
  readonly #options: Joined;
  readonly #rate: TokenBuckets;
  readonly #maySend: boolean;
  #unanswered = 0;
  #violations = 0;

  constructor(peer: Peer, guest: Guest, options: Joined) {
    const { user } = guest.identity;
    this.#peer = peer;
    this.#guest = guest;
    this.#options = options;
    this.#rate = new TokenBuckets(options.realTime, RATE);
    this.#maySend = scopeOf(user.role, 'send') !== 'none';
  }

  begin(): void {
    const { session, telemetry } = this.#options;
    this.#reply({ type: 'joined', session, send: this.#maySend, window: WINDOW });
    telemetry.message(encodeJson({ type: 'subscribe', streams: SHOWN }), false);
  }

  message(data: Uint8Array, binary: boolean): void {
    const { stats, telemetry } = this.#options;
    if (data.length > MESSAGE_BYTES_MAX) {
      this.#cut(CLOSE_TOO_BIG, `a message over ${MESSAGE_BYTES_MAX} bytes`);
    } else if (this.#rate.take('') > 0) {
      this.#cut(CLOSE_TOO_MANY, `more than ${RATE.perS} messages a second`);
    } else {
      const json = binary ? undefined : parseMessage(data);
      const type = typeof json === 'object' && json !== null ? Reflect.get(json, 'type') : '';
      if (type !== 'data' && type !== 'marker' && type !== 'clock') {
        telemetry.message(data, binary);
        return;
      }
      stats.messagesIn++;
      this.#take(type, json);
    }
  }

  drain(): void {
    this.#options.telemetry.drain();
  }

  close(code?: number): void {
    this.#options.telemetry.close(code);
  }

  #take(type: 'data' | 'marker' | 'clock', json: unknown): void {
    const { reading, session, id } = this.#options;
    // It may have been given to somebody else, or deleted.
    const refusal = refusalOf(this.#guest, () => reading.sessions().get(session), id);
    if (refusal !== undefined) {
      this.#peer.end(...refusal);
      return;
    }
    const head = headOf(type, json);
    if (!this.#maySend) {
      const { role } = this.#guest.identity.user;
      this.#error(head, { code: 'not-allowed', message: `the role ${role} may not send` });
      return;
    }
    switch (type) {
      case 'data':
        this.#batch(head, json);
        break;
      case 'marker':
        this.#marker(head, json);
        break;
      case 'clock':
        this.#clock(head, json);
        break;
    }
  }

  #batch(head: Head, json: unknown): void {
    const message = this.#checked(SessionData, head, json);
    if (!message) return;
    const { session, ingest } = this.#options;
    this.#answer(head, () => ingest.send(session, batchOf(message)));
  }

  #marker(head: Head, json: unknown): void {
    const message = this.#checked(SessionMarker, head, json);
    if (!message) return;
    const { session, ingest } = this.#options;
    const { id, key, ...body } = message;
    const maker = { by: this.#guest.identity.user.id, key };
    this.#answer(head, () => ingest.mark(session, body, maker));
  }

  #clock(head: Head, json: unknown): void {
    const message = this.#checked(SessionClock, head, json);
    if (!message) return;
    const { session, ingest } = this.#options;
    const { type, id, ...body } = message;
    try {
      const estimate = ingest.tellClock(session, body);
      this.#reply({ type, id, client: body.client, ...estimate });
    } catch (error) {
      this.#refuse(head, error);
    }
  }

  /** Acknowledges what is durable. A bug is left unhandled, which ends the process. */
  #answer(head: Head, work: () => Promise<{ readonly duplicate: boolean }>): void {
    if (this.#unanswered >= WINDOW) {
      const message = `more than ${WINDOW} batches and markers without an answer`;
      this.#error(head, { code: 'busy', message });
      return;
    }
    this.#unanswered++;
    void this.#acknowledge(head, work);
  }

  async #acknowledge(
    head: Head,
    work: () => Promise<{ readonly duplicate: boolean }>,
  ): Promise<void> {
    try {
      const { duplicate } = await work();
      this.#reply({ ...head, type: 'ack', duplicate });
    } catch (error) {
      this.#refuse(head, error);
    } finally {
      this.#unanswered--;
    }
  }

  #refuse(head: Head, error: unknown): void {
    if (!isExpected(error)) throw error;
    const { message } = error;
    if (error instanceof IngestError) {
      const { code, pointer } = error;
      this.#error(head, { code: wordOf(code), message, ...(pointer && { pointer }) });
    } else if (error instanceof SessionError) {
      this.#error(head, { code: wordOf(error.code), message });
    } else {
      this.#error(head, { code: 'busy', message });
    }
  }

  /** What fits the shape; else the client is told where it does not, and that is held against it. */
  #checked<S extends v.GenericSchema>(
    schema: S,
    head: Head,
    json: unknown,
  ): v.InferOutput<S> | undefined {
    const { success, output, issues } = v.safeParse(schema, json);
    if (success) return output;
    const [issue] = issues;
    const pointer = faultPointer(issue);
    const message = faultText(issue, []);
    this.#error(head, { code: 'bad-message', message, ...(pointer && { pointer }) });
    this.#options.stats.violations++;
    if (++this.#violations >= VIOLATIONS_MAX) {
      this.#cut(CLOSE_POLICY, `${VIOLATIONS_MAX} messages that make no sense`);
    }
    return undefined;
  }

  #error(
    head: Head,
    fault: { readonly code: string; readonly message: string; readonly pointer?: string },
  ): void {
    this.#reply({ ...head, type: 'error', ...fault });
  }

  /** Past the live view: an answer waits behind no sample, and each is one that was asked for. */
  #reply(message: object): void {
    if (this.#peer.send(encodeJson(message), false) !== 'dropped') return;
    this.#cut(CLOSE_TOO_SLOW, 'too many answers that nobody reads');
  }

  #cut(code: number, reason: string): void {
    this.#options.stats.cutLimit++;
    this.#peer.end(code, reason);
  }
}

/** What of a message its answer repeats, as far as it has it. */
function headOf(type: string, json: unknown): Head {
  const { success, output } = v.safeParse(Head, json);
  return success ? output : { type };
}

function batchOf(message: v.InferOutput<typeof SessionData>): Batch {
  const { type, id, ...rest } = message;
  switch (rest.stream) {
    case 'eeg': {
      const { stream: kind, ...body } = rest;
      return { kind, body };
    }
    case 'face': {
      const { stream: kind, ...body } = rest;
      return { kind, body };
    }
    case 'game': {
      const { stream: kind, ...body } = rest;
      return { kind, body };
    }
    case 'alert': {
      const { stream: kind, ...body } = rest;
      return { kind, body };
    }
  }
}

/** As messages of WebSockets write codes: `in-future`. */
function wordOf(code: string): string {
  return code.toLowerCase().replaceAll('_', '-');
}
