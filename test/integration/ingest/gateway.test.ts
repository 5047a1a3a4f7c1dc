/** What clients send to a gateway that runs: over HTTP and over a WebSocket, and over a kill. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { call, exchange } from '../../support/call.ts';
import { eventually, type Gateway, startGateway } from '../../support/gateway.ts';
import { get, openSocket } from '../../support/tokens.ts';

interface Message {
  readonly type: string;
  readonly [key: string]: unknown;
}

let data = '';

beforeEach(async () => {
  data = await mkdtemp(path.join(tmpdir(), 'vigil-ingest-'));
});

afterEach(async () => {
  await rm(data, { recursive: true });
});

function start(): Promise<Gateway> {
  return startGateway({ args: ['--data', data] });
}

/** A session of its own, once the store is open. */
async function begin({ url }: Gateway): Promise<string> {
  let id = 0;
  await eventually('a session begins', async () => {
    const { status, body } = await exchange(`${url}api/v1/sessions`, 'POST', {});
    id = body.id;
    return { done: status === 201, seen: JSON.stringify(body) };
  });
  return `${url}api/v1/sessions/${id}`;
}

/** A moment that has been, of the gateway's clock, in whole milliseconds. */
async function moment(session: string): Promise<{ epoch: number; t: number }> {
  const response = await call(`${session}/time`, 'POST', { t1: 0 });
  const { epoch, t3 } = await response.json();
  await sleep(700);
  return { epoch, t: Math.ceil(t3 / 1000) * 1000 };
}

/** Half a second of everything. */
function batches({ epoch, t }: { readonly epoch: number; readonly t: number }) {
  const wave = (from: number) => Array.from({ length: 64 }, (_, i) => (from + i) * 1.25 - 40);
  const pictures = Array.from({ length: 10 }, (_, i) => {
    const headPose = { yaw: i, pitch: -i, roll: 0.5 * i };
    const seen = { faceDetected: true, confidence: 0.9, perclos: i / 100 };
    return { t: t + i * 33_000, ...seen, blink: i % 4 === 0, headPose };
  });
  const tasks = [{ t: t + 100_000, event: 'brake', data: { reaction_ms: 420, lane: 'left' } }];
  return [0, 1, 2].flatMap((seq) => {
    const of = { seq, epoch };
    const from = t + (seq * 64 * 1e6) / 512;
    const channels = { TP9: wave(seq * 64), AF7: wave(seq * 7) };
    return [
      {
        kind: 'eeg',
        body: { ...of, client: 'muse', t: from, hz: 512, unit: 'uV', channels },
      },
      ...(seq > 0 ? [] : [{ kind: 'face', body: { ...of, client: 'cam', items: pictures } }]),
      ...(seq > 0 ? [] : [{ kind: 'game', body: { ...of, client: 'sim', items: tasks } }]),
    ];
  });
}

const STREAMS = ['eeg.muse.raw.tp9', 'eeg.muse.raw.af7', 'face.perclos60', 'face.head.yaw'];

/** What is stored of a session, with its times from the first one on. */
async function stored(session: string, t: number) {
  const streams = [...STREAMS, 'game.reaction_ms'].join();
  const series = await (await call(`${session}/data?streams=${streams}`, 'GET')).json();
  const { items } = await (await call(`${session}/events`, 'GET')).json();
  const origin = Math.min(...Object.values(series.streams).flatMap((one) => Object(one).t));
  const move = (times: readonly number[]) => times.map((at) => at - origin);
  return {
    series: Object.entries(series.streams).map(([id, one]) => {
      return [id, move(Object(one).t), Object(one).v];
    }),
    events: items.map(({ stream, data: of, t: at }: Message & { t: number; data: object }) => {
      const clientT = Number(Object(of).clientT) - t;
      return [stream, at - origin, { ...of, clientT }];
    }),
  };
}

/** A WebSocket of a session, as soon as one may send. */
async function join(session: string) {
  const socket = openSocket(session.replace('/sessions/', '/ws/session/'));
  const messages: Message[] = [];
  socket.onmessage = ({ data: text }) => void messages.push(JSON.parse(String(text)));
  const of = (type: string) => messages.filter((message) => message.type === type);
  await eventually('joined', async () => {
    return { done: of('joined').length > 0, seen: JSON.stringify(messages) };
  });
  return { socket, messages, of, send: (message: object) => socket.send(JSON.stringify(message)) };
}

test('HTTP and a WebSocket store the same, and those who are in the session see it', async () => {
  await using gateway = await start();
  const first = await begin(gateway);
  const overHttp = await moment(first);
  for (const { kind, body } of batches(overHttp)) {
    const reply = await (await call(`${first}/${kind}`, 'POST', body)).json();
    expect(reply).toEqual({ seq: body.seq, duplicate: false });
  }
  const kept = await stored(first, overHttp.t);
  await call(first, 'PATCH', { state: 'ended' });

  const second = await begin(gateway);
  const overSocket = await moment(second);
  const sender = await join(second);
  const other = await join(second);
  const all = batches(overSocket);
  for (const { kind, body } of all) sender.send({ type: 'data', stream: kind, ...body });
  await eventually('all are acknowledged', async () => {
    const seen = JSON.stringify(sender.messages.slice(-5));
    return { done: sender.of('ack').length === all.length, seen };
  });
  expect(kept.series.map(([, t]) => t.length)).toEqual([192, 192, 10, 10, 1]);
  expect(await stored(second, overSocket.t)).toEqual(kept);
  expect(other.of('ack')).toEqual([]);
  expect(other.of('wave')).toHaveLength(6);
  expect(other.of('event').map(({ stream }) => stream)).toEqual([
    ...['face.blink', 'face.blink', 'face.blink', 'game.brake'],
  ]);
  sender.socket.close();
  other.socket.close();
});

test('what was acknowledged is there after a kill, and is not stored again', async () => {
  let session = '';
  let sent: ReturnType<typeof batches> = [];
  {
    await using gateway = await start();
    session = await begin(gateway);
    sent = batches(await moment(session));
    const key = { 'idempotency-key': '"a"' };
    for (const { kind, body } of sent) await call(`${session}/${kind}`, 'POST', body);
    const marker = { type: 'marker', text: 'tired' };
    expect((await mark(session, marker, key)).status).toBe(201);
    gateway.kill('SIGKILL');
    await gateway.exited;
  }
  await using gateway = await start();
  session = `${gateway.url}${session.slice(session.indexOf('api/'))}`;
  await eventually('the store is open', async () => {
    const { status } = await exchange(session, 'GET');
    return { done: status === 200, seen: String(status) };
  });
  for (const { kind, body } of sent) {
    const reply = await exchange(`${session}/${kind}`, 'POST', body);
    expect(reply).toMatchObject({ status: 200, body: { seq: body.seq, duplicate: true } });
  }
  const again = await mark(session, { type: 'marker', text: 'tired' }, { 'idempotency-key': 'a' });
  expect(again.status).toBe(200);
  const { stats } = await (await call(session, 'GET')).json();
  expect(stats.streams).toMatchObject({
    'eeg.muse.raw.tp9': { n: 192, lost: 0 },
    'face.perclos60': { n: 10 },
    'face.blink': { n: 3 },
    'game.brake': { n: 1 },
    marker: { n: 1 },
  });
  const { items } = await (await call(`${gateway.url}api/v1/streams`, 'GET')).json();
  const ids = items.map(({ id }: { id: string }) => id);
  for (const id of [...STREAMS, 'marker', 'game.brake']) expect(ids).toContain(id);
  const file = await call(`${gateway.url}api/v1/export`, 'POST', {
    ...{ session: Number(session.split('/').at(-1)), format: 'csv' },
  });
  const text = await file.text();
  for (const id of STREAMS) expect(text).toContain(id);
});

test('what cannot be taken is refused with the place where it is wrong', async () => {
  await using gateway = await start();
  const session = await begin(gateway);
  const { epoch, t } = await moment(session);
  const face = { t, faceDetected: true, confidence: 0.5 };
  const body = { client: 'cam', seq: 0, epoch, items: [face] };
  const post = (what: object, kind = 'face') => exchange(`${session}/${kind}`, 'POST', what);
  const at = (pointer: string) => ({ errors: [{ pointer }] });
  const wrong = { ...body, items: [face, { ...face, confidence: 2 }] };
  expect(await post(wrong)).toMatchObject({ status: 422, body: at('/items/1/confidence') });
  expect(await post({ ...body, more: 1 })).toMatchObject({ status: 422, body: at('/more') });
  const late = { ...body, items: [face, { ...face, t: 9e12 }] };
  expect(await post(late)).toMatchObject({ status: 422, body: at('/items/1/t') });
  expect(await post({ ...body, epoch: epoch + 1 })).toMatchObject({ status: 409 });
  expect((await exchange(`${session}0/face`, 'POST', body)).status).toBe(404);
  const values = Array.from({ length: 4_096 }, (_, i) => i + 0.123);
  const channels = { a: values, b: values, c: values, d: values };
  const long = { client: 'x', seq: 0, epoch, t, hz: 4_096, unit: 'uV', channels };
  // Longer than other bodies may be, and refused for its times only.
  expect(await post(long, 'eeg')).toMatchObject({ status: 422, body: at('/t') });
  await call(session, 'PATCH', { state: 'ended' });
  expect((await post(body)).status).toBe(409);
});

function mark(session: string, body: object, headers: Record<string, string>) {
  return get(`${session}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}
