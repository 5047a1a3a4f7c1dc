import type { Alert, AlertNews } from '#core/alert.ts';
import { CodedError } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';

/** What an alert can do besides being an event: a way to somebody who is not looking at a screen. */

export type ActionKind = 'mail' | 'webhook' | 'buzzer';

/** One whose deliveries wait in memory: a restart forgets them. */
export interface Action {
  /** As rules name it; `[a-z0-9_-]{1,23}`. */
  readonly id: string;
  readonly kind: Exclude<ActionKind, 'mail'>;
  /**
   * Resolves when the other end has it. Rejects with a DeliveryError or another error that has a
   * `code`, and soon after the signal aborts: its queue waits for that.
   */
  deliver(news: AlertNews, alert: Alert, signal: AbortSignal): Promise<void>;
  /** Before anything else: ends what an earlier process may have left on. Rejects as `deliver` does. */
  reset?(): Promise<void>;
}

/**
 * One that keeps what waits on the disk, and so has a queue, retries and a state of its own. For quiet
 * hours and a rate limit it asks a Gate.
 */
export interface DurableAction {
  readonly id: string;
  readonly kind: 'mail';
  /** Returns at once; what it took is sent, or given up and counted. */
  put(news: AlertNews, alert: Alert): void;
  /** Sends something now. Rejects with an error that has a `code`. */
  test(signal: AbortSignal): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
  /** Its id is the action's. */
  health(): PartHealth;
}

/** `waiting`: the last try failed, another one follows. `failed`: something was given up. */
export type ActionState = 'ok' | 'waiting' | 'failed';

export type DeliveryErrorCode =
  /** The other end has said that it does not take it, or that it cannot. */
  | 'REFUSED'
  /** The other end was not reached, or did not answer as it should. */
  | 'UNREACHED'
  /** It took longer than a delivery may. */
  | 'TIMEOUT'
  /** Nobody wants it any more. */
  | 'WITHDRAWN';

/** Somebody was not told of an alert. The sentence is for a person. */
export class DeliveryError extends CodedError<DeliveryErrorCode> {
  override readonly name = 'DeliveryError';
  /** Another try would bring the same. */
  readonly permanent: boolean;
  /** How long the other end wants to be left alone, milliseconds; 0 where it did not say. */
  readonly retryAfterMs: number;

  constructor(
    code: DeliveryErrorCode,
    message: string,
    options: ErrorOptions & { readonly permanent?: boolean; readonly retryAfterMs?: number } = {},
  ) {
    super(code, message, options);
    this.permanent = options.permanent ?? false;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}
