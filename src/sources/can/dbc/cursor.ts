import type { Token } from './lexer.ts';
import type { Statement } from './statements.ts';
import { TEXTS, type Warnings } from './warnings.ts';

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Reads a statement from left to right. What is not as expected is told once, as a warning; from then on
 * there is nothing more to read, everything asked for is empty or 0, and `failed` says that the
 * statement is to be left out.
 */
export class Cursor {
  failed = false;
  readonly #statement: Statement;
  readonly #warnings: Warnings;
  #at = 0;

  constructor(statement: Statement, warnings: Warnings) {
    this.#statement = statement;
    this.#warnings = warnings;
  }

  /** A word that is there, without taking it; undefined for anything else. */
  get nextWord(): string | undefined {
    const token = this.#next();
    return token?.kind === 'word' ? token.text : undefined;
  }

  get nextIsString(): boolean {
    return this.#next()?.kind === 'string';
  }

  /** Whether a string comes next that has no closing quote. */
  get nextIsOpen(): boolean {
    return this.#next()?.open ?? false;
  }

  get atEnd(): boolean {
    return this.#next() === undefined;
  }

  /** The line of what comes next, or else of the statement. */
  get line(): number {
    return this.#next()?.line ?? this.#statement.line;
  }

  word(what: string): string {
    return this.#take('word', what);
  }

  /** A finite number; as in `1e-05`, `.5`, `-40`. */
  number(what: string): number {
    const text = this.nextWord;
    const value = text !== undefined && NUMBER.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value)) {
      this.fail(what);
      return 0;
    }
    this.#at++;
    // There is no -0: it would be another value than 0 to the store.
    return value + 0;
  }

  /** A whole number that a double tells from its neighbours. */
  integer(what: string): number {
    const text = this.nextWord;
    if (text !== undefined && Number.isSafeInteger(Number(text))) return this.number(what);
    this.fail(what);
    return 0;
  }

  string(what: string): string {
    return this.#take('string', what);
  }

  mark(mark: string): void {
    if (!this.has(mark)) this.fail(`"${mark}"`);
  }

  /** Takes the mark, or says that it is not there. */
  has(mark: string): boolean {
    const token = this.#next();
    if (token?.kind !== 'mark' || token.text !== mark) return false;
    this.#at++;
    return true;
  }

  /** Takes whatever is next. */
  skip(): string {
    const text = this.#next()?.text ?? '';
    this.#at++;
    return text;
  }

  /** Says so where something is left. The statement counts all the same. */
  end(): void {
    const token = this.#next();
    if (token) this.#warnings.add(token.line, TEXTS.extra, token.text);
  }

  warn(text: string, seen?: string): void {
    this.#warnings.add(this.line, text, seen ?? this.#seen());
  }

  /** @param what was expected here */
  fail(what: string): void {
    if (this.failed) return;
    this.warn(`${this.#statement.keyword}: expected ${what}: left out`);
    this.failed = true;
  }

  #next(): Token | undefined {
    return this.failed ? undefined : this.#statement.tokens[this.#at];
  }

  #take(kind: Token['kind'], what: string): string {
    const token = this.#next();
    if (token?.kind !== kind) {
      this.fail(what);
      return '';
    }
    this.#at++;
    return token.text;
  }

  #seen(): string {
    return this.#next()?.text ?? 'the end of the statement';
  }
}
