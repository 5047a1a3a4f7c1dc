/**
 * The AT commands, after the command summary of ELM327DSJ, which also tells the version that brought
 * each. A command the adapter does not know, or with arguments it cannot read, is answered with `?`.
 */
import type { Micros } from '#core/stream.ts';
import { isProtocol, PROTOCOLS } from './elm-protocols.ts';
import { PROMPT, type Reply, replyNow } from './elm-reply.ts';
import type { ElmSettings } from './elm-settings.ts';
import { type Choice, type ElmState, resetState } from './elm-state.ts';

type Run = (state: ElmState, args: string, now: Micros) => string | Reply;

interface Command {
  readonly since: number;
  readonly name: string;
  readonly args: RegExp;
  readonly run: Run;
}

const OK = 'OK';
const UNKNOWN = '?';
const ON_OFF = /^[01]$/;
const NONE = /^$/;
const ANY = /^[0-9A-F]*$/;
const HEX2 = /^[0-9A-F]{2}$/;
const CAN_ID = /^([0-9A-F]{3}|[0-9A-F]{8})$/;
const CAN_ID_X = /^([0-9A-FX]{3}|[0-9A-FX]{8})$/;
const BAUD_CLOCK = 4_000_000;

// biome-ignore format: one command a line, in columns
const COMMANDS: readonly Command[] = [
  at(1.0, '@1',   NONE,                     () => 'OBDII to RS232 Interpreter'),
  at(1.0, 'I',    NONE,                     ({ personality }) => personality.banner),
  at(1.0, 'Z',    NONE,                     (state) => restart(state, true)),
  at(1.0, 'WS',   NONE,                     (state) => restart(state, false)),
  at(1.0, 'D',    NONE,                     (state) => { resetState(state); return OK; }),
  at(1.0, 'E',    ON_OFF,                   set((s, on) => { s.echo = on; })),
  at(1.0, 'L',    ON_OFF,                   set((s, on) => { s.linefeeds = on; })),
  at(1.0, 'H',    ON_OFF,                   set((s, on) => { s.headers = on; })),
  at(1.3, 'S',    ON_OFF,                   set((s, on) => { s.spaces = on; })),
  at(1.3, 'D',    ON_OFF,                   set((s, on) => { s.showLength = on; })),
  at(1.0, 'CAF',  ON_OFF,                   set((s, on) => { s.autoFormat = on; })),
  at(1.0, 'CFC',  ON_OFF,                   set((s, on) => { s.autoFlow = on; })),
  at(1.0, 'AL',   NONE,                     set((s) => { s.longMessages = true; })),
  at(1.0, 'NL',   NONE,                     set((s) => { s.longMessages = false; })),
  at(1.2, 'AT',   /^[012]$/,                set((s, _, args) => { s.adaptive = args === '0' ? 0 : args === '1' ? 1 : 2; })),
  at(1.0, 'ST',   HEX2,                     set((s, _, args) => { s.timeoutTicks = Number.parseInt(args, 16); })),
  at(1.0, 'SH',   /^([0-9A-F]{3}|[0-9A-F]{6})$/, set((s, _, args) => { s.header = args; })),
  at(2.0, 'SH',   /^[0-9A-F]{8}$/,          set((s, _, args) => { s.priority = Number.parseInt(args.slice(0, 2), 16); s.header = args.slice(2); })),
  at(1.0, 'CP',   HEX2,                     set((s, _, args) => { s.priority = Number.parseInt(args, 16) & 0x1f; })),
  at(1.3, 'CRA',  CAN_ID,                   set((s, _, args) => { s.filter = filterOf(args); })),
  at(1.41, 'CRA', NONE,                     set((s) => { s.filter = undefined; })),
  at(2.0, 'CRA',  CAN_ID_X,                 set((s, _, args) => { s.filter = filterOf(args); })),
  at(1.2, 'AR',   NONE,                     set((s) => { s.filter = undefined; })),
  at(1.0, 'CF',   CAN_ID,                   set((s, _, args) => { s.filter = { mask: 0, ...s.filter, pattern: Number.parseInt(args, 16) }; })),
  at(1.0, 'CM',   CAN_ID,                   set((s, _, args) => { s.filter = { pattern: 0, ...s.filter, mask: Number.parseInt(args, 16) }; })),
  at(1.1, 'FCSH', CAN_ID,                   set((s, _, args) => { s.flow.header = args; })),
  at(1.1, 'FCSD', /^([0-9A-F]{2}){1,5}$/,   set((s, _, args) => { s.flow.data = args; })),
  at(1.1, 'FCSM', /^[012]$/,                flowMode),
  at(1.0, 'SP',   /^A?[0-9A-C]$/,           (state, args) => { choose(state, args); state.saved = state.choice; return OK; }),
  at(1.0, 'TP',   /^A?[0-9A-C]$/,           (state, args) => { choose(state, args); return OK; }),
  at(1.0, 'DP',   NONE,                     describeProtocol),
  at(1.0, 'DPN',  NONE,                     ({ choice, active }) => `${choice.auto ? 'A' : ''}${active ?? choice.digit}`),
  at(1.0, 'PC',   NONE,                     (state) => { state.active = undefined; return OK; }),
  at(1.0, 'RV',   NONE,                     ({ vehicle }, _, now) => `${vehicle.car.at(now).voltageV.toFixed(1)}V`),
  at(1.4, 'IGN',  NONE,                     ({ vehicle }, _, now) => vehicle.car.at(now).ignition ? 'ON' : 'OFF'),
  at(1.4, 'LP',   NONE,                     sleep),
  at(1.2, 'BRD',  HEX2,                     offerBaud),
  at(1.0, 'MA',   NONE,                     () => ({ lines: [], endMs: Number.POSITIVE_INFINITY, prompt: PROMPT })),
  // Accepted without an effect that the simulation would show.
  at(1.0, 'M',    ON_OFF, () => OK),
  at(1.0, 'R',    ON_OFF, () => OK),
  at(1.3, 'V',    ON_OFF, () => OK),
  at(1.0, 'BI',   NONE,   () => OK),
  at(1.0, 'SW',   HEX2,   () => OK),
  at(1.2, 'BRT',  HEX2,   () => OK),
  at(1.4, 'FE',   NONE,   () => OK),
  at(1.4, 'CEA',  ANY,    () => OK),
  at(1.41, 'CSM', ON_OFF, () => OK),
  at(2.1, 'CTM',  /^[15]$/, () => OK),
];

/** Runs one command, given without its AT and without spaces, in upper case. */
export function atCommand(state: ElmState, text: string, now: Micros): Reply {
  const { knows, lacks } = state.personality;
  const command = COMMANDS.find(
    ({ since, name, args }) =>
      since <= knows &&
      text.startsWith(name) &&
      args.test(text.slice(name.length)) &&
      !lacks.includes(name),
  );
  const reply = command ? command.run(state, text.slice(command.name.length), now) : UNKNOWN;
  return typeof reply === 'string' ? replyNow([reply]) : reply;
}

function at(since: number, name: string, args: RegExp, run: Run): Command {
  return { since, name, args, run };
}

/** A command that changes one setting and is answered with OK. */
function set(change: (settings: ElmSettings, on: boolean, args: string) => void): Run {
  return ({ settings }, args) => {
    change(settings, args === '1', args);
    return OK;
  };
}

/** ATZ also forgets the line rate; ATWS keeps it. The banner comes after two empty lines. */
function restart(state: ElmState, cold: boolean): Reply {
  resetState(state);
  if (cold) state.baud = state.personality.baud;
  return replyNow(['', '', state.personality.banner], state.timing.resetMs);
}

/** Modes 1 and 2 need their data first, mode 1 the identifier too. */
function flowMode({ settings }: ElmState, args: string): string {
  const { flow } = settings;
  const ready = args === '0' || (flow.data !== '' && (args === '2' || flow.header !== ''));
  if (!ready) return UNKNOWN;
  flow.mode = args === '0' ? 0 : args === '1' ? 1 : 2;
  return OK;
}

/** X stands for any digit. */
function filterOf(args: string): { pattern: number; mask: number } {
  return {
    pattern: Number.parseInt(args.replaceAll('X', '0'), 16),
    mask: Number.parseInt(args.replaceAll(/[^X]/g, 'F').replaceAll('X', '0'), 16),
  };
}

function choose(state: ElmState, args: string): void {
  const digit = args.slice(-1);
  const choice: Choice = { digit, auto: args.length > 1 || digit === '0' };
  state.choice = choice;
  state.active = undefined;
}

function describeProtocol({ choice, active }: ElmState): string {
  const digit = active ?? choice.digit;
  const name = isProtocol(digit) ? PROTOCOLS[digit].name : '';
  return [...(choice.auto ? ['AUTO'] : []), ...(name ? [name] : [])].join(', ');
}

function sleep(state: ElmState): Reply {
  state.asleep = true;
  return { ...replyNow([OK]), prompt: '' };
}

/** OK comes at the old rate and without a prompt; the adapter then tries the new one. */
function offerBaud(state: ElmState, args: string): string | Reply {
  const divisor = Number.parseInt(args, 16);
  if (divisor === 0) return UNKNOWN;
  state.offeredBaud = Math.round(BAUD_CLOCK / divisor);
  return { ...replyNow([OK]), prompt: '' };
}
