/** What a person sees of an action that hangs. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createAlerting } from '../../support/alerting-world.ts';

test('a test of an action that takes a minute has failed, and says so', async () => {
  // It takes the connection, and never says a word.
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  onTestFinished(() => void server.close());
  const to = 'from=car@mail.example&to=me@mail.example';
  const { alerting, clock } = createAlerting({
    flags: ['--mail', `smtp://127.0.0.1:${port}?${to}`],
  });
  const connected = once(server, 'connection');
  const tested = expect(alerting.test('mail')).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: 'mail: not done in 60 s',
  });
  await connected;
  await clock.advance(60_000);
  await tested;
});
