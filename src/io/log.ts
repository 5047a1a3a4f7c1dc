/**
 * The log: one line an entry on standard output, for journald or a terminal.
 *
 * Under systemd (`JOURNAL_STREAM` is set) a line is an sd-daemon(3) priority and a JSON object, so
 * that `journalctl -o cat | jq` works; elsewhere it is text. The time is journald's business.
 * A source may write BURST lines at once and then one a second; what is left out is counted and
 * told with its next line.
 */
export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
}

const PRIORITY: Readonly<Record<Level, number>> = { error: 3, warn: 4, info: 6, debug: 7 };
/** Lines a source may write without a pause. */
const BURST_LINES = 20;
const LINE_CHARS_MAX = 4096;
/** An escape takes up to 6 characters, so that an entry cut to this fits in a line with its frame. */
const CUT_CHARS = Math.floor(LINE_CHARS_MAX / 8);
/** What moves the cursor, ends a line or drives a terminal: C0, DEL, C1, U+2028 and U+2029. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;

export interface LogOptions {
  /** Entries below this level are left out. */
  readonly level: Level;
  readonly journald: boolean;
  /** Whole microseconds, monotonic. */
  readonly now: () => number;
  readonly write: (line: string) => void;
}

interface Budget {
  lines: number;
  refilledAt: number;
  suppressed: number;
}

export function createLog(options: LogOptions): Log {
  const budgets = new Map<unknown, Budget>();
  const write = (level: Level, fields: Fields, message: string): void => {
    if (PRIORITY[level] > PRIORITY[options.level]) return;
    const budget = refill(budgets, fields['source'], options.now());
    if (budget.lines < 1) {
      budget.suppressed++;
      return;
    }
    budget.lines--;
    const suppressed = budget.suppressed > 0 ? { suppressed: budget.suppressed } : {};
    budget.suppressed = 0;
    const format = options.journald ? asJournal : asText;
    const { source } = fields;
    let line = format(level, { ...fields, ...suppressed }, message);
    if (line.length > LINE_CHARS_MAX) {
      const cut = message.slice(0, CUT_CHARS);
      line = format(level, { source, ...suppressed, chars: line.length }, cut);
    }
    options.write(`${line}\n`);
  };
  return {
    debug: (fields, message) => write('debug', fields, message),
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
  };
}

/** Token bucket, one token a second. The sources are a handful, so the map stays small. */
function refill(budgets: Map<unknown, Budget>, source: unknown, now: number): Budget {
  const budget = budgets.get(source) ?? { lines: BURST_LINES, refilledAt: now, suppressed: 0 };
  budgets.set(source, budget);
  budget.lines = Math.min(BURST_LINES, budget.lines + (now - budget.refilledAt) / 1e6);
  budget.refilledAt = now;
  return budget;
}

/** Text from a device stays text: it cannot begin another entry, nor drive the reader's terminal. */
function oneLine(text: string): string {
  return text.replace(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function asJournal(level: Level, fields: Fields, message: string): string {
  return oneLine(`<${PRIORITY[level]}>${JSON.stringify({ level, ...fields, msg: message })}`);
}

function asText(level: Level, { source = 'vigil', ...rest }: Fields, message: string): string {
  const tail = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return oneLine([level.padEnd(5), `${String(source)}:`, message, ...tail].join(' '));
}
