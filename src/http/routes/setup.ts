import * as v from 'valibot';
import type { Credentials, Granted, Visit } from '../../accounts/granted.ts';
import { route } from '../route.ts';
import { GrantedShape, granted, RefreshIn, visitOf } from './auth-shape.ts';
import { answering } from './problems.ts';
import { NewName, Password } from './users-shape.ts';

/** What the route needs: `Accounts` of accounts/accounts.ts has it. */
export interface SetupDeps {
  readonly accounts: {
    claim(who: Credentials & { code: string }, visit: Visit): Promise<Granted>;
  };
}

export const claimGateway = route({
  method: 'POST',
  path: '/setup',
  summary:
    'Makes a new gateway one’s own, with the code that it shows: the first account, which manages it. Once.',
  access: 'open',
  query: undefined,
  body: v.strictObject({
    code: v.string(),
    username: NewName,
    password: Password,
    refresh: RefreshIn,
  }),
  reply: GrantedShape,
  status: () => 201,
  problems: [403, 409, 429],
  handle: ({ accounts }: SetupDeps, { body: { refresh, ...who }, headers, caller }) =>
    answering(async () => {
      const grant = await accounts.claim(who, visitOf(caller, headers));
      return granted(grant, refresh === 'cookie', caller);
    }),
});
