/** The queue over real mail, on a clock that is moved by hand. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { MailQueue } from '../../../../src/alerts/mail/queue.ts';
import type { StoredMail } from '../../../../src/alerts/mail/shelf.ts';
import { openSmtp } from '../../../../src/io/smtp.ts';
import { alertOf } from '../../../support/alert-fixture.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { SILENT_LOG } from '../../../support/silent-log.ts';
import {
  type Certificates,
  type Moods,
  makeCertificates,
  startSmtpServer,
} from '../../../support/smtp-server.ts';

const DATE = Date.UTC(2026, 10, 3, 13, 2, 11);
const ON = new AbortController().signal;

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates.remove());

async function server(options: { readonly moods?: Moods; readonly port?: number } = {}) {
  const certificate = certificates.good;
  const started = await startSmtpServer({ tls: 'starttls', certificate, ...options });
  onTestFinished(started.stop);
  return started;
}

/** A queue that delivers to the port, until the end of the test. */
function startQueue(port: number, mails = new Map<number, StoredMail>()) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const queue = new MailQueue({
    mailer: openSmtp({
      ...{ host: 'localhost', port, tls: 'starttls', ca: certificates.ca },
      ...{ from: 'car@mail.example', to: ['a@mail.example', 'b@mail.example'] },
    }),
    records: {
      list: () => [...mails.values()],
      put: async (mail) => void mails.set(mail.id, mail),
      remove: async (ids) => ids.forEach((id) => void mails.delete(id)),
    },
    place: {
      ...{ device: 'car 1', dashboard: 'http://car.local', zone: 'Europe/Berlin' },
      timeOf: ({ t }) => ({ ms: DATE + t / 1000, trust: 'ntp' }),
    },
    ...{
      clock,
      epoch: 7,
      gate: { waitMs: () => 0, take: () => {} },
      people: () => ({ vehicle: 'Volvo', driver: null }),
    },
    log: SILENT_LOG,
    wall: () => ({ ms: DATE + clock.now() / 1000, trust: 'ntp' }),
  });
  queue.open();
  const running = queue.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  onTestFinished(end);
  return { queue, clock, mails, end };
}

/** Real sockets need real time, while the fake clock stands. */
async function until(what: () => boolean): Promise<void> {
  await expect.poll(what, { timeout: 10_000, interval: 5 }).toBe(true);
}

test('a server that is down for ten minutes gets everything once, when it is back', async () => {
  const first = await startSmtpServer({ tls: 'starttls', certificate: certificates.good });
  await first.stop();
  const { queue, clock, mails } = startQueue(first.port);
  await queue.put('started', alertOf({ id: '7-1' }));
  await until(() => queue.health()['failed'] === 1);
  for (const n of [2, 3, 4, 5]) await queue.put('started', alertOf({ id: `7-${n}` }));
  // After 1, 2 and 4 minutes; the fourth pause ends after 15.
  for (const [minutes, failed] of [
    [1, 2],
    [2, 3],
    [4, 4],
    [3, 4],
  ] as const) {
    await clock.advance(minutes * 60_000);
    await until(() => queue.health()['failed'] === failed);
  }
  expect(queue.health()['nextTryS']).toBe(300);
  const back = await server({ port: first.port });
  expect(back.received).toEqual([]);
  await clock.advance(5 * 60_000);
  await until(() => mails.size === 0);
  expect(back.received.map(({ parsed }) => parsed.subject)).toEqual([
    'WARNING: Coolant too hot - car 1',
    '4 alerts (4 WARNING) - car 1',
  ]);
  await clock.advance(24 * 3_600_000);
  expect(back.received).toHaveLength(2);
  expect(queue.health()).toMatchObject({ delivered: 5, mails: 2, waiting: 0, failure: '' });
});

test('a greylist lets it through at the second try', async () => {
  let asked = 0;
  const recipient = () => (++asked <= 2 ? '450 4.2.0 greylisted' : undefined);
  const far = await server({ moods: { recipient } });
  const { queue, clock, mails } = startQueue(far.port);
  await queue.put('started', alertOf());
  await until(() => queue.health()['failed'] === 1);
  await clock.advance(60_000);
  await until(() => mails.size === 0);
  expect(far.received).toHaveLength(1);
  expect(far.connections).toBe(2);
});

test('a death between the text and the 250 gives a copy with the same Message-ID', async () => {
  const moods: ('dieAfter' | undefined)[] = ['dieAfter', undefined];
  const far = await server({ moods: { text: () => moods.shift() } });
  const before = startQueue(far.port);
  await before.queue.put('started', alertOf());
  await until(() => before.queue.health()['failed'] === 1);
  // The process ends as well, and more alerts come before the next try.
  await before.end();
  const after = startQueue(far.port, before.mails);
  for (const n of [2, 3, 4, 5]) await after.queue.put('started', alertOf({ id: `8-${n}` }));
  await after.clock.advance(60_000);
  await until(() => after.mails.size === 0);
  const ids = far.received.map(({ parsed }) => parsed.messageId);
  expect(ids.filter((id) => id === ids[0])).toHaveLength(2);
  expect(new Set(ids).size).toBe(ids.length - 1);
  expect(after.queue.health()).toMatchObject({ delivered: 5, failed: 0 });
});

test('a test mail arrives, or says why not', async () => {
  const recipient = (address: string) => (address.startsWith('a') ? '550 5.1.1 who?' : undefined);
  const far = await server({ moods: { recipient } });
  const said = 'a@mail.example: 550 5.1.1 who?';
  await expect(startQueue(far.port).queue.sendTest(ON)).rejects.toThrow(said);
  const good = await server();
  await startQueue(good.port).queue.sendTest(ON);
  expect(good.received[0]?.parsed.subject).toBe('Test mail - car 1');
});
