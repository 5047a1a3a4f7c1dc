import { oneLine } from '#core/text.ts';

/** Something in a file that could not be taken as it stands, and what was done about it. */
export interface DbcWarning {
  /** From 1. */
  readonly line: number;
  /** What is wrong, and what became of it: one sentence that begins small, without a full stop. */
  readonly text: string;
  /** The words of the file; one line of at most 60 characters. */
  readonly seen: string;
}

/** Warnings that are kept; the rest is counted. Nobody reads more, and they are stored with the file. */
const WARNINGS_MAX = 200;
const SEEN_CHARS_MAX = 60;

/** What a warning can say, besides `expected ...` of cursor.ts. */
export const TEXTS = {
  openString: 'a string has no closing quote: it ends where the next statement begins',
  unknown: 'this is no statement of a DBC file: left out',
  unended: 'there is no ; at the end: it ends where the next statement begins',
  tooLong: 'the statement is too long: its end is left out',
  extra: 'there is more than belongs here: left out',
  noColon: 'there is no : after the name: read as if there were',
  noLimits: 'the signal has no [min|max]: what its bits can express counts',
  noUnit: 'the signal has no unit in quotes: none is assumed',
  name: 'the name is no C identifier: kept as it is',
  longId: 'the identifier has more than 11 bits, but not bit 31 of a 29-bit one: taken as 29 bits',
  badId: 'this is no identifier of a CAN frame: the message is left out',
  sameId: 'the identifier has been used by another message: the message is left out',
  sameMessage: 'another message has the same name: both are kept',
  manyMessages: 'there are too many messages: this one and those after it are left out',
  longMessage: 'the message is longer than a frame of 64 bytes: kept, without what lies beyond',
  orphan: 'the signal belongs to no message: left out',
  sameSignal: 'the message has a signal of this name already: this one is left out',
  manySignals: 'the message has too many signals: this one and those after it are left out',
  bits: 'a signal has 1 to 64 bits: left out',
  place: 'the signal lies beyond the 64 bytes of the longest frame: left out',
  factor: 'the factor is 0, which makes all values the same: left out',
  limits: 'the minimum is above the maximum: what its bits can express counts',
  beyond: 'the signal reaches beyond the length of its message: decoded where frames are longer',
  overlap: 'the signal shares bits with another one: both are kept',
  noMessage: 'there is no such message: left out',
  noSignal: 'there is no such signal: left out',
  noTable: 'there is no such table of values: left out',
  label: 'the signal cannot have this value: its text is of no use',
  sameLabels: 'the signal has texts for its values already: these are left out',
  manyLabels: 'there are too many texts for values: the rest is left out',
  floatBits: 'a float has 32 bits and a double 64: the signal is left out',
  noSwitch: 'the signal is multiplexed, but nothing tells by which signal: left out',
  badSwitch: 'the signal is multiplexed by one that is not there or no integer: left out',
  loop: 'the signal is multiplexed by signals that wait for it: left out',
  range: 'a range of multiplexer values ends before it begins: left out',
  cycle: 'this is no time between two frames: left out',
} as const;

export class Warnings {
  readonly #kept: DbcWarning[] = [];
  #count = 0;

  add(line: number, text: string, seen: string): void {
    this.#count++;
    if (this.#kept.length === WARNINGS_MAX) return;
    this.#kept.push({ line, text, seen: oneLine(seen, SEEN_CHARS_MAX) });
  }

  /** How many there are beyond those that are kept. */
  get unlisted(): number {
    return this.#count - this.#kept.length;
  }

  /** In the order of the file. */
  listed(): readonly DbcWarning[] {
    return this.#kept.toSorted((a, b) => a.line - b.line);
  }
}
