import { finished } from 'node:stream/promises';
import { Pool, type PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { waitAtMost } from '#core/clock.ts';
import { CodedError, codeOf } from '#core/errors.ts';
import { monotonicClock } from '../io/clock.ts';

/** The only file that knows the package pg: connections, transactions, and what errors mean. */

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

const CONNECT_MS_MAX = 10_000;
/** A statement that takes longer is stuck, and holds rows that others wait for. */
const STATEMENT_MS_MAX = 120_000;
const CLOSE_MS_MAX = 3_000;
/** Classes of SQLSTATE (PostgreSQL, appendix A) that the data is the reason for: 22 data, 23 integrity. */
const BAD_DATA = /^2[23]...$/;
/** Those that pass: 08 connection, 40 rolled back, 53 resources, 55 in use, 57 operator, 58 system. */
const PASSING = /^(08|40|53|55|57|58)...$/;
/** What is wrong with the login or the name of the database: a person has to do something. */
const LOGIN = /^(28|3D)...$/;

/** @param url postgres://user:password@host:port/database */
export function openDatabase(url: string, connections: number): Database {
  const pool = new Pool({
    ...{ connectionString: url, max: connections, application_name: 'vigil-cloud' },
    connectionTimeoutMillis: CONNECT_MS_MAX,
    statement_timeout: STATEMENT_MS_MAX,
  });
  const busy = new Set<Lease>();
  // Whoever uses the connection is told by the query that fails; of one that nobody uses a new one is made.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return {
    transaction: async (work) => {
      const lease = await borrow(pool);
      busy.add(lease);
      try {
        return await lease.transact(work);
      } finally {
        busy.delete(lease);
      }
    },
    close: async () => {
      const clock = monotonicClock();
      await waitAtMost(clock, CLOSE_MS_MAX, pool.end());
      // What is stuck is rolled back by the server.
      for (const lease of busy) lease.give(true);
    },
  };
}

async function borrow(pool: Pool): Promise<Lease> {
  try {
    return new Lease(await pool.connect());
  } catch (error) {
    throw readError(error);
  }
}

/** A connection for as long as a transaction takes. */
class Lease {
  readonly #client: PoolClient;
  #isGiven = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  /** @throws DatabaseError, or what `work` throws */
  async transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    let isBroken = true;
    try {
      await this.#client.query('BEGIN');
      const result = await work(asTransaction(this.#client));
      await this.#client.query('COMMIT');
      isBroken = false;
      return result;
    } catch (error) {
      isBroken = !(await this.#rollBack());
      throw readError(error);
    } finally {
      this.give(isBroken);
    }
  }

  /** @param isBroken it is closed, and another one made when one is needed */
  give(isBroken: boolean): void {
    if (this.#isGiven) return;
    this.#isGiven = true;
    this.#client.release(isBroken);
  }

  /** Whether the connection is good for another transaction. */
  async #rollBack(): Promise<boolean> {
    try {
      await this.#client.query('ROLLBACK');
      return true;
    } catch {
      return false; // It is closed, which rolls back too.
    }
  }
}

function asTransaction(client: PoolClient): Transaction {
  const run = (text: string, parameters: readonly Parameter[] = []) =>
    client.query<Record<string, unknown>>(text, [...parameters]);
  return {
    query: async (text, parameters) => (await run(text, parameters)).rows,
    change: async (text, parameters) => (await run(text, parameters)).rowCount ?? 0,
    copy: async (text, data) => {
      const stream = client.query(copyFrom(text));
      stream.end(data);
      await finished(stream);
    },
  };
}

/** What can be done about it, where something can; a bug stays what it is. */
function readError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CodedError) return error;
  const code = codeOf(error);
  const text = `the database: ${error.message}${code && ` (${code})`}`;
  if (BAD_DATA.test(code)) return new DatabaseError('BAD_DATA', text, { cause: error });
  const away = PASSING.test(code) || LOGIN.test(code) || isAway(code, error.message);
  return away ? new DatabaseError('UNAVAILABLE', text, { cause: error }) : error;
}

/** What the package says, without a code, of a connection that has gone or could not be had. */
const GONE =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (has encountered a connection error|was closed)|Cannot use a pool after calling end)/;

/** For a connection that is not there. */
function isAway(code: string, message: string): boolean {
  return GONE.test(message) || /^E(?!RR_)[A-Z_]+$/.test(code);
}
