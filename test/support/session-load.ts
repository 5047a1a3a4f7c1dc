/** What clients of a session send: events of a task, and EEG, at a steady rate. */
import { setTimeout as delay } from 'node:timers/promises';
import { call, exchange } from './call.ts';
import { eventually } from './gateway.ts';
import { openSocket } from './tokens.ts';

const TURN_MS = 50;
/** Times are behind the gateway's clock by it, so that none is in the future. */
const BEHIND_MS = 300;
const EEG_HZ = 250;
/** Of one batch, so that a message stays below 64 KiB after a pause of the machine. */
const EEG_VALUES_MAX = 500;
const EVENTS_MAX = 50;

export interface LoadOptions {
  readonly client: string;
  readonly eventsHz: number;
  /** Of 500 characters each, in every event; 2 at most, or a batch of EVENTS_MAX is too long. */
  readonly texts: number;
  /** Of EEG; 0 sends none. */
  readonly channels: number;
}

/** Takes a batch; resolves when it is acknowledged. */
export type Send = (kind: 'eeg' | 'game', body: object) => Promise<void>;

/** Starts a session once the store is open, and returns its address. */
export async function beginSession({ url }: { readonly url: string }): Promise<string> {
  let id = 0;
  await eventually('a session begins', async () => {
    const { status, body } = await exchange(`${url}api/v1/sessions`, 'POST', {});
    id = body.id;
    return { done: status === 201, seen: JSON.stringify(body) };
  });
  return `${url}api/v1/sessions/${id}`;
}

/** Sends over HTTP. */
export function overHttp(session: string): Send {
  return async (kind, body) => {
    await (await call(`${session}/${kind}`, 'POST', body)).arrayBuffer();
  };
}

/** Sends over the WebSocket of a session. */
export class SessionSender implements Disposable {
  readonly #socket: WebSocket;
  readonly #joined = Promise.withResolvers<void>();
  /** Batches without an answer, by their kind and number. */
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();

  private constructor(session: string) {
    this.#socket = openSocket(session.replace('/sessions/', '/ws/session/'));
    this.#socket.onmessage = ({ data }) => this.#take(JSON.parse(String(data)), String(data));
    this.#socket.onclose = ({ code }) => {
      const error = new Error(`the WebSocket of the session was closed with ${code}`);
      for (const { reject } of [this.#joined, ...this.#waiting.values()]) reject(error);
    };
  }

  static async open(session: string): Promise<SessionSender> {
    const sender = new SessionSender(session);
    await sender.#joined.promise;
    // It only sends; what everybody sends would come to it, too.
    sender.#socket.send(JSON.stringify({ type: 'unsubscribe' }));
    return sender;
  }

  readonly send: Send = (kind, body) => {
    const answer = Promise.withResolvers<void>();
    this.#waiting.set(`${kind} ${Reflect.get(body, 'seq')}`, answer);
    this.#socket.send(JSON.stringify({ type: 'data', stream: kind, ...body }));
    return answer.promise;
  };

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #take({ type, stream, seq }: Readonly<Record<string, unknown>>, text: string): void {
    if (type === 'joined') this.#joined.resolve();
    if (type !== 'ack' && type !== 'error') return;
    const key = `${stream} ${seq}`;
    if (type === 'ack') this.#waiting.get(key)?.resolve();
    else this.#waiting.get(key)?.reject(new Error(text));
    this.#waiting.delete(key);
  }
}

/** Rejects where a batch is not acknowledged. */
export class SessionLoad implements AsyncDisposable {
  /** Events that were acknowledged. */
  sent = 0;
  readonly #options: LoadOptions;
  readonly #send: Send;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  private constructor(options: LoadOptions, send: Send) {
    this.#options = options;
    this.#send = send;
  }

  static async start(session: string, send: Send, options: LoadOptions): Promise<SessionLoad> {
    const load = new SessionLoad(options, send);
    const response = await call(`${session}/time`, 'POST', { t1: 0 });
    const { epoch, t3 } = await response.json();
    // Nothing may be from before the session.
    await delay(BEHIND_MS);
    load.#running = load.#run(epoch, t3);
    return load;
  }

  /** @returns how many events were sent in all */
  async stop(): Promise<number> {
    this.#stop.abort();
    await this.#running;
    return this.sent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(epoch: number, from: number): Promise<void> {
    const { client, eventsHz, channels } = this.#options;
    const began = performance.now();
    let values = 0;
    for (let seq = 0; !this.#stop.signal.aborted; seq++) {
      await delay(TURN_MS);
      const seconds = (performance.now() - began) / 1000;
      const t = Math.floor(from + seconds * 1e6);
      const due = Math.min(EVENTS_MAX, Math.floor(seconds * eventsHz) - this.sent);
      const more = Math.min(EEG_VALUES_MAX, Math.floor(seconds * EEG_HZ) - values);
      const of = { client, seq, epoch };
      const eegFrom = Math.floor(from + (values / EEG_HZ) * 1e6);
      await Promise.all([
        due > 0 && this.#send('game', { ...of, items: this.#items(t, due) }),
        channels > 0 && more > 0 && this.#send('eeg', { ...of, ...this.#eeg(eegFrom, more) }),
      ]);
      this.sent += Math.max(0, due);
      values += Math.max(0, more);
    }
  }

  #items(t: number, count: number): object[] {
    const texts = Array.from({ length: this.#options.texts }, () => 'x'.repeat(500));
    return Array.from({ length: count }, (_, i) => {
      return { t, event: 'load', data: { n: this.sent + i, texts } };
    });
  }

  #eeg(t: number, count: number): object {
    const names = Array.from({ length: this.#options.channels }, (_, i) => `ch${i}`);
    const values = Array.from({ length: count }, (_, i) => (i % 97) * 1.25 - 40);
    const channels = Object.fromEntries(names.map((name) => [name, values]));
    return { t, hz: EEG_HZ, unit: 'uV', channels };
  }
}
