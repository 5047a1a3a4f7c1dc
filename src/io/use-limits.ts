import { ConfigError } from '#core/errors.ts';

/** When a way to people may be used, as it is written in its URL: `quiet=22:00-06:00&perHour=60`. */
export interface UseLimits {
  /** Local time, `HH:MM`, over midnight where `to` is before `from`. */
  readonly quiet?: { readonly from: string; readonly to: string };
  /** Deliveries an hour. */
  readonly perHour?: number;
}

/** How an error of one kind of URL is made: what is wrong, then what was expected. */
export type Fault = (text: string) => ConfigError;

/** The parts of a URL that are settings, by their names. */
export type Settings = ReadonlyMap<string, string>;

const PER_HOUR_MAX = 1_000;
/** How much of a part an error message shows. */
const PART_CHARS_MAX = 40;
const CLOCK_TIMES = /^((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)$/;

export function faultsOf(example: string): Fault {
  return (text) => new ConfigError(`${text === '' ? '' : `${text}; `}expected ${example}`);
}

/**
 * Takes `name=value&name=value` apart, each of the names at most once.
 *
 * @throws what `fault` makes
 */
export function readSettings(text: string, names: readonly string[], fault: Fault): Settings {
  const settings = new Map<string, string>();
  for (const part of text === '' ? [] : text.split('&')) {
    const [name = '', ...rest] = part.split('=');
    if (!names.includes(name)) throw fault(`unknown part ${shown(name)}`);
    if (settings.has(name)) throw fault(`${name} is given twice`);
    settings.set(name, rest.join('='));
  }
  return settings;
}

/** @throws what `fault` makes */
export function readQuiet(settings: Settings, fault: Fault): Pick<UseLimits, 'quiet'> {
  const text = settings.get('quiet');
  if (text === undefined) return {};
  const [, from = '', to = ''] = CLOCK_TIMES.exec(text) ?? [];
  if (from === to) throw fault(`quiet is two times such as 22:00-06:00, found ${shown(text)}`);
  return { quiet: { from, to } };
}

/** @throws what `fault` makes */
export function readPerHour(settings: Settings, fault: Fault): Pick<UseLimits, 'perHour'> {
  const text = settings.get('perHour');
  if (text === undefined) return {};
  const perHour = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (perHour < 1 || perHour > PER_HOUR_MAX) {
    throw fault(`perHour is a number from 1 to ${PER_HOUR_MAX}, found ${shown(text)}`);
  }
  return { perHour };
}

/** As much of a part as an error message shows. */
export function shown(part: string): string {
  return JSON.stringify(part.slice(0, PART_CHARS_MAX));
}
