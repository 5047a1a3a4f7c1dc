import type { Vehicle } from './ecu.ts';
import type { Personality } from './elm-personality.ts';
import type { ProtocolDigit } from './elm-protocols.ts';
import { defaultSettings, type ElmSettings } from './elm-settings.ts';

/** How long things take inside the adapter, in ms; all zero for benchmarks. */
export interface ElmTiming {
  /** Between the carriage return and the first character of the answer. */
  readonly adapterMs: number;
  /** The search for the protocol, or the waking of an older bus. */
  readonly searchMs: number;
  /** ATZ and ATWS. */
  readonly resetMs: number;
  /** Between two frames of one message. */
  readonly gapMs: number;
}

/** Which protocol the user wants; `auto` searches when the wanted one does not work. */
export interface Choice {
  readonly digit: string;
  readonly auto: boolean;
}

/** Everything inside the adapter that a command can see or change. */
export interface ElmState {
  readonly personality: Personality;
  readonly vehicle: Vehicle;
  /** The bus that the car really has. */
  readonly carProtocol: ProtocolDigit;
  readonly timing: ElmTiming;
  settings: ElmSettings;
  choice: Choice;
  /** ATSP writes here, and resets read it back. */
  saved: Choice;
  /** The protocol in use, once the car has answered. */
  active: ProtocolDigit | undefined;
  /** What control units fill their CAN frames with. */
  fill: number;
  /** ATLP: sleeps until a byte arrives. */
  asleep: boolean;
  /** ATBRD: the rate under trial. */
  offeredBaud: number | undefined;
  baud: number;
}

/** All settings back to what they are after power-on. */
export function resetState(state: ElmState): void {
  state.settings = defaultSettings();
  state.choice = state.saved;
  state.active = undefined;
}
