import * as v from 'valibot';
import type { InviteView } from '../../accounts/invites.ts';
import type { Actor } from '../../accounts/members.ts';
import { route } from '../route.ts';
import { actorOf } from './auth-shape.ts';
import { answering } from './problems.ts';
import { WallTime } from './wall-time.ts';

/** Of what an invite is for. */
const NOTE_CHARS_MAX = 200;

/** What the routes need: `Accounts` of accounts/accounts.ts has it. */
export interface InvitesDeps {
  readonly accounts: {
    readonly invites: {
      list(): readonly InviteView[];
      create(note: string, actor: Actor): Promise<InviteView & { readonly code: string }>;
      remove(id: string, actor: Actor): Promise<void>;
    };
  };
}

const InviteShape = v.object({
  id: v.string(),
  /** For whom, as whoever made it says. */
  note: v.string(),
  createdAt: WallTime,
  /** Seconds that it is still good for. */
  leftS: v.pipe(v.number(), v.integer()),
});

export const listInvites = route({
  method: 'GET',
  path: '/invites',
  summary:
    'The invites that nobody has used yet, the oldest first. Their codes are not told again.',
  access: 'manage',
  query: undefined,
  body: undefined,
  reply: v.object({ items: v.array(InviteShape), next: v.null() }),
  handle: ({ accounts }: InvitesDeps) => ({ items: accounts.invites.list(), next: null }),
});

export const createInvite = route({
  method: 'POST',
  path: '/invites',
  summary: 'Makes a code with which one person may register, within a week. It is told here only.',
  access: 'manage',
  query: undefined,
  body: v.optional(
    v.strictObject({ note: v.optional(v.pipe(v.string(), v.maxLength(NOTE_CHARS_MAX))) }),
  ),
  reply: v.object({ ...InviteShape.entries, code: v.string() }),
  status: () => 201,
  problems: [409],
  handle: ({ accounts }: InvitesDeps, { body, caller }) =>
    answering(() => accounts.invites.create(body?.note ?? '', actorOf(caller))),
});

export const deleteInvite = route({
  method: 'DELETE',
  path: '/invites/:id',
  summary: 'Takes an invite back that nobody has used.',
  access: 'manage',
  query: undefined,
  body: undefined,
  reply: v.void(),
  handle: ({ accounts }: InvitesDeps, { params, caller }) =>
    answering(() => accounts.invites.remove(params['id'] ?? '', actorOf(caller))),
});
