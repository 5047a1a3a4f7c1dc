import type { MessageFormat, Selection, Signal } from './database.ts';

/** What the signals of a file are while it is being read: statements about one follow in any order. */
export interface SignalDraft extends Pick<Signal, 'name' | 'startBit' | 'bits' | 'byteOrder'> {
  readonly line: number;
  readonly factor: number;
  readonly offset: number;
  readonly limits: Signal['limits'];
  readonly unit: string;
  /** `M` or `m3M`: other signals may be chosen by this one. */
  readonly isSwitch: boolean;
  /** The 3 of `m3`; undefined for a signal that is always there. */
  readonly chosenBy: number | undefined;
  type: Signal['type'];
  /** NO_LABELS until something says so. */
  labels: Signal['labels'];
  longName: string;
  comment: string;
  /** From SG_MUL_VAL_, before it is checked. */
  selection: Selection | undefined;
}

export interface MessageDraft {
  readonly line: number;
  readonly id: number;
  readonly extended: boolean;
  readonly name: string;
  readonly length: number;
  readonly signals: Map<string, SignalDraft>;
  longName: string;
  comment: string;
  /** Undefined until something says so. */
  cycleMs: number | undefined;
  format: MessageFormat | undefined;
}
