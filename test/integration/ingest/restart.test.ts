/** What a gateway that was killed and started again still knows of its clients, and what it says to them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exchange } from '../../support/call.ts';
import { eventually, type Gateway, startGateway } from '../../support/gateway.ts';

let data = '';

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'vigil-ingest-'));
});

afterEach(async () => {
  await rm(data, { recursive: true });
});

/** @param wanted which answers once the store is open */
async function start(wanted: string): Promise<Gateway> {
  const gateway = await startGateway({ args: ['--data', data] });
  await eventually('the store is open', async () => {
    const { status } = await exchange(`${gateway.url}api/v1/${wanted}`, 'GET');
    return { done: status === 200, seen: String(status) };
  });
  return gateway;
}

interface Moment {
  readonly epoch: number;
  readonly t: number;
}

/** For one session of a gateway: sends there, and tells what time it is. */
function sender({ url }: Gateway, id: number) {
  const session = `${url}api/v1/sessions/${id}`;
  return {
    now: async (): Promise<Moment> => {
      const { body } = await exchange(`${session}/time`, 'POST', { t1: 0 });
      return { epoch: body.epoch, t: body.t2 };
    },
    face: (client: string, seq: number, { epoch, t }: Moment) => {
      const items = [{ t, faceDetected: true, confidence: 0.5 }];
      return exchange(`${session}/face`, 'POST', { client, seq, epoch, items });
    },
    alert: (seq: number, { epoch, t }: Moment) => {
      const items = [{ t, severity: 'alarm', text: 'Asleep', value: 0.8, kind: 'fatigue' }];
      return exchange(`${session}/alerts`, 'POST', { client: 'cam', seq, epoch, items });
    },
    read: async (what: string) => (await exchange(`${session}${what}`, 'GET')).body,
  };
}

test('over a kill: alerts are kept, ids stay with their clients, what is too old is told so', async () => {
  let id = 0;
  let old: Moment;
  {
    await using gateway = await start('sessions');
    id = (await exchange(`${gateway.url}api/v1/sessions`, 'POST', {})).body.id;
    const { face, alert, now } = sender(gateway, id);
    old = await now();
    for (const [seq, client] of ['cam', 'phone'].entries()) {
      expect(await face(client, seq, old)).toMatchObject({ status: 200 });
    }
    expect(await alert(0, old)).toMatchObject({ status: 200, body: { seq: 0, duplicate: false } });
    gateway.kill('SIGKILL');
    await gateway.exited;
  }
  await using gateway = await start(`sessions/${id}`);
  const { face, alert, now, read } = sender(gateway, id);
  expect(await alert(0, old)).toMatchObject({ status: 200, body: { duplicate: true } });
  const late = await alert(1, old);
  expect(late).toMatchObject({
    status: 409,
    body: { detail: expect.stringMatching(/leave it out/) },
  });
  const { epoch, t } = await now();
  const early = await alert(1, { epoch, t: -1 });
  expect(early).toMatchObject({
    status: 422,
    body: { detail: expect.stringMatching(/leave it out/) },
  });
  for (const client of ['tablet', 'phone', 'cam']) {
    expect(await face(client, 7, { epoch, t })).toMatchObject({ status: 200 });
  }
  const { stats } = await read('');
  expect(stats.streams).toMatchObject({
    'face.detected': { n: 2 },
    'face.phone.detected': { n: 2 },
    'face.tablet.detected': { n: 1 },
    'client.alert': { n: 1 },
  });
  const { items } = await read('/events?types=client');
  const alarm = { client: 'cam', severity: 'alarm', text: 'Asleep', value: 0.8, kind: 'fatigue' };
  expect(items).toMatchObject([{ stream: 'client.alert', data: { ...alarm, clientT: old.t } }]);
});
