import path from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { ConfigError, codeOf } from '#core/errors.ts';
import { nearest } from '#core/spelling.ts';
import { busNames } from '../io/can/can-url.ts';
import { SettingError } from './errors.ts';
import { flagOf, ownVariable, variableOf } from './names.ts';
import { LISTS, SECRETS, SETTINGS } from './settings.ts';
import { unknownOption } from './unknown-option.ts';
import { entriesIn, shown } from './yaml-text.ts';

/**
 * The configuration: defaults, below the YAML file, below `VIGIL_*` of the environment, below the
 * flags. It is read once and frozen to its depth; nobody fetches a setting later.
 *
 * What there is to be set is in settings.ts. Every error says which key, where it was written
 * (file and line, variable or flag), what was expected and what was found.
 */
const CONFIG_CHARS_MAX = 256 * 1024;
/** In the data directory: the file where no other is named. It need not be there. */
const OWN_FILE = 'settings.yaml';
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file'],
  ['ENOTDIR', 'no such file'],
  ['EISDIR', 'a directory, not a file'],
  ['EACCES', 'no permission to read it'],
]);
/** Of a file that nobody named: there is none, and of its directory whoever uses that will tell. */
const NOT_THERE: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'];
/** Addresses of all interfaces. */
const ANYWHERE: readonly string[] = ['0.0.0.0', '::'];
/** Variables that are no settings, without `VIGIL_`. */
const NOT_SETTINGS: readonly string[] = ['config', 'setup_password'];
export type Key = keyof typeof SETTINGS;
export type Config = Readonly<{ [K in Key]: v.InferOutput<(typeof SETTINGS)[K]['schema']> }>;

/** Where a setting was written. */
export interface Origin {
  readonly kind: 'file' | 'variable' | 'flag';
  /** Of the file, the variable or the flag. */
  readonly name: string;
  /** In the file; null for what has no lines. */
  readonly line: number | null;
}

/** A setting as it was written. */
export interface Written {
  readonly value: unknown;
  readonly origin: Origin;
}

/** What a person asked for on the command line. */
export interface Invocation {
  readonly config: Config;
  /** Validate, say so, and leave. */
  readonly check: boolean;
  /** What holds of what was written, by key; the defaults are not in it. */
  readonly written: ReadonlyMap<string, Written>;
  readonly file: SettingsFile;
}

/** The file that settings are read from, and written to. */
export interface SettingsFile {
  readonly path: string;
  /** As it was read; undefined where there is none and none is needed. */
  readonly text: string | undefined;
  /** Whether somebody named it. */
  readonly isNamed: boolean;
  /** Where everything is kept, as far as that is known without the file. */
  readonly data: string;
}

export const USAGE = `vigil, the in-car gateway

  scripts/start.sh [options]

  --config FILE      settings in YAML; the flags below override it  (settings.yaml, in --data)
  --device NAME      name of this gateway in messages          (vigil)
  --data DIR         where everything is kept          (data, in the clone)
  --quota MB         what the recording may keep; the oldest makes room  (512)
  --http HOST:PORT   dashboard and API                         (127.0.0.1:8080)
  --https HOST:PORT  the same over TLS, with a certificate of its own making
  --hosts NAME       a further name that it is called by; may be given several times
  --origins ORIGIN   web pages elsewhere that may use the API; may be given several times
  --proxies NETWORK  proxies in front that tell who asks; may be given several times
  --obd URL          serial:///dev/ttyUSB0?baud=38400, bt://ADDRESS, tcp://192.168.0.10:35000 or sim:
  --eeg URL          thinkgear+bt://ADDRESS or thinkgear+sim:; may be given several times
  --can URL          can:can0, slcan+serial:///dev/ttyACM0 or sim:; may be given several times
  --can-transmit WHAT  diagnostic: the car is asked over the first bus; none: listen  (none)
  --can-rate N       requests a second over a CAN bus at most    (10)
  --dbc BUS=FILE     what the frames of a bus mean; may be given several times
  --sim SEED         a simulated car and driver in place of devices not given
  --replay WHAT      a stored session (12) or a log of CAN buses (drive.log) in place of devices
  --speed N          so many times as fast, for a simulation or a replay   (1)
  --mail URL         where alerts go by mail: smtps://user:password@host?from=a@b&to=c@d
  --webhook URL      where alerts are posted as JSON; may be given several times
  --buzzer URL       a line that sounds at an alarm: gpio:gpiochip0/17
  --link URL         where people find the dashboard, for links in mails
  --registration WHO  open: anybody may make a student's account; invite: with one  (invite)
  --mqtt HOST:PORT   the MQTT broker, which is at /mqtt of --http too
  --mqtts HOST:PORT  the same over TLS, with the certificate of --https
  --vss BOOL         values are published under their COVESA VSS names too   (false)
  --home-assistant URL  mqtt://user:password@host:1883, your own broker, where values are published too
  --cloud URL        mqtts://user:password@host/TENANT, where everything recorded goes
  --cloud-budget MB  what the cloud may cost a month; alerts go up beyond it too
  --cloud-live BOOL  the newest of a drive goes ahead of a backlog        (false)
  --require-tls BOOL  who may change things logs in over TLS or on the gateway only  (true)
  --production BOOL  what is for trying things out is refused  (false)
  --log LEVEL        debug, info, warn or error                (info)
  --check            validate the settings and leave
  -h, --help         this text
  --version          the version

Every option with a value is also a variable of the environment: VIGIL_HTTP, VIGIL_REQUIRE_TLS, with
commas in VIGIL_EEG. In the file --require-tls is requireTls. Another variable that begins with VIGIL_ stops the start: it may be one misspelt.
`;

/**
 * Reads the configuration.
 *
 * @param readFile gives the text of a file, or throws
 * @throws ConfigError for anything that cannot be used; nothing is guessed
 */
export function readConfig(
  argv: readonly string[],
  env: Environment,
  readFile: (path: string) => string,
): Invocation {
  const { values, check } = parseFlags(argv);
  const place = fileOf(values, env);
  const text = textOf(place, readFile);
  const written = new Map<string, Written>([
    ...(text === undefined ? [] : fromFile(place.path, text)),
    ...fromEnvironment(env),
    ...fromFlags(values),
  ]);
  const entries = Object.entries(SETTINGS).map(([key, { schema, fallback }]) => {
    const setting = written.get(key) ?? { value: fallback, origin: undefined };
    return [key, validate(key, schema, setting)];
  });
  const config = Object.fromEntries(entries) as Config; // Each by its own schema.
  return {
    config: deepFreeze(withSimulation(checked(config))),
    ...{ check, written, file: { ...place, text } },
  };
}

/** Which file is read, or would be. @throws ConfigError for flags that cannot be understood */
export function settingsFile(argv: readonly string[], env: Environment): FilePlace {
  return fileOf(parseFlags(argv).values, env);
}

type FilePlace = Omit<SettingsFile, 'text'>;
export type Environment = Readonly<Record<string, string | undefined>>;
type Flags = Readonly<Record<string, unknown>>;

function fileOf(flags: Flags, env: Environment): FilePlace {
  const given = (name: string): string | undefined => {
    const value = flags[name] ?? (env[variableOf(name)] || undefined);
    return typeof value === 'string' ? value : undefined;
  };
  const data = given('data') ?? SETTINGS.data.fallback ?? '';
  const named = given('config');
  return { path: named ?? path.join(data, OWN_FILE), isNamed: named !== undefined, data };
}

/** What no setting shows by itself. */
function checked(config: Config): Config {
  return checkDbc(checkTransmit(checkSpeed(checkPorts(config))));
}

/** Each of what listens has a port of its own; 0 is any that is free. */
function checkPorts(config: Config): Config {
  const all = (['http', 'https', 'mqtt', 'mqtts'] as const).flatMap((key) => {
    const place = config[key];
    return place === undefined || place.port === 0 ? [] : [{ key, ...place }];
  });
  for (const [i, { key, host, port }] of all.entries()) {
    const other = all.slice(0, i).find((one) => {
      return one.port === port && (one.host === host || isAny(one.host) || isAny(host));
    });
    if (other === undefined) continue;
    throw new ConfigError(`${key}: expected another port than that of ${other.key}, found ${port}`);
  }
  return config;
}

function isAny(host: string): boolean {
  return ANYWHERE.includes(host);
}

/** Real devices send in real time. */
function checkSpeed(config: Config): Config {
  const { speed, replay, sim, obd, eeg, can } = config;
  const ports = [obd, ...eeg.map(({ port }) => port), ...can];
  const devices = ports.filter((port) => port !== undefined);
  const real = replay === undefined && devices.some(({ kind }) => kind !== 'sim');
  if (speed === 1 || (!real && (replay !== undefined || sim !== undefined || devices.length > 0))) {
    return config;
  }
  throw new ConfigError(
    `speed: expected 1, as only a simulation or a replay can be faster, found ${speed}`,
  );
}

/** Where a file says what the frames of a bus mean, there is that bus. */
function checkDbc(config: Config): Config {
  // A recording has buses of its own.
  if (config.replay !== undefined) return config;
  const names = namesOf(config.can);
  const other = config.dbc.find(({ bus }) => !names.includes(bus));
  if (other === undefined) return config;
  const known = names.length === 0 ? 'none is configured' : names.join(', ');
  throw new ConfigError(`dbc: expected one of the CAN buses (${known}), found ${shown(other.bus)}`);
}

function namesOf(urls: Config['can']): readonly string[] {
  try {
    return busNames(urls);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`can: ${error.message}`, { cause: error });
  }
}

/** Asking needs a bus to ask over. */
function checkTransmit(config: Config): Config {
  const { can, canTransmit } = config;
  if (canTransmit === 'none' || can.length > 0) return config;
  throw new ConfigError(
    'canTransmit: expected none, as no CAN bus is configured, found diagnostic',
  );
}

/**
 * The simulated devices stand in for those that are not given; a car that is asked over CAN is given.
 */
function withSimulation(config: Config): Config {
  if (config.sim === undefined) return config;
  const { eeg, can, canTransmit } = config;
  const asked = can.length > 0 && canTransmit === 'diagnostic';
  const { obd = asked ? undefined : ({ kind: 'sim' } as const) } = config;
  const simulated = [{ device: 'thinkgear', port: { kind: 'sim' } }] as const;
  return { ...config, obd, eeg: eeg.length > 0 ? eeg : simulated.slice() };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

function parseFlags(argv: readonly string[]): { values: Flags; check: boolean } {
  const text = { type: 'string' } as const;
  const options = {
    config: text,
    check: { type: 'boolean' } as const,
    ...Object.fromEntries(
      Object.keys(SETTINGS).map((key) => [flagOf(key), { ...text, multiple: LISTS.includes(key) }]),
    ),
  };
  try {
    const { values } = parseArgs({ args: joinDashes(argv), options });
    return { values, check: values.check ?? false };
  } catch (error) {
    throw new ConfigError(wordsOf(error, Object.keys(options)), { cause: error });
  }
}

/** Makes `--sim -1` the `--sim=-1` that parseArgs insists on, so that the setting is what is judged. */
function joinDashes(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of argv) {
    const last = joined.at(-1) ?? '';
    if (/^-[^-]/.test(arg) && /^--[a-z-]+$/.test(last)) joined.splice(-1, 1, `${last}=${arg}`);
    else joined.push(arg);
  }
  return joined;
}

/** The first line of what parseArgs says, which throws nothing but errors for people. */
function wordsOf(error: unknown, options: readonly string[]): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const [, flag] = /^Option '(--[a-z-]+).*argument (?:missing|is ambiguous)/.exec(line) ?? [];
  if (flag !== undefined) return `flag ${flag}: its value is missing`;
  return unknownOption(line, options) ?? line;
}

function* fromFlags(values: Flags): Generator<[string, Written]> {
  for (const key of Object.keys(SETTINGS)) {
    const flag = flagOf(key);
    const origin = { kind: 'flag', name: `--${flag}`, line: null } as const;
    if (values[flag] !== undefined) yield [key, { value: values[flag], origin }];
  }
}

/** Lists are written with commas. An empty variable counts as not set. */
function* fromEnvironment(env: Environment): Generator<[string, Written]> {
  const keys = new Map(Object.keys(SETTINGS).map((key) => [variableOf(key), key]));
  for (const [name, text] of Object.entries(env)) {
    const own = ownVariable(name);
    if (own === undefined || NOT_SETTINGS.includes(own) || !text) continue;
    const key = keys.get(name.toUpperCase());
    if (key === undefined) throw new ConfigError(`variable ${name}: ${unknownText(own)}`);
    const origin = { kind: 'variable', name, line: null } as const;
    yield [key, { value: LISTS.includes(key) ? text.split(',') : text, origin }];
  }
}

/** Undefined where no file is needed, and none is there. */
function textOf(
  { path: file, isNamed }: FilePlace,
  readFile: (path: string) => string,
): string | undefined {
  let text: string;
  try {
    text = readFile(file);
  } catch (error) {
    if (!isNamed && NOT_THERE.includes(codeOf(error))) return undefined;
    throw new SettingError(file, { file, expected: reasonOf(error) }, { cause: error });
  }
  if (text.length <= CONFIG_CHARS_MAX) return text;
  const expected = `${text.length} characters, at most ${CONFIG_CHARS_MAX} are read`;
  throw new SettingError(file, { file, expected });
}

function reasonOf(error: unknown): string {
  const known = UNREADABLE.get(codeOf(error));
  return known ?? `cannot be read (${error instanceof Error ? error.message : String(error)})`;
}

/** One text stands for a list of it, where a list is wanted. */
function* fromFile(file: string, text: string): Generator<[string, Written]> {
  for (const { key, line, value: read } of entriesIn(file, text)) {
    if (!Object.hasOwn(SETTINGS, key)) {
      const expected = unknownText(key);
      throw new SettingError(`${file} line ${line}`, { file, line, expected });
    }
    const value = read();
    const origin = { kind: 'file', name: file, line } as const;
    const isOne = LISTS.includes(key) && typeof value === 'string';
    yield [key, { value: isOne ? [value] : value, origin }];
  }
}

function unknownText(key: string): string {
  const keys = Object.keys(SETTINGS);
  const [near] = nearest(key, keys, 1);
  const meant = near === undefined ? '' : `, did you mean ${near}?`;
  return `no setting is called ${shown(key)}${meant || ';'} there are ${keys.join(', ')}`;
}

/** Every schema has its own words: "expected ...", or a sentence that is whole. */
function validate(
  key: string,
  schema: v.GenericSchema,
  { value, origin }: { readonly value: unknown; readonly origin: Origin | undefined },
): unknown {
  const fault = settingFault(key, schema, value);
  if (fault === undefined) return v.parse(schema, value);
  const { kind, name = '', line = null } = origin ?? {};
  const file = kind === 'file' ? name : null;
  throw new SettingError(whereOf(key, origin), { ...fault, key, file, line });
}

function whereOf(key: string, origin: Origin | undefined): string {
  if (origin === undefined) return `default of ${key}`;
  const { kind, name, line } = origin;
  return kind === 'file' ? `${name} line ${line}: ${key}` : `${kind} ${name}`;
}

/** What is wrong with a value of a setting, if anything; of a secret it is not told what it was. */
export function settingFault(
  key: string,
  schema: v.GenericSchema,
  value: unknown,
): { readonly expected: string; readonly found: string | null } | undefined {
  const { success, issues } = v.safeParse(schema, value);
  if (success) return undefined;
  const [issue] = issues;
  const expected = issue.message.replace(/, found .*$/s, '');
  const isTold = expected.includes('expected ') && !SECRETS.includes(key);
  return { expected, found: isTold ? shown(issue.input) : null };
}
