import { type Token, tokensOf } from './lexer.ts';
import { TEXTS, type Warnings } from './warnings.ts';

/** One statement: its first word, and the tokens after it without the `;`. */
export interface Statement {
  readonly keyword: string;
  readonly line: number;
  readonly tokens: readonly Token[];
}

/**
 * Tokens of a statement beyond this are left out with a warning, so that a file without line ends costs
 * no more memory than others. It is a list of 10,000 values.
 */
const STATEMENT_TOKENS_MAX = 20_000;

/** Tokens after which somebody else may have a turn; a millisecond or two of work. */
const TURN_TOKENS = 2_000;

/** Those that end with their line. All others end with a semicolon. */
const OF_ONE_LINE = new Set(['BO_', 'SG_', 'VERSION', 'BS_', 'BU_', 'NS_']);

// biome-ignore format: by what they are about
const KEYWORDS = new Set([
  ...OF_ONE_LINE,
  'CM_', 'VAL_', 'VAL_TABLE_', 'SIG_VALTYPE_', 'SG_MUL_VAL_',
  'BA_', 'BA_DEF_', 'BA_DEF_DEF_', 'BA_REL_', 'BA_DEF_REL_', 'BA_DEF_DEF_REL_', 'BA_SGTYPE_', 'BA_DEF_SGTYPE_',
  'BO_TX_BU_', 'SIG_GROUP_', 'EV_', 'EV_DATA_', 'ENVVAR_DATA_',
  'SGTYPE_', 'SGTYPE_VAL_', 'SIG_TYPE_REF_', 'SIGTYPE_VALTYPE_',
  'BU_SG_REL_', 'BU_EV_REL_', 'BU_BO_REL_', 'NS_DESC_', 'CAT_', 'CAT_DEF_', 'FILTER',
]);

export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word);
}

/**
 * A statement ends with its semicolon. A sloppy file leaves that out, so it also ends where a keyword
 * begins a line; BO_ and SG_, which have none, with their line unless a mark says that they go on.
 *
 * Every TURN_TOKENS it gives undefined, also in the middle of a statement: a large file has a million tokens.
 */
export function* statementsOf(
  text: string,
  warnings: Warnings,
): Generator<Statement | undefined, void> {
  const collector = new Collector(warnings);
  let count = 0;
  for (const token of tokensOf(text)) {
    if (++count % TURN_TOKENS === 0) yield undefined;
    const statement = collector.take(token);
    if (statement) yield statement;
  }
  const last = collector.end();
  if (last) yield last;
}

/** Tokens until a statement is whole. */
class Collector {
  readonly #warnings: Warnings;
  #head: Token | undefined;
  #tokens: Token[] = [];
  #last: Token | undefined;

  constructor(warnings: Warnings) {
    this.#warnings = warnings;
  }

  /** @returns the statement that ends before this token, or with it */
  take(token: Token): Statement | undefined {
    if (token.open) this.#warnings.add(token.line, TEXTS.openString, token.text);
    const ended = token.kind === 'mark' && token.text === ';';
    const ends = this.#head && (ended || begins(token, this.#head, this.#last));
    const statement = ends ? this.end(ended) : undefined;
    this.#last = token;
    if (ended) return statement;
    if (this.#head) collect(token, this.#tokens, this.#warnings);
    else this.#head = token;
    return statement;
  }

  /** @param ended by its semicolon */
  end(ended = false): Statement | undefined {
    const statement = this.#head && finished(this.#head, this.#tokens, ended, this.#warnings);
    this.#head = undefined;
    this.#tokens = [];
    return statement;
  }
}

function collect(token: Token, tokens: Token[], warnings: Warnings): void {
  // The first that is too much is kept as well, so that it is told once.
  if (tokens.length === STATEMENT_TOKENS_MAX) warnings.add(token.line, TEXTS.tooLong, token.text);
  if (tokens.length <= STATEMENT_TOKENS_MAX) tokens.push(token);
}

function finished(
  { text: keyword, line }: Token,
  tokens: readonly Token[],
  ended: boolean,
  warnings: Warnings,
): Statement {
  if (!ended && isKeyword(keyword) && !OF_ONE_LINE.has(keyword)) {
    warnings.add(line, TEXTS.unended, textOf(keyword, tokens));
  }
  return { keyword, line, tokens };
}

function begins(token: Token, head: Token, last: Token | undefined): boolean {
  if (token.kind !== 'word') return false;
  // The new symbols of NS_ are keywords, each on a line of its own.
  if (head.text === 'NS_') return token.first && !token.alone && isKeyword(token.text);
  const ofFrame = head.text === 'BO_' || head.text === 'SG_';
  if (!token.first) return ofFrame && token.text === 'SG_';
  if (isKeyword(token.text)) return true;
  return ofFrame && !(last?.kind === 'mark' && ':,|@(['.includes(last.text));
}

/** The beginning of a statement, for people. */
export function textOf(keyword: string, tokens: readonly Token[]): string {
  return [keyword, ...tokens.slice(0, 6).map(({ text }) => text)].join(' ');
}
