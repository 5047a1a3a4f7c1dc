/** What the WebSocket of a session sends, held against what the documents say. */
import { expect, test } from 'vitest';
import { call, exchange } from '../../support/call.ts';
import { eventually, startGateway } from '../../support/gateway.ts';
import { openSocket } from '../../support/tokens.ts';
import { checked } from './documented.ts';

interface Message {
  readonly type: string;
}

test('what the session WebSocket sends is what the documents say', async () => {
  await using gateway = await startGateway({ args: [] });
  const api = `${gateway.url}api/v1`;
  let id = 0;
  await eventually('a session begins', async () => {
    const { status, body } = await exchange(`${api}/sessions`, 'POST', {});
    id = body.id;
    return { done: status === 201, seen: JSON.stringify(body) };
  });
  const { epoch, t3 } = await (await call(`${api}/sessions/${id}/time`, 'POST', { t1: 0 })).json();
  const socket = openSocket(`${api}/ws/session/${id}`);
  const messages: Message[] = [];
  socket.onmessage = ({ data }) => void messages.push(JSON.parse(String(data)));
  const has = (type: string) => messages.some((message) => message.type === type);
  const came = (...types: readonly string[]) =>
    eventually(types.join(' and '), async () => {
      return { done: types.every(has), seen: JSON.stringify(messages) };
    });
  await came('joined');
  const times = { t1: 1_000_000, t2: t3, t3: t3 + 10, t4: 1_000_200 };
  const of = { client: 'cam', epoch };
  for (const message of [
    { type: 'clock', id: 1, ...of, exchanges: [times] },
    { type: 'data', id: 2, stream: 'face', seq: 0, client: 'bad' },
    { type: 'marker', id: 3, text: 'here' },
  ]) {
    socket.send(JSON.stringify(message));
  }
  await came('clock', 'error', 'ack', 'event');
  socket.close();
  expect([...checked('session', messages)]).toEqual(
    expect.arrayContaining(['hello', 'joined', 'subscribed', 'clock', 'error', 'ack', 'event']),
  );
});
