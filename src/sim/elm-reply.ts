/** A line of an answer, so many milliseconds after the command. Noise may hide in the text. */
export interface TimedLine {
  readonly afterMs: number;
  /** Latin-1, without its line end. */
  readonly text: string;
}

/** What the adapter sends for one command. */
export interface Reply {
  readonly lines: readonly TimedLine[];
  /** When the prompt comes; infinite while monitoring, until a byte arrives. */
  readonly endMs: number;
  /** `>`; empty where the adapter falls asleep or a fault swallowed it. */
  readonly prompt: string;
  /** Lines that come after the prompt, whatever happens in between. */
  readonly late?: readonly TimedLine[];
}

export const PROMPT = '>';

/** Lines that come together, at once or after `afterMs`, with a prompt. */
export function replyNow(texts: readonly string[], afterMs = 0): Reply {
  return { lines: texts.map((text) => ({ afterMs, text })), endMs: afterMs, prompt: PROMPT };
}

/** Two hex digits a byte, upper case, separated by `space`. */
export function hex(bytes: readonly number[], space = ''): string {
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0') + space).join('');
}

/** Hex digits to bytes. The caller has checked that they are an even number. */
export function unhex(digits: string): number[] {
  return [...Buffer.from(digits, 'hex')];
}
