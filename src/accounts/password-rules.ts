import { COMMON_PASSWORDS, COMMON_WORDS } from './common-passwords.ts';
import { AccountError } from './errors.ts';
import { normal, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN } from './passwords.ts';

/** Different characters; with fewer it is one key after another. */
const DISTINCT_MIN = 5;
/** A name of fewer characters is in too many words. */
const NAME_CHARS_MIN = 4;
/** Common words that make no password, however they are decorated. */
const WORDS_MAX = 2;
/** Letters besides them that make one of it. */
const LETTERS_MIN = 4;
/** Of so many characters one at least has to come unforeseen. */
const FORESEEN_RUN = 4;

/** Rows and columns of keyboards, and the order of digits on them. */
// biome-ignore format: a table
const WALKS = [
  '1234567890-=', 'qwertyuiop[]', "asdfghjkl;'", 'zxcvbnm,./', 'qwertzuiop', 'yxcvbnm', 'azertyuiop',
  'qsdfghjklm', 'wxcvbn', '!@#$%^&*()_+', '!"§$%&/()=', '90',
  '1qaz', '2wsx', '3edc', '4rfv', '5tgb', '6yhn', '7ujm', '8ik,', '9ol.', '0p;/', '147', '258', '369',
  // Zigzags between the digits and the letters below them.
  '1q2w3e4r5t6y7u8i9o0p', 'q1w2e3r4t5y6u7i8o9p0', 'qawsedrftgyhujikolp', 'aqswdefrgthyjukilo',
];
/** Pairs of neighbours in them, both ways. */
const NEIGHBOURS: ReadonlySet<string> = new Set(
  WALKS.flatMap((walk) =>
    Array.from(walk.slice(1), (next, i) => [`${walk[i]}${next}`, `${next}${walk[i]}`]).flat(),
  ),
);
/** Digits and signs that stand for letters. */
const SPELLINGS: Readonly<Record<string, string>> = {
  ...{ '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '@': 'a', $: 's', '!': 'i' },
};

/**
 * What a password may be: long, and not one of those that are tried first. Nothing is asked of the
 * kinds of its characters, and no pasting is in anybody's way (NIST SP 800-63B clause 3.1.1.2).
 *
 * @throws AccountError WEAK_PASSWORD
 */
export function checkPassword(password: string, username: string): void {
  const text = normal(password);
  const bytes = Buffer.byteLength(text);
  if (bytes < PASSWORD_BYTES_MIN) {
    throw weak(`expected at least ${PASSWORD_BYTES_MIN} characters, found ${text.length}`);
  }
  if (bytes > PASSWORD_BYTES_MAX) {
    throw weak(`expected at most ${PASSWORD_BYTES_MAX} bytes, found ${bytes}`);
  }
  const plain = text.toLowerCase();
  const name = username.toLowerCase();
  if (name.length >= NAME_CHARS_MIN && plain.includes(name)) {
    throw weak('expected a password without the name of the account in it');
  }
  if (new Set(plain).size < DISTINCT_MIN) {
    throw weak(`expected at least ${DISTINCT_MIN} different characters`);
  }
  if (isRepeated(plain)) throw weak('expected more than one piece that is repeated');
  if (isWalk(plain)) throw weak('expected more than a sequence, or keys that lie side by side');
  if (isCommon(plain, name)) throw weak('expected a password that is not among the common ones');
}

/** One that is too short, written again and again. */
function isRepeated(text: string): boolean {
  for (let piece = 1; piece < PASSWORD_BYTES_MIN && 2 * piece <= text.length; piece++) {
    if (text.startsWith(text.slice(piece))) return true;
  }
  return false;
}

/** Whether nearly every character follows from the one before. */
function isWalk(text: string): boolean {
  const jumps = Array.from(text.slice(1)).filter((next, i) => !follows(text[i] ?? '', next));
  return jumps.length <= text.length / FORESEEN_RUN;
}

function follows(char: string, next: string): boolean {
  const step = (next.codePointAt(0) ?? 0) - (char.codePointAt(0) ?? 0);
  return Math.abs(step) <= 1 || NEIGHBOURS.has(char + next);
}

function isCommon(text: string, name: string): boolean {
  // `p@ssw0rd1234!`: what is behind a word is no letter of it.
  const core = text.replace(/^[\d\W]+|[\d\W]+$/g, '');
  return [text, spelled(text), spelled(core)].some((one) => {
    const letters = one.replace(/[^\p{L}]/gu, '');
    return COMMON_PASSWORDS.has(letters) || isDecorated(letters, name);
  });
}

/** Whether it is little more than common words, or the name of the account. */
function isDecorated(letters: string, name: string): boolean {
  const found = new Set<string>();
  let rest = letters;
  for (const word of [...(name ? [name] : []), ...LONGEST_FIRST]) {
    if (!rest.includes(word)) continue;
    found.add(word);
    // What is before and behind a word makes no new one.
    rest = rest.replaceAll(word, ' ');
  }
  const isOfThem = found.size > 0 && found.size <= WORDS_MAX;
  return isOfThem && rest.replaceAll(' ', '').length < LETTERS_MIN;
}

const LONGEST_FIRST = COMMON_WORDS.toSorted((a, b) => b.length - a.length);

/** `p@ssw0rd` as it is read. */
function spelled(text: string): string {
  return text.replace(/[013457@$!]/g, (char) => SPELLINGS[char] ?? char);
}

function weak(message: string): AccountError {
  return new AccountError('WEAK_PASSWORD', message);
}
