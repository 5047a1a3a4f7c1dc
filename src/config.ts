import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLParseError } from 'yaml';
import { ConfigError, codeOf } from '#core/errors.ts';
import { LISTS, SECRETS, SETTINGS } from './settings.ts';
import { unknownOption } from './unknown-option.ts';

/**
 * The configuration: defaults, below the YAML file, below `VIGIL_*` of the environment, below the
 * flags. It is read once and frozen to its depth; nobody fetches a setting later.
 *
 * What there is to be set is in settings.ts. Every error says which key, where it was written
 * (file and line, variable or flag), what was expected and what was found.
 */
const CONFIG_CHARS_MAX = 256 * 1024;
/** How much of a value an error message shows. */
const FOUND_CHARS_MAX = 80;
const QUOTES = 'expected quotes around a value with a colon at its end';
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file'],
  ['ENOTDIR', 'no such file'],
  ['EISDIR', 'a directory, not a file'],
  ['EACCES', 'no permission to read it'],
]);
type Key = keyof typeof SETTINGS;
export type Config = Readonly<{ [K in Key]: v.InferOutput<(typeof SETTINGS)[K]['schema']> }>;

/** What a person asked for on the command line. */
export interface Invocation {
  readonly config: Config;
  /** Validate, say so, and leave. */
  readonly check: boolean;
}

export const USAGE = `vigil, the in-car gateway

  scripts/start.sh [options]

  --config FILE      settings in YAML; the flags below override it
  --device NAME      name of this gateway in messages          (vigil)
  --data DIR         where everything is kept          (data, in the clone)
  --quota MB         what the recording may keep; the oldest makes room  (512)
  --http HOST:PORT   dashboard and API                         (127.0.0.1:8080)
  --obd URL          serial:///dev/ttyUSB0?baud=38400, tcp://192.168.0.10:35000 or sim:
  --eeg URL          thinkgear+serial:///dev/rfcomm0 or thinkgear+sim:; may be given several times
  --sim SEED         a simulated car and driver in place of devices not given
  --replay SESSION   a stored session in place of devices; nothing is recorded
  --speed N          so many times as fast, for a simulation or a replay   (1)
  --mail URL         where alerts go by mail: smtps://user:password@host?from=a@b&to=c@d
  --webhook URL      where alerts are posted as JSON; may be given several times
  --buzzer URL       a line that sounds at an alarm: gpio:gpiochip0/17
  --link URL         where people find the dashboard, for links in mails
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
    return [key, validate(schema, { value, where }, { secret: SECRETS.includes(key) })];
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
  const options = {
    config: text,
    check: { type: 'boolean' } as const,
    ...Object.fromEntries(
      Object.keys(SETTINGS).map((key) => [key, { ...text, multiple: LISTS.includes(key) }]),
    ),
  };
  try {
    const { values } = parseArgs({ args: joinDashes(argv), options });
    return { values, config: values.config, check: values.check ?? false };
  } catch (error) {
    throw new ConfigError(wordsOf(error, Object.keys(options)), { cause: error });
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
function wordsOf(error: unknown, options: readonly string[]): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const [, flag] = /^Option '(--[a-z]+).*argument (?:missing|is ambiguous)/.exec(line) ?? [];
  if (flag !== undefined) return `flag ${flag}: its value is missing`;
  return unknownOption(line, options) ?? line;
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
  if (broken) {
    const reason = unquotedIn(text, broken) ?? `not YAML: ${broken.message.split('\n')[0]}`;
    throw new ConfigError(`${at(broken.pos[0])}: ${reason}`);
  }
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
  const items = isSeq(node) ? node.items : [node];
  const unquoted = items.map(keyAlone).find((key) => key !== undefined);
  const reason =
    unquoted === undefined
      ? `expected a value or a list of values, found ${kindOf(node)}`
      : `${QUOTES}: ${shown(`${unquoted}:`)}`;
  throw new ConfigError(`${where}: ${reason}`);
}

/** `obd: sim:`: a text with a colon at its end, where YAML sees a key in a place that has none. */
function unquotedIn(text: string, { code, pos }: YAMLParseError): string | undefined {
  if (code !== 'BLOCK_AS_IMPLICIT_KEY') return undefined;
  const [line = ''] = text.slice(text.lastIndexOf('\n', pos[0]) + 1).split(/\r?\n/, 1);
  const [, key, value] = /^\s*([a-z]+):\s+([^\s"'#[{][^"'#]*:)\s*(?:#.*)?$/.exec(line) ?? [];
  return value === undefined ? undefined : `${key}: ${QUOTES}: ${shown(value)}`;
}

/** The key of `- thinkgear+sim:`, which YAML takes for a map without a value. */
function keyAlone(node: unknown): string | undefined {
  if (!isMap(node) || node.items.length !== 1) return undefined;
  const [pair] = node.items;
  const isAlone = pair?.value === null || (isScalar(pair?.value) && pair.value.value === null);
  return isAlone && isScalar(pair?.key) ? String(pair.key.value) : undefined;
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
function validate(
  schema: v.GenericSchema,
  { value, where }: Written,
  { secret }: { readonly secret: boolean },
): unknown {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const words = issue.message.replace(/, found .*$/s, '');
  const found = words.includes('expected ') && !secret ? `, found ${shown(issue.input)}` : '';
  throw new ConfigError(`${where}: ${words}${found}`);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= FOUND_CHARS_MAX ? text : `${text.slice(0, FOUND_CHARS_MAX)}...`;
}
