/** Mail to a real server over real TLS: what arrives, and what happens when it does not. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { MailError, type MailMessage, type SmtpOptions } from '../../../../src/io/mail.ts';
import { openSmtp } from '../../../../src/io/smtp.ts';
import {
  type Certificates,
  makeCertificates,
  type SmtpTestOptions,
  startRawServer,
  startSmtpServer,
} from '../../../support/smtp-server.ts';

const DATE = Date.UTC(2026, 10, 3, 13, 2, 11);
const PASSWORD = 'canary-Zx9';
const ON = new AbortController().signal;

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());

async function server(options: Omit<SmtpTestOptions, 'certificate'> & Partial<SmtpTestOptions>) {
  const started = await startSmtpServer({ certificate: certificates.good, ...options });
  onTestFinished(started.stop);
  return started;
}

function smtp(port: number, changes: Partial<SmtpOptions> = {}): SmtpOptions {
  return {
    ...{ host: 'localhost', port, tls: 'starttls', ca: certificates.ca },
    ...{ from: 'car@mail.example', to: ['a@mail.example', 'b@mail.example'] },
    ...changes,
  };
}

function message(changes: Partial<MailMessage> = {}): MailMessage {
  return {
    messageId: '<vigil.alert.1@mail.example>',
    subject: 'ALARM: Kühlmittel zu heiß',
    text: 'Kühlmittel 112 °C\n\n.\nFrom the car\n',
    date: DATE,
    ...changes,
  };
}

/** The error of a mail that must not be taken. */
async function failure(options: SmtpOptions, limitsMs = 20_000): Promise<MailError> {
  const limits = { connectMs: limitsMs, greetingMs: limitsMs, messageMs: 20_000 };
  const sent = openSmtp(options, limits).send(message(), ON);
  const error = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof MailError)) throw new Error(`no MailError: ${String(error)}`);
  expect(JSON.stringify([error.message, error.stack, error])).not.toContain(PASSWORD);
  expect(error.message).toMatch(/^mail server \S+:\d+: \S/);
  return error;
}

test.each(['starttls', 'implicit'] as const)('%s: what was sent is what came', async (tls) => {
  const login = (user: string, password: string) =>
    user === 'car' && password === PASSWORD ? undefined : '535 no';
  const far = await server({ tls, moods: { login } });
  const mailer = openSmtp(smtp(far.port, { tls, user: 'car', password: PASSWORD }));
  const sent = await mailer.send(message(), ON);
  expect(sent).toMatchObject({ messageId: '<vigil.alert.1@mail.example>', refused: [] });
  expect(sent.response).toMatch(/^250 .*kept/);
  expect(far.received).toHaveLength(1);
  const [mail] = far.received;
  expect(mail).toMatchObject({
    ...{ from: 'car@mail.example', to: ['a@mail.example', 'b@mail.example'] },
    ...{ secure: true, user: 'car' },
  });
  const { parsed } = mail ?? {};
  expect(parsed).toMatchObject({
    from: { address: 'car@mail.example', name: '' },
    to: [{ address: 'a@mail.example' }, { address: 'b@mail.example' }],
    subject: 'ALARM: Kühlmittel zu heiß',
    messageId: '<vigil.alert.1@mail.example>',
    date: '2026-11-03T13:02:11.000Z',
    text: 'Kühlmittel 112 °C\n\n.\nFrom the car\n',
    attachments: [],
  });
  expect(parsed?.html).toBeUndefined();
  expect(parsed?.headers.find(({ key }) => key === 'auto-submitted')?.value).toBe('auto-generated');
});

test('a mail for some names everybody, and goes to those', async () => {
  const far = await server({ tls: 'starttls' });
  await openSmtp(smtp(far.port)).send(message({ to: ['b@mail.example'] }), ON);
  expect(far.received[0]?.to).toEqual(['b@mail.example']);
  expect(far.received[0]?.parsed.to).toHaveLength(2);
});

test.each([
  ['expired', 'has expired'],
  ['selfSigned', 'from no authority that is known here'],
  ['otherHost', 'is for another host'],
] as const)('a certificate that is %s gets no mail', async (name, words) => {
  for (const tls of ['starttls', 'implicit'] as const) {
    const far = await server({ tls, certificate: certificates[name] });
    const error = await failure(smtp(far.port, { tls, user: 'car', password: PASSWORD }));
    expect(error.code).toBe('TLS');
    expect(error.message).toContain(words);
    expect(far.received).toEqual([]);
  }
});

test('a good certificate needs its authority', async () => {
  const far = await server({ tls: 'starttls' });
  const { ca: _, ...without } = smtp(far.port);
  expect((await failure(without)).code).toBe('TLS');
  const missing = await failure(smtp(far.port, { ca: '/nowhere/ca.pem' }));
  expect(missing.code).toBe('TLS');
  expect(missing.message).toContain('/nowhere/ca.pem');
});

test('a server without STARTTLS hears neither the password nor the mail', async () => {
  let heard = '';
  const far = await startRawServer((socket) => {
    socket.write('220 far ESMTP\r\n');
    socket.on('data', (data) => {
      heard += data.toString();
      socket.write(/EHLO/.test(data.toString()) ? '250-far\r\n250 AUTH PLAIN\r\n' : '502 no\r\n');
    });
  });
  onTestFinished(far.stop);
  const error = await failure(smtp(far.port, { user: 'car', password: PASSWORD }));
  expect(error.code).toBe('TLS');
  expect(heard).toMatch(/^EHLO \S+\r\nSTARTTLS\r\n$/);
});

test('what a man in the middle adds before TLS is not heard', async () => {
  // RFC 3207, 6: the answer to a command that was never sent in the open.
  let afterwards = Buffer.alloc(0);
  const far = await startRawServer((socket) => {
    socket.write('220 far ESMTP\r\n');
    socket.on('data', (data) => {
      if (/^EHLO/.test(data.toString())) return socket.write('250-far\r\n250 STARTTLS\r\n');
      if (/^STARTTLS/.test(data.toString())) return socket.write('220 go\r\n250 AUTH PLAIN\r\n');
      afterwards = Buffer.concat([afterwards, data]);
      return socket.destroy();
    });
  });
  onTestFinished(far.stop);
  expect((await failure(smtp(far.port, { user: 'car', password: PASSWORD }))).code).toBe('CLOSED');
  // A record of a TLS handshake (RFC 8446, 5.1), and nothing in the open.
  expect(afterwards.subarray(0, 2)).toEqual(Buffer.from([22, 3]));
});

test.each(['starttls', 'implicit'] as const)('%s: silence ends in time', async (tls) => {
  const far = await startRawServer(() => {});
  onTestFinished(far.stop);
  expect((await failure(smtp(far.port, { tls }), 200)).code).toBe('TIMEOUT');
});

test('a server that trickles on for ever ends in time', async () => {
  const far = await startRawServer((socket) => {
    const timer = setInterval(() => socket.write('220-wait\r\n'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  onTestFinished(far.stop);
  const limits = { connectMs: 10_000, greetingMs: 10_000, messageMs: 300 };
  const error = await openSmtp(smtp(far.port), limits)
    .send(message(), ON)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'TIMEOUT', message: expect.stringContaining('0.3 s') });
});

test('a stop ends it with the reason of the stop', async () => {
  const far = await startRawServer(() => {});
  onTestFinished(far.stop);
  const stop = new AbortController();
  const sent = openSmtp(smtp(far.port)).send(message(), stop.signal);
  stop.abort(new Error('stopped'));
  await expect(sent).rejects.toThrow('stopped');
  await expect(openSmtp(smtp(far.port)).send(message(), stop.signal)).rejects.toThrow('stopped');
});

test('nothing listens, closes at once, dies in the text', async () => {
  const gone = await startRawServer(() => {});
  await gone.stop();
  const refused = await failure(smtp(gone.port));
  expect(refused.code).toBe('CONNECT');
  expect(refused.message).toContain('nothing listens there');
  expect((await failure(smtp(1, { host: 'no-such-host.invalid' }))).code).toBe('CONNECT');

  const closing = await startRawServer((socket) => socket.end());
  onTestFinished(closing.stop);
  expect((await failure(smtp(closing.port))).code).toBe('CLOSED');

  const dying = await server({ tls: 'starttls', moods: { text: () => 'die' } });
  expect((await failure(smtp(dying.port))).code).toBe('CLOSED');
  expect(dying.received).toEqual([]);
});

test('what nodemailer calls by a name that nobody knows is a failure all the same', async () => {
  const to = Array.from({ length: 100_001 }, (_, n) => `a${n}@example.org`);
  const error = await failure(smtp(1, { to }));
  expect(error.code).toBe('CLOSED');
  expect(error.message).toMatch(/: Message has 100001 recipients/);
});

test.each([
  ['554 5.7.1 no mail from there', 'CONNECT'],
  ['421 4.3.0 too busy', 'LATER'],
])('a greeting of %s is %s', async (greeting, code) => {
  const far = await startRawServer((socket) => socket.end(`${greeting}\r\n`));
  onTestFinished(far.stop);
  const error = await failure(smtp(far.port));
  expect(error.code).toBe(code);
  expect(error.message).toContain(`said ${greeting}`);
});

test.each([
  ['535 5.7.8 wrong canary-Zx9 or Y2FuYXJ5LVp4OQ==', 'AUTH'],
  ['454 4.7.0 ask me later', 'LATER'],
])('a login that gets %s is %s', async (reply, code) => {
  const far = await server({ tls: 'starttls', moods: { login: () => reply } });
  const error = await failure(smtp(far.port, { user: 'car', password: PASSWORD }));
  expect(error.code).toBe(code);
  expect(error.message).not.toContain('Y2FuYXJ5LVp4OQ');
  const without = await failure(smtp(far.port));
  expect(without.code).toBe('AUTH');
});

test('one recipient that is refused does not hold the other', async () => {
  const recipient = (address: string) => (address.startsWith('a') ? '550 5.1.1 who?' : undefined);
  const far = await server({ tls: 'starttls', moods: { recipient } });
  const sent = await openSmtp(smtp(far.port)).send(message(), ON);
  expect(sent.refused).toEqual([
    { address: 'a@mail.example', reply: '550 5.1.1 who?', permanent: true },
  ]);
  expect(far.received[0]?.to).toEqual(['b@mail.example']);
});

test.each([
  ['550 5.1.1 who?', 'REFUSED', true],
  ['450 4.2.0 greylisted', 'LATER', false],
] as const)('all recipients get %s: %s', async (reply, code, permanent) => {
  const far = await server({ tls: 'starttls', moods: { recipient: () => reply } });
  const error = await failure(smtp(far.port));
  expect(error.code).toBe(code);
  expect(error.refused.map((one) => one.permanent)).toEqual([permanent, permanent]);
});

test.each([
  ['554 5.7.1 spam', 'REFUSED'],
  ['451 4.3.0 later', 'LATER'],
])('the text gets %s: %s', async (reply, code) => {
  const far = await server({ tls: 'starttls', moods: { text: () => reply } });
  expect((await failure(smtp(far.port))).code).toBe(code);
});

const TRICKS: readonly string[] = [
  'x\r\nBcc: thief@mail.example',
  'x\nBcc: thief@mail.example',
  'x\rBcc: thief@mail.example',
  'x\r\n\r\n<b>body</b>',
  'x\0y',
  'x\u2028Bcc: thief@mail.example',
  'x\x0b\x0c\x1b[2Jy',
  '=?utf-8?Q?x=0D=0ABcc:_thief@mail.example?=',
  '"quoted" <thief@mail.example>, more',
  '\ud800 half',
  'x\r\n.\r\nMAIL FROM:<thief@mail.example>',
  'ä'.repeat(5_000),
];

test('S34: no text becomes a header, a recipient or a command', async () => {
  const far = await server({ tls: 'starttls' });
  const mailer = openSmtp(smtp(far.port));
  for (const trick of TRICKS) {
    const sent = { subject: trick, text: `${trick}\nend`, messageId: `<${trick}@mail.example>` };
    await mailer.send(message(sent), ON);
    const mail = far.received.at(-1);
    expect(mail?.to).toEqual(['a@mail.example', 'b@mail.example']);
    expect(mail?.parsed.headers.map(({ key }) => key).toSorted()).toEqual([
      ...['auto-submitted', 'content-transfer-encoding', 'content-type', 'date', 'from'],
      ...['message-id', 'mime-version', 'subject', 'to'],
    ]);
    expect(mail?.parsed.html).toBeUndefined();
    expect(mail?.parsed.text).toMatch(/end\n?$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
    expect(mail?.parsed.subject).not.toMatch(/[\x00-\x1f\u2028]/);
    expect(mail?.raw).toMatch(/^([\t -~]{0,998}\r\n)*$/);
  }
  expect(far.received).toHaveLength(TRICKS.length);
});

test('plain SMTP is for this computer only', async () => {
  const plain = { ...smtp(25), tls: 'none' } as const;
  expect(() => openSmtp({ ...plain, host: 'mail.example' })).toThrow('without TLS');
  expect(() => openSmtp({ ...plain, host: '192.168.0.2' })).toThrow('without TLS');
  expect(() => openSmtp(smtp(25, { to: ['a@b.example\r\nDATA'] }))).toThrow('no mail address');
  expect(() => openSmtp(smtp(25, { from: 'a@b>' }))).toThrow('no mail address');
  expect(() => openSmtp(smtp(25, { to: [] }))).toThrow('nobody');
  const far = await server({ tls: 'none' });
  await openSmtp({ ...smtp(far.port), tls: 'none', host: '127.0.0.1' }).send(message(), ON);
  expect(far.received[0]?.secure).toBe(false);
});
