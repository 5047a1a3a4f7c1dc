/** An instance of the ingest that is started before what it needs. */
import { expect } from 'vitest';
import { encodeBatch } from '../../../src/wire/batch.ts';
import { upTopic } from '../../../src/wire/topics.ts';
import { batch, RPM, samples, TENANT } from '../../support/cloud-batches.ts';
import { queryOnce } from '../../support/cloud-database.ts';
import { connectCar, spawnIngest, type WaitingIngest } from '../../support/cloud-ingest.ts';
import { startCloud } from '../../support/cloud-tree.ts';
import { inTree, sharedInTree } from '../../support/in-tree.ts';

/** Back-offs end within this. */
const RECOVERY_MS = 40_000;

const cloud = sharedInTree(() => startCloud({ tenant: TENANT }));

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
  await using car = await connectCar(cloud(), dev);
  const topic = upTopic({ tenant: TENANT, device: dev }, RPM);
  const payload = encodeBatch(batch(samples(0, 10), { dev }));
  await car.connection.publish({ topic, payload, qos: 1, retain: false });
  await expect.poll(() => car.acks.at(-1)?.next.get(1), { timeout: RECOVERY_MS }).toBe(10);
}

inTree(
  'started without database and broker, it says so, waits for each, and then works',
  async () => {
    await Promise.all([cloud().kill('database'), cloud().kill('broker')]);
    await using ingest = await spawnIngest(cloud());
    expect(await health(ingest)).toEqual(told(false, false, false));
    await expect.poll(() => ingest.lines.join('\n')).toContain('ECONNREFUSED');
    expect((await fetch(`${ingest.url}/metrics`)).status).toBe(200);
    await cloud().start('database');
    // Its tables are there, so it asks for its queues: there is no broker yet.
    await expect
      .poll(() => health(ingest), { timeout: RECOVERY_MS })
      .toEqual(told(false, true, false));
    await cloud().start('broker');
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
    await cloud().kill('database');
    await using ingest = await spawnIngest(cloud());
    await expect
      .poll(() => health(ingest), { timeout: RECOVERY_MS })
      .toEqual(told(false, false, true));
    // The queues are there already, from another instance.
    await Promise.all([sendAndWait('patient-2'), cloud().start('database')]);
    await expect
      .poll(() => health(ingest), { timeout: RECOVERY_MS })
      .toEqual(told(true, true, true));
    const rows = await queryOnce(
      cloud().databaseUrl,
      `SELECT count(*)::integer AS n FROM obd_data_corrected WHERE dev = 'patient-2'`,
    );
    expect(rows).toEqual([{ n: 10 }]);
  },
  180_000,
);

inTree(
  'a stop ends one that still waits',
  async () => {
    await cloud().kill('database');
    await using ingest = await spawnIngest(cloud());
    await expect.poll(() => ingest.lines.join('\n')).toContain('ECONNREFUSED');
    ingest.process.kill('SIGTERM');
    await expect.poll(() => ingest.process.exitCode, { timeout: 10_000 }).toBe(0);
    await cloud().start('database');
  },
  180_000,
);
