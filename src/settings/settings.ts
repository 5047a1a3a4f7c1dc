import { isIP } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { ConfigError } from '#core/errors.ts';
import { parseBuzzerUrl, parseWebhookUrl } from '../io/action-url.ts';
import { parseBridgeUrl, parseBrokerUrl } from '../io/bridge-url.ts';
import { parseCanUrl } from '../io/can/can-url.ts';
import { parseMailUrl } from '../io/mail-url.ts';
import { isNetwork, normalAddress } from '../io/network.ts';
import { parsePortUrl } from '../io/port-url.ts';

/** What can be set: one row of SETTINGS is all that a setting needs. */
const EEG_DEVICES = ['thinkgear'] as const;
const EEG_DEVICES_MAX = 4;
const CAN_BUSES_MAX = 4;
const DBC_FILES_MAX = 16;
/** What a bus may be asked at most, whatever is set: sources/obd/can/guard.ts. */
const CAN_RATE_MAX = 10;
const WEBHOOKS_MAX = 4;
const BUDGET_MB_MAX = 1_000_000;
const QUOTA_MB_MIN = 16;
const QUOTA_MB_MAX = 1_000_000;
/** Above this a tick of a second would be shorter than the timers of the process. */
const SPEED_MAX = 1_000;

/** Below this installation, wherever it was started from. */
const DATA = fileURLToPath(new URL('../../data', import.meta.url));
const ADDRESS = 'expected HOST:PORT such as 127.0.0.1:8080';
const BROKER = 'expected HOST:PORT such as 127.0.0.1:1883';
const EEG_EXAMPLES =
  'thinkgear+bt://00:81:F9:08:A1:72, thinkgear+tcp://192.168.0.10:13854 or thinkgear+sim:';
const CAN_BUSES = 'expected a CAN bus such as can:can0';
const DBC = 'expected BUS=FILE such as can0=/etc/vigil/car.dbc';
const REPLAY = 'expected a session such as 12, or a file such as drive.log';
const NAME = 'expected a name of a-z, 0-9, _ and -, at most 23';
const DIRECTORY = 'expected a directory';
const LINK = 'expected a URL such as http://10.42.0.1';
const HOST = 'expected a name or an address such as car.example.org';
const ORIGIN = 'expected an origin such as https://example.org, without a path';
const PROXY = 'expected an address or a network such as 10.0.0.0/8';
/** Of names, origins and proxies. */
const NETWORK_ITEMS_MAX = 16;
const SEED = 'expected a whole number from 0';
/** Settings that may be given several times, and with commas in a variable. */
export const LISTS: readonly string[] = [
  ...['eeg', 'can', 'dbc', 'webhook', 'hosts', 'origins', 'proxies'],
];

/** Settings of which no message shows what was found: there is a password in it. */
export const SECRETS: readonly string[] = ['mail', 'webhook', 'cloud', 'homeAssistant'];

const address = v.pipe(
  v.string(ADDRESS),
  fallible((text) => parseAddress(text)),
);
const brokerAddress = v.pipe(
  v.string(BROKER),
  fallible((text) => parseAddress(text, BROKER)),
);
const portUrl = v.pipe(
  v.string('expected a port URL'),
  fallible((text) => parsePortUrl(text)),
);
const mailUrl = v.pipe(v.string('expected a mail URL'), fallible(parseMailUrl));
const webhookUrl = v.pipe(v.string('expected a URL'), fallible(parseWebhookUrl));
const bridgeUrl = v.pipe(v.string('expected a broker URL'), fallible(parseBridgeUrl));
const brokerUrl = v.pipe(v.string('expected a broker URL'), fallible(parseBrokerUrl));
const buzzerUrl = v.pipe(v.string('expected a GPIO line'), fallible(parseBuzzerUrl));
const canUrl = v.pipe(v.string(CAN_BUSES), fallible(parseCanUrl));
const dbcFile = v.pipe(v.string(DBC), fallible(parseDbcFile));
const replayedSession = wholeNumber(1, 0xffff_ffff, 'a session');
const replayedFile = v.pipe(v.string(REPLAY), v.nonEmpty(REPLAY));
const eegUrl = v.pipe(v.string(`expected ${EEG_EXAMPLES}`), fallible(parseEegUrl));

export const SETTINGS = {
  device: setting(
    v.pipe(v.string(NAME), v.regex(/^[a-z0-9_-]{1,23}$/, NAME)),
    'vigil',
    'Name of this gateway in messages.',
  ),
  data: setting(
    v.pipe(v.string(DIRECTORY), v.nonEmpty(DIRECTORY)),
    DATA,
    'Directory of everything that is kept.',
  ),
  http: setting(address, '127.0.0.1:8080', 'Where the dashboard and the API are.'),
  https: setting(
    v.optional(address),
    undefined,
    'Where they are over TLS too, with a certificate of its own making.',
  ),
  hosts: setting(
    networkItems(fallible(parseHost), HOST),
    [],
    'Further names that the gateway is called by.',
  ),
  origins: setting(
    networkItems(fallible(parseOrigin), ORIGIN),
    [],
    'Web pages elsewhere that may use the API: their origins.',
  ),
  proxies: setting(
    networkItems(v.check(isNetwork, PROXY), PROXY),
    [],
    'Addresses and networks of proxies in front of the gateway, which tell who asks.',
  ),
  obd: setting(
    v.optional(portUrl),
    undefined,
    'The OBD adapter: a serial port or a network address.',
  ),
  eeg: setting(texts(eegUrl, `expected ${EEG_EXAMPLES}`, EEG_DEVICES_MAX), [], 'EEG headsets.'),
  can: setting(
    texts(canUrl, CAN_BUSES, CAN_BUSES_MAX),
    [],
    'CAN buses to record: an interface of the system, or an adapter that speaks slcan.',
  ),
  canTransmit: setting(
    v.picklist(['none', 'diagnostic'], 'expected none or diagnostic'),
    'none',
    'Whether the first CAN bus is only listened to, or the car is asked over it as a scan tool does.',
  ),
  canRate: setting(
    wholeNumber(1, CAN_RATE_MAX, 'requests a second'),
    CAN_RATE_MAX,
    'Requests a second that the car is asked over a CAN bus at most.',
  ),
  dbc: setting(
    texts(dbcFile, DBC, DBC_FILES_MAX),
    [],
    'Files that say what the frames of a bus mean, beside those that were uploaded.',
  ),
  sim: setting(
    v.optional(
      v.pipe(
        numberOrText(SEED),
        v.minValue(0, SEED),
        v.maxValue(0xffff_ffff, 'expected a whole number below 2^32'),
      ),
    ),
    undefined,
    'Seed of a simulated car and driver, which take the place of devices not given.',
  ),
  /** The file is 1.4 times as long. */
  quota: setting(
    wholeNumber(QUOTA_MB_MIN, QUOTA_MB_MAX, 'megabytes'),
    512,
    'Megabytes that the recording may keep; the oldest makes room.',
  ),
  replay: setting(
    v.optional(v.lazy((input) => (isNumber(input) ? replayedSession : replayedFile))),
    undefined,
    'A stored session, by its number, or a log of CAN buses, by its path, in place of devices; nothing is recorded.',
  ),
  speed: setting(
    wholeNumber(1, SPEED_MAX, 'times as fast'),
    1,
    'How fast the time of a simulation or a replay passes.',
  ),
  mail: setting(v.optional(mailUrl), undefined, 'Where mail about alerts goes.'),
  webhook: setting(
    texts(webhookUrl, 'expected a URL', WEBHOOKS_MAX),
    [],
    'Where alerts are posted as JSON.',
  ),
  buzzer: setting(v.optional(buzzerUrl), undefined, 'A line that sounds at an alarm.'),
  link: setting(
    v.optional(v.pipe(v.string(LINK), fallible(parseLink))),
    undefined,
    'Where people find the dashboard, for links in mails.',
  ),
  registration: setting(
    v.picklist(['open', 'invite'], 'expected open or invite'),
    'invite',
    "Whether anybody may make a student's account for themselves, or with an invite only.",
  ),
  requireTls: setting(
    yesOrNo(),
    true,
    'Whether those who may change things log in over TLS, or on the gateway itself, only.',
  ),
  production: setting(
    yesOrNo(),
    false,
    'Set in the image: what is for trying things out is refused.',
  ),
  mqtt: setting(
    v.optional(brokerAddress),
    undefined,
    'Where programs find the MQTT broker, beside /mqtt of the web server.',
  ),
  mqtts: setting(
    v.optional(brokerAddress),
    undefined,
    'Where they find it over TLS, with the certificate of https.',
  ),
  vss: setting(yesOrNo(), false, 'Whether values are published under their COVESA VSS names too.'),
  cloud: setting(
    v.optional(bridgeUrl),
    undefined,
    'The broker of the cloud that gets what is recorded, and the tenant there.',
  ),
  cloudBudget: setting(
    v.optional(wholeNumber(1, BUDGET_MB_MAX, 'megabytes')),
    undefined,
    'Megabytes a month that the cloud may cost; alerts go up beyond them too.',
  ),
  cloudLive: setting(
    yesOrNo(),
    false,
    'Whether the newest of a drive goes ahead of a backlog; with the backlog it goes again.',
  ),
  homeAssistant: setting(
    v.optional(brokerUrl),
    undefined,
    'Your own MQTT broker, as that of Home Assistant, where values are published too.',
  ),
  log: setting(
    v.picklist(['debug', 'info', 'warn', 'error'], 'expected debug, info, warn or error'),
    'info',
    'The least that is written to the log.',
  ),
} as const;

export type EegUrl = v.InferOutput<typeof eegUrl>;

/** Where to listen: `localhost:8080`, `[::1]:8080`. */
function parseAddress(text: string, words = ADDRESS): { host: string; port: number } {
  const [, name = '', digits] = /^(\[[0-9a-f:.]+\]|[^\s:[\]]+):(\d{1,5})$/i.exec(text) ?? [];
  if (digits === undefined) throw new ConfigError(words);
  const [host, port] = [name.replace(/^\[|\]$/g, ''), Number(digits)];
  if (port > 65_535) throw new ConfigError('expected a port from 0 to 65535');
  return { host, port };
}

/** A name of RFC 1123 clause 2.1 or an address, in lower case. */
function parseHost(text: string): string {
  const name = text.toLowerCase();
  if (isIP(name) !== 0) return normalAddress(name) ?? name;
  const labels = name.length > 253 ? [] : name.split('.');
  const isName = labels.every((label) => /^(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(label));
  if (labels.length === 0 || !isName) throw new ConfigError(HOST);
  return name;
}

/** As a browser writes it, RFC 6454 clause 6.2: without the port that goes without saying. */
function parseOrigin(text: string): string {
  const url = URL.parse(text);
  const isWeb = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url && isWeb && url.href === `${url.origin}/`) return url.origin;
  throw new ConfigError(ORIGIN);
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

/** The DBC file of a bus: `can0=/etc/vigil/car.dbc`. */
function parseDbcFile(text: string): { bus: string; file: string } {
  const [, bus, file] = /^([a-z0-9_-]{1,23})=(.+)$/s.exec(text) ?? [];
  if (bus === undefined || file === undefined) throw new ConfigError(DBC);
  return { bus, file };
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

/** Whether it is meant as a number, so that a file whose name is one is written `./12`. */
function isNumber(input: unknown): boolean {
  return typeof input === 'number' || (typeof input === 'string' && /^[+-]?[\d.]+$/.test(input));
}

function wholeNumber(min: number, max: number, of: string) {
  const words = `expected ${of}: a whole number from ${min} to ${max}`;
  return v.pipe(numberOrText(words), v.minValue(min, words), v.maxValue(max, words));
}

/** A list of texts, which are counted before they are read. */
function texts<S extends v.GenericSchema<string, unknown>>(item: S, words: string, max: number) {
  return v.pipe(
    v.array(v.string(words), `${words}, or a list of them`),
    v.maxLength(max, `expected at most ${max}`),
    v.array(item),
  );
}

function networkItems<A extends v.PipeAction<string, string, v.BaseIssue<unknown>>>(
  check: A,
  words: string,
) {
  return texts(v.pipe(v.string(words), check), words, NETWORK_ITEMS_MAX);
}

function yesOrNo() {
  const words = 'expected true or false';
  const text = v.pipe(
    v.picklist(['true', 'false'], words),
    v.transform((value) => value === 'true'),
  );
  return v.union([v.boolean(), text], words);
}

/** Numbers come as text from flags and variables. */
function numberOrText(words: string) {
  const text = v.pipe(v.string(), v.digits(), v.transform(Number));
  return v.pipe(v.union([v.number(), text], words), v.integer(words));
}

/**
 * @param fallback what holds where nothing is written
 * @param about a sentence for whoever sets it
 */
function setting<S extends v.GenericSchema>(
  schema: S,
  fallback: v.InferInput<S> | undefined,
  about: string,
) {
  return { schema, fallback, about };
}
