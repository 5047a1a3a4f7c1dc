import type { Tail } from '../store/tail.ts';
import type { ReadingError } from './errors.ts';
import type { Asked } from './questions.ts';

/**
 * What the gateway and its reading thread say to each other. A question is pulled: each `ask` and
 * each `next` gets exactly one reply, and the work is done in between, so that the thread serves
 * several questions in turn and makes nothing that nobody takes. What is thrown in the thread and is
 * not expected ends the thread.
 */
export type ToWorker =
  /** Asks, and asks for the first piece. */
  | {
      readonly type: 'ask';
      readonly id: number;
      readonly asked: Asked;
      readonly tail: Tail | undefined;
    }
  | { readonly type: 'next'; readonly id: number }
  /** The rest is not wanted. Gets no reply. */
  | { readonly type: 'cancel'; readonly id: number }
  /** Closes the database and ends the thread. */
  | { readonly type: 'end' };

/** A piece; undefined behind the last one, with which the question is over, as it is with an error. */
export interface Reply {
  readonly id: number;
  readonly piece?: unknown;
  readonly error?: Pick<ReadingError, 'code' | 'message'>;
  /** What could not be read of this question so far, because it is damaged. */
  readonly damaged: number;
}
