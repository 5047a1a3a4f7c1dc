/** An instance of the ingest that is started before what it needs. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../../src/cloud/database.ts';
import { encodeBatch } from '../../../src/wire/batch.ts';
import { upTopic } from '../../../src/wire/topics.ts';
import { batch, RPM, samples, TENANT } from '../../support/cloud-batches.ts';
import { connectCar, spawnIngest, type WaitingIngest } from '../../support/cloud-ingest.ts';
import {
  CLOUD_START_MS_MAX,
  type Cloud,
  missingForCloud,
  startCloud,
} from '../../support/cloud-tree.ts';

/** Left out where the tree cannot be entered: that needs root, and namespaces. */
const missing = missingForCloud();
const inTree = test.skipIf(missing !== '');

/** Back-offs end within this. */
const RECOVERY_MS = 40_000;

let cloud: Cloud;

beforeAll(async () => {
  if (missing !== '') return;
  cloud = await startCloud({ tenant: TENANT });
}, CLOUD_START_MS_MAX);

afterAll(async () => {
  await cloud?.stop();
});

async function health({ url }: WaitingIngest): Promise<unknown> {
  const response = await fetch(`${url}/health`);
  return [response.status, await response.json()];
}

const told = (broker: boolean, database: boolean, acks: boolean): unknown => {
  const ok = broker && database && acks;
  return [ok ? 200 : 503, { ok, broker, database, acks }];
};

/** A batch of the car goes all the way. */
async function sendAndWait(dev: string): Promise<void> {
  await using car = await connectCar(cloud, dev);
  const topic = upTopic({ tenant: TENANT, device: dev }, RPM);
  const payload = encodeBatch(batch(samples(0, 10), { dev }));
  await car.connection.publish({ topic, payload, qos: 1, retain: false });
  await expect.poll(() => car.acks.at(-1)?.next.get(1), { timeout: RECOVERY_MS }).toBe(10);
}

inTree(
  'started without database and broker, it says so, waits for each, and then works',
  async () => {
    await Promise.all([cloud.kill('database'), cloud.kill('broker')]);
    await using ingest = await spawnIngest(cloud);
    expect(await health(ingest)).toEqual(told(false, false, false));
    await expect.poll(() => ingest.lines.join('\n')).toContain('ECONNREFUSED');
    expect((await fetch(`${ingest.url}/metrics`)).status).toBe(200);
    await cloud.start('database');
    // Its tables are there, so it asks for its queues: there is no broker yet.
    await expect
      .poll(() => health(ingest), { timeout: RECOVERY_MS })
      .toEqual(told(false, true, false));
    await cloud.start('broker');
    await expect
      .poll(() => health(ingest), { timeout: RECOVERY_MS })
      .toEqual(told(true, true, true));
    await sendAndWait('patient-1');
    expect(ingest.process.exitCode).toBe(null);
  },
  180_000,
);

inTree(
  'a broker whose database is away keeps what cars send until it is there',
  async () => {
    await cloud.kill('database');
    await using ingest = await spawnIngest(cloud);
    await expect
      .poll(() => health(ingest), { timeout: RECOVERY_MS })
      .toEqual(told(false, false, true));
    // The queues are there already, from another instance.
    await Promise.all([sendAndWait('patient-2'), cloud.start('database')]);
    await expect
      .poll(() => health(ingest), { timeout: RECOVERY_MS })
      .toEqual(told(true, true, true));
    const database = openDatabase(cloud.databaseUrl, 1);
    const rows = await database.transaction(({ query }) =>
      query(`SELECT count(*)::integer AS n FROM obd_data_corrected WHERE dev = 'patient-2'`),
    );
    await database.close();
    expect(rows).toEqual([{ n: 10 }]);
  },
  180_000,
);

inTree(
  'a stop ends one that still waits',
  async () => {
    await cloud.kill('database');
    await using ingest = await spawnIngest(cloud);
    await expect.poll(() => ingest.lines.join('\n')).toContain('ECONNREFUSED');
    ingest.process.kill('SIGTERM');
    await expect.poll(() => ingest.process.exitCode, { timeout: 10_000 }).toBe(0);
    await cloud.start('database');
  },
  180_000,
);
