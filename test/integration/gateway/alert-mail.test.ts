/**
 * Mail over a real server with TLS, from a gateway that is a process of its own: while the server is
 * down an alert waits in the store, over a kill -9, and is delivered once when it is back.
 * VIGIL_MAIL_DOWN_S makes the server be down for longer than it is in CI.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { call } from '../../support/call.ts';
import { freePort } from '../../support/free-ports.ts';
import { eventually, type Gateway, startGateway } from '../../support/gateway.ts';
import { type Certificates, makeCertificates, startSmtpServer } from '../../support/smtp-server.ts';
import { get } from '../../support/tokens.ts';

const DOWN_MS = Number(process.env['VIGIL_MAIL_DOWN_S'] ?? 3) * 1_000;
/** A copy would come within it. */
const QUIET_MS = 3_000;
/** The server may have come back just after a try: the longest pause of so short an outage. */
const DELIVERED_MS_MAX = 60_000 + 2 * DOWN_MS;

let data = '';
let certificates: Certificates;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'vigil-mail-'));
  certificates = await makeCertificates();
});

afterEach(async () => {
  certificates.remove();
  await rm(data, { recursive: true });
});

function start(port: number): Promise<Gateway> {
  const addresses = 'from=car@mail.example&to=me@mail.example';
  return startGateway({
    args: [
      ...['--sim', '1', '--data', data, '--device', 'golf', '--link', 'http://10.42.0.1'],
      ...['--mail', `smtp://user:secret-word@localhost:${port}?${addresses}&ca=${certificates.ca}`],
    ],
  });
}

async function ask(gateway: Gateway, method: string, path: string, body?: object) {
  return await (await call(`${gateway.url}api/v1${path}`, method, body)).json();
}

test('a mail waits for its server over a kill, and is delivered once', {
  timeout: 120_000 + 3 * DOWN_MS,
}, async () => {
  const port = await freePort();
  await using first = await start(port);
  await ask(first, 'POST', '/alerts', {
    ...{ name: 'Turns', severity: 'warn', cooldownMs: 86_400_000 },
    ...{ stream: 'obd.engine.rpm', when: { op: '>', value: 1 }, unit: '/min' },
  });
  await first.untilPart('mail', ({ status, details }) => {
    return status === 'waiting' && details['failed'] === 1 && details['unsaved'] === 0;
  });
  const { items } = await ask(first, 'GET', '/alerts/active');
  const alert = items.find(({ rule }: { rule: { id: string } }) => rule.id === 'turns');
  await delay(DOWN_MS / 2);
  first.kill('SIGKILL');
  await first.exited;

  const back = async () => {
    await delay(DOWN_MS / 2);
    const moods = { login: () => undefined };
    const certificate = certificates.good;
    return await startSmtpServer({ tls: 'starttls', certificate, moods, port });
  };
  // The first pause is a minute. After a short outage a person who presses the test button ends it.
  const early = DOWN_MS < 60_000 ? await back() : undefined;
  await using second = await start(port);
  const server = early ?? (await back());
  onTestFinished(server.stop);
  if (early) await get(`${second.url}api/v1/alerts/actions/mail/test`, { method: 'POST' });
  const about = () => server.received.filter(({ parsed }) => parsed.subject?.includes('Turns'));
  await eventually(
    'the mail comes',
    () => ({ done: about().length > 0, seen: `${server.connections} connections` }),
    DELIVERED_MS_MAX,
  );
  await delay(QUIET_MS);
  expect(about()).toHaveLength(1);
  const [mail] = about();
  expect(mail).toMatchObject({
    from: 'car@mail.example',
    to: ['me@mail.example'],
    secure: true,
    user: 'user',
  });
  expect(mail?.parsed.subject).toContain('golf');
  expect(mail?.parsed.text).toContain(alert.text);
  expect(mail?.parsed.text).toContain(`http://10.42.0.1/#alerts/${alert.id}`);
  await second.untilPart('mail', ({ details }) => details['waiting'] === 0);
  // The alert goes on under its id: nobody is told of a second one.
  const { items: after } = await ask(second, 'GET', '/alerts/history?rule=turns');
  expect(after.map(({ id }: { id: string }) => id)).toEqual([alert.id]);
  expect([...first.log, ...second.log, ...second.errors].join('\n')).not.toContain('secret-word');
});

test('the test button sends a mail, and tells what the server said when it refuses', async () => {
  const refusing = { recipient: () => '550 5.1.1 nobody of that name' as string | undefined };
  const server = await startSmtpServer({
    tls: 'starttls',
    certificate: certificates.good,
    moods: { ...refusing, login: () => undefined },
  });
  onTestFinished(server.stop);
  await using gateway = await start(server.port);
  const url = `${gateway.url}api/v1/alerts/actions/mail/test`;
  const refused = await get(url, { method: 'POST' });
  expect(refused.status).toBe(502);
  expect(await refused.json()).toMatchObject({ detail: expect.stringContaining('nobody of that') });
});
