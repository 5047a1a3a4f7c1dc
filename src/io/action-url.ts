import { ConfigError } from '#core/errors.ts';
import {
  type Fault,
  faultsOf,
  readPerHour,
  readQuiet,
  readSettings,
  shown,
  type UseLimits,
} from './use-limits.ts';

/** Where alerts go besides mail, as written in the configuration. */

export interface WebhookUrl extends UseLimits {
  /** As it is called: without our settings. */
  readonly url: string;
}

export interface BuzzerUrl extends Pick<UseLimits, 'quiet'> {
  /** `gpiochip0`, a name below /dev. */
  readonly chip: string;
  /** Offset on the chip. */
  readonly line: number;
  /** The buzzer sounds when the line is low. */
  readonly activeLow: boolean;
}

const WEBHOOK_EXAMPLE = 'https://host.example/path#quiet=22:00-06:00&perHour=60';
const BUZZER_EXAMPLE = 'gpio:gpiochip0/17?active=low&quiet=22:00-06:00';
const URL_CHARS_MAX = 2_048;
/** Far beyond the chips that there are. */
const LINE_MAX = 1_023;

/**
 * Reads where a webhook is. What is in front of `#` belongs to the receiver, which never sees what is
 * behind it: `quiet` and `perHour`.
 *
 * @throws ConfigError that says what is wrong and what was expected, and never shows the path or a
 *   password: whoever knows them can call it
 */
export function parseWebhookUrl(text: string): WebhookUrl {
  const fault = faultsOf(WEBHOOK_EXAMPLE);
  const url = URL.parse(text);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw fault(/^https?:/i.test(text) ? 'a host or port that is none' : '');
  }
  if (text.length > URL_CHARS_MAX) throw fault(`longer than ${URL_CHARS_MAX} characters`);
  if (url.port === '0') throw fault('port 0 is not one of 1 to 65535');
  const settings = readSettings(url.hash.slice(1), ['quiet', 'perHour'], fault);
  url.hash = '';
  return { url: url.href, ...readQuiet(settings, fault), ...readPerHour(settings, fault) };
}

/**
 * Reads which line of which GPIO chip a buzzer is on, and if wanted `active` (`high` where left out) and
 * `quiet`. It has no rate limit: an alarm that goes on sounds again and again.
 *
 * @throws ConfigError that says what is wrong, what was expected and what was found
 */
export function parseBuzzerUrl(text: string): BuzzerUrl {
  const fault: Fault = (wrong) => {
    const { message } = faultsOf(BUZZER_EXAMPLE)(wrong);
    return new ConfigError(`${message}, found ${shown(text)}`);
  };
  const [, place, query = ''] = /^gpio:([^?#]*)(?:\?([^#]*))?$/s.exec(text) ?? [];
  if (place === undefined) {
    const [, hash = ''] = /^gpio:[^#]*#(.*)$/s.exec(text) ?? [];
    throw fault(hash === '' ? '' : `unknown part ${shown(`#${hash}`)}`);
  }
  const [chip = '', line = '', ...more] = place.split('/');
  if (!/^gpiochip\d{1,3}$/.test(chip)) throw fault(`${shown(chip)} is no chip such as gpiochip0`);
  if (!/^\d{1,4}$/.test(line) || Number(line) > LINE_MAX) {
    throw fault(`line ${shown(line)} is not one of 0 to ${LINE_MAX}`);
  }
  if (more.length > 0) throw fault(`unknown part ${shown(more.join('/'))}`);
  const settings = readSettings(query, ['active', 'quiet'], fault);
  const active = settings.get('active') ?? 'high';
  if (active !== 'high' && active !== 'low') {
    throw fault(`active is high or low, found ${shown(active)}`);
  }
  return { chip, line: Number(line), activeLow: active === 'low', ...readQuiet(settings, fault) };
}
