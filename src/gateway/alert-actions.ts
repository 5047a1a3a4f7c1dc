import { wallMs } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import type { Session } from '#core/session.ts';
import type { DurableAction } from '../alerts/actions/action.ts';
import { buzzerAction } from '../alerts/actions/buzzer.ts';
import { Gate, type GateTime } from '../alerts/actions/gate.ts';
import type { ActionSetup } from '../alerts/actions/queue.ts';
import { webhookAction } from '../alerts/actions/webhook.ts';
import { MailQueue } from '../alerts/mail/queue.ts';
import type { MailRecords } from '../alerts/mail/shelf.ts';
import type { MailPlace } from '../alerts/mail/text.ts';
import { readWall } from '../io/clock.ts';
import { openGpio } from '../io/gpio.ts';
import type { Log } from '../io/log.ts';
import { openSmtp } from '../io/smtp.ts';
import { openWebhook } from '../io/webhook.ts';
import type { Config } from '../settings/config.ts';
import type { Recording } from './recording.ts';

/** The ways to people that the configuration asks for. */

/** For everything that one call of a webhook takes. */
const WEBHOOK_MS_MAX = 10_000;

export interface ActionParts extends GateTime {
  readonly config: Config;
  readonly log: Log;
  readonly recording: Recording;
  readonly records: MailRecords;
}

/** Webhooks and the buzzer. */
export function createActions({ config, recording }: ActionParts): ActionSetup[] {
  const { webhook, buzzer, device } = config;
  const timeOf = timesOf(recording);
  const webhooks = webhook.map(({ url, ...limits }, index): ActionSetup => {
    // The first is `webhook`, the second `webhook2`.
    const id = index === 0 ? 'webhook' : `webhook${index + 1}`;
    const target = openWebhook({ url, timeoutMs: WEBHOOK_MS_MAX });
    const rfc3339 = (at: Parameters<typeof timeOf>[0]) => {
      const found = timeOf(at);
      return found && { time: new Date(found.ms).toISOString(), trust: found.trust };
    };
    return { ...limits, action: webhookAction(id, target, { device, timeOf: rfc3339 }) };
  });
  const buzzers = buzzer ? [buzzerSetup(buzzer)] : [];
  return [...webhooks, ...buzzers];
}

function buzzerSetup({ quiet, ...line }: NonNullable<Config['buzzer']>): ActionSetup {
  return { quiet, action: buzzerAction('buzzer', openGpio(line)) };
}

/** Mail, where the configuration says where to. */
export function createMail(parts: ActionParts): MailAction[] {
  const { config, log, recording, records, realTime, localTime } = parts;
  if (config.mail === undefined) return [];
  const { quiet, perHour, ...server } = config.mail;
  const place: MailPlace = {
    device: config.device,
    dashboard: config.link ?? null,
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    timeOf: timesOf(recording),
  };
  const queue = new MailQueue({
    mailer: openSmtp(server),
    ...{ records, place, log },
    clock: realTime,
    gate: new Gate({ quiet, perHour }, { realTime, localTime }),
    epoch: recording.epoch.id,
    wall: readWall,
    people: () => peopleIn(recording.openSessions()),
  });
  return [new MailAction(queue)];
}

/** Mail as an action of alerts: what it takes is kept by its queue. */
export class MailAction implements DurableAction {
  readonly id = 'mail';
  readonly kind = 'mail';
  readonly #queue: MailQueue;

  constructor(queue: MailQueue) {
    this.#queue = queue;
  }

  /** Takes up what an earlier start has left, once the store is open. */
  open(): void {
    this.#queue.open();
  }

  put(...[news, alert]: Parameters<DurableAction['put']>): void {
    // It resolves when it is kept, which nobody waits for: where it cannot be, it is sent from memory.
    void this.#queue.put(news, alert);
  }

  test(signal: AbortSignal): Promise<void> {
    return this.#queue.sendTest(signal);
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#queue.run(signal);
  }

  health(): PartHealth {
    const { failure, ...details } = this.#queue.health();
    const status = failure === '' ? 'ok' : 'waiting';
    const text = String(failure) || `${details['waiting']} mails wait`;
    return { id: this.id, status, text, details };
  }
}

function timesOf(recording: Recording): MailPlace['timeOf'] {
  return ({ epoch, t }) => {
    const found = recording.epochs().get(epoch);
    return found && { ms: wallMs(found, t), trust: found.trust };
  };
}

/** Of the newest session that says so. */
function peopleIn(sessions: readonly Session[]) {
  const newest = sessions.toReversed();
  return {
    vehicle: newest.find(({ vehicle }) => vehicle !== null)?.vehicle ?? null,
    driver: newest.find(({ driver }) => driver !== null)?.driver ?? null,
  };
}
