import { DiagnosisError } from './errors.ts';

/** What people are told when it does not come to what they want. */
export interface TurnTexts {
  /** Somebody else wants the same at this moment. */
  readonly busy: string;
  /** They took the wish back, because its turn did not come. */
  readonly tooSlow: string;
  /** The link ended in the middle of it. */
  readonly lost: string;
}

/** What somebody waits for. */
interface Wish {
  /** Does it and tells them; rejects as what is done does. */
  readonly run: () => Promise<void>;
  readonly reject: (error: DiagnosisError) => void;
}

/** Something that one person at a time may want done, and that is done when its turn comes. */
export class Turn {
  readonly #texts: TurnTexts;
  #wish: Wish | undefined;
  #isAtWork = false;

  constructor(texts: TurnTexts) {
    this.#texts = texts;
  }

  /** Somebody waits. */
  get isWanted(): boolean {
    return this.#wish !== undefined;
  }

  /**
   * Has it done when its turn comes.
   *
   * @param signal takes the wish back, as long as its turn has not come
   * @throws DiagnosisError BUSY, TOO_SLOW, NO_ANSWER, what `end` was given, and those of `work`
   */
  ask<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#wish !== undefined) {
      return Promise.reject(new DiagnosisError('BUSY', this.#texts.busy));
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const wish: Wish = { run: async () => resolve(await work()), reject };
    this.#wish = wish;
    const takeBack = (): void => {
      if (this.#wish !== wish || this.#isAtWork) return;
      this.#wish = undefined;
      reject(new DiagnosisError('TOO_SLOW', this.#texts.tooSlow));
    };
    signal.addEventListener('abort', takeBack, { once: true });
    return promise;
  }

  /** Its turn has come. Rejects where the link has ended, after whoever waits has been told. */
  async take(): Promise<void> {
    const wish = this.#wish;
    if (wish === undefined) return;
    this.#isAtWork = true;
    try {
      await wish.run();
    } catch (error) {
      if (!(error instanceof DiagnosisError)) {
        wish.reject(new DiagnosisError('NO_ANSWER', this.#texts.lost, { cause: error }));
        throw error;
      }
      wish.reject(error);
    } finally {
      this.#isAtWork = false;
      this.#wish = undefined;
    }
  }

  /** It will not be done any more. */
  end(error: DiagnosisError): void {
    this.#wish?.reject(error);
    this.#wish = undefined;
  }
}
