import type { Clock } from '#core/clock.ts';
import type { Micros } from '#core/stream.ts';

/** What the month's bytes are kept in. */
export interface BudgetRecord {
  /** `2026-11`, UTC; empty while nobody knows. */
  readonly month: string;
  readonly bytes: number;
  /** Of them, what was counted while nobody knew the month; 0 where left out. */
  readonly dark?: number;
}

export interface BudgetShelf {
  load(): BudgetRecord | undefined;
  save(record: BudgetRecord): void | Promise<void>;
}

export interface BudgetOptions {
  /** A month; undefined for as many as it takes. */
  readonly bytesMax: number | undefined;
  readonly shelf: BudgetShelf;
  readonly clock: Pick<Clock, 'now'>;
  /** What the wall clock says now, ms since 1970; undefined while it is not to be believed. */
  readonly wallMs: () => number | undefined;
}

/** A kill loses what was counted since: a minute of a slow link, or this many bytes. */
const SAVE_US_MAX = 60_000_000;
const SAVE_BYTES_MAX = 2 ** 20;

/**
 * Counts what goes over the network in a month of UTC, all bearers together, and remembers it over
 * restarts. A month begins when a trusted wall clock says so: until then the old one goes on, and what was
 * counted in the dark counts for the new one. A clock that goes back begins no month: it frees no bytes.
 */
export class Budget {
  readonly #options: BudgetOptions;
  #month = '';
  #bytes = 0;
  /** Of `#bytes`, what was counted while nobody knew the month. */
  #inTheDark = 0;
  #savedBytes = 0;
  #savedAt: Micros = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
  }

  /** What was counted before this start. */
  load(): void {
    const { month = '', bytes = 0, dark = 0 } = this.#options.shelf.load() ?? {};
    this.#month = month;
    this.#bytes = bytes;
    this.#inTheDark = dark;
    this.#savedBytes = bytes;
    this.#savedAt = this.#options.clock.now();
  }

  add(bytes: number): void {
    this.#turn();
    this.#bytes += bytes;
    if (this.#options.wallMs() === undefined) this.#inTheDark += bytes;
  }

  /** Bytes of this month. */
  get used(): number {
    this.#turn();
    return this.#bytes;
  }

  get month(): string {
    this.#turn();
    return this.#month;
  }

  get bytesMax(): number | undefined {
    return this.#options.bytesMax;
  }

  /** How much of the budget is used: 1 is all of it. */
  get share(): number {
    const { bytesMax } = this.#options;
    return bytesMax === undefined ? 0 : this.used / bytesMax;
  }

  /** When the next month begins, ms since 1970; undefined while nobody knows. */
  get resetsAtMs(): number | undefined {
    const ms = this.#options.wallMs();
    if (ms === undefined) return undefined;
    const date = new Date(ms);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  }

  /** Whether so much was counted, or so long ago, that it is worth a write. */
  get isDue(): boolean {
    const since = this.#bytes - this.#savedBytes;
    if (since === 0) return false;
    const late = this.#options.clock.now() - this.#savedAt >= SAVE_US_MAX;
    return late || Math.abs(since) >= SAVE_BYTES_MAX;
  }

  /** Rejects as the shelf does. */
  async save(): Promise<void> {
    this.#turn();
    this.#savedBytes = this.#bytes;
    this.#savedAt = this.#options.clock.now();
    await this.#options.shelf.save({
      ...{ month: this.#month, bytes: this.#bytes },
      ...(this.#inTheDark > 0 && { dark: this.#inTheDark }),
    });
  }

  #turn(): void {
    const ms = this.#options.wallMs();
    if (ms === undefined) return;
    const month = new Date(ms).toISOString().slice(0, 7);
    if (month === this.#month) return;
    if (month > this.#month) this.#bytes = this.#inTheDark;
    this.#month = month;
    this.#inTheDark = 0;
  }
}
