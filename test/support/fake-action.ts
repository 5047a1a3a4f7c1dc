import type { Alert, AlertNews } from '#core/alert.ts';
import type { Action } from '../../src/alerts/actions/action.ts';

/** An action that does what the test says: by default it delivers at once. */
export class FakeAction implements Action {
  readonly id: string;
  readonly kind: Action['kind'];
  /** Each try: `started 7-1`. */
  readonly tries: string[] = [];
  /** How the next tries go; the last one for all that follow. */
  readonly outcomes: (() => Promise<void>)[] = [];
  /** Whether the last try was told to end. */
  aborted = false;

  constructor(id: string, kind: Action['kind'] = 'webhook') {
    this.id = id;
    this.kind = kind;
  }

  async deliver(news: AlertNews, { id }: Alert, signal: AbortSignal): Promise<void> {
    this.tries.push(`${news} ${id}`);
    this.aborted = false;
    const [outcome] = this.outcomes;
    if (this.outcomes.length > 1) this.outcomes.shift();
    if (!outcome) return;
    const stopped = new Promise<never>((_resolve, reject) => {
      const stop = (): void => {
        this.aborted = true;
        reject(signal.reason);
      };
      signal.addEventListener('abort', stop, { once: true });
    });
    await Promise.race([outcome(), stopped]);
  }
}

export function works(): Promise<void> {
  return Promise.resolve();
}

/** Until it is told to end. */
export function hangs(): Promise<void> {
  return new Promise(() => {});
}

export function fails(error: Error): () => Promise<void> {
  return () => Promise.reject(error);
}
