/** Kills a broker again and again while messages are on their way. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Child } from '../../support/child.ts';

const LIVES = 6;
/** Messages that are acknowledged to the publisher in a life, before it ends with others on their way. */
const PER_LIFE = 60;
/** On their way at a time. */
const WINDOW = 20;
/**
 * Behind so many of a life the publisher takes its time: on a slow machine it would fill the queue of who is
 * away, which holds 1,000 messages and then lets the oldest go.
 */
const QUICK_PER_LIFE = 100;
const SLOW_MS = 100;
const PROGRAM = path.join(import.meta.dirname, 'persistence-process.ts');

let directory = '';

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'vigil-mqtt-kill-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** What came of everything, in all lives. */
class Ledger {
  /** Of which the publisher has a PUBACK. */
  readonly published = new Set<string>();
  /** Of which the broker had the subscriber's PUBACK in its file when it told so. */
  readonly settled = new Set<string>();
  readonly received = new Map<string, number>();
  /** That came although they were settled before that life began. */
  readonly repeated: string[] = [];
  /** The newest that was durable, and the newest that was seen at the next start. */
  retained = 0;
}

class Life implements AsyncDisposable {
  readonly child: Child;
  readonly #ledger: Ledger;
  readonly #settledBefore: ReadonlySet<string>;
  readonly #clients: MqttClient[] = [];
  readonly #port = Promise.withResolvers<number>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#settledBefore = new Set(ledger.settled);
    const args = [path.join(directory, 'data.mdb'), `${ledger.retained + 1}`];
    this.child = new Child(fork(PROGRAM, args), 'the broker');
    this.child.process.on('message', (message) => {
      const { port, acked, retained } = Object(message);
      if (port !== undefined) this.#port.resolve(port);
      if (acked !== undefined) ledger.settled.add(acked);
      if (retained !== undefined) ledger.retained = retained;
    });
  }

  async connect(clientId: string, clean: boolean): Promise<MqttClient> {
    const url = `mqtt://127.0.0.1:${await this.#port.promise}`;
    const client = await connectAsync(url, { clientId, clean, reconnectPeriod: 0 });
    client.on('error', () => {}); // It is killed.
    this.#clients.push(client);
    return client;
  }

  /** The one who is away half of the time. */
  async subscriber(): Promise<MqttClient> {
    const url = `mqtt://127.0.0.1:${await this.#port.promise}`;
    const client = connect(url, { clientId: 'sub', clean: false, reconnectPeriod: 0 });
    // Before it is connected: what has waited comes right behind the CONNACK.
    client.on('message', (_, payload) => this.#take(payload.toString()));
    client.on('error', () => {}); // It is killed.
    this.#clients.push(client);
    await new Promise<void>((resolve) => client.once('connect', () => resolve()));
    return client;
  }

  /** Publishes until it is killed. */
  async publish(life: number): Promise<void> {
    const client = await this.connect('pub', true);
    const closed = new Promise<'closed'>((resolve) =>
      client.once('close', () => resolve('closed')),
    );
    for (let n = 0; ; n += WINDOW) {
      const isSlow = n >= QUICK_PER_LIFE;
      if (isSlow) await Promise.race([delay(SLOW_MS), closed]);
      const batch = Array.from({ length: isSlow ? 1 : WINDOW }, async (_, i) => {
        const name = `${life}-${n + i}`;
        await client.publishAsync('event/x', name, { qos: 1 });
        this.#ledger.published.add(name);
      });
      const settled = await Promise.race([Promise.allSettled(batch), closed]);
      // The kill takes some with it: these are not acknowledged. A client that is being ended refuses
      // everything at once, and going on would leave the event loop no time to end it.
      if (settled === 'closed' || settled.some(({ status }) => status === 'rejected')) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { process } = this.child;
    const ended = process.exitCode === null && process.signalCode === null && once(process, 'exit');
    process.kill('SIGKILL');
    await ended;
    for (const client of this.#clients) await client.endAsync(true);
  }

  #take(name: string): void {
    const { received, repeated } = this.#ledger;
    received.set(name, (received.get(name) ?? 0) + 1);
    if (this.#settledBefore.has(name)) repeated.push(name);
  }
}

test('what was acknowledged is neither lost nor repeated', { timeout: 120_000 }, async () => {
  const ledger = new Ledger();
  {
    await using life = new Life(ledger);
    const subscriber = await life.subscriber();
    await subscriber.subscribeAsync('event/#', { qos: 1 });
  }
  for (let i = 1; i <= LIVES; i++) {
    const before = ledger.published.size;
    const retained = ledger.retained;
    await using life = new Life(ledger);
    if (i > 1) expect(await retainedOf(life)).toBeGreaterThanOrEqual(retained);
    life.child.process.send('go on');
    const publishing = life.publish(i);
    await expect
      .poll(() => ledger.published.size - before, { timeout: 20_000 })
      .toBeGreaterThan(PER_LIFE / 2);
    // In every other life it is away, and what comes waits for the next.
    if (i % 2 === 0) await life.subscriber();
    await expect
      .poll(() => ledger.published.size - before, { timeout: 20_000 })
      .toBeGreaterThan(PER_LIFE);
    if (i % 2 === 0)
      await expect.poll(() => ledger.settled.size, { timeout: 20_000 }).toBeGreaterThan(0);
    await life[Symbol.asyncDispose]();
    await publishing;
  }
  await using life = new Life(ledger);
  await life.subscriber();
  await expect
    .poll(() => [...ledger.published].filter((name) => !ledger.received.has(name)), {
      timeout: 20_000,
    })
    .toEqual([]);
  expect(ledger.repeated).toEqual([]);
  expect(ledger.published.size).toBeGreaterThan(LIVES * PER_LIFE);
  expect(ledger.settled.size).toBeGreaterThan(PER_LIFE);
  expect(ledger.retained).toBeGreaterThan(LIVES);
});

/** What is retained right after a start, before anything new. */
async function retainedOf(life: Life): Promise<number> {
  const client = await life.connect('looks', true);
  const state = Promise.withResolvers<number>();
  client.on('message', (_, payload) => state.resolve(Number(payload.toString())));
  await client.subscribeAsync('state/a', { qos: 0 });
  return await state.promise;
}
