import type { Alert } from '#core/alert.ts';

/** An alert as the book keeps it: who knows of it outlives a restart, and a change of its rule. */
export interface KeptAlert extends Alert {
  /** Ids of the actions that were told that it began, or that it got worse. */
  readonly told?: readonly string[] | undefined;
}
