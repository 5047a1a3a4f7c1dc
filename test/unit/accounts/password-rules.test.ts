import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COMMON_PASSWORDS, COMMON_WORDS } from '../../../src/accounts/common-passwords.ts';
import { AccountError } from '../../../src/accounts/errors.ts';
import { checkPassword } from '../../../src/accounts/password-rules.ts';

function reasonFor(password: string, username = 'ada'): string {
  try {
    checkPassword(password, username);
    return '';
  } catch (error) {
    if (error instanceof AccountError && error.code === 'WEAK_PASSWORD') return error.message;
    throw error;
  }
}

test('12 to 72 bytes are a password, counted as UTF-8', () => {
  const text = 'ttrn.oquqb.xkf rbwh gmezl uvyac, jdpsn 0 lkqf; hrvbt-wyxoc nmzge ujads!x';
  expect(text).toHaveLength(72);
  expect(reasonFor(text)).toBe('');
  expect(reasonFor(`${text}y`)).toContain('at most 72 bytes, found 73');
  expect(reasonFor(text.slice(0, 64))).toBe('');
  expect(reasonFor(text.slice(0, 12))).toBe('');
  expect(reasonFor(text.slice(0, 11))).toContain('at least 12 characters, found 11');
  expect(reasonFor('żółć gęślą jaźń')).toBe('');
  expect(reasonFor('🚗🔋🧠🦊🛰️🎛️'.repeat(3))).toContain('at most 72 bytes');
  // Typed on another keyboard it is the same text.
  expect(reasonFor(`${text.slice(0, 70)}ü`.normalize('NFD'))).toBe('');
});

// biome-ignore format: a table
const WEAK = [
  'password1234', 'Password1234', 'P@ssw0rd1234!', 'passwordpassword', 'my password 123', 'password-admin',
  'iloveyou1234', 'qwertyuiop123', 'qwertyuiop[]', '1q2w3e4r5t6y', '1qaz2wsx3edc', 'zxcvbnm,./123',
  'asdfghjkl;12', 'poiuytrewq12', 'qwertzuiop12', 'azertyuiop12', '123456789012', '012345678901',
  '987654321098', 'abcdefghijkl', 'lkjihgfedcba', 'aaaaaaaaaaaa', 'abcabcabcabc', 'abcd1abcd1abcd1',
  'kestrel9kestrel9', 'letmein12345', 'welcome2026!', 'Summer2026!!!', 'adminadmin1234', 'administrator1',
  'vigilvigil2026', 'Vigil-2026-01', 'vigilgateway1', 'raspberrypi4', 'changeme2026', 'correcthorsebatterystaple',
  'correct horse battery staple', 'thisismypassword', 'ilovemyfamily!', '  password  ', '............a', 'a1a1a1a1a1a1',
  'football2024', 'sunshine!!!!', 'dragonmonkey99', 'trustno1trustno1', '147258369147',
];

test('what is tried first is no password', () => {
  for (const password of WEAK) expect(reasonFor(password), password).not.toBe('');
});

// biome-ignore format: a table
const GOOD = [
  'correct horse battery', 'seven green kettles', 'mein hund frisst kekse', 'x7Kq-29fm-zzPa', 'we were poor then',
  'trinkwasserturm', 'Tr0ub4dor&3xyz', '83920174650192837465', 'ünïcödé wörds', 'пароль длинный', '三十六計走為上計',
  'sunshine football monkey dragon', 'p9$Lw!2m@Zr#', 'pass the salt, please', ' leading and trailing ',
  '7K3M-9Q2A-4XWB-PV0D', 'zebra-crossing at noon',
];

test('nothing is asked of the kinds of characters', () => {
  for (const password of GOOD) expect(reasonFor(password), password).toBe('');
});

test('the name of the account is not in it', () => {
  expect(reasonFor('ada.lovelace rides', 'ada.lovelace')).toContain('without the name');
  expect(reasonFor('rides ADA.Lovelace', 'ada.lovelace')).toContain('without the name');
  expect(reasonFor('adaadaada2026', 'ada')).not.toBe('');
  // Of three letters it may be a part of a word.
  expect(reasonFor('canada geese fly', 'ada')).toBe('');
});

test('every word of the table, stretched with digits and signs, is refused', () => {
  for (const word of COMMON_WORDS) {
    for (const tail of ['2026!?#%&/()1', '#!?9871%&/', '_2026_07_19']) {
      if ((word + tail).length < 12) continue;
      expect(reasonFor(word + tail), word).not.toBe('');
      expect(reasonFor(tail + word.toUpperCase()), word).not.toBe('');
    }
  }
});

test('the tables are lower case, without what a look-up never sees', () => {
  for (const one of [...COMMON_WORDS, ...COMMON_PASSWORDS]) expect(one).toMatch(/^[a-z]+$/);
  expect(new Set(COMMON_WORDS).size).toBe(COMMON_WORDS.length);
});

test('random letters and digits pass', () => {
  const chars = fc.constantFrom(...'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789');
  const text = fc.array(chars, { minLength: 16, maxLength: 64 }).map((all) => all.join(''));
  // Whatever shrinks to a row of the same is weak: only how many pass is looked at.
  const passed = fc.sample(text, { numRuns: 500, seed: 7 }).filter((one) => reasonFor(one) === '');
  expect(passed.length).toBeGreaterThan(480);
});

test('no text, however odd, makes more of it than weak or not', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 90 }), (text) => void reasonFor(text)),
  );
});
