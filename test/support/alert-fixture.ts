import type { Alert, AlertChange, AlertRule, Evidence, Severity } from '#core/alert.ts';
import type { Records } from '#core/ledger.ts';

/** Rules, alerts and what rules find, for tests that are about something else. */

export const HOT: AlertRule = {
  id: 'hot',
  name: 'Coolant too hot',
  stream: 'obd.engine.coolant',
  when: { op: '>', value: 110, clear: 105 },
  unit: 'Cel',
  holdMs: 0,
  cooldownMs: 30_000,
  severity: 'warn',
  escalate: [],
  while: {},
  actions: [],
  enabled: true,
};

export const EVIDENCE: Evidence = {
  stream: 'obd.engine.coolant',
  value: 112,
  unit: 'Cel',
  readings: [{ stream: 'obd.engine.coolant', t: 1_000_000, v: 112 }],
  text: 'Engine coolant temperature 112 °C, over 110',
};

/** A rule that found something at `t`. */
export function started(t: number, change: Partial<{ cause: string; severity: Severity }> = {}) {
  const { cause = '', severity = 'warn' } = change;
  return { kind: 'started', rule: HOT, cause, t, severity, evidence: EVIDENCE } as const;
}

/** It found more of it. */
export function escalated(t: number, severity: Severity): AlertChange {
  return { ...started(t), kind: 'escalated', severity };
}

/** It is over. */
export function ended(t: number, cause = ''): AlertChange {
  return { kind: 'ended', rule: HOT, cause, t, by: 'cleared' };
}

export function alertOf(changes: Partial<Alert> = {}): Alert {
  return {
    id: '7-1',
    rule: { id: HOT.id, name: HOT.name },
    cause: '',
    severity: 'warn',
    startedAt: { epoch: 7, t: 1_000_000 },
    endedAt: null,
    endedBy: null,
    evidence: EVIDENCE,
    acknowledged: null,
    silencedUntil: null,
    notes: [],
    ...changes,
  };
}

/** Records that forget with the process, and that fail for as long as they are told to. */
export class MemoryRecords<K, T extends { readonly id: K }> implements Records<K, T> {
  readonly items = new Map<K, T>();
  failing = false;

  constructor(items: readonly T[] = []) {
    for (const item of items) this.items.set(item.id, item);
  }

  list(): readonly T[] {
    return [...this.items.values()];
  }

  put(item: T): Promise<void> {
    return this.#do(() => this.items.set(item.id, item));
  }

  remove(id: K): Promise<void> {
    return this.#do(() => this.items.delete(id));
  }

  async #do(work: () => void): Promise<void> {
    await Promise.resolve();
    if (this.failing) throw Object.assign(new Error('the disk takes nothing'), { code: 'EIO' });
    work();
  }
}
