/** The whole of the fleet side: a car, RabbitMQ, processes of the ingest, and the database. */
import { expect } from 'vitest';
import { type Batch, encodeBatch } from '../../../src/wire/batch.ts';
import { upTopic } from '../../../src/wire/topics.ts';
import { batch, declare, events, RPM, samples, TENANT } from '../../support/cloud-batches.ts';
import { type CloudDatabase, queryOnce } from '../../support/cloud-database.ts';
import {
  type Car,
  connectCar,
  type IngestProcess,
  startIngest,
} from '../../support/cloud-ingest.ts';
import { startCloud } from '../../support/cloud-tree.ts';
import { inTree, sharedInTree } from '../../support/in-tree.ts';
import { seededRandom } from '../../support/store-load.ts';

/** A part that was killed is started, and back-offs end, within this. */
const RECOVERY_MS = 40_000;

const cloud = sharedInTree(() => startCloud({ tenant: TENANT }));

async function send({ connection }: Car, one: Batch): Promise<void> {
  const place = { tenant: TENANT, device: one.head.dev };
  const topic = upTopic(place, one.head.stream);
  await connection.publish({ topic, payload: encodeBatch(one), qos: 1, retain: false });
}

const query: CloudDatabase['query'] = (...asked) => queryOnce(cloud().databaseUrl, ...asked);

async function metric(ingest: IngestProcess, name: string): Promise<number> {
  const text = await (await fetch(`${ingest.url}/metrics`)).text();
  return Number(new RegExp(`^vigil_cloud_${name} (.*)$`, 'm').exec(text)?.[1]);
}

inTree(
  'what a car sends is in the database, and acknowledged to it and to who asks later',
  async () => {
    await using ingest = await startIngest(cloud());
    await using car = await connectCar(cloud(), 'car-1');
    const alert = declare('alert', 'event', { hz: 0 });
    await send(car, batch(samples(0, 50)));
    await send(car, batch(events(0, [{ rule: 'coolant' }]), { number: 2, stream: alert }));
    await expect
      .poll(() => car.acks.at(-1)?.next, { timeout: RECOVERY_MS })
      .toEqual(
        new Map([
          [1, 50],
          [2, 1],
        ]),
      );
    const rows = await query(
      `SELECT value FROM obd_data_corrected WHERE dev = 'car-1' ORDER BY seq`,
    );
    expect(rows.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(await query(`SELECT data FROM alerts_corrected WHERE dev = 'car-1'`)).toEqual([
      { data: { rule: 'coolant' } },
    ]);
    await car.connection.close();
    await using later = await connectCar(cloud(), 'car-1');
    await expect
      .poll(() => later.acks.at(-1)?.next)
      .toEqual(
        new Map([
          [1, 50],
          [2, 1],
        ]),
      );
    const health = await fetch(`${ingest.url}/health`);
    expect([health.status, await health.json()]).toEqual([
      200,
      { ok: true, broker: true, database: true, acks: true },
    ]);
    expect((await fetch(`${ingest.url}/anything`)).status).toBe(404);
  },
);

inTree('what was measured in a session goes when the car says that it was removed', async () => {
  await using ingest = await startIngest(cloud());
  const dev = 'forgets';
  await using car = await connectCar(cloud(), dev);
  const from = { dev, number: 2, stream: declare('sys.session', 'event', { hz: 0 }) };
  const spans = [{ epoch: 1, from: 0, to: 3_000_000 }];
  await send(car, batch(samples(0, 50), { dev }));
  await send(car, batch(events(0, [{ id: 1, driver: 'Ada', spans, removed: false }]), from));
  await expect
    .poll(() => car.acks.at(-1)?.next, { timeout: RECOVERY_MS })
    .toEqual(
      new Map([
        [1, 50],
        [2, 1],
      ]),
    );
  await send(car, batch(events(1, [{ id: 1, spans, removed: true }]), from));
  await expect.poll(() => metric(ingest, 'erased_rows_total'), { timeout: RECOVERY_MS }).toBe(30);
  const rows = await query(`SELECT seq FROM obd_data_corrected WHERE dev = $1 ORDER BY seq`, [dev]);
  expect(rows.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 20 }, (_, i) => 30 + i));
  const records = await query('SELECT data FROM sessions WHERE dev = $1', [dev]);
  expect(records).toEqual([{ data: {} }]);
});

inTree('a copy is acknowledged as the first was, and is no row', async () => {
  await using ingest = await startIngest(cloud());
  await using car = await connectCar(cloud(), 'twice');
  await send(car, batch(samples(0, 50), { dev: 'twice' }));
  await expect.poll(() => car.acks).toHaveLength(1);
  await send(car, batch(samples(0, 50), { dev: 'twice' }));
  await expect.poll(() => car.acks).toHaveLength(2);
  expect(car.acks[1]).toEqual(car.acks[0]);
  expect(await metric(ingest, 'duplicate_rows_total')).toBe(50);
});

inTree('what is damaged is put aside with its reason, and stops nothing', async () => {
  await using ingest = await startIngest(cloud());
  await using car = await connectCar(cloud(), 'damaged');
  const bytes = encodeBatch(batch(samples(0, 10), { dev: 'damaged' }));
  bytes[30] = (bytes[30] ?? 0) ^ 1;
  const topic = upTopic({ tenant: TENANT, device: 'damaged' }, RPM);
  await car.connection.publish({ topic, payload: bytes, qos: 1, retain: false });
  // Another's batch under one's own name.
  const other = encodeBatch(batch(samples(0, 10), { dev: 'car-1' }));
  await car.connection.publish({ topic, payload: other, qos: 1, retain: false });
  // What the database alone can refuse.
  const name = declare('obd.bad', 'sample', { name: 'a\0b' });
  await send(car, batch(samples(0, 1), { dev: 'damaged', number: 7, stream: name }));
  await send(car, batch(samples(0, 10), { dev: 'damaged' }));
  await expect.poll(() => car.acks.at(-1)?.next.get(1), { timeout: RECOVERY_MS }).toBe(10);
  await expect.poll(() => metric(ingest, 'refused_total{code="BAD_DATA"}')).toBe(1);
  expect(await metric(ingest, 'refused_total{code="BAD_CRC"}')).toBe(1);
  expect(await metric(ingest, 'refused_total{code="BAD_HEAD"}')).toBe(1);
  expect(ingest.lines.join('\n')).toContain('put aside: its check says');
  const letters = await deadLetters(3);
  expect(letters.map(({ code }) => code).sort()).toEqual(['BAD_CRC', 'BAD_DATA', 'BAD_HEAD']);
  const crc = letters.find(({ code }) => code === 'BAD_CRC');
  expect(crc?.reason).toContain('its check says');
  expect(crc?.topic).toBe(topic.replaceAll('/', '.'));
  expect(Buffer.compare(crc?.body ?? Buffer.alloc(0), bytes)).toBe(0);
});

/** Takes what was put aside from its queue. */
async function deadLetters(count: number) {
  const { Connection } = await import('rabbitmq-client');
  const connection = new Connection(cloud().amqpUrl);
  try {
    const letters: { code: string; reason: string; topic: string; body: Buffer }[] = [];
    await expect
      .poll(
        async () => {
          const message = await connection.basicGet({ queue: 'vigil.dead', noAck: true });
          if (message) {
            const { code, reason, topic } = message.headers ?? {};
            letters.push({ code, reason, topic, body: Buffer.from(message.body) });
          }
          return letters.length;
        },
        { timeout: 10_000, interval: 20 },
      )
      .toBe(count);
    return letters;
  } finally {
    await connection.close();
  }
}

inTree(
  'with every part killed in turn, each row is there once and all is acknowledged',
  async () => {
    const random = seededRandom(3);
    const dev = 'survivor';
    const batches = Array.from({ length: 120 }, (_, k) => batch(samples(k * 20, 20), { dev }));
    await using running = new AsyncDisposableStack();
    const instances: (IngestProcess | undefined)[] = [
      running.use(await startIngest(cloud())),
      running.use(await startIngest(cloud())),
    ];
    let car: Car | undefined;
    running.defer(async () => await car?.connection.close());
    let acknowledged = 0;
    /** As a gateway does: from what is acknowledged on, again and again, with 16 on their way. */
    const drive = async (until: number): Promise<void> => {
      const ends = performance.now() + RECOVERY_MS;
      while (acknowledged < until) {
        if (performance.now() > ends)
          throw new Error(`${acknowledged} of ${until} after ${RECOVERY_MS} ms`);
        try {
          car ??= await connectCar(cloud(), dev);
          const { acks } = car;
          const first = acknowledged / 20;
          const window = batches.slice(first, first + 16).filter(({ head }) => head.first < until);
          await Promise.all(
            window.toSorted(() => random() - 0.5).map((one) => send(car ?? fail(), one)),
          );
          const told = await waitFor(acks, acknowledged);
          acknowledged = Math.max(acknowledged, told);
        } catch {
          // The connection ended: another one.
          car = undefined;
        }
      }
    };
    const replace = async (i: number): Promise<void> => {
      await instances[i]?.kill();
      instances[i] = running.use(await startIngest(cloud()));
    };
    await drive(400);
    await Promise.all([drive(900), replace(0)]);
    await cloud().kill('database');
    await Promise.all([drive(1400), cloud().start('database')]);
    await cloud().kill('broker');
    await Promise.all([drive(1900), cloud().start('broker')]);
    await Promise.all([drive(2400), replace(1), replace(0)]);

    const rows = await query(
      `SELECT seq, value FROM obd_data_corrected WHERE dev = $1 ORDER BY seq`,
      [dev],
    );
    expect(rows.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 2400 }, (_, i) => i));
    expect(rows.every(({ seq, value }) => Number(seq) === value)).toBe(true);
  },
  180_000,
);

function fail(): never {
  throw new Error('no car');
}

/** What is acknowledged beyond `before`; `before` where nothing is within a second. */
async function waitFor(acks: Car['acks'], before: number): Promise<number> {
  const next = (): number => Math.max(before, ...acks.map((ack) => ack.next.get(1) ?? 0));
  await expect
    .poll(next, { timeout: 1000, interval: 20 })
    .toBeGreaterThan(before)
    .catch(() => {});
  return next();
}

inTree('SIGTERM ends it in good order', async () => {
  const ingest = await startIngest(cloud());
  ingest.process.kill('SIGTERM');
  await expect.poll(() => ingest.process.exitCode, { timeout: 10_000 }).toBe(0);
  await expect.poll(() => ingest.lines.at(-1)).toContain('stopping');
});
