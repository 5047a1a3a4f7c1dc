/**
 * What goes wrong between real adapters and their drivers, one fault a command at most.
 *
 * No fault turns one data byte into another that looks as good: noise is added where it can be seen,
 * lines are marked, cut at their ends or replaced by text. An answer to another question carries the
 * other question's PID. A driver that looks closely can therefore always tell.
 */
import { type Reply, replyNow, type TimedLine } from './elm-reply.ts';
import { timeoutMs } from './elm-settings.ts';
import { type ElmState, resetState } from './elm-state.ts';

/** Name, the commands it can hit, and what it does. */
const FAULTS = {
  /** Stray FC bytes in the answer, as at the wrong moment of a reset. */
  fc: 'any',
  /** Stray NUL bytes in the answer (ELM327DSJ says that they occur and are to be dropped). */
  nul: 'any',
  /** The prompt never comes; the adapter listens nevertheless. */
  'no-prompt': 'any',
  /** The prompt comes twice. */
  'double-prompt': 'any',
  /** NO DATA and the prompt, and the answer after them. */
  late: 'obd',
  /** `?` to a setting, which stays as it was. */
  unknown: 'at',
  /** LV RESET: a voltage dip, all settings lost. */
  'lv-reset': 'obd',
  /** The first lines, then BUFFER FULL. */
  'buffer-full': 'obd',
  /** An alert follows the last line without a line end. */
  glued: 'obd',
  /** STOPPED although nobody interrupted. */
  stopped: 'obd',
  /** Control units fill their frames with another byte. */
  pad: 'obd',
  /** Characters of a line overwritten by ones that are no hex digits. */
  garbage: 'any',
  /** The answer belongs to another PID of service 01. */
  'wrong-answer': 'pid',
  /** The link is gone. */
  disconnect: 'any',
  'can-error': 'obd',
  /** UNABLE TO CONNECT; the protocol has to be found again. */
  unable: 'obd',
  /** ATE0 is answered with OK, and the echo stays. */
  echo: 'echo-off',
} as const;

export type Fault = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly Fault[]; // The keys of the table above.

/** Chooses the fault of one command, given in upper case and without spaces. */
export type FaultPlan = (command: string) => Fault | undefined;

const NOISE_MAX = 3;
const LATE_MS = 150;
const OTHER_FILL = 0xaa;
const ALERTS = ['<DATA ERROR', '<RX ERROR', 'NO DATA', 'STOPPED'];
const GARBAGE = ['\x80', '\xc3', '~', '#', 'z', '\x15'];
const OTHER_PIDS = ['05', '0C'];

/**
 * Faults at random, each with its probability for every command it can hit. One draw a command, so
 * the probabilities must not add up to more than 1.
 */
export function randomFaults(
  probabilities: Readonly<Partial<Record<Fault, number>>>,
  random: () => number,
): FaultPlan {
  return (command) => {
    let draw = random();
    for (const fault of FAULT_NAMES) {
      draw -= probabilities[fault] ?? 0;
      if (draw < 0) return hits(fault, command) ? fault : undefined;
    }
    return undefined;
  };
}

/** True when the fault can happen to this command. */
export function hits(fault: Fault, command: string): boolean {
  const scope = FAULTS[fault];
  switch (scope) {
    case 'any':
      return true;
    case 'at':
      return command.startsWith('AT') && command !== 'ATZ';
    case 'obd':
      return /^[0-9A-F]+$/.test(command);
    case 'pid':
      return /^01[0-9A-F]{2,}$/.test(command);
    case 'echo-off':
      return command === 'ATE0';
  }
}

/** The command as the adapter understands it: another PID with `wrong-answer`. */
export function misheard(fault: Fault | undefined, command: string): string {
  if (fault !== 'wrong-answer') return command;
  const other = OTHER_PIDS.find((pid) => pid !== command.slice(2, 4)) ?? '';
  return `01${other}${command.length % 2 === 1 ? command.slice(-1) : ''}`;
}

/** The answer given instead of doing what was asked, for faults that work so. */
export function replacement(fault: Fault | undefined, state: ElmState): Reply | undefined {
  switch (fault) {
    case 'unknown':
      return replyNow(['?']);
    case 'echo':
      return replyNow(['OK']);
    case 'stopped':
      return replyNow(['STOPPED']);
    case 'can-error':
      return replyNow([state.active && state.active < '6' ? 'BUS ERROR' : 'CAN ERROR']);
    case 'unable':
      state.active = undefined;
      return replyNow(['UNABLE TO CONNECT']);
    case 'lv-reset':
      resetState(state);
      return replyNow(['LV RESET']);
    default:
      return undefined;
  }
}

/** The byte that control units fill their frames with. */
export function fillByte(fault: Fault | undefined, fill: number): number {
  return fault === 'pad' ? OTHER_FILL : fill;
}

/** The answer as it arrives, for faults that spoil it on the way. */
export function distort(
  fault: Fault | undefined,
  reply: Reply,
  state: ElmState,
  random: () => number,
): Reply {
  switch (fault) {
    case 'fc':
      return noisy(reply, '\xfc', random);
    case 'nul':
      return noisy(reply, '\0', random);
    case 'no-prompt':
      return { ...reply, prompt: '' };
    case 'double-prompt':
      return { ...reply, prompt: reply.prompt.repeat(2) };
    case 'late':
      return tooLate(reply, timeoutMs(state.settings));
    case 'buffer-full':
      return cutShort(reply);
    case 'glued':
      return mapLast(reply, (text) => text + pick(ALERTS, random));
    case 'garbage':
      return mapLast(reply, (text) => overwritten(text, random));
    default:
      return reply;
  }
}

function noisy(reply: Reply, noise: string, random: () => number): Reply {
  const strew = (line: TimedLine): TimedLine => {
    const at = Math.floor(random() * (line.text.length + 1));
    const some = noise.repeat(1 + Math.floor(random() * NOISE_MAX));
    return { ...line, text: line.text.slice(0, at) + some + line.text.slice(at) };
  };
  return { ...reply, lines: reply.lines.map(strew) };
}

function tooLate(reply: Reply, patienceMs: number): Reply {
  const endMs = Math.max(patienceMs, reply.endMs);
  const late = reply.lines.map(({ text }) => ({ afterMs: endMs + LATE_MS, text }));
  return { ...reply, lines: [{ afterMs: endMs, text: 'NO DATA' }], endMs, late };
}

function cutShort(reply: Reply): Reply {
  const kept = reply.lines.slice(0, Math.floor(reply.lines.length / 2));
  return { ...reply, lines: [...kept, { afterMs: reply.endMs, text: 'BUFFER FULL' }] };
}

function mapLast(reply: Reply, change: (text: string) => string): Reply {
  const last = reply.lines.length - 1;
  return {
    ...reply,
    lines: reply.lines.map((line, i) => {
      return i === last ? { ...line, text: change(line.text) } : line;
    }),
  };
}

/** Overwrites one to three characters, spaces excepted, so that the line is no longer hex. */
function overwritten(text: string, random: () => number): string {
  const chars = [...text];
  for (let n = 1 + Math.floor(random() * NOISE_MAX); n > 0; n--) {
    const at = Math.floor(random() * chars.length);
    if (chars[at] !== ' ') chars[at] = pick(GARBAGE, random);
  }
  if (chars.join('') === text) chars[0] = pick(GARBAGE, random);
  return chars.join('');
}

function pick(from: readonly string[], random: () => number): string {
  return from[Math.floor(random() * from.length)] ?? '';
}
