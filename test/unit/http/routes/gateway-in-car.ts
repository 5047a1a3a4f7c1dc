/** The routes of diagnosis as clients with a role meet them, over a simulated car. */
import { expect } from 'vitest';
import { ROLES, type Role } from '#core/account.ts';
import type { Epoch } from '#core/clock.ts';
import { Diagnosing } from '../../../../src/gateway/diagnosing.ts';
import { authorise } from '../../../../src/http/authorise.ts';
import { Problem, problemReply } from '../../../../src/http/problem.ts';
import { dispatch } from '../../../../src/http/router.ts';
import { type Gateway, ROUTES } from '../../../../src/http/routes/index.ts';
import type { Diagnosed } from '../../../../src/sources/obd/diagnosed.ts';
import { testAccounts } from '../../../support/accounts.ts';
import { bareGateway } from '../../../support/bare-gateway.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { request } from '../fakes.ts';

export const WALL_MS = Date.UTC(2026, 10, 22);
export const EPOCH: Epoch = { id: 7, wallMs: WALL_MS, trust: 'gps', bootId: '', monotonicMs: 0 };

/** What a client with a role gets, problems included. */
export async function asking(overrides: Partial<Gateway>) {
  const people = await testAccounts();
  const gateway = { ...bareGateway(people), ...overrides };
  // Tokens are checked by other threads, for which the clock of a test does not wait.
  const identities = await Promise.all(
    ROLES.map(async (role) => {
      return [role, await people.accounts.authenticate(await people.token(role))] as const;
    }),
  );
  const guardOf = (role: Role) => ({
    isClaimed: () => true,
    authenticate: async () => new Map(identities).get(role) ?? expect.fail(`no ${role}`),
  });
  const send = async (
    role: Role,
    [method, path]: readonly [string, string],
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ) => {
    const bytes = new TextEncoder().encode(body === undefined ? '' : JSON.stringify(body));
    const headers = new Map([['authorization', 'Bearer token'], ...Object.entries(more)]);
    if (body !== undefined) headers.set('content-type', 'application/json');
    const sent = request(method, `/api/v1${path}`, { body: bytes, headers });
    const reply = await dispatch(ROUTES, gateway, sent, (access) =>
      authorise(guardOf(role), access, sent),
    ).catch((error: unknown) => {
      if (error instanceof Problem) return problemReply(error);
      throw error;
    });
    const { status, headers: told = {}, body: text } = reply ?? {};
    return { status, headers: told, body: JSON.parse(String(text ?? 'null')) };
  };
  const ask = (role: Role, method: string, path: string, body?: unknown) =>
    send(role, [method, path], body);
  return { ask, send, facts: people.facts };
}

/** The same for a gateway in a car. */
export async function gatewayIn<
  C extends { readonly clock: FakeClock; readonly source: Diagnosed },
>(simulated: C, overrides: Partial<Gateway> = {}) {
  const { clock, source } = simulated;
  const diagnosis = new Diagnosing({
    ...{ clock, realTime: clock, epoch: () => EPOCH },
    car: source,
    replayed: false,
  });
  return { ...simulated, ...(await asking({ diagnosis, ...overrides })) };
}
