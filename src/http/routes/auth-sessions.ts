import * as v from 'valibot';
import type { Remote, User } from '#core/account.ts';
import type { LoginView } from '../../accounts/logins.ts';
import { route } from '../route.ts';
import { signedIn } from './auth-shape.ts';
import { answering } from './problems.ts';
import { WallTime } from './wall-time.ts';

/** What the routes need: `Accounts` of accounts/accounts.ts has it. */
export interface LoginsDeps {
  readonly accounts: {
    readonly logins: { views(userId: string): readonly LoginView[] };
    endLogin(user: User, id: string, remote: Remote): Promise<void>;
  };
}

export const listLogins = route({
  method: 'GET',
  path: '/auth/sessions',
  summary: 'Where one is logged in, the one used last first.',
  access: 'self',
  query: undefined,
  body: undefined,
  reply: v.object({
    items: v.array(
      v.object({
        id: v.string(),
        /** What the client calls itself. */
        client: v.string(),
        madeAt: WallTime,
        usedAt: WallTime,
        /** The one that asks. */
        current: v.boolean(),
      }),
    ),
    next: v.null(),
  }),
  handle: ({ accounts }: LoginsDeps, { caller }) => {
    const { user, login } = signedIn(caller);
    const views = accounts.logins.views(user.id);
    return { items: views.map((view) => ({ ...view, current: view.id === login })), next: null };
  },
});

export const endLogin = route({
  method: 'DELETE',
  path: '/auth/sessions/:id',
  summary: 'Ends one of one’s own log-ins; what it had open is closed.',
  access: 'self',
  query: undefined,
  body: undefined,
  reply: v.void(),
  problems: [404],
  handle: ({ accounts }: LoginsDeps, { params, caller }) =>
    answering(() => accounts.endLogin(signedIn(caller).user, params['id'] ?? '', caller.remote)),
});
