/** A gateway that is told to listen over TLS, from its flags to a client that trusts it. */
import { expect, test } from 'vitest';
import { startGateway } from '../../support/gateway.ts';
import { call, pemOf } from './secure-call.ts';

test('two flags are all it takes', async () => {
  const args = [
    '--sim',
    '1',
    '--quota',
    '16',
    '--https',
    '127.0.0.1:0',
    '--hosts',
    'car.example.org',
  ];
  await using gateway = await startGateway({ args });
  const log = gateway.log.join('\n');
  const [, url = ''] = /Vigil \S+ at \S+ and (https:\S+)\//.exec(log) ?? [];
  const [, fingerprint = ''] =
    /over TLS on 127\.0\.0\.1, port .* is ([0-9A-F:]{95})/.exec(log) ?? [];
  const ca = pemOf((await call(`${gateway.url}trust/ca.crt`)).body);
  const page = (await call(`${url}/trust`, { ca })).body.toString();
  expect(page).toContain(fingerprint.replaceAll(':', ' '));
  for (const name of ['localhost', 'car.example.org']) {
    const { port } = new URL(url);
    const options = { ca, servername: name, headers: { host: `${name}:${port}` } };
    expect((await call(`${url}/health`, options)).status, name).toBe(200);
  }
  const rebound = { ca, servername: 'localhost', headers: { host: 'rebind.example.org' } };
  expect((await call(`${url}/`, rebound)).status).toBe(403);
});

test('without openssl it says so, and does not start', async () => {
  const args = ['--sim', '1', '--quota', '16', '--https', '127.0.0.1:0'];
  const start = startGateway({ args, env: { PATH: '/nowhere' } });
  await expect(start).rejects.toThrow(
    /https: it needs the program openssl, which is not installed/,
  );
});
