/** Files that were made for somebody who may see less by now. */
import { expect, test } from 'vitest';
import type { Grant, Role } from '#core/account.ts';
import type { ExportJob } from '../../../../src/exporting/exports.ts';
import { Problem } from '../../../../src/http/problem.ts';
import type { Caller } from '../../../../src/http/route.ts';
import { readExport } from '../../../../src/http/routes/exports.ts';
import { NO_NOTES } from '../../../../src/sessions/notes.ts';
import { LOCAL } from '../../../support/accounts.ts';
import { userOf } from '../callers.ts';

const OWNER = 'somebody';

/** What somebody gets of an export of theirs, of a session of another. */
async function statusOf(
  role: Role,
  grants: readonly Grant[],
  names: boolean,
  by = OWNER,
): Promise<number> {
  const job: ExportJob = {
    ...{ id: 'x', owner: OWNER, session: 1, names, state: 'running', bytes: 5 },
    ...{ progress: 0.5, fileName: 'a.csv', mime: 'text/csv', error: '' },
  };
  const session = { ...NO_NOTES, id: 1, owner: 'another' };
  const deps = {
    reading: {
      sessions: () => ({
        get: () =>
          ({ ...session, startedBy: 'manual', endedBy: null, spans: [], stats: null }) as const,
      }),
    },
    exports: {
      get: () => job,
      read: () => nothing(),
      remove: async () => {},
      removeAll: async () => {},
      onChange: () => () => {},
    },
  };
  const scope = role === 'student' ? 'own' : 'all';
  const user = { ...userOf(role), id: by, grants };
  const caller: Caller = { user, login: 'login', scope, remote: LOCAL };
  const request = { params: { id: 'x' }, query: undefined, body: undefined, headers: new Map() };
  try {
    await readExport.handle(deps, { ...request, caller });
    return 200;
  } catch (error) {
    if (error instanceof Problem) return error.status;
    throw error;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, undefined> {
  yield new Uint8Array();
  return undefined;
}

test.each<[Role, readonly Grant[], boolean, number]>([
  ['operator', [], true, 200],
  ['researcher', ['names'], true, 200],
  ['researcher', [], false, 200],
  // It was made while they were shown names.
  ['researcher', [], true, 404],
  // It was made while all sessions were theirs to see.
  ['student', [], true, 404],
])('a %s with the grants %j gets one with names: %j', async (role, grants, names, status) => {
  expect(await statusOf(role, grants, names)).toBe(status);
});

test('one of another is not there, but for who manages the gateway', async () => {
  expect(await statusOf('admin', [], true, 'boss')).toBe(200);
  expect(await statusOf('operator', [], true, 'another')).toBe(404);
});
