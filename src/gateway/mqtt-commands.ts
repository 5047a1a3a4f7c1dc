import * as v from 'valibot';
import { scopeOf } from '../accounts/roles.ts';
import { type CommandArgs, type CommandName, MQTT_COMMANDS } from '../http/docs/mqtt-commands.ts';
import { faultPointer, faultText } from '../http/fault.ts';
import { Problem } from '../http/problem.ts';
import type { Caller } from '../http/route.ts';
import { type AlertHistoryDeps, acknowledgeAlert } from '../http/routes/alerts-history.ts';
import {
  clearTroubleCodes,
  listTroubleCodes,
  type TroubleCodesDeps,
} from '../http/routes/diagnostics-dtc.ts';
import { type IngestDeps, tellClock } from '../http/routes/ingest.ts';
import { markSession, type SessionEventsDeps } from '../http/routes/session-events.ts';
import { changeSession, type SessionsDeps, startSession } from '../http/routes/sessions.ts';
import { restartSource, type SourcesDeps } from '../http/routes/sources.ts';
import { listStreams } from '../http/routes/streams.ts';
import { readSync, type SyncDeps } from '../http/routes/sync.ts';
import { meantSession, SenderError } from '../mqtt/ingesting-session.ts';
import { type Asking, type Command, RequestError } from '../mqtt/requests.ts';
import { StoreError } from '../store/errors.ts';

/**
 * The commands of MQTT, done by the routes of HTTP: what is checked, what is written into the audit log
 * and what is answered is the same, whichever way it is asked.
 */

/** What the routes need of the gateway: what they get over HTTP too. */
type RouteDeps = SessionsDeps &
  SessionEventsDeps &
  AlertHistoryDeps &
  TroubleCodesDeps &
  SourcesDeps &
  SyncDeps &
  IngestDeps &
  Parameters<typeof listStreams.handle>[0];

export interface CommandsOptions {
  readonly gateway: RouteDeps;
  /** What is told of the gateway; as `hello` of WebSockets. */
  readonly info: {
    readonly device: string;
    readonly version: string;
    readonly epoch: number;
    readonly simulated?: boolean;
  };
}

/** The words for what HTTP says by a status. */
const CODES: Readonly<Record<number, string>> = {
  400: 'bad-message',
  403: 'not-allowed',
  404: 'not-found',
  409: 'conflict',
  412: 'conflict',
  422: 'invalid',
  429: 'too-many',
  503: 'busy',
};

const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** Every command there is, in the order of the table. */
export function commandsOf({ gateway: deps, info }: CommandsOptions): readonly Command[] {
  const idOf = (session: number | undefined, caller: Caller) => session ?? meant(deps, caller);
  return [
    command('ping', ({ t1 }) => {
      const { ingest } = deps;
      const t2 = ingest.now();
      return { ...(t1 !== undefined && { t1 }), t2, t3: ingest.now(), epoch: ingest.epoch };
    }),
    command('info', () => ({ ...info })),
    command('streams', (_, caller) => listStreams.handle(deps, asked({ caller }))),
    command('clock', ({ session, ...body }, caller) =>
      tellClock.handle(deps, asked({ caller, body, id: idOf(session, caller) })),
    ),
    command('session/start', (body, caller) => startSession.handle(deps, asked({ caller, body }))),
    command('session/end', ({ session }, caller) => {
      const body = { state: 'ended' } as const;
      return changeSession.handle(deps, asked({ caller, body, id: idOf(session, caller) }));
    }),
    command('marker', ({ session, key, ...body }, caller) => {
      const request = asked({ caller, body, id: idOf(session, caller) });
      return markSession.handle(deps, { ...request, headers: keyed(key) });
    }),
    command('alert/ack', ({ alert }, caller) =>
      acknowledgeAlert.handle(deps, asked({ caller, id: alert })),
    ),
    command('source/restart', ({ source }, caller) =>
      restartSource.handle(deps, asked({ caller, id: source })),
    ),
    command('dtc', (query, caller) =>
      listTroubleCodes.handle(deps, { ...asked({ caller }), query }),
    ),
    command('dtc/clear', ({ key, ...body }, caller) =>
      clearTroubleCodes.handle(deps, { ...asked({ caller, body }), headers: keyed(key) }),
    ),
    command('sync', (_, caller) => readSync.handle(deps, asked({ caller }))),
  ];
}

type Run<N extends CommandName> = (args: CommandArgs<N>, caller: Caller) => unknown;

function command<N extends CommandName>(name: N, run: Run<N>): Command {
  const { permission, args } = MQTT_COMMANDS[name];
  return {
    ...{ name, permission },
    async run(asking, given) {
      const { success, output, issues } = v.safeParse(args, given);
      if (!success) {
        const [issue] = issues;
        const text = faultText(issue, Object.keys(args.entries));
        throw new RequestError('bad-message', text, { pointer: faultPointer(issue) });
      }
      try {
        // The schema is that of the name, which TypeScript does not see through the table.
        return await run(output as CommandArgs<N>, callerOf(asking, permission));
      } catch (error) {
        throw refusalOf(error);
      }
    },
  };
}

function callerOf({ guest, user }: Asking, permission: Command['permission']): Caller {
  const { login, remote } = guest;
  return { user, login, scope: scopeOf(user.role, permission), remote };
}

/** The request as a route gets it. */
function asked<B = undefined>({ caller, body, id }: Asked<B>) {
  const params: Readonly<Record<string, string>> = id === undefined ? {} : { id: String(id) };
  // Left out only where the type of it is undefined.
  return { params, query: undefined, body: body as B, headers: NO_HEADERS, caller };
}

interface Asked<B> {
  readonly caller: Caller;
  readonly body?: B;
  /** What stands in the path over HTTP. */
  readonly id?: string | number;
}

/** A key as HTTP has it; quoted, so that it may be any text without quotes (RFC 9651 clause 3.3.3). */
function keyed(key: string | undefined): ReadonlyMap<string, string> {
  return key === undefined ? NO_HEADERS : new Map([['idempotency-key', `"${key}"`]]);
}

/** Id of the session that is meant where none is named. @throws SenderError, StoreError OFF */
function meant({ reading }: RouteDeps, { scope, user }: Caller): number {
  return meantSession(reading.sessions().current(), { scope, id: user?.id ?? '' }).id;
}

/** The error itself where it is none that a client can do anything about. */
function refusalOf(error: unknown): unknown {
  if (error instanceof Problem) {
    const { status, message, faults } = error;
    const pointer = faults[0]?.pointer ?? '';
    return new RequestError(CODES[status] ?? 'failed', message, { pointer, cause: error });
  }
  if (error instanceof SenderError) {
    return new RequestError(error.code.toLowerCase().replaceAll('_', '-'), error.message);
  }
  // Before a route is asked.
  if (error instanceof StoreError) return new RequestError('busy', error.message);
  return error;
}
