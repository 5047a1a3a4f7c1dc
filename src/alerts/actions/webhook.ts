import { createHash } from 'node:crypto';
import type { Alert, AlertNews, Instant } from '#core/alert.ts';
import type { Trust } from '#core/clock.ts';
import { leastTrust } from '#core/session.ts';
import type { Json } from '#core/stream.ts';
import { type Webhook, WebhookError } from '../../io/webhook.ts';
import { type Action, DeliveryError } from './action.ts';

/** What a delivery says besides the alert. */
export interface WebhookPlace {
  /** What the gateway is called. */
  readonly device: string;
  /** RFC 3339 and how far to believe it; undefined for an epoch that is not known. */
  timeOf(instant: Instant): { readonly time: string; readonly trust: Trust } | undefined;
}

/** Tells another computer of an alert, as one POST of JSON for each of its news. */
export function webhookAction(id: string, webhook: Webhook, place: WebhookPlace): Action {
  return {
    id,
    kind: 'webhook',
    deliver: async (news, alert, signal) => {
      const body = JSON.stringify(webhookBody(news, alert, place));
      try {
        await webhook.post(body, deliveryKey(news, alert, place.device), signal);
      } catch (error) {
        if (!(error instanceof WebhookError)) throw error;
        const { permanent, retryAfterMs } = error;
        const code = error.status === 0 ? 'UNREACHED' : 'REFUSED';
        throw new DeliveryError(code, error.message, { permanent, retryAfterMs, cause: error });
      }
    },
  };
}

function webhookBody(
  news: AlertNews,
  alert: Alert,
  { device, timeOf }: WebhookPlace,
): { readonly [key: string]: Json } {
  const { id, rule, cause, severity, startedAt, endedAt, endedBy, evidence } = alert;
  const { text, stream, value, unit } = evidence;
  const started = timeOf(startedAt);
  const ended = endedAt ? timeOf(endedAt) : undefined;
  const trusts = [started, ended].flatMap((one) => one?.trust ?? []);
  return {
    ...{ device, news },
    alert: {
      ...{ id, rule: { id: rule.id, name: rule.name }, cause, severity, text },
      ...{ stream, value, unit, endedBy },
      startedAt: started?.time ?? null,
      endedAt: ended?.time ?? null,
      /** The least of the two. */
      clockTrust: trusts.length === 0 ? 'none' : leastTrust(trusts),
    },
  };
}

/**
 * The same for each try of one delivery, and for no other one: an alert gets more severe with each
 * escalation, and its start tells it from one of that number on a new disk.
 */
function deliveryKey(news: AlertNews, alert: Alert, device: string): string {
  const { id, startedAt, severity } = alert;
  const told = JSON.stringify([device, id, startedAt.t, news, severity]);
  return createHash('sha256').update(told).digest('base64url');
}
