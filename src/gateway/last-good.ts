import path from 'node:path';
import * as v from 'valibot';
import { ConfigError, isExpected } from '#core/errors.ts';
import { wholeFile } from '../io/whole-file.ts';
import { type Environment, type Invocation, readConfig, settingsFile } from '../settings/config.ts';
import { SettingError, type SettingFault } from '../settings/errors.ts';

/**
 * The settings that the gateway last started well with. A car has nobody who mends a file at the
 * roadside: where the file is broken these take its place until it is mended, and health says so.
 *
 * They are kept in the data directory, as JSON with the name of their file, twice. A file that sets
 * the data directory itself has none: when it is broken, nobody knows where to look.
 */
const GOOD_FILE = 'settings.good';
const Kept = v.object({ file: v.string(), text: v.string() });

/** Why the file is not used, with the sentence for it. */
export interface FileFault extends SettingFault {
  readonly text: string;
}

/** What the gateway starts with. */
export interface Starting {
  readonly invocation: Invocation;
  /** Undefined where the file is used. */
  readonly fault: FileFault | undefined;
  /** Text of a file that can be read and with which no start went well. */
  readonly refused: string | undefined;
  /** Text of the last good settings; undefined where there are none. */
  readonly good: string | undefined;
  /** Reads the settings again, as they would be with this file. @throws ConfigError */
  reread(readFile: () => string): Invocation;
  /** What to start with where a start with the file has failed; undefined where that is no better. */
  instead(error: ConfigError): Starting | undefined;
}

/**
 * Reads the configuration, or the last good one where the file of it cannot be used. Asked with
 * `--check`, it takes nothing in its place.
 *
 * @throws ConfigError where there is nothing to start with
 */
export async function startingWith(
  argv: readonly string[],
  env: Environment,
  readFile: (path: string) => string,
): Promise<Starting> {
  const place = settingsFile(argv, env);
  const good = await keptText(place);
  const reread = (read: () => string): Invocation => readConfig(argv, env, read);
  const instead = (error: ConfigError, refused?: string): Starting | undefined => {
    const invocation = good === undefined ? undefined : unlessRefused(() => reread(() => good));
    if (invocation === undefined) return undefined;
    // It stands for the file: what was written is to be found there once it is mended.
    const fault = faultOf(error);
    return { invocation, fault, refused, good, reread, instead: () => undefined };
  };
  try {
    const invocation = readConfig(argv, env, readFile);
    checkWhole(invocation.file, good);
    const { text } = invocation.file;
    return {
      ...{ invocation, fault: undefined, refused: undefined, good, reread },
      instead: (error) => (text === good ? undefined : instead(error, text)),
    };
  } catch (error) {
    if (!(error instanceof ConfigError) || argv.includes('--check')) throw error;
    const started = instead(error);
    if (started === undefined) throw error;
    return started;
  }
}

/** Keeps what a start went well with. Errors of the system as they come. */
export async function keepGood({ invocation, fault, good }: Starting): Promise<void> {
  const { config, file } = invocation;
  const isFound = config.data === file.data && config.replay === undefined;
  if (fault !== undefined || file.text === undefined || file.text === good || !isFound) return;
  const kept = { file: path.resolve(file.path), text: file.text };
  await wholeFile(path.join(file.data, GOOD_FILE)).write(`${JSON.stringify(kept)}\n`);
}

/**
 * A file that was there must be there, and one that ends within a line, as the last good one does
 * not, has lost its end.
 *
 * @throws SettingError
 */
export function checkWhole(
  { path: file, text }: Pick<Invocation['file'], 'path' | 'text'>,
  good: string | undefined,
): void {
  if (good === undefined) return;
  if (text === undefined) throw new SettingError(file, { file, expected: 'no such file' });
  if (text.length >= good.length || text.endsWith('\n') || !good.startsWith(text)) return;
  const expected = `its end is missing: it has ${text.length} of ${good.length} characters`;
  throw new SettingError(file, { file, expected });
}

export function faultOf(error: ConfigError): FileFault {
  const unknown = { key: null, file: null, line: null, expected: error.message, found: null };
  return { ...(error instanceof SettingError ? error.fault : unknown), text: error.message };
}

/** The last good text of just this file. What cannot be read is as good as none. */
async function keptText(place: { path: string; data: string }): Promise<string | undefined> {
  const texts = await wholeFile(path.join(place.data, GOOD_FILE)).read().catch(noneExpected);
  const file = path.resolve(place.path);
  return texts.map(parse).find((kept) => kept?.file === file)?.text;
}

function noneExpected(error: unknown): readonly string[] {
  if (isExpected(error)) return [];
  throw error;
}

function parse(text: string): v.InferOutput<typeof Kept> | undefined {
  try {
    const result = v.safeParse(Kept, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // Damaged: the copy has it.
  }
}

function unlessRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}
