/** The audit log over records in memory, which a test may change behind its back. */
import type { AuditEntry, AuditFact } from '../../../src/accounts/audit.ts';
import { AuditLog } from '../../../src/accounts/audit-log.ts';
import { AccountWorld } from '../../support/account-world.ts';

export class MemoryAudit {
  entries: AuditEntry[] = [];
  /** What the next writes are refused with. */
  failure: Error | undefined;
  readonly told: AuditFact[] = [];
  /** Turns of the event loop that a walk has left to others. */
  rests = 0;
  readonly #world = new AccountWorld();
  readonly clock = this.#world.clock;
  log = this.start();

  /** A start of the gateway, with the store open. */
  start(): AuditLog {
    const log = this.closed();
    log.open();
    return log;
  }

  /** One whose store is not open yet. */
  closed(): AuditLog {
    return new AuditLog({
      records: {
        last: () => this.entries.at(-1),
        page: (before = Number.POSITIVE_INFINITY, limit) =>
          this.entries
            .filter(({ n }) => n < before)
            .slice(-limit)
            .reverse(),
        put: async (entry) => {
          if (this.failure) throw this.failure;
          this.entries.push(entry);
        },
      },
      moments: this.#world.moments,
      now: () => '2026-11-22T00:00:00.000Z',
      rest: async () => void this.rests++,
      tell: (fact) => void this.told.push(fact),
    });
  }

  change(n: number, change: Partial<AuditEntry>): void {
    this.entries = this.entries.map((entry) => (entry.n === n ? { ...entry, ...change } : entry));
  }
}
