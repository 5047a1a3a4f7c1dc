import { checkedSignals } from './check.ts';
import type { Database, Message } from './database.ts';
import { Definitions } from './definitions.ts';
import { CYCLE_MS_MAX, DetailReader } from './details.ts';
import type { MessageDraft } from './draft.ts';
import { DbcError } from './errors.ts';
import { FrameReader } from './frames.ts';
import { isKeyword, type Statement, statementsOf, textOf } from './statements.ts';
import { type DbcWarning, TEXTS, Warnings } from './warnings.ts';

/**
 * DBC files, in which makers and those who look into their cars write down what the frames of a bus mean.
 *
 * There is no public standard; the source is Vector's "DBC File Format Documentation" 1.0.1, the NS_ list
 * of CANdb++ for what came later (SG_MUL_VAL_), and the files that are around. Those break the rules in
 * every way, so nothing but a file without any message is refused. What cannot be read is left out and
 * told, with its line; what is read against the rules is told too. Nothing is guessed: a signal whose
 * place, scale or multiplexer is not known is left out.
 *
 * The statements that nobody needs for decoding are passed over without a word: nodes, senders, groups,
 * environment variables, and most attributes.
 */
export interface Parsed {
  readonly database: Database;
  /** In the order of the file; the first 200 that were found. */
  readonly warnings: readonly DbcWarning[];
  /** How many more there were. */
  readonly unlisted: number;
}

/** Signals that are checked in one turn. */
const TURN_SIGNALS = 500;

/**
 * Reads a file, in a time that grows with its length and not faster, whatever is in it.
 *
 * @param text of readDbcText, which limits its length
 * @throws DbcError NOT_DBC when there is no message in it
 */
export function parseDbc(text: string): Parsed {
  const steps = parsing(text);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * The same in pieces of a few milliseconds: on a small computer a file of some megabytes takes seconds, and
 * nothing else may wait for that.
 *
 * @param rest resolves in a later turn of the event loop
 */
export async function parseDbcInTurns(text: string, rest: () => Promise<void>): Promise<Parsed> {
  const steps = parsing(text);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await rest();
  }
}

/** Stops wherever somebody else may have a turn. */
function* parsing(text: string): Generator<void, Parsed, void> {
  const warnings = new Warnings();
  const frames = new FrameReader(warnings);
  const definitions = new Definitions(warnings);
  let version = '';
  // The file is gone through twice: a text or an attribute may stand before what it is about, and
  // keeping them all would take many times the memory of the file.
  for (const statement of statementsOf(text, warnings)) {
    if (statement === undefined) yield;
    else if (statement.keyword === 'VERSION') version ||= statement.tokens[0]?.text ?? '';
    else if (isKeyword(statement.keyword)) readBasis(frames, definitions, statement);
    else {
      warnings.add(statement.line, TEXTS.unknown, textOf(statement.keyword, statement.tokens));
      frames.passUnknown(statement);
    }
  }
  if (frames.messages.size === 0) {
    throw new DbcError('NOT_DBC', `there is no message in the file${firstOf(warnings)}`);
  }
  const details = new DetailReader(frames.messages, definitions, warnings);
  // What is wrong with a statement itself was told the first time.
  for (const statement of statementsOf(text, new Warnings())) {
    if (statement === undefined) yield;
    else readDetail(details, statement);
  }
  const messages = yield* finishing(frames.messages.values(), definitions, warnings);
  return {
    database: { version, messages },
    warnings: warnings.listed(),
    unlisted: warnings.unlisted,
  };
}

function* finishing(
  drafts: Iterable<MessageDraft>,
  definitions: Definitions,
  warnings: Warnings,
): Generator<void, readonly Message[], void> {
  const messages: Message[] = [];
  let signals = 0;
  for (const draft of drafts) {
    messages.push(finished(draft, definitions, warnings));
    signals += draft.signals.size;
    if (signals < TURN_SIGNALS) continue;
    signals = 0;
    yield;
  }
  return messages;
}

function readBasis(frames: FrameReader, definitions: Definitions, statement: Statement): void {
  if (statement.keyword === 'BO_') frames.readMessage(statement);
  else if (statement.keyword === 'SG_') frames.readSignal(statement);
  else if (statement.keyword === 'VAL_TABLE_') definitions.readTable(statement);
  else if (statement.keyword === 'BA_DEF_') definitions.readAttribute(statement);
  else if (statement.keyword === 'BA_DEF_DEF_') definitions.readDefault(statement);
}

function readDetail(details: DetailReader, statement: Statement): void {
  if (statement.keyword === 'CM_') details.readComment(statement);
  else if (statement.keyword === 'VAL_') details.readValues(statement);
  else if (statement.keyword === 'SIG_VALTYPE_') details.readType(statement);
  else if (statement.keyword === 'SG_MUL_VAL_') details.readSelection(statement);
  else if (statement.keyword === 'BA_') details.readAttribute(statement);
}

function firstOf(warnings: Warnings): string {
  const [first] = warnings.listed();
  return first ? `; line ${first.line}, "${first.seen}": ${first.text}` : '';
}

function finished(draft: MessageDraft, definitions: Definitions, warnings: Warnings): Message {
  const { id, extended, name, longName, length, comment } = draft;
  const cycle = Number(definitions.defaults.get('GenMsgCycleTime') ?? 0);
  const format =
    draft.format ?? definitions.formatOf(definitions.defaults.get('VFrameFormat') ?? '');
  return {
    ...{ id, extended, name, longName, length, comment },
    // Parameter groups have 29 bits; a file whose default is J1939 may have others beside them.
    format: format === 'j1939' && !extended ? 'classic' : (format ?? 'classic'),
    cycleMs: draft.cycleMs ?? (cycle > 0 && cycle <= CYCLE_MS_MAX ? cycle : 0),
    signals: checkedSignals(draft, warnings),
  };
}
