/** A client that counts the alerts of alert-load.ts, and how long each took to reach it. */
import * as v from 'valibot';
import { openSocket } from './tokens.ts';

/** `THRESHOLD` of alert-load.ts: what a value is above it is the number of the crossing, from 1. */
const THRESHOLD = 1_000;

const Started = v.object({
  type: v.literal('alert'),
  state: v.literal('started'),
  id: v.string(),
  rule: v.object({ name: v.pipe(v.string(), v.startsWith('load.')) }),
  value: v.number(),
  startedAt: v.object({ t: v.number() }),
});

export class AlertListener implements Disposable {
  /** By the number of the crossing: how often it came. */
  readonly counts = new Map<number, number>();
  /** From the time of the reading, which is in whole ms, to the message. */
  readonly latencyMs: number[] = [];
  readonly #socket: WebSocket;

  /** @param offsetUs CLOCK_MONOTONIC at time 0 of the gateway's clock */
  constructor(url: string, offsetUs: number) {
    this.#socket = openSocket(`${url}/ws/telemetry`);
    this.#socket.onmessage = ({ data }) => {
      const now = Number(process.hrtime.bigint() / 1000n);
      const { success, output } = v.safeParse(Started, JSON.parse(String(data)));
      if (!success) return;
      const crossing = output.value - THRESHOLD;
      this.counts.set(crossing, (this.counts.get(crossing) ?? 0) + 1);
      this.latencyMs.push((now - offsetUs - output.startedAt.t) / 1000);
    };
  }

  async opened(): Promise<void> {
    await new Promise((resolve, reject) => {
      this.#socket.onopen = resolve;
      this.#socket.onerror = reject;
    });
    this.#socket.send(JSON.stringify({ type: 'subscribe', streams: ['alert'] }));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
