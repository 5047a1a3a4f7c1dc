/**
 * A gateway with a simulated car, driver and bus, and a client that sends it more, the way to the cloud
 * and all behind it, each in a process of its own, while each of them is ended with SIGKILL at random
 * moments: in the end the database has what the gateway has stored, all of it, once, and in order.
 *
 * What the gateway itself lost by a kill, at most its last second, is in neither. So what its client was
 * told to be stored is looked for by itself.
 *
 * VIGIL_E2E_SEED repeats a run that went wrong, as far as moments can be repeated, and VIGIL_E2E_RUNS makes
 * as many runs one after the other, each with the next seed.
 */
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/cloud/database.ts';
import { call } from '../support/call.ts';
import {
  type ArrivedStream,
  compare,
  query,
  readCloud,
  readProgress,
  readStore,
} from '../support/cloud-compare.ts';
import { type IngestProcess, startIngest } from '../support/cloud-ingest.ts';
import { type Kill, killAtRandom, type Victim } from '../support/cloud-killer.ts';
import { alertText, CHANNELS, CloudLoad } from '../support/cloud-load.ts';
import {
  CLOUD_START_MS_MAX,
  type Cloud,
  missingForCloud,
  startCloud,
} from '../support/cloud-tree.ts';
import { eventually, type Gateway, startGateway } from '../support/gateway.ts';
import { seededRandom } from '../support/store-load.ts';

if (missingForCloud() !== '') throw new Error(`these tests need ${missingForCloud()}`);

const READINGS = 100_000;
const ALERTS = 200;
/** All the kills begin within this. */
const KILLS_MS = 32_000;
const KILLS = { gateway: 4, ingest: 4, broker: 3, database: 1 } as const;
/** A broker that was gone makes a gateway wait for up to 16 s, and batches go again after 30. */
const ARRIVAL_MS_MAX = 180_000;
const RUN_MS_MAX = CLOUD_START_MS_MAX + 2 * ARRIVAL_MS_MAX;
const SEED = Number(process.env['VIGIL_E2E_SEED'] ?? randomInt(2 ** 31));
const RUNS = Number(process.env['VIGIL_E2E_RUNS'] ?? 1);
const SIMULATED = ['--sim', '1', '--can', 'sim:'];

test.for(Array.from({ length: RUNS }, (_, i) => SEED + i))(
  `of ${READINGS} readings and ${ALERTS} alerts, over kills of everything, each is in the cloud once (seed %i)`,
  { timeout: RUN_MS_MAX },
  async (seed) => {
    const phases = new Phases();
    await using world = await World.start();
    const load = new CloudLoad(() => world.gateway);
    await load.begin();
    await call(`${world.gateway.url}api/v1/alerts`, 'POST', RULE);
    phases.end('start');
    const kills = await underKills(world, load, seed, phases);
    // What was measured before this is to arrive; what comes later is known up to where it arrived.
    await world.stopGateway();
    const ends = await readStore(world.data);
    await world.startGateway([]);
    await eventually(
      'all has arrived',
      async () => {
        const progress = await readProgress(world.database);
        const late = [...ends.values()].filter(
          ({ number, end }) => (progress.get(number) ?? 0) < end,
        );
        const texts = late.map(
          ({ stream, number, end }) => `${stream.id} ${progress.get(number)}/${end}`,
        );
        return { done: late.length === 0, seen: texts.slice(0, 10).join(', ') };
      },
      ARRIVAL_MS_MAX,
    );
    phases.end('arrival');
    await world.stopGateway();
    const stored = await readStore(world.data);
    const arrived = await readCloud(world.database);
    const { faults, ...figures } = compare(stored, arrived);
    const absorbed = await world.absorbed();
    console.log(
      JSON.stringify({
        seed,
        ...figures,
        ...{ alerts: load.alerts, eegValues: load.eegValues, ...load.counts, absorbed },
        seconds: phases.seconds(),
        kills: kills.map(({ name, atMs, goneMs }) => {
          return `${name} at ${Math.round(atMs)} for ${Math.round(goneMs)} ms`;
        }),
      }),
    );
    expect(faults).toEqual([]);
    expect(figures.same).toBeGreaterThanOrEqual(READINGS);
    checkClient(arrived, load);
    await checkRecords(world.database, stored, arrived);
  },
);

/** Each alert of the client makes one of the gateway. */
const RULE = {
  ...{ name: 'A client says so', stream: 'client.alert', severity: 'warn' },
  when: { op: 'event', match: { kind: 'fatigue' }, key: ['text'], lastS: 1 },
};

/** Sends, kills, and resolves when enough has come and everything works again. */
async function underKills(
  world: World,
  load: CloudLoad,
  seed: number,
  phases: Phases,
): Promise<Kill[]> {
  const enough = new AbortController();
  const sending = load.run(enough.signal, () => load.alerts < ALERTS);
  // Whoever waits for it below may come too late to be the one who hears of it.
  sending.catch(() => {});
  try {
    const victims = world.victims();
    const kills = await killAtRandom({ victims, overMs: KILLS_MS, random: seededRandom(seed) });
    phases.end('kills');
    await eventually(
      'enough has arrived',
      async () => {
        const progress = await readProgress(world.database);
        const readings = [...progress.values()].reduce((sum, next) => sum + next, 0);
        const isDone = readings >= READINGS && load.alerts >= ALERTS;
        return { done: isDone, seen: `${readings} readings, ${load.alerts} alerts` };
      },
      ARRIVAL_MS_MAX,
    );
    enough.abort();
    await sending;
    phases.end('enough');
    return kills;
  } finally {
    enough.abort();
  }
}

/** How long what took. */
class Phases {
  #begin = performance.now();
  readonly #seconds = new Map<string, number>();

  end(name: string): void {
    const now = performance.now();
    this.#seconds.set(name, Math.round((now - this.#begin) / 100) / 10);
    this.#begin = now;
  }

  seconds(): Record<string, number> {
    this.end('comparison');
    return Object.fromEntries(this.#seconds);
  }
}

/** All processes. */
class World implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly database: Database;
  /** Of the gateway. */
  readonly data: string;
  gateway!: Gateway;
  ingest!: IngestProcess;
  /** Rows that an ingest had twice before it was killed. */
  #absorbed = 0;
  readonly #running: AsyncDisposableStack;

  private constructor(cloud: Cloud, data: string, running: AsyncDisposableStack) {
    this.cloud = cloud;
    this.data = data;
    this.database = openDatabase(cloud.databaseUrl, 1);
    this.#running = running;
    running.defer(() => this.database.close());
    running.defer(() => this.ingest?.[Symbol.asyncDispose]());
    running.defer(() => this.gateway?.[Symbol.asyncDispose]());
  }

  static async start(): Promise<World> {
    await using starting = new AsyncDisposableStack();
    const data = await mkdtemp(path.join(tmpdir(), 'vigil-e2e-'));
    starting.defer(() => rm(data, { recursive: true, force: true }));
    const cloud = starting.use(await startCloud());
    const world = new World(cloud, data, starting.move());
    await using running = new AsyncDisposableStack();
    running.use(world);
    await Promise.all([world.startIngest(), world.startGateway(SIMULATED)]);
    running.move();
    return world;
  }

  victims(): Victim[] {
    const { cloud } = this;
    return [
      {
        ...{ name: 'gateway', kills: KILLS.gateway, start: () => this.startGateway(SIMULATED) },
        kill: async () => {
          this.gateway.kill('SIGKILL');
          await this.gateway.exited;
        },
      },
      {
        ...{ name: 'ingest', kills: KILLS.ingest, start: () => this.startIngest() },
        kill: async () => {
          this.#absorbed += await absorbedBy(this.ingest);
          await this.ingest.kill();
        },
      },
      ...(['broker', 'database'] as const).map((part) => {
        const name = part;
        return {
          ...{ name, kills: KILLS[part] },
          kill: () => cloud.kill(part),
          start: () => cloud.start(part),
        };
      }),
    ];
  }

  async startGateway(more: readonly string[]): Promise<void> {
    const own = ['--data', this.data, '--mqtt', '127.0.0.1:0', '--cloud', this.cloud.carUrl];
    this.gateway = await startGateway({ args: [...own, ...more] });
  }

  /** In good order: nothing is left in the journal. */
  async stopGateway(): Promise<void> {
    const { gateway } = this;
    gateway.kill('SIGTERM');
    expect(await gateway.exited, gateway.errors.join('\n')).toEqual({ code: 0, signal: null });
  }

  async startIngest(): Promise<void> {
    this.ingest = await startIngest(this.cloud);
  }

  /** Rows that came again. What came just before a kill of the ingest is not counted. */
  async absorbed(): Promise<number> {
    return this.#absorbed + (await absorbedBy(this.ingest));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.disposeAsync();
  }
}

/** Rejects where it has ended by itself. */
async function absorbedBy({ url, process: child, lines }: IngestProcess): Promise<number> {
  expect([child.exitCode, child.signalCode], lines.join('\n')).toEqual([null, null]);
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^vigil_cloud_duplicate_rows_total (\d+)$/m.exec(text)?.[1]);
}

/** What the gateway said to be stored has come, and nothing of what it did not say. */
function checkClient(arrived: readonly ArrivedStream[], load: CloudLoad): void {
  const valuesOf = (id: string): unknown[] => {
    return arrived
      .filter(({ stream }) => stream === id)
      .flatMap(({ items }) => items.map(({ value }) => value));
  };
  const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  const alerts = valuesOf('client.alert').map((value) => Object(value).text);
  expect(alerts).toEqual(numbers(ALERTS).map(alertText));
  const tasks = valuesOf('game.lap').map((value) => Object(Object(value).data).n);
  expect(tasks).toEqual(numbers(load.tasks));
  expect(valuesOf('face.perclos60')).toHaveLength(load.pictures);
  for (const channel of CHANNELS) {
    expect(valuesOf(`eeg.load.raw.${channel}`)).toEqual(numbers(load.eegValues));
  }
}

/** Records of the gateway: the newest of each is there. */
async function checkRecords(
  database: Database,
  stored: Awaited<ReturnType<typeof readStore>>,
  arrived: readonly ArrivedStream[],
): Promise<void> {
  const tables = { 'sys.session': 'sessions', 'sys.user': 'users' };
  for (const [id, table] of Object.entries(tables)) {
    const [mine] = [...stored.values()].filter(({ stream }) => stream.id === id);
    const next = arrived.find(({ stream }) => stream === id)?.next ?? 0;
    const newest = new Map<string, unknown>();
    for (const { seq, value } of mine?.items ?? []) {
      if (seq < next) newest.set(String(Object(value).id), value);
    }
    const rows = await query(database, `SELECT id, data FROM ${table}`);
    expect(newest.size).toBeGreaterThan(0);
    expect(new Map(rows.map((row) => [String(row['id']), row['data']]))).toEqual(newest);
  }
}
