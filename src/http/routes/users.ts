import * as v from 'valibot';
import type { User } from '#core/account.ts';
import type { Actor, MemberChange, NewMember } from '../../accounts/members.ts';
import { USERNAME } from '../../accounts/users.ts';
import { route } from '../route.ts';
import { actorOf } from './auth-shape.ts';
import { cursor, Limit, nextLink } from './paging.ts';
import { answering } from './problems.ts';
import { Grants, NewName, Password, RoleName, UserShape } from './users-shape.ts';

/** What the routes need: `Accounts` of accounts/accounts.ts has it. */
export interface UsersDeps {
  readonly accounts: {
    readonly members: {
      list(): readonly User[];
      get(id: string): User;
      create(member: NewMember, actor: Actor): Promise<User>;
      change(id: string, change: MemberChange, actor: Actor): Promise<User>;
      remove(id: string, actor: Actor): Promise<User>;
    };
  };
}

export const listUsers = route({
  method: 'GET',
  path: '/users',
  summary: 'The accounts by name, page by page.',
  access: 'manage',
  query: v.strictObject({ cursor: cursor(USERNAME), limit: Limit }),
  body: undefined,
  reply: v.object({ items: v.array(UserShape), next: v.nullable(v.string()) }),
  tells: { Link: [200] },
  headers: ({ next }, query) => nextLink(next, query),
  handle: ({ accounts }: UsersDeps, { query: { cursor: after = '', limit } }) => {
    const rest = accounts.members.list().filter(({ username }) => username > after);
    const items = rest.slice(0, limit);
    return { items, next: rest.length > limit ? (items.at(-1)?.username ?? null) : null };
  },
});

export const createUser = route({
  method: 'POST',
  path: '/users',
  summary: 'Makes an account.',
  access: 'manage',
  query: undefined,
  body: v.strictObject({
    username: NewName,
    password: Password,
    role: RoleName,
    grants: v.optional(Grants),
  }),
  reply: UserShape,
  status: () => 201,
  problems: [409, 429],
  tells: { Location: [201] },
  headers: ({ id }) => ({ location: `/api/v1/users/${id}` }),
  handle: ({ accounts }: UsersDeps, { body, caller }) =>
    answering(() => accounts.members.create(body, actorOf(caller))),
});

export const readUser = route({
  method: 'GET',
  path: '/users/:id',
  summary: 'One account.',
  access: 'manage',
  query: undefined,
  body: undefined,
  reply: UserShape,
  handle: ({ accounts }: UsersDeps, { params }) =>
    answering(() => accounts.members.get(params['id'] ?? '')),
});

export const changeUser = route({
  method: 'PATCH',
  path: '/users/:id',
  summary: 'Changes an account; it is logged out everywhere. One that manages has to be left.',
  access: 'manage',
  query: undefined,
  body: v.strictObject({
    role: v.optional(RoleName),
    grants: v.optional(Grants),
    enabled: v.optional(v.boolean()),
    password: v.optional(Password),
  }),
  reply: UserShape,
  problems: [409, 429],
  handle: ({ accounts }: UsersDeps, { params, body, caller }) =>
    answering(() => accounts.members.change(params['id'] ?? '', body, actorOf(caller))),
});

export const deleteUser = route({
  method: 'DELETE',
  path: '/users/:id',
  summary: 'Deletes an account. Its sessions stay, and are nobody’s own then.',
  access: 'manage',
  query: undefined,
  body: undefined,
  reply: v.void(),
  problems: [409],
  handle: ({ accounts }: UsersDeps, { params, caller }) =>
    answering(async () => {
      await accounts.members.remove(params['id'] ?? '', actorOf(caller));
    }),
});
