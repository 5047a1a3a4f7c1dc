import * as v from 'valibot';
import { expect, test } from 'vitest';
import { dispatch } from '../../../../src/http/router.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { readSync, type SyncShape } from '../../../../src/http/routes/sync.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { noSync } from '../../../support/no-sync.ts';
import { as } from '../callers.ts';
import { request } from '../fakes.ts';

const BUSY: SyncShape = {
  ...{ ...noSync(), state: 'online', text: 'connected', sinceS: 12, broker: 'cloud.example:8883' },
  ...{ bearer: 'cellular', acknowledgedS: 0.4, inFlight: { batches: 3, bytes: 4_100 } },
  backlog: [
    { priority: 'p0', records: 0, bytes: 0, oldestS: null, held: null },
    { priority: 'p3', records: 512, bytes: 700, oldestS: 3, held: 'only over Wi-Fi or Ethernet' },
  ],
  budget: { bytes: 1e9, used: 81e7, month: '2026-11' },
  counts: { sent: 40, acknowledged: 37, retries: 1, gaps: 0 },
};

test.each([noSync(), BUSY])('how far the cloud is, is told as it is: $state', async (sync) => {
  const gateway = { ...bareGateway(), sync: () => sync };
  const reply = await dispatch(ROUTES, gateway, request('GET', '/api/v1/sync'), as('operator'));
  const body = JSON.parse(String(reply?.body));
  expect(reply?.status).toBe(200);
  expect(body).toEqual(sync);
  expect(v.parse(readSync.reply, body)).toEqual(sync);
});
