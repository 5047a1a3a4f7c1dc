/** The same rows in DuckDB, which is made for reading many of them, not for one write a second. */
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Reading, Stream } from '#core/stream.ts';
import { timeOf } from './store-peers.ts';

const TABLES = [
  'CREATE TABLE samples (stream USMALLINT, t BIGINT, v DOUBLE)',
  'CREATE TABLE waves (stream USMALLINT, t BIGINT, v SMALLINT)',
  'CREATE TABLE frames (stream USMALLINT, t BIGINT, id UINTEGER, data BLOB)',
] as const;

export class DuckRecording {
  readonly connection: DuckDBConnection;
  readonly #instance: DuckDBInstance;
  readonly #samples: DuckDBAppender;
  readonly #waves: DuckDBAppender;
  readonly #frames: DuckDBAppender;
  readonly #numbers = new Map<Stream, number>();

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    appenders: readonly [DuckDBAppender, DuckDBAppender, DuckDBAppender],
  ) {
    this.#instance = instance;
    this.connection = connection;
    [this.#samples, this.#waves, this.#frames] = appenders;
  }

  static async open(file: string): Promise<DuckRecording> {
    const instance = await DuckDBInstance.create(file);
    const connection = await instance.connect();
    for (const table of TABLES) await connection.run(table);
    const appender = (table: string): Promise<DuckDBAppender> => connection.createAppender(table);
    const appenders = [
      await appender('samples'),
      await appender('waves'),
      await appender('frames'),
    ] as const;
    return new DuckRecording(instance, connection, appenders);
  }

  append(readings: readonly Reading[]): void {
    for (const reading of readings) this.#append(reading);
  }

  /** What was appended can be read. */
  flush(): void {
    for (const appender of [this.#samples, this.#waves, this.#frames]) appender.flushSync();
  }

  /** Puts everything into the file. */
  close(): void {
    for (const appender of [this.#samples, this.#waves, this.#frames]) appender.closeSync();
    this.connection.closeSync();
    this.#instance.closeSync();
  }

  #append(reading: Reading): void {
    const number = this.#numbers.get(reading.stream) ?? this.#numbers.size + 1;
    this.#numbers.set(reading.stream, number);
    switch (reading.kind) {
      case 'sample':
        this.#samples.appendUSmallInt(number);
        this.#samples.appendBigInt(BigInt(reading.t));
        this.#samples.appendDouble(reading.v);
        this.#samples.endRow();
        return;
      case 'wave':
        for (const [i, v] of reading.v.entries()) {
          this.#waves.appendUSmallInt(number);
          this.#waves.appendBigInt(BigInt(timeOf(reading, i)));
          this.#waves.appendSmallInt(v);
          this.#waves.endRow();
        }
        return;
      case 'frame':
        this.#frames.appendUSmallInt(number);
        this.#frames.appendBigInt(BigInt(reading.t));
        this.#frames.appendUInteger(reading.id);
        this.#frames.appendBlob(reading.data);
        this.#frames.endRow();
        return;
      case 'event':
        throw new Error('no load has events');
    }
  }
}
