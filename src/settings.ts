import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { ConfigError } from '#core/errors.ts';
import { isLoopback } from './http/guard.ts';
import { parseBuzzerUrl, parseWebhookUrl } from './io/action-url.ts';
import { parseMailUrl } from './io/mail-url.ts';
import { parsePortUrl } from './io/port-url.ts';

/** What can be set: one row of SETTINGS is all that a setting needs. */
const EEG_DEVICES = ['thinkgear'] as const;
const EEG_DEVICES_MAX = 4;
const WEBHOOKS_MAX = 4;
const QUOTA_MB_MIN = 16;
const QUOTA_MB_MAX = 1_000_000;
/** Above this a tick of a second would be shorter than the timers of the process. */
const SPEED_MAX = 1_000;

/** Below this installation, wherever it was started from. */
const DATA = fileURLToPath(new URL('../data', import.meta.url));
const ADDRESS = 'expected HOST:PORT such as 127.0.0.1:8080';
const EEG_EXAMPLES =
  'thinkgear+serial:///dev/rfcomm0, thinkgear+tcp://192.168.0.10:13854 or thinkgear+sim:';
const NAME = 'expected a name of a-z, 0-9, _ and -, at most 23';
const DIRECTORY = 'expected a directory';
const LINK = 'expected a URL such as http://10.42.0.1';
const SEED = 'expected a whole number from 0';
/** Settings that may be given several times, and with commas in a variable. */
export const LISTS: readonly string[] = ['eeg', 'webhook', 'can'];

/** Settings of which no message shows what was found: there is a password in it. */
export const SECRETS: readonly string[] = ['mail', 'webhook'];

const address = v.pipe(v.string(ADDRESS), fallible(parseAddress));
const portUrl = v.pipe(
  v.string('expected a port URL'),
  fallible((text) => parsePortUrl(text)),
);
const mailUrl = v.pipe(v.string('expected a mail URL'), fallible(parseMailUrl));
const webhookUrl = v.pipe(v.string('expected a URL'), fallible(parseWebhookUrl));
const buzzerUrl = v.pipe(v.string('expected a GPIO line'), fallible(parseBuzzerUrl));
const eegUrl = v.pipe(v.string(`expected ${EEG_EXAMPLES}`), fallible(parseEegUrl));

export const SETTINGS = {
  /** Name of this gateway in messages. */
  device: setting(v.pipe(v.string(NAME), v.regex(/^[a-z0-9_-]{1,23}$/, NAME)), 'vigil'),
  /** Directory of everything that is kept. */
  data: setting(v.pipe(v.string(DIRECTORY), v.nonEmpty(DIRECTORY)), DATA),
  http: setting(address, '127.0.0.1:8080'),
  obd: setting(v.optional(portUrl)),
  eeg: setting(
    v.pipe(
      v.array(eegUrl, `expected ${EEG_EXAMPLES}, or a list of them`),
      v.maxLength(EEG_DEVICES_MAX, `expected at most ${EEG_DEVICES_MAX}`),
    ),
    [],
  ),
  /** Seed of the simulated car and driver, which take the place of devices not given. */
  sim: setting(
    v.optional(
      v.pipe(
        numberOrText(SEED),
        v.minValue(0, SEED),
        v.maxValue(0xffff_ffff, 'expected a whole number below 2^32'),
      ),
    ),
  ),
  /** Megabytes that the recording may keep; the oldest makes room. The file is 1.4 times as long. */
  quota: setting(wholeNumber(QUOTA_MB_MIN, QUOTA_MB_MAX, 'megabytes'), 512),
  /** A stored session in place of devices; nothing is recorded. */
  replay: setting(v.optional(wholeNumber(1, 0xffff_ffff, 'a session'))),
  /** How fast the time of a simulation or a replay passes. */
  speed: setting(wholeNumber(1, SPEED_MAX, 'times as fast'), 1),
  /** Where mail about alerts goes. */
  mail: setting(v.optional(mailUrl)),
  webhook: setting(
    v.pipe(
      v.array(webhookUrl, 'expected a URL, or a list of them'),
      v.maxLength(WEBHOOKS_MAX, `expected at most ${WEBHOOKS_MAX}`),
    ),
    [],
  ),
  buzzer: setting(v.optional(buzzerUrl)),
  /** Where people find the dashboard, for links in mails. */
  link: setting(v.optional(v.pipe(v.string(LINK), fallible(parseLink)))),
  can: setting(v.optional(notYet('this version reads no CAN bus, use obd'))),
  mqtt: setting(v.optional(notYet('this version has no MQTT broker'))),
  log: setting(
    v.picklist(['debug', 'info', 'warn', 'error'], 'expected debug, info, warn or error'),
    'info',
  ),
} as const;

export type EegUrl = v.InferOutput<typeof eegUrl>;

/** Where to listen: `localhost:8080`, `[::1]:8080`. */
function parseAddress(text: string): { host: string; port: number } {
  const [, name = '', digits] = /^(\[[0-9a-f:.]+\]|[^\s:[\]]+):(\d{1,5})$/i.exec(text) ?? [];
  if (digits === undefined) throw new ConfigError(ADDRESS);
  const [host, port] = [name.replace(/^\[|\]$/g, ''), Number(digits)];
  if (port > 65_535) throw new ConfigError('expected a port from 0 to 65535');
  if (!isLoopback(host)) {
    throw new ConfigError('expected a loopback address, as there are no accounts yet');
  }
  return { host, port };
}

/** Without a slash at its end. */
function parseLink(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href.replace(/\/$/, '');
  throw new ConfigError(LINK);
}

/** The device and the port of an EEG headset: `thinkgear+serial:///dev/rfcomm0`. */
function parseEegUrl(text: string) {
  const [, name, url] = /^([a-z]+)\+(.*)$/.exec(text) ?? [];
  const device = EEG_DEVICES.find((known) => known === name);
  if (device === undefined || url === undefined) {
    throw new ConfigError(`expected ${EEG_EXAMPLES}`);
  }
  return { device, port: parsePortUrl(url, EEG_EXAMPLES) };
}

/** A valibot step out of a function that throws a ConfigError. */
function fallible<T>(parse: (text: string) => T) {
  return v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
    try {
      return parse(dataset.value);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      addIssue({ message: error.message });
      return NEVER;
    }
  });
}

/** A setting of a later version: refused, so that nobody believes that it works. */
function notYet(message: string) {
  return v.pipe(
    v.unknown(),
    v.check(() => false, message),
  );
}

function wholeNumber(min: number, max: number, of: string) {
  const words = `expected ${of}: a whole number from ${min} to ${max}`;
  return v.pipe(numberOrText(words), v.minValue(min, words), v.maxValue(max, words));
}

/** Numbers come as text from flags and variables. */
function numberOrText(words: string) {
  const text = v.pipe(v.string(), v.digits(), v.transform(Number));
  return v.pipe(v.union([v.number(), text], words), v.integer(words));
}

function setting<S extends v.GenericSchema>(schema: S, fallback?: v.InferInput<S>) {
  return { schema, fallback };
}
