import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ConfigError, isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import { Turns } from '#core/turns.ts';
import type { Asking, AuditFact } from '../accounts/audit.ts';
import type { Log } from '../io/log.ts';
import { replaceFile } from '../io/whole-file.ts';
import { type Invocation, type Key, type Origin, settingFault } from '../settings/config.ts';
import { SettingsError } from '../settings/errors.ts';
import { LISTS, SECRETS, SETTINGS } from '../settings/settings.ts';
import { type SettingValue, type Shape, shapeOf } from '../settings/shape.ts';
import { editedText } from '../settings/yaml-text.ts';
import { checkWhole, type FileFault, faultOf, keepGood, type Starting } from './last-good.ts';

/** In the data directory: what a broken file was, before a change took its place. */
const BROKEN_FILE = 'settings.broken';
/** Where everything is kept is said where the gateway is started: elsewhere it is somebody else's. */
const ELSEWHERE: readonly Key[] = ['data'];

/** One setting as those who manage the gateway see it. */
export interface SettingView {
  readonly key: string;
  readonly about: string;
  readonly schema: Shape;
  /** As one writes it; null for what is not set, and for every secret. */
  readonly value: SettingValue;
  /** Its value is never given out. */
  readonly secret: boolean;
  readonly isSet: boolean;
  readonly from: {
    readonly kind: Origin['kind'] | 'default';
    readonly name: string | null;
    readonly line: number | null;
  };
  /** False for what a flag or a variable says, or where the gateway is started. */
  readonly changeable: boolean;
  /** From the next start on, where that is another value. */
  readonly next?: { readonly value: SettingValue; readonly isSet: boolean };
}

export interface SettingsView {
  /** Of what the file says; changes with it. */
  readonly revision: string;
  readonly file: string;
  /** Whether a restart would change anything. */
  readonly restart: boolean;
  /** Whether a restart can be asked for here: somebody starts the gateway again when it ends. */
  readonly supervised: boolean;
  /** Why the file is not used; null where it is. */
  readonly fault: FileFault | null;
  readonly items: readonly SettingView[];
}

export interface ConfiguringOptions {
  readonly starting: Starting;
  readonly isSupervised: boolean;
  readonly log: Log;
  readonly note: (fact: AuditFact) => void;
}

/** The file as it is at this moment. */
interface Current {
  readonly text: string | undefined;
  readonly revision: string;
  /** What the next start would take from it; undefined where it is broken. */
  readonly next: Invocation | undefined;
  readonly fault: FileFault | undefined;
}

/**
 * The settings while the gateway runs: what holds, what the file says, and changing that. They are
 * read once, at the start, so every change counts from the next start on.
 */
export class Configuring {
  readonly #options: ConfiguringOptions;
  /** Revisions tell nothing of what is in the file, passwords included. */
  readonly #key = randomBytes(32);
  /** One change at a time: the second must see the first. */
  readonly #turns = new Turns();

  constructor(options: ConfiguringOptions) {
    this.#options = options;
  }

  /** Says in the log when it is not the file that holds. */
  tellFault(): void {
    const { starting, log } = this.#options;
    if (starting.fault) log.error({ source: 'settings' }, insteadText(starting.fault));
  }

  health(): PartHealth {
    const { fault, invocation } = this.#options.starting;
    const { path: file, text } = invocation.file;
    const used = text === undefined ? 'no file, as the start says' : `as in ${file}`;
    return {
      id: 'settings',
      status: fault ? 'waiting' : 'ok',
      text: fault ? insteadText(fault) : used,
      details: {},
    };
  }

  /** The start went well: should the file break, its settings are these. */
  async keep(): Promise<void> {
    try {
      await keepGood(this.#options.starting);
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#options.log.warn(
        { source: 'settings' },
        `not kept for a broken file: ${error.message}`,
      );
    }
  }

  async view(): Promise<SettingsView> {
    return this.#view(await this.#read());
  }

  /**
   * Writes settings into the file, all of them or none; null takes one out.
   *
   * @param seen the revision that they are changed from, or `*` for any
   * @throws SettingsError INVALID, CHANGED, UNWRITABLE
   */
  async change(
    changes: Readonly<Record<string, SettingValue>>,
    seen: readonly string[],
    { who, from }: Asking,
  ): Promise<SettingsView> {
    const keys = Object.keys(changes);
    const view = await this.#inTurn(async () => {
      const current = await this.#read();
      this.#checkSeen(current, seen);
      this.#checkChanges(changes);
      return await this.#write(
        current,
        editedText(this.#base(current), new Map(Object.entries(changes))),
      );
    });
    const fact = { action: 'settings.change', who, from, target: keys.join(', ') };
    this.#options.note({ ...fact, result: 'done', details: { keys } });
    return view;
  }

  /** What the file says, for a backup; what holds where it is broken. */
  async text(): Promise<string> {
    return this.#base(await this.#read());
  }

  /** Whether this text could take the place of the file. @throws SettingsError INVALID */
  check(text: string): void {
    this.#checkData(this.#reread(text));
  }

  /** Puts another text in place of the file. @throws SettingsError INVALID, UNWRITABLE */
  async replace(text: string): Promise<void> {
    await this.#inTurn(async () => this.#write(await this.#read(), text));
  }

  #checkSeen({ revision }: Current, seen: readonly string[]): void {
    if (seen.includes('*') || seen.includes(revision)) return;
    throw new SettingsError(
      'CHANGED',
      'the settings are no longer as they were when you read them',
    );
  }

  #checkChanges(changes: Readonly<Record<string, SettingValue>>): void {
    const faults = Object.entries(changes).flatMap(([key, value]) => {
      const expected = this.#refusal(key, value);
      return expected === undefined ? [] : [{ pointer: pointerTo(key), message: expected }];
    });
    const [first] = faults;
    if (first === undefined) return;
    const message = `nothing was changed, as ${first.pointer} is wrong: ${first.message}`;
    throw new SettingsError('INVALID', message, { faults });
  }

  /** Why a setting cannot be made this; undefined where it can. */
  #refusal(key: string, value: SettingValue): string | undefined {
    const row = rowOf(key);
    if (row === undefined) return `expected one of ${keys(SETTINGS).join(', ')}`;
    const fixed = this.#fixedBy(key);
    if (fixed !== undefined) return fixed;
    if (value === null) return undefined;
    const fault = settingFault(key, row.schema, LISTS.includes(key) ? listOf(value) : value);
    return fault && `${fault.expected}${fault.found === null ? '' : `, found ${fault.found}`}`;
  }

  #fixedBy(key: string): string | undefined {
    const origin = this.#options.starting.invocation.written.get(key)?.origin;
    if (origin && origin.kind !== 'file')
      return `the ${origin.kind} ${origin.name} says what it is`;
    if (ELSEWHERE.some((one) => one === key)) return 'it is said where the gateway is started';
    return undefined;
  }

  /** What a change is made to: the file, or what holds in its place. */
  #base({ text, next }: Current): string {
    return (next ? text : this.#options.starting.good) ?? '';
  }

  async #write(current: Current, text: string): Promise<SettingsView> {
    this.#checkData(this.#reread(text));
    const { path: file, data } = this.#options.starting.invocation.file;
    try {
      if (current.fault && current.text)
        await replaceFile(path.join(data, BROKEN_FILE), current.text);
      await replaceFile(file, text);
    } catch (error) {
      if (!isExpected(error)) throw error;
      const message = `the file of the settings cannot be written: ${error.message}`;
      throw new SettingsError('UNWRITABLE', message, { cause: error });
    }
    return this.#view(await this.#read());
  }

  /** Elsewhere there are no accounts: whoever came first could claim the gateway. */
  #checkData({ config }: Invocation): void {
    const { data } = this.#options.starting.invocation.config;
    if (config.data === data) return;
    const faults = [{ pointer: '/data', message: `expected ${JSON.stringify(data)}` }];
    throw new SettingsError('INVALID', 'data is said where the gateway is started', { faults });
  }

  #reread(text: string): Invocation {
    try {
      return this.#options.starting.reread(() => text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const { key, expected } = faultOf(error);
      const faults = [{ pointer: key === null ? '' : pointerTo(key), message: expected }];
      throw new SettingsError('INVALID', error.message, { faults, cause: error });
    }
  }

  async #read(): Promise<Current> {
    const { invocation, reread, good, refused, fault } = this.#options.starting;
    const { path: file } = invocation.file;
    const { text, read } = await snapshot(file);
    const revision = this.#revision(text);
    try {
      const next = reread(read);
      checkWhole({ path: file, text }, good);
      return { text, revision, next, fault: text === refused ? fault : undefined };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { text, revision, next: undefined, fault: faultOf(error) };
    }
  }

  #revision(text: string | undefined): string {
    const mac = createHmac('sha256', this.#key);
    return mac
      .update(text === undefined ? 'none' : `text ${text}`)
      .digest('base64url')
      .slice(0, 22);
  }

  #view({ revision, next, fault }: Current): SettingsView {
    const { starting, isSupervised: supervised } = this.#options;
    const { invocation, fault: atStart } = starting;
    const items = keys(SETTINGS).map((key) => this.#item(key, next));
    return {
      revision,
      file: invocation.file.path,
      restart: items.some((item) => item.next !== undefined) || (!!atStart && !fault),
      supervised,
      fault: fault ?? null,
      items,
    };
  }

  #item(key: Key, next: Invocation | undefined): SettingView {
    const { invocation } = this.#options.starting;
    const { about, schema } = SETTINGS[key];
    const {
      kind = 'default',
      name = null,
      line = null,
    } = invocation.written.get(key)?.origin ?? {};
    const isOther =
      next && JSON.stringify(rawOf(key, next)) !== JSON.stringify(rawOf(key, invocation));
    return {
      ...{ key, about, schema: shapeOf(schema), ...shownOf(key, invocation) },
      secret: SECRETS.includes(key),
      from: { kind, name, line },
      changeable: this.#fixedBy(key) === undefined,
      ...(isOther ? { next: shownOf(key, next) } : {}),
    };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.run('', work);
  }
}

/** The file as it is now; reading it may be to fail. */
async function snapshot(file: string): Promise<{ text: string | undefined; read: () => string }> {
  try {
    const text = await readFile(file, 'utf8');
    return { text, read: () => text };
  } catch (error) {
    if (!isExpected(error)) throw error;
    const read = (): string => {
      throw error;
    };
    return { text: undefined, read };
  }
}

function rowOf(key: string): (typeof SETTINGS)[Key] | undefined {
  const found = keys(SETTINGS).find((one) => one === key);
  return found && SETTINGS[found];
}

function keys<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[]; // Just those: it is a literal.
}

/** As it was written. */
function rawOf(key: Key, { written }: Invocation): unknown {
  return written.get(key)?.value ?? SETTINGS[key].fallback;
}

/** A value as one writes it: what a URL was taken apart into is nothing to be written. */
function shownOf(key: Key, invocation: Invocation): { value: SettingValue; isSet: boolean } {
  const raw = rawOf(key, invocation);
  const isSet = Array.isArray(raw) ? raw.length > 0 : raw !== undefined;
  if (SECRETS.includes(key)) return { value: null, isSet };
  const value: unknown = invocation.config[key];
  return { value: typeof value === 'object' ? asValue(raw) : asValue(value), isSet };
}

/** What a file, a variable or a flag can hold. */
function asValue(value: unknown): SettingValue {
  if (Array.isArray(value)) return value.map(String);
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
  return isPlain ? (value as SettingValue) : null; // Just those.
}

function listOf(value: SettingValue): SettingValue {
  return typeof value === 'string' ? [value] : value;
}

function pointerTo(key: string): string {
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function insteadText({ text }: FileFault): string {
  return `the last good settings are used: ${text}`;
}
