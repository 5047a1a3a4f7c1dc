/** A client of the telemetry WebSocket that has subscribed to everything, and counts what it misses. */
import { eventually } from './gateway.ts';
import { openSocket } from './tokens.ts';

interface Message {
  readonly type: string;
  readonly stream?: string;
  readonly seq?: number;
  readonly values?: readonly number[];
}

/** Values of one wave, by its numbers. */
interface Run {
  readonly first: number;
  next: number;
  come: number;
}

export class SeqListener implements Disposable {
  /** Events and alerts that came. */
  events = 0;
  /** Events and alerts that it was not sent: numbers that were left out. */
  missed = 0;
  /** Events and alerts whose number was not above the one before. */
  repeated = 0;
  /** The code that it was closed with; undefined while it is open. */
  closeCode: number | undefined;
  /** Of the newest event, or of the tick behind it; undefined before the first tick. */
  #seq: number | undefined;
  readonly #waves = new Map<string, Run>();
  readonly #socket: WebSocket;
  readonly #subscribed = Promise.withResolvers<void>();

  /** @param url of the gateway, with a slash at the end */
  constructor(url: string) {
    this.#socket = openSocket(`${url}ws/telemetry`);
    this.#socket.onopen = () => {
      this.#socket.send(JSON.stringify({ type: 'subscribe', streams: ['*'], maxHz: 50 }));
    };
    this.#socket.onmessage = ({ data }) => this.#take(JSON.parse(String(data)));
    this.#socket.onclose = ({ code }) => {
      this.closeCode = code;
      this.#subscribed.reject(new Error(`closed with ${code}`));
    };
  }

  /** Resolves when everything that comes from then on is for it. */
  subscribed(): Promise<void> {
    return this.#subscribed.promise;
  }

  /** Of the values of all waves, from the first to the last that came, the share that did: 0 to 1. */
  get waveShare(): number {
    const runs = [...this.#waves.values()];
    const sent = runs.reduce((sum, { first, next }) => sum + next - first, 0);
    return sent === 0 ? 0 : runs.reduce((sum, { come }) => sum + come, 0) / sent;
  }

  /** Waits until it has been told of so many events. */
  async until(events: number): Promise<void> {
    await eventually(`${events} events`, () => {
      const told = this.events + this.missed;
      return { done: told >= events || this.closeCode !== undefined, seen: String(told) };
    });
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #take({ type, stream = '', seq, values }: Message): void {
    if (type === 'subscribed') this.#subscribed.resolve();
    else if (type === 'wave' && values) this.#wave(stream, seq ?? 0, values.length);
    else if (type === 'tick' && seq !== undefined) this.#tick(seq);
    else if ((type === 'event' || type === 'alert') && seq !== undefined) this.#event(seq);
  }

  /** Tells of the newest event: those up to it have come before. */
  #tick(seq: number): void {
    this.missed += Math.max(0, seq - (this.#seq ?? seq));
    this.#seq = Math.max(seq, this.#seq ?? seq);
  }

  #event(seq: number): void {
    this.events++;
    const before = this.#seq ?? seq - 1;
    if (seq <= before) this.repeated++;
    else this.missed += seq - before - 1;
    this.#seq = Math.max(seq, before);
  }

  #wave(stream: string, seq: number, count: number): void {
    const run = this.#waves.get(stream) ?? { first: seq, next: seq, come: 0 };
    run.come += count;
    run.next = Math.max(run.next, seq + count);
    this.#waves.set(stream, run);
  }
}
