/**
 * What an ELM327 or STN adapter says between two prompts, taken apart.
 *
 * Adapters mix three things in one answer: lines of hexadecimal data, messages in words, and an
 * echo. Messages may stand on a line of their own, or be glued to the end of data or to the prompt.
 * Words: ELM327 data sheet DSJ, "Error Messages and Alerts", p. 87-89.
 */
export type Alert =
  | 'ok'
  | 'unknown'
  | 'no-data'
  | 'searching'
  | 'unable-to-connect'
  | 'bus-init'
  | 'bus-init-error'
  | 'bus-busy'
  | 'bus-error'
  | 'can-error'
  | 'data-error'
  | 'rx-error'
  | 'buffer-full'
  | 'feedback-error'
  | 'internal-error'
  | 'out-of-memory'
  | 'flow-control-timeout'
  | 'low-voltage-reset'
  | 'stopped'
  | 'activity-alert'
  | 'power-alert'
  | 'remote-frame'
  | 'banner';

/** In an order in which no word is taken for part of another. Compared with all spaces removed. */
// biome-ignore format: a table
const WORDS: readonly (readonly [RegExp, Alert])[] = [
  [/^OK$/,                       'ok'],
  [/^\?$/,                       'unknown'],
  [/(ELM|STN|OBDLINK)[\w.]*V?[\d.]*/, 'banner'],
  [/LVRESET/,                    'low-voltage-reset'],
  [/UNABLETOCONNECT/,            'unable-to-connect'],
  [/SEARCHING\.*/,               'searching'],
  [/BUSINIT:(\.{3})?ERROR/,      'bus-init-error'],
  [/BUSINIT:(\.{3})?(OK)?/,      'bus-init'],
  [/BUSBUSY/,                    'bus-busy'],
  [/BUSERROR/,                   'bus-error'],
  [/CANERROR/,                   'can-error'],
  [/<DATAERROR/,                 'data-error'],
  [/<RXERROR/,                   'rx-error'],
  [/DATAERROR/,                  'data-error'],
  [/BUFFERFULL/,                 'buffer-full'],
  [/FBERROR/,                    'feedback-error'],
  [/OUTOFMEMORY/,                'out-of-memory'],
  [/FCRXTIMEOUT/,                'flow-control-timeout'],
  [/ERR\d\d/,                    'internal-error'],
  [/NODATA/,                     'no-data'],
  [/STOPPED/,                    'stopped'],
  [/!?ACTALERT/,                 'activity-alert'],
  [/!?LPALERT/,                  'power-alert'],
  [/RTR/,                        'remote-frame'],
];

/** Alerts after which what stands before them on the line cannot be trusted (DSJ p. 88). */
const SPOILS_LINE: ReadonlySet<Alert> = new Set(['data-error', 'rx-error', 'remote-frame']);

export interface Answer {
  /** Lines of hexadecimal digits, upper case, spaces removed. */
  readonly data: readonly string[];
  readonly alerts: readonly Alert[];
  /** The words as sent, for AT commands that answer in text (`12.4V`, `A6`, `ELM327 v1.5`). */
  readonly text: string;
  /** Lines that were neither data nor a known message, or were spoiled by one. */
  readonly garbage: number;
}

/** Takes one answer apart. `command` is dropped where the adapter echoes it. Never throws. */
export function parseAnswer(raw: string, command: string): Answer {
  const data: string[] = [];
  const alerts: Alert[] = [];
  const words: string[] = [];
  let garbage = 0;
  for (const line of raw.split(/[\r\n]+/)) {
    const compact = line.replaceAll(' ', '').toUpperCase();
    if (compact === '' || compact === command) continue;
    words.push(line.trim());
    const found = takeWords(compact, alerts);
    if (found.spoiled) garbage++;
    else if (/^[0-9A-F]+$/.test(found.rest)) data.push(found.rest);
    else if (found.rest !== '') garbage++;
  }
  return { data, alerts, text: words.join(' '), garbage };
}

/** Cuts the known words out of a line, notes them, and returns what is left. */
function takeWords(line: string, alerts: Alert[]): { rest: string; spoiled: boolean } {
  let rest = line;
  let spoiled = false;
  // Data alone is by far the commonest line.
  if (/^[0-9A-F]+$/.test(rest)) return { rest, spoiled };
  for (const [pattern, alert] of WORDS) {
    if (!pattern.test(rest)) continue;
    rest = rest.replace(pattern, '');
    alerts.push(alert);
    spoiled ||= SPOILS_LINE.has(alert);
  }
  return { rest, spoiled };
}
