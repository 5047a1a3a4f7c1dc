/** A webhook against real HTTP servers, the bad ones that there are included. */
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTcp, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openWebhook } from '../../../src/io/webhook.ts';

const BODY = JSON.stringify({ text: '112 °C' });
const KEY = 'abc_-123';

interface Got {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // The other side may go at any moment.
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** Answers each request once its body is there, with the next of these; the last for all that follow. */
async function receiver(...answers: RequestListener[]) {
  const got: Got[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      got.push({ method, url, headers, body });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      answer?.(request, response);
    });
  });
  return { got, host: await listen(server) };
}

/** Says this, whatever it is asked. */
async function parrot(text: string, end = true) {
  return await listen(
    createTcp((socket) => {
      socket.once('data', () => (end ? socket.end(text) : socket.write(text)));
    }),
  );
}

function says(status: number, text = '', headers: Readonly<Record<string, string>> = {}) {
  const answer: RequestListener = (_request, response) => {
    response.writeHead(status, headers).end(text);
  };
  return answer;
}

function post(host: string, timeoutMs = 5_000, signal = new AbortController().signal) {
  return openWebhook({ url: `http://me:pw@${host}/hook?x=1`, timeoutMs }).post(BODY, KEY, signal);
}

test('a body is posted as it is, with its key', async () => {
  const { got, host } = await receiver(says(204));
  await post(host);
  expect(got).toMatchObject([
    {
      method: 'POST',
      url: '/hook?x=1',
      body: BODY,
      headers: {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(BODY)),
        'idempotency-key': `"${KEY}"`,
        authorization: `Basic ${btoa('me:pw')}`,
      },
    },
  ]);
});

test('500 may be tried again, and then it is 200', async () => {
  const { got, host } = await receiver(says(500, 'no\r\ndatabase'), says(200, 'ok'));
  await expect(post(host)).rejects.toMatchObject({
    ...{ code: 'LATER', permanent: false, status: 500, retryAfterMs: 0 },
    message: `${host} said 500 Internal Server Error: no database`,
  });
  await post(host);
  expect(got.map(({ headers }) => headers['idempotency-key'])).toEqual([`"${KEY}"`, `"${KEY}"`]);
});

test.each([
  [400, 'REFUSED', true],
  [401, 'REFUSED', true],
  [404, 'REFUSED', true],
  [408, 'LATER', false],
  [410, 'REFUSED', true],
  [429, 'LATER', false],
  [502, 'LATER', false],
  [503, 'LATER', false],
])('%i is %s', async (status, code, permanent) => {
  const { host } = await receiver(says(status));
  await expect(post(host)).rejects.toMatchObject({ code, permanent, status });
});

const DATE = 'Tue, 01 Jan 2030 00:00:00 GMT';

test.each([
  [{ 'Retry-After': '7' }, 7_000],
  [{ 'Retry-After': '86400' }, 300_000],
  [{ 'Retry-After': 'soon' }, 0],
  [{ 'Retry-After': '-5' }, 0],
  [{ 'Retry-After': 'Tue, 01 Jan 2030 00:00:30 GMT', Date: DATE }, 30_000],
  [{ 'Retry-After': 'Mon, 31 Dec 2029 23:59:00 GMT', Date: DATE }, 0],
])('429 with %j wants to be left alone for %i ms', async (headers, retryAfterMs) => {
  const { host } = await receiver(says(429, '', headers));
  await expect(post(host)).rejects.toMatchObject({ code: 'LATER', retryAfterMs });
});

test.each([301, 302, 307, 308])('a redirect (%i) is not followed', async (status) => {
  const other = await receiver(says(200));
  const { host } = await receiver(says(status, '', { Location: `http://${other.host}/` }));
  await expect(post(host)).rejects.toMatchObject({ code: 'REDIRECT', permanent: true });
  expect(other.got).toEqual([]);
});

test('a server that says nothing is given up in time', async () => {
  const { got, host } = await receiver(() => {});
  await expect(post(host, 200)).rejects.toMatchObject({
    ...{ code: 'TIMEOUT', permanent: false, message: `${host}: no answer in 0.2 s` },
  });
  expect(got).toHaveLength(1);
});

test('a server that says 200 and then nothing has it', async () => {
  await post(await parrot('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', false));
});

test('a server that says 400 and then nothing has refused it', async () => {
  const host = await parrot('HTTP/1.1 400 No\r\nContent-Length: 10\r\n\r\nbad', false);
  await expect(post(host, 200)).rejects.toMatchObject({
    ...{ code: 'REFUSED', message: `${host} said 400 No: bad` },
  });
});

test('an answer without an end is cut, and said in one short line', async () => {
  const { host } = await receiver((_request, response) => {
    response.writeHead(500);
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', more).on('error', () => {});
    more();
  });
  const error = await post(host).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'LATER' });
  expect(String(error).length).toBeLessThan(300);
});

test('a connection that is reset may be tried again', async () => {
  const host = await listen(
    createTcp((socket) => {
      socket.once('data', () => socket.resetAndDestroy());
    }),
  );
  await expect(post(host)).rejects.toMatchObject({
    ...{ code: 'CLOSED', permanent: false, message: `${host}: closed the connection` },
  });
});

test.each([
  ['', 'closed the connection'],
  ['HTTP/1.1 200', 'closed the connection'],
  ['220 mail.example ESMTP\r\n\r\n', 'its answer is no HTTP'],
  ['HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', 'closed the connection'],
])('%j is no answer', async (text, reason) => {
  const host = await parrot(text);
  await expect(post(host, 2_000)).rejects.toMatchObject({
    ...{ code: 'CLOSED', message: `${host}: ${reason}` },
  });
});

test('nothing listens there, or there is no such host', async () => {
  await expect(post('127.0.0.1:9')).rejects.toMatchObject({
    ...{ code: 'CONNECT', permanent: false, message: '127.0.0.1:9: nothing listens there' },
  });
  await expect(post('no-such-host.invalid')).rejects.toMatchObject({ code: 'CONNECT' });
});

test('TLS to a server that speaks none fails as such', async () => {
  const { host } = await receiver(says(200));
  const webhook = openWebhook({ url: `https://${host}/token`, timeoutMs: 2_000 });
  const error = await webhook.post(BODY, KEY, new AbortController().signal).catch(String);
  expect(error).toMatch(/^WebhookError: 127\.0\.0\.1:\d+: TLS failed/);
});

test('a stop ends it at once, with the reason of the stop', async () => {
  const stop = new AbortController();
  const reason = new Error('stopped');
  const { host } = await receiver(() => stop.abort(reason));
  await expect(post(host, 5_000, stop.signal)).rejects.toBe(reason);
  await expect(post(host, 5_000, stop.signal)).rejects.toBe(reason);
});
