import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPseudonym, Pseudonyms } from '../../../src/accounts/pseudonyms.ts';

const SECRET = Buffer.alloc(32, 7).toString('base64url');

test('a pseudonym is the first 40 bits of the HMAC, in Base32 after Crockford', () => {
  const pseudonyms = new Pseudonyms(() => SECRET);
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,20}$/), (name) => {
      const hash = createHmac('sha256', Buffer.alloc(32, 7)).update(name).digest();
      const bits = [...hash.subarray(0, 5)]
        .map((byte) => byte.toString(2).padStart(8, '0'))
        .join('');
      const quintets = bits.match(/.{5}/g) ?? [];
      const values = quintets.map((five) => Number.parseInt(five, 2).toString(32));
      // The digits of JavaScript's base 32 are 0-9 and a-v; those of Crockford leave out I, L, O, U.
      const crockford = values.map(
        (digit) => '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[Number.parseInt(digit, 32)],
      );
      const pseudonym = pseudonyms.of(name);
      expect(pseudonym).toBe(`P-${crockford.join('')}`);
      expect(isPseudonym(pseudonym)).toBe(true);
    }),
  );
});

test('one person stays one, another is another', () => {
  const pseudonyms = new Pseudonyms(() => SECRET);
  const ada = pseudonyms.of('Ada');
  for (const same of ['ada', ' Ada ', 'ADA']) expect(pseudonyms.of(same)).toBe(ada);
  expect(pseudonyms.of('Zo\u00eb')).toBe(pseudonyms.of('Zoe\u0308'));
  expect(pseudonyms.of('Bob')).not.toBe(ada);
});

test('with another secret everybody has another one, at once', () => {
  let secret = SECRET;
  const pseudonyms = new Pseudonyms(() => secret);
  const before = pseudonyms.of('Ada');
  secret = Buffer.alloc(32, 8).toString('base64url');
  expect(pseudonyms.of('Ada')).not.toBe(before);
  secret = SECRET;
  expect(pseudonyms.of('Ada')).toBe(before);
});

test('more names than are remembered get the same ones again', () => {
  const pseudonyms = new Pseudonyms(() => SECRET);
  const first = pseudonyms.of('person 0');
  for (let i = 1; i < 1_500; i++) pseudonyms.of(`person ${i}`);
  expect(pseudonyms.of('person 0')).toBe(first);
});

test.each(['P-ILOU0000', 'P-7K3M9Q2', 'P-7K3M9Q2AA', 'p-7k3m9q2a', 'Ada', ''])(
  '%j is none',
  (text) => {
    expect(isPseudonym(text)).toBe(false);
  },
);
