/** A queue of mails in front of a server that says what a test wants. */
import { expect, onTestFinished } from 'vitest';
import type { Severity } from '#core/alert.ts';
import type { Trust } from '#core/clock.ts';
import { Gate, type GateLimits } from '../../../../src/alerts/actions/gate.ts';
import { MailQueue } from '../../../../src/alerts/mail/queue.ts';
import type { MailRecords, StoredMail } from '../../../../src/alerts/mail/shelf.ts';
import {
  type Delivery,
  MailError,
  type MailMessage,
  type Refusal,
} from '../../../../src/io/mail.ts';
import { alertOf } from '../../../support/alert-fixture.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { SILENT_LOG } from '../../../support/silent-log.ts';

export const WALL = Date.UTC(2026, 10, 3);
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const AWAY = new MailError('CONNECT', 'mail server h:25: nothing listens there');
export const LATER = new MailError('LATER', 'mail server h:25: said 450 later');
export const REFUSED = new MailError('REFUSED', 'mail server h:25: said 554 no');
export const gone: Refusal = { address: 'a@x', reply: '550 who?', permanent: true };
export const grey: Refusal = { address: 'b@x', reply: '450 later', permanent: false };

/** Records in memory, which fail or hang for as long as they are told to. */
export class Shelf implements MailRecords {
  readonly mails = new Map<number, StoredMail>();
  mood: 'fine' | 'fails' | 'hangs' = 'fine';
  list = (): readonly StoredMail[] => [...this.mails.values()].toReversed();
  put = (mail: StoredMail) => this.#do(() => this.mails.set(mail.id, mail));
  remove = (ids: readonly number[]) =>
    this.#do(() => {
      for (const id of ids) this.mails.delete(id);
    });

  async #do(work: () => void): Promise<void> {
    await Promise.resolve();
    if (this.mood === 'hangs') await new Promise(() => {});
    if (this.mood === 'fails') throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    work();
  }
}

export interface World {
  /** The store opens later: the test opens the queue. */
  late?: boolean;
  readonly shelf?: Shelf;
  /** What the wall clock says at the start, ms after WALL. */
  readonly wallMs?: number;
  readonly epoch?: number;
  readonly device?: string;
  readonly limits?: GateLimits;
  trust?: Trust;
}

/** What the server does with the n-th mail, from 0. */
export type Answer = (message: MailMessage, n: number) => MailError | readonly Refusal[] | 'hang';

export function start(answer: Answer, world: World = {}) {
  const { shelf = new Shelf(), wallMs = 0, epoch = 7, device = 'car', limits } = world;
  const clock = new FakeClock();
  const stop = new AbortController();
  // WALL is a midnight.
  const localTime = () => {
    const ms = (wallMs + clock.now() / 1000) % (24 * HOUR);
    if (world.trust === 'none') return undefined;
    return { minute: Math.floor(ms / MINUTE), msToNextMinute: MINUTE - (ms % MINUTE) };
  };
  const sent: (MailMessage & { readonly minute: number })[] = [];
  const told: string[] = [];
  const log = { ...SILENT_LOG, error: (_: unknown, s: string) => void told.push(s) };
  const queue = new MailQueue({
    mailer: {
      ...{ from: 'car@mail.example', to: ['a@x', 'b@x'] },
      async send(message, signal): Promise<Delivery> {
        sent.push({ ...message, minute: clock.now() / 6e7 });
        const said = answer(message, sent.length - 1);
        if (said === 'hang') await clock.sleep(1e9, signal);
        if (said instanceof MailError) throw said;
        const refused = said === 'hang' ? [] : said;
        return { messageId: message.messageId, response: '250 kept', refused };
      },
    },
    ...{ records: shelf, clock, epoch, log },
    place: { device, dashboard: null, zone: 'UTC', timeOf: () => undefined },
    wall: () => ({ ms: WALL + wallMs + clock.now() / 1000, trust: world.trust ?? 'ntp' }),
    gate: new Gate(limits ?? {}, { realTime: clock, localTime }),
    people: () => ({ vehicle: null, driver: null }),
  });
  if (!world.late) queue.open();
  const running = queue.run(stop.signal);
  const end = async () => {
    stop.abort();
    await settle();
    await clock.advance(10_000); // Whatever waits for the store.
    await running;
    expect(clock.sleepers).toBe(0);
  };
  onTestFinished(end);
  const put = (n: number, severity: Severity = 'warn') =>
    queue.put('started', alertOf({ id: `7-${n}`, severity }));
  const subjects = () => sent.map(({ subject }) => subject);
  const ids = () => sent.map(({ messageId }) => messageId);
  const minutes = () => sent.map(({ minute }) => Math.round(minute * 10) / 10);
  return { queue, clock, shelf, sent, told, put, end, subjects, ids, minutes };
}

export const ALONE = 'WARNING: Coolant too hot - car';
export const digest = (n: number) => `${n} alerts (${n} WARNING) - car`;
