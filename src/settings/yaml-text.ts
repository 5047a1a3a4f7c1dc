import {
  Document,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  stringify,
  type YAMLParseError,
} from 'yaml';
import { SettingError } from './errors.ts';

/** The file of the settings as text: one YAML map from keys to values and to lists of values. */

const QUOTES = 'expected quotes around a value with a colon at its end';
/** How much of a value an error message shows. */
const FOUND_CHARS_MAX = 80;

/** No line is broken for its length. */
const FORM = { lineWidth: 0 } as const;
/** A password may be anywhere in a URL, also in one that stands where none is looked for. */
const URL_MARK = '://';

/** One setting as it is written in a file. */
export interface Entry {
  readonly key: string;
  readonly line: number;
  /** One value or a list of values, which may be of any type. @throws SettingError for anything else */
  value(): unknown;
}

/**
 * What is written, in its order.
 *
 * @param file its name, for messages
 * @throws SettingError where it is not a map in YAML
 */
export function* entriesIn(file: string, text: string): Generator<Entry> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const lineAt = (offset = 0): number => lines.linePos(offset).line;
  const [broken] = document.errors;
  if (broken) {
    // Behind the colon at its end comes what it quotes of the file, in further lines.
    const [fault = ''] = broken.message.split('\n');
    const expected = unquotedIn(text, broken) ?? `not YAML: ${fault.replace(/:$/, '')}`;
    throw at(file, lineAt(broken.pos[0]), { expected });
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return; // Empty, or only comments.
  if (!isMap(root)) {
    const found = isScalar(root) ? harmless(String(root.value)) : kindOf(root);
    throw at(file, lineAt(), { expected: 'expected "key: value" lines', found });
  }
  for (const { key, value } of root.items) {
    const name = isScalar(key) ? String(key.value) : kindOf(key);
    const line = lineAt(isScalar(key) ? (key.range?.[0] ?? 0) : 0);
    yield { key: name, line, value: () => plainValue(value, { file, line, key: name }) };
  }
}

/**
 * The text with some settings otherwise: null takes one out, with the remark behind it. Everything else
 * stays as it is to the letter, but in files that are written unlike any of ours, where it stays in
 * what it says.
 *
 * @param text which `entriesIn` reads
 */
export function editedText(text: string, changes: ReadonlyMap<string, unknown>): string {
  let edited = text;
  for (const [key, value] of changes) edited = withSetting(edited, key, value);
  return says(edited, text, changes) ? edited : rewritten(text, changes);
}

/** One setting otherwise, in the place where it is written, or as the last. */
function withSetting(text: string, key: string, value: unknown): string {
  const { contents } = parseDocument(text);
  const pairs = isMap(contents) ? contents.items : [];
  const pair = pairs.find((one) => isScalar(one.key) && one.key.value === key);
  const written = value === null ? '' : stringify({ [key]: value }, FORM).trimEnd();
  const start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
  if (pair === undefined || start === undefined) {
    const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return value === null ? text : `${before}${written}\n`;
  }
  const end = endOf(pair.value) ?? start + key.length + 1;
  if (value !== null) return text.slice(0, start) + written + text.slice(end);
  const next = text.indexOf('\n', end);
  return text.slice(0, start) + (next < 0 ? '' : text.slice(next + 1));
}

/** Behind the last of its values, in front of a remark; undefined for what is nothing. */
function endOf(node: unknown): number | undefined {
  if (isSeq(node) && !node.flow) return endOf(node.items.at(-1));
  const isThere = isSeq(node) || (isScalar(node) && node.value !== null);
  return isThere ? node.range?.[1] : undefined;
}

/** Whether a text says what another does, with the changes. */
function says(edited: string, text: string, changes: ReadonlyMap<string, unknown>): boolean {
  const wanted = new Map([...valuesIn(text), ...changes]);
  for (const [key, value] of changes) if (value === null) wanted.delete(key);
  if (parseDocument(edited).errors.length > 0) return false;
  const [a, b] = [wanted, valuesIn(edited)].map((one) => JSON.stringify([...one].toSorted()));
  return a === b;
}

function valuesIn(text: string): Map<string, unknown> {
  const value: unknown = parseDocument(text, { logLevel: 'error' }).toJS();
  return new Map(Object.entries(Object(value ?? {})));
}

/** By way of what it says, which keeps remarks and the order. */
function rewritten(text: string, changes: ReadonlyMap<string, unknown>): string {
  const parsed = parseDocument(text);
  const document = isMap(parsed.contents) ? parsed : new Document({});
  for (const [key, value] of changes) {
    if (value === null) document.delete(key);
    else document.set(key, document.createNode(value));
  }
  return document.toString(FORM);
}

function at(
  file: string,
  line: number,
  fault: { expected: string; found?: string; key?: string },
): SettingError {
  const { key } = fault;
  const place = `${file} line ${line}`;
  return new SettingError(key === undefined ? place : `${place}: ${key}`, { ...fault, file, line });
}

/** A setting is one value or a list of them, and needs nothing that YAML has beyond that. */
function plainValue(node: unknown, where: { file: string; line: number; key: string }): unknown {
  if (node === null) return null; // A key alone in its line.
  if (isScalar(node)) return node.value;
  if (isSeq(node) && node.items.every((item) => isScalar(item))) {
    return node.items.map(({ value }) => value);
  }
  const items = isSeq(node) ? node.items : [node];
  const unquoted = items.map(keyAlone).find((key) => key !== undefined);
  const { file, line, key } = where;
  if (unquoted !== undefined) {
    throw at(file, line, { key, expected: `${QUOTES}: ${harmless(`${unquoted}:`)}` });
  }
  const expected = 'expected a value or a list of values';
  throw at(file, line, { key, expected, found: kindOf(node) });
}

/** `obd: sim:`: a text with a colon at its end, where YAML sees a key in a place that has none. */
function unquotedIn(text: string, { code, pos }: YAMLParseError): string | undefined {
  if (code !== 'BLOCK_AS_IMPLICIT_KEY') return undefined;
  const [line = ''] = text.slice(text.lastIndexOf('\n', pos[0]) + 1).split(/\r?\n/, 1);
  const [, key, value] = /^\s*([a-zA-Z]+):\s+([^\s"'#[{][^"'#]*:)\s*(?:#.*)?$/.exec(line) ?? [];
  return value === undefined ? undefined : `${key}: ${QUOTES}: ${harmless(value)}`;
}

/** The key of `- thinkgear+sim:`, which YAML takes for a map without a value. */
function keyAlone(node: unknown): string | undefined {
  if (!isMap(node) || node.items.length !== 1) return undefined;
  const [pair] = node.items;
  const isAlone = pair?.value === null || (isScalar(pair?.value) && pair.value.value === null);
  return isAlone && isScalar(pair?.key) ? String(pair.key.value) : undefined;
}

function kindOf(node: unknown): string {
  if (isMap(node)) return 'a map';
  return isSeq(node) ? 'a list with other lists, maps or aliases in it' : 'an alias';
}

function harmless(text: string): string {
  return text.includes(URL_MARK) ? 'a URL' : shown(text);
}

/** A value as an error message shows it: as JSON, and cut short. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= FOUND_CHARS_MAX ? text : `${text.slice(0, FOUND_CHARS_MAX)}...`;
}
