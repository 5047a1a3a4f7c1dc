import { expect, test } from 'vitest';
import { NEW_DRAFT } from '../../../web/rule-draft.js';
import {
  faultSentence,
  faultsText,
  labelsOf,
  missingIn,
  placed,
} from '../../../web/rule-faults.js';

const fault = (pointer: string, message = 'This is wrong.') => ({ pointer, message });

test('a fault stands at the field of its place, or the nearest', () => {
  const pointers = ['/name', '/when/value/0', '/when/value/1', '/when/match', '/condition'];
  const at = (pointer: string) => [...placed([{ pointer, message: 'wrong' }], pointers)][0];
  expect(at('/name')).toEqual(['/name', ['wrong']]);
  expect(at('/when/value')).toEqual(['/when/value/0', ['wrong']]);
  expect(at('/when/match/n')).toEqual(['/when/match', ['n: wrong']]);
  expect(at('/all/1/stream')).toEqual(['/condition', ['all[1].stream: wrong']]);
  expect(at('/enabled')).toEqual(['', ['enabled: wrong']]);
  expect(at('')).toEqual(['', ['wrong']]);
});

test('what is to be mended is told by the names of the fields, in the order of the form', () => {
  const labels = labelsOf(NEW_DRAFT);
  const faults = [fault('/when/value'), fault('/name'), fault('', 'There are too many rules.')];
  expect(faultSentence(faults, labels)).toBe('Please mend: Name, Limit. There are too many rules.');
  expect(faultsText(faults, labels)).toBe(
    'Limit: This is wrong. Name: This is wrong. There are too many rules.',
  );
  expect(faultSentence([fault('/when/match')], labels)).not.toContain('/');
});

test('what a rule has to have is known before the gateway is asked', () => {
  const missing = (texts: object, several = false) =>
    missingIn({ ...NEW_DRAFT, several, texts: { ...NEW_DRAFT.texts, ...texts } }).map(
      ({ pointer }) => pointer,
    );
  expect(missing({})).toEqual(['/name', '/stream', '/when/value']);
  expect(missing({ '/name': 'A', '/stream': 'a', '/when/value': '1' })).toEqual([]);
  expect(missing({ '/name': ' ', '/stream': 'a', '/when/op': 'event' })).toEqual(['/name']);
  expect(missing({ '/when/op': 'rate>' })).toContain('/when/windowS');
  expect(missing({}, true)).toEqual(['/name']);
});
