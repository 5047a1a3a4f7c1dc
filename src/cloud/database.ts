import { finished } from 'node:stream/promises';
import postgres from 'postgres';
import { CodedError, codeOf } from '#core/errors.ts';

/** The only file that knows the postgres package: connections, transactions, and what errors mean. */

/**
 * - UNAVAILABLE: the database is away, busy or full: worth another try
 * - BAD_DATA: it refuses what is in a row, and will again
 */
export type DatabaseErrorCode = 'UNAVAILABLE' | 'BAD_DATA';

export class DatabaseError extends CodedError<DatabaseErrorCode> {
  override readonly name = 'DatabaseError';
}

export type Row = Readonly<Record<string, unknown>>;
type Parameter = string | number | null | readonly (string | number | null)[];

/** One transaction. Numbers of 64 bits come as text. */
export interface Transaction {
  query(text: string, parameters?: readonly Parameter[]): Promise<readonly Row[]>;
  /** Runs a COPY ... FROM STDIN. */
  copy(text: string, data: Uint8Array): Promise<void>;
  /** Runs a statement and tells how many rows it changed. */
  change(text: string, parameters?: readonly Parameter[]): Promise<number>;
}

export interface Database {
  /**
   * Commits what `work` did, or nothing.
   *
   * @throws DatabaseError, or what `work` throws
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const CONNECT_S_MAX = 10;
/** A statement that takes longer is stuck, and holds rows that others wait for. */
const STATEMENT_MS_MAX = 120_000;
const CLOSE_S_MAX = 3;
/** Classes of SQLSTATE (PostgreSQL, appendix A) that the data is the reason for: 22 data, 23 integrity. */
const BAD_DATA = /^2[23]...$/;
/** Those that pass: 08 connection, 40 rolled back, 53 resources, 55 in use, 57 operator, 58 system. */
const PASSING = /^(08|40|53|55|57|58)...$/;
/** What is wrong with the login or the name of the database: a person has to do something. */
const LOGIN = /^(28|3D)...$/;

/** @param url postgres://user:password@host:port/database */
export function openDatabase(url: string, connections: number): Database {
  const sql = postgres(url, {
    max: connections,
    connect_timeout: CONNECT_S_MAX,
    // Notices tell of tables that are there already.
    onnotice: () => {},
    fetch_types: false,
    connection: { application_name: 'vigil-cloud', statement_timeout: STATEMENT_MS_MAX },
  });
  return {
    transaction: async (work) => {
      try {
        // What it returns is what `work` returned, which is no promise of its own.
        const results = await sql.begin(
          async (begun) => [await work(asTransaction(begun))] as const,
        );
        return results[0];
      } catch (error) {
        throw readError(error);
      }
    },
    close: () => sql.end({ timeout: CLOSE_S_MAX }),
  };
}

function asTransaction(begun: postgres.TransactionSql): Transaction {
  const run = (text: string, parameters: readonly Parameter[] = []) =>
    // Its parameters are not readonly, but it does not change them.
    begun.unsafe(text, parameters as postgres.ParameterOrJSON<never>[], { prepare: true });
  return {
    query: async (text, parameters) => [...(await run(text, parameters))],
    change: async (text, parameters) => (await run(text, parameters)).count,
    copy: async (text, data) => {
      const running = begun.unsafe(text);
      const failed = rejectionOf(running);
      const stream = await running.writable();
      stream.end(data);
      await Promise.race([finished(stream), failed]);
    },
  };
}

/**
 * Rejects with what the package tells a query of an error. Of a COPY it settles the query when the first
 * byte may be sent, so that an error after the last one, a row that is there twice, reaches nobody
 * (postgres 3.4.9): neither the query nor the stream ends.
 */
function rejectionOf(query: object): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const own: unknown = Reflect.get(query, 'reject');
  if (typeof own !== 'function') throw new TypeError('a query of postgres has no reject');
  Reflect.set(query, 'reject', (error: unknown) => {
    reject(error);
    Reflect.apply(own, query, [error]);
  });
  promise.catch(() => {}); // Whoever waits for the query gets it too.
  return promise;
}

/** What can be done about it, where something can; a bug stays what it is. */
function readError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CodedError) return error;
  const code = codeOf(error);
  const text = `the database: ${error.message} (${code})`;
  if (BAD_DATA.test(code)) return new DatabaseError('BAD_DATA', text, { cause: error });
  const away = PASSING.test(code) || LOGIN.test(code) || isAway(code);
  return away ? new DatabaseError('UNAVAILABLE', text, { cause: error }) : error;
}

/** Codes of the package and of the system for a connection that is not there. */
function isAway(code: string): boolean {
  const ofPackage = ['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED'];
  return [...ofPackage, 'CONNECT_TIMEOUT'].includes(code) || /^E(?!RR_)[A-Z_]+$/.test(code);
}
