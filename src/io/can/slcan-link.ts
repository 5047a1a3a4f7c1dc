import { type Clock, waitAtMost } from '#core/clock.ts';
import type { Port } from '../port.ts';
import { type Answer, type LineEvents, SlcanReader } from './slcan-lines.ts';

/** Asking an adapter and hearing what it says, in the order of the questions. */

/** Frames and errors, as they come. */
export type LinkEvents = Omit<LineEvents, 'answer'>;

interface Question {
  /** Whether it is answered by a text, such as `V1013`, and not by an empty line. */
  readonly wantsText: boolean;
  readonly answer: (answer: Answer) => void;
}

export class SlcanLink {
  /** Where frames go. */
  events: LinkEvents;
  readonly #port: Port;
  readonly #clock: Clock;
  #questions: readonly Question[] = [];
  /** While the adapter is being woken up it may say anything. */
  #ignores = false;

  constructor(port: Port, clock: Clock, events: LinkEvents) {
    this.#port = port;
    this.#clock = clock;
    this.events = events;
  }

  /** Questions without an answer yet. */
  get waiting(): number {
    return this.#questions.length;
  }

  /** Reads until the link ends; rejects with the LinkError of the port. */
  async read(): Promise<void> {
    const reader = new SlcanReader({
      frame: (frame, stampMs) => this.events.frame(frame, stampMs),
      remote: () => this.events.remote(),
      fd: () => this.events.fd(),
      malformed: () => {
        if (!this.#ignores) this.events.malformed();
      },
      answer: (answer) => this.#answered(answer),
    });
    for await (const chunk of this.#port.input) reader.push(chunk);
  }

  /** Sends a command of which no answer is waited for. Rejects with a LinkError. */
  tell(command: string): Promise<void> {
    return this.#port.write(`${command}\r`);
  }

  /**
   * Sends a command and waits for what the adapter says to it; undefined where it says nothing in time.
   * Rejects with a LinkError.
   */
  async ask(command: string, ms: number, wantsText = false): Promise<Answer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Answer>();
    let answer: Answer | undefined;
    const question: Question = {
      wantsText,
      answer: (given) => {
        answer = given;
        resolve(given);
      },
    };
    this.#questions = [...this.#questions, question];
    try {
      await this.#port.write(`${command}\r`);
      await waitAtMost(this.#clock, ms, promise);
      return answer;
    } finally {
      this.#drop(question);
    }
  }

  /** Sends something and lets pass whatever is said to it, for a while. */
  async disregard(command: string, ms: number, signal?: AbortSignal): Promise<void> {
    this.#ignores = true;
    try {
      await this.#port.write(`${command}\r`);
      await this.#clock.sleep(ms, signal).catch(() => {}); // A stop is seen by the caller.
    } finally {
      this.#ignores = false;
    }
  }

  #answered(answer: Answer): void {
    // A text is for the first that wants one, an empty line for the first that does not.
    const question =
      answer.kind === 'refused'
        ? this.#questions[0]
        : this.#questions.find(({ wantsText }) => wantsText === (answer.kind === 'text'));
    if (question) {
      this.#drop(question);
      question.answer(answer);
    } else if (answer.kind === 'text' && !this.#ignores) {
      // Nobody asked: it is what noise has left of a frame.
      this.events.malformed();
    }
  }

  #drop(question: Question): void {
    this.#questions = this.#questions.filter((other) => other !== question);
  }
}
