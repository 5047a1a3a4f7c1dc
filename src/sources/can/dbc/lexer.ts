/**
 * The words of a DBC file. Blanks and line ends mean nothing to the format, so that `0|16@1+(0.1,0)` and
 * the same with a blank between any two words are alike. There are three kinds:
 *
 *   mark    : ; , | @ ( ) [ ]
 *   string  "..." over any number of lines; \" inside it is a quote
 *   word    anything else up to a blank, a mark or a quote: a name, a number, `1+`, `m0`
 *
 * A string whose closing quote is missing would swallow what follows up to the next quote. It ends before
 * the first line that can only be a statement instead: inside a string such a line would have to be
 * `SG_ a : 0|8@`, or a keyword and an unescaped quote that does not end the string and the line.
 *
 * Every character is looked at a bounded number of times, whatever the text is.
 */
export interface Token {
  readonly kind: 'mark' | 'string' | 'word';
  /** Of a string, what is between the quotes. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** Nothing but blanks is before it on its line. */
  readonly first: boolean;
  /** For a first word: nothing but blanks is after it on its line. */
  readonly alone: boolean;
  /** For a string: it has no closing quote. */
  readonly open: boolean;
}

const MARKS = ':;,|@()[]';
/** Everything up to a blank, a mark or a quote. */
const WORD = /[^\s:;,|@()[\]"]+/y;
const BLANKS = /[^\S\r\n]*/y;
const LINE_END = /[^\S\r\n]*(?:[\r\n]|$)/y;
/** Up to a quote or the end of a line. */
const PLAIN = /[^"\r\n]*/y;

/** A line that cannot be inside a string. No two parts can match the same text, so that it is linear. */
const STATEMENT = new RegExp(
  [
    String.raw`[^\S\r\n]*(?:BO_[ \t]+\d+[ \t]+[^\s:"]+[ \t]*:[ \t]*\d`,
    String.raw`SG_[ \t]+[^":\r\n]*:[^"|\r\n]*\|[^"@\r\n]*@`,
    String.raw`(?:CM_|BA_|BA_DEF_|BA_DEF_DEF_|BA_REL_|BA_DEF_REL_|VAL_|VAL_TABLE_)[ \t][^"\r\n]*"(?![ \t;]*(?:[\r\n]|$))`,
    String.raw`(?:SIG_VALTYPE_|SG_MUL_VAL_|BO_TX_BU_|SIG_GROUP_)[ \t]+\d+[ \t])`,
  ].join('|'),
  'y',
);

export function* tokensOf(text: string): Generator<Token, void> {
  let line = 1;
  let first = true;
  let at = 0;
  while (at < text.length) {
    at += matchAt(BLANKS, text, at).length;
    const char = text.charAt(at);
    if (char === '') return;
    if (char === '\n' || char === '\r') {
      if (endsLine(text, at)) line++;
      first = true;
      at++;
    } else if (char === '"') {
      const { end, inner, lines, open } = stringAt(text, at);
      yield { kind: 'string', text: inner, line, first, alone: false, open };
      line += lines;
      // What follows an open string begins a line.
      first = open;
      at = end;
    } else if (MARKS.includes(char)) {
      yield { kind: 'mark', text: char, line, first, alone: false, open: false };
      first = false;
      at++;
    } else {
      const word = matchAt(WORD, text, at);
      at += word.length;
      yield {
        kind: 'word',
        text: word,
        line,
        first,
        alone: first && isAt(LINE_END, text, at),
        open: false,
      };
      first = false;
    }
  }
}

/** The CR of a CR LF leaves that to the LF. */
function endsLine(text: string, at: number): boolean {
  return text.charAt(at) === '\n' || text.charAt(at + 1) !== '\n';
}

interface StringAt {
  /** Where what follows it begins. */
  readonly end: number;
  readonly inner: string;
  /** Line ends in it. */
  readonly lines: number;
  readonly open: boolean;
}

function stringAt(text: string, from: number): StringAt {
  let lines = 0;
  let at = from + 1;
  for (;;) {
    at += matchAt(PLAIN, text, at).length;
    const char = text.charAt(at);
    if (char === '') return { end: at, inner: unescaped(text, from + 1, at), lines, open: true };
    at++;
    if (char !== '"') {
      if (!endsLine(text, at - 1)) continue;
      lines++;
      if (!isAt(STATEMENT, text, at)) continue;
      return { end: at, inner: unescaped(text, from + 1, at - 1), lines, open: true };
    }
    if (text.charAt(at - 2) === '\\') continue;
    return { end: at, inner: unescaped(text, from + 1, at - 1), lines, open: false };
  }
}

function unescaped(text: string, from: number, to: number): string {
  return text.slice(from, to).replaceAll('\\"', '"');
}

/** What a sticky expression finds at a place; empty where that is nothing. */
function matchAt(expression: RegExp, text: string, at: number): string {
  expression.lastIndex = at;
  return expression.exec(text)?.[0] ?? '';
}

function isAt(expression: RegExp, text: string, at: number): boolean {
  expression.lastIndex = at;
  return expression.test(text);
}
