import type { Epoch } from '#core/clock.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { noReading } from '../../../support/no-reading.ts';
import { createAlerting, EPOCH, STREAMS } from '../alerting.ts';
import { asAdmin } from '../callers.ts';
import { request } from '../fakes.ts';

/** A gateway with rules and alerts, asked without a socket. */

const WALL_MS = Date.UTC(2026, 10, 22);
const EPOCHS: ReadonlyMap<number, Epoch> = new Map([
  [EPOCH, { id: EPOCH, wallMs: WALL_MS, trust: 'gps', bootId: '', monotonicMs: 0 }],
]);

type Parts = Omit<Parameters<typeof createAlerting>[0], 'clock'>;

export function startAlerting(parts: Parts = {}, reading: Partial<Gateway['reading']> = {}) {
  const clock = new FakeClock();
  const made = createAlerting({ clock, ...parts });
  const gateway: Gateway = {
    ...bareGateway(),
    streams: () => STREAMS,
    reading: { ...noReading(), epochs: () => EPOCHS, ...reading },
    alerting: made.alerting,
  };
  /** What a client gets, problems included. */
  const ask = async (method: string, path: string, body?: unknown) => {
    const bytes = new TextEncoder().encode(body === undefined ? '' : JSON.stringify(body));
    const headers = new Map(body === undefined ? [] : [['content-type', 'application/json']]);
    const sent = request(method, `/api/v1${path}`, { body: bytes, headers });
    const reply = await dispatch(ROUTES, gateway, sent, asAdmin).catch((error: unknown) => {
      if (error instanceof Problem) return problemReply(error);
      throw error;
    });
    const text = String(reply?.body ?? 'null');
    return { status: reply?.status, headers: reply?.headers ?? {}, body: JSON.parse(text) };
  };
  return { ...made, clock, ask };
}
