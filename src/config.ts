import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { ConfigError, codeOf } from '#core/errors.ts';
import { isLoopback } from './http/guard.ts';
import { parsePortUrl } from './io/port-url.ts';

/**
 * The configuration: defaults, below the YAML file, below `VIGIL_*` of the environment, below the
 * flags. It is read once and frozen to its depth; nobody fetches a setting later.
 *
 * One row of SETTINGS is all a setting needs. Every error says which key, where it was written
 * (file and line, variable or flag), what was expected and what was found.
 */
const CONFIG_CHARS_MAX = 256 * 1024;
/** How much of a value an error message shows. */
const FOUND_CHARS_MAX = 80;
const EEG_DEVICES = ['thinkgear'] as const;
const EEG_DEVICES_MAX = 4;
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
const SEED = 'expected a whole number from 0';
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file'],
  ['ENOTDIR', 'no such file'],
  ['EISDIR', 'a directory, not a file'],
  ['EACCES', 'no permission to read it'],
]);
/** Settings that may be given several times, and with commas in a variable. */
const LISTS: readonly string[] = ['eeg', 'can'];

const address = v.pipe(v.string(ADDRESS), fallible(parseAddress));
const portUrl = v.pipe(
  v.string('expected a port URL'),
  fallible((text) => parsePortUrl(text)),
);
const eegUrl = v.pipe(v.string(`expected ${EEG_EXAMPLES}`), fallible(parseEegUrl));

const SETTINGS = {
  /** Name of this gateway in topics and messages. */
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
  can: setting(v.optional(notYet('this version reads no CAN bus, use obd'))),
  mqtt: setting(v.optional(notYet('this version has no MQTT broker'))),
  log: setting(
    v.picklist(['debug', 'info', 'warn', 'error'], 'expected debug, info, warn or error'),
    'info',
  ),
} as const;

type Key = keyof typeof SETTINGS;
export type Config = Readonly<{ [K in Key]: v.InferOutput<(typeof SETTINGS)[K]['schema']> }>;
export type EegUrl = v.InferOutput<typeof eegUrl>;

/** What a person asked for on the command line. */
export interface Invocation {
  readonly config: Config;
  /** Validate, say so, and leave. */
  readonly check: boolean;
}

export const USAGE = `vigil, the in-car gateway

  scripts/start.sh [options]

  --config FILE      settings in YAML; the flags below override it
  --device NAME      name of this gateway in topics            (vigil)
  --data DIR         where everything is kept          (data, in the clone)
  --quota MB         what the recording may keep; the oldest makes room  (512)
  --http HOST:PORT   dashboard and API                         (127.0.0.1:8080)
  --obd URL          serial:///dev/ttyUSB0?baud=38400, tcp://192.168.0.10:35000 or sim:
  --eeg URL          thinkgear+serial:///dev/rfcomm0 or thinkgear+sim:; may be given several times
  --sim SEED         a simulated car and driver in place of devices not given
  --replay SESSION   a stored session in place of devices; nothing is recorded
  --speed N          so many times as fast, for a simulation or a replay   (1)
  --log LEVEL        debug, info, warn or error                (info)
  --check            validate the settings and leave
  -h, --help         this text
  --version          the version

Every option with a value is also a variable of the environment: VIGIL_HTTP, VIGIL_OBD, with commas
in VIGIL_EEG. Another variable that begins with VIGIL_ stops the start: it may be one misspelt.
`;

/** A value as written, and where: the words for an error message. */
interface Written {
  readonly value: unknown;
  readonly where: string;
}

/**
 * Reads the configuration.
 *
 * @param readFile gives the text of a file, or throws
 * @throws ConfigError for anything that cannot be used; nothing is guessed
 */
export function readConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): Invocation {
  const flags = parseFlags(argv);
  const path = flags.config ?? (env['VIGIL_CONFIG'] || undefined);
  const written = new Map<string, Written>([
    ...(path === undefined ? [] : fromFile(path, readText(path, readFile))),
    ...fromEnvironment(env),
    ...fromFlags(flags.values),
  ]);
  const entries = Object.entries(SETTINGS).map(([key, { schema, fallback }]) => {
    const { value, where } = written.get(key) ?? { value: fallback, where: `default of ${key}` };
    return [key, validate(schema, value, where)];
  });
  const config = Object.fromEntries(entries) as Config; // Each by its own schema.
  return { config: deepFreeze(withSimulation(checkSpeed(config))), check: flags.check };
}

/** Real devices send in real time. */
function checkSpeed(config: Config): Config {
  const { speed, replay, sim, obd, eeg } = config;
  const devices = [obd, ...eeg.map(({ port }) => port)].filter((port) => port !== undefined);
  const real = replay === undefined && devices.some(({ kind }) => kind !== 'sim');
  if (speed === 1 || (!real && (replay !== undefined || sim !== undefined || devices.length > 0))) {
    return config;
  }
  throw new ConfigError(
    `speed: expected 1, as only a simulation or a replay can be faster, found ${speed}`,
  );
}

/** The simulated devices stand in for those that are not given. */
function withSimulation(config: Config): Config {
  if (config.sim === undefined) return config;
  const { obd = { kind: 'sim' }, eeg } = config;
  const simulated = [{ device: 'thinkgear', port: { kind: 'sim' } }] as const;
  return { ...config, obd, eeg: eeg.length > 0 ? eeg : simulated.slice() };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

function parseFlags(argv: readonly string[]): {
  values: Readonly<Record<string, unknown>>;
  config: string | undefined;
  check: boolean;
} {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: joinDashes(argv),
      options: {
        config: text,
        check: { type: 'boolean' },
        ...Object.fromEntries(
          Object.keys(SETTINGS).map((key) => [key, { ...text, multiple: LISTS.includes(key) }]),
        ),
      },
    });
    return { values, config: values.config, check: values.check ?? false };
  } catch (error) {
    throw new ConfigError(wordsOf(error), { cause: error });
  }
}

/** Makes `--sim -1` the `--sim=-1` that parseArgs insists on, so that the setting is what is judged. */
function joinDashes(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of argv) {
    const last = joined.at(-1) ?? '';
    if (/^-[^-]/.test(arg) && /^--[a-z]+$/.test(last)) joined.splice(-1, 1, `${last}=${arg}`);
    else joined.push(arg);
  }
  return joined;
}

/** The first line of what parseArgs says, which throws nothing but errors for people. */
function wordsOf(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const [, flag] = /^Option '(--[a-z]+).*argument (?:missing|is ambiguous)/.exec(line) ?? [];
  return flag === undefined ? line : `flag ${flag}: its value is missing`;
}

function* fromFlags(values: Readonly<Record<string, unknown>>): Generator<[string, Written]> {
  for (const key of Object.keys(SETTINGS)) {
    if (values[key] !== undefined) yield [key, { value: values[key], where: `flag --${key}` }];
  }
}

/** Lists are written with commas. An empty variable counts as not set. */
function* fromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Generator<[string, Written]> {
  for (const [name, text] of Object.entries(env)) {
    const key = /^VIGIL_(.+)$/.exec(name)?.[1]?.toLowerCase();
    if (key === undefined || key === 'config' || !text) continue;
    const where = `variable ${name}`;
    if (!Object.hasOwn(SETTINGS, key)) throw unknownKey(key, where);
    yield [key, { value: LISTS.includes(key) ? text.split(',') : text, where }];
  }
}

function readText(path: string, readFile: (path: string) => string): string {
  try {
    const text = readFile(path);
    if (text.length <= CONFIG_CHARS_MAX) return text;
    throw new ConfigError(
      `${path}: ${text.length} characters, at most ${CONFIG_CHARS_MAX} are read`,
    );
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  const known = UNREADABLE.get(codeOf(error));
  return known ?? `cannot be read (${error instanceof Error ? error.message : String(error)})`;
}

function* fromFile(path: string, text: string): Generator<[string, Written]> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (offset = 0): string => `${path} line ${lines.linePos(offset).line}`;
  const [broken] = document.errors;
  if (broken)
    throw new ConfigError(`${at(broken.pos[0])}: not YAML: ${broken.message.split('\n')[0]}`);
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return; // Empty, or only comments.
  if (!isMap(root)) {
    const found = isScalar(root) ? shown(root.value) : kindOf(root);
    throw new ConfigError(`${at()}: expected "key: value" lines, found ${found}`);
  }
  for (const { key, value } of root.items) {
    const name = isScalar(key) ? String(key.value) : kindOf(key);
    const where = at(isScalar(key) ? key.range?.[0] : undefined);
    if (!Object.hasOwn(SETTINGS, name)) throw unknownKey(name, where);
    yield [name, writtenIn(value, name, `${where}: ${name}`)];
  }
}

/** A setting is one value or a list of them, and needs nothing that YAML has beyond that. */
function plainValue(node: unknown, where: string): unknown {
  if (node === null) return null; // A key alone in its line.
  if (isScalar(node)) return node.value;
  if (isSeq(node) && node.items.every((item) => isScalar(item))) {
    return node.items.map(({ value }) => value);
  }
  throw new ConfigError(`${where}: expected a value or a list of values, found ${kindOf(node)}`);
}

/** One text stands for a list of it, where a list is wanted. */
function writtenIn(node: unknown, key: string, where: string): Written {
  const value = plainValue(node, where);
  return { value: LISTS.includes(key) && typeof value === 'string' ? [value] : value, where };
}

function kindOf(node: unknown): string {
  if (isMap(node)) return 'a map';
  return isSeq(node) ? 'a list with other lists, maps or aliases in it' : 'an alias';
}

function unknownKey(key: string, where: string): ConfigError {
  const known = Object.keys(SETTINGS).join(', ');
  return new ConfigError(`${where}: no setting is called ${shown(key)}; there are ${known}`);
}

/** Every schema has its own words: "expected ...", or a sentence that is whole. */
function validate(schema: v.GenericSchema, value: unknown, where: string): unknown {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const words = issue.message.replace(/, found .*$/s, '');
  const found = words.includes('expected ') ? `, found ${shown(issue.input)}` : '';
  throw new ConfigError(`${where}: ${words}${found}`);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= FOUND_CHARS_MAX ? text : `${text.slice(0, FOUND_CHARS_MAX)}...`;
}

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
