import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { ConfigError } from '#core/errors.ts';
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

const ADDRESS = 'HOST:PORT such as 127.0.0.1:8080';
/** Settings that may be given several times, and with commas in a variable. */
const LISTS: readonly string[] = ['eeg', 'can'];

const address = v.pipe(v.string(ADDRESS), fallible(parseAddress));
const portUrl = v.pipe(v.string('a port URL'), fallible(parsePortUrl));
const eegUrl = v.pipe(v.string('a port URL with its device'), fallible(parseEegUrl));

const SETTINGS = {
  /** Name of this gateway in topics and messages. */
  device: setting(
    v.pipe(
      v.string('a name of a-z, 0-9, _ and -, at most 23'),
      v.regex(/^[a-z0-9_-]{1,23}$/, 'a name of a-z, 0-9, _ and -, at most 23'),
    ),
    'vigil',
  ),
  /** Directory of everything that is kept. */
  data: setting(v.pipe(v.string('a directory'), v.nonEmpty('a directory')), 'data'),
  http: setting(address, '127.0.0.1:8080'),
  obd: setting(v.optional(portUrl)),
  eeg: setting(
    v.pipe(v.array(eegUrl), v.maxLength(EEG_DEVICES_MAX, `at most ${EEG_DEVICES_MAX}`)),
    [],
  ),
  /** Seed of the simulated car and driver, which take the place of devices not given. */
  sim: setting(
    v.optional(
      v.pipe(
        v.union(
          [v.number(), v.pipe(v.string(), v.digits(), v.transform(Number))],
          'a whole number',
        ),
        v.integer('a whole number'),
        v.minValue(0, 'a whole number from 0'),
        v.maxValue(0xffff_ffff, 'a whole number below 2^32'),
      ),
    ),
  ),
  can: setting(v.optional(notYet('nothing: this version reads no CAN bus, use obd'))),
  mqtt: setting(v.optional(notYet('nothing: this version has no MQTT broker'))),
  log: setting(
    v.picklist(['debug', 'info', 'warn', 'error'], 'debug, info, warn or error'),
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

  node src/main.ts [options]

  --config FILE      settings in YAML; the flags below override it
  --device NAME      name of this gateway in topics            (vigil)
  --data DIR         where everything is kept                  (data)
  --http HOST:PORT   dashboard and API                         (127.0.0.1:8080)
  --obd URL          serial:///dev/ttyUSB0?baud=38400, tcp://192.168.0.10:35000 or sim:
  --eeg URL          thinkgear+serial:///dev/rfcomm0; may be given several times
  --sim SEED         a simulated car and driver in place of devices not given
  --log LEVEL        debug, info, warn or error                (info)
  --check            validate the settings and leave
  --help             this text

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
    const { value, where } = written.get(key) ?? { value: fallback, where: 'default' };
    return [key, validate(key, schema, value, where)];
  });
  const config = Object.fromEntries(entries) as Config; // Each by its own schema.
  return { config: deepFreeze(withSimulation(config)), check: flags.check };
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
      args: [...argv],
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
    // parseArgs words its errors for people, and throws nothing else.
    throw new ConfigError(error instanceof Error ? error.message : String(error), { cause: error });
  }
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
    const seen = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${path}: cannot be read (${seen})`, { cause: error });
  }
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
    yield [name, { value: plainValue(value, `${where}: ${name}`), where }];
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

function kindOf(node: unknown): string {
  if (isMap(node)) return 'a map';
  return isSeq(node) ? 'a list with other lists, maps or aliases in it' : 'an alias';
}

function unknownKey(key: string, where: string): ConfigError {
  const known = Object.keys(SETTINGS).join(', ');
  return new ConfigError(`${where}: no setting is called ${shown(key)}; there are ${known}`);
}

function validate(key: string, schema: v.GenericSchema, value: unknown, where: string): unknown {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const expected = issue.message.replace(/^expected /, '').replace(/, found .*$/s, '');
  throw new ConfigError(`${where}: ${key}: expected ${expected}, found ${shown(issue.input)}`);
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
  if (port > 65_535) throw new ConfigError('a port from 0 to 65535');
  if (!isLoopback(host)) throw new ConfigError('a loopback address, as there are no accounts yet');
  return { host, port };
}

/** The device and the port of an EEG headset: `thinkgear+serial:///dev/rfcomm0`. */
function parseEegUrl(text: string) {
  const [, name, url] = /^([a-z]+)\+(.*)$/.exec(text) ?? [];
  const device = EEG_DEVICES.find((known) => known === name);
  if (device === undefined || url === undefined) {
    throw new ConfigError(
      `expected thinkgear+ and a port URL, such as thinkgear+serial:///dev/rfcomm0`,
    );
  }
  return { device, port: parsePortUrl(url) };
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

function setting<S extends v.GenericSchema>(schema: S, fallback?: v.InferInput<S>) {
  return { schema, fallback };
}
