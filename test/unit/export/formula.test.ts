import { expect, test } from 'vitest';
import { cellOf } from '../../../src/export/csv.ts';

/** OWASP, CSV Injection: what a spreadsheet takes for the beginning of a formula. */
test.each([
  ['=cmd', "'=cmd"],
  ['+cmd', "'+cmd"],
  ['-cmd', "'-cmd"],
  ['@cmd', "'@cmd"],
  ['\tcmd', "'\tcmd"],
  ['\rcmd', '"\'\rcmd"'],
  ['\ncmd', '"\'\ncmd"'],
  ['\uff1dcmd', "'\uff1dcmd"],
  ['\uff0bcmd', "'\uff0bcmd"],
  ['\uff0dcmd', "'\uff0dcmd"],
  ['\uff20cmd', "'\uff20cmd"],
  ['=1,2', '"\'=1,2"'],
  ['a=cmd', 'a=cmd'],
  [' =cmd', ' =cmd'],
])('%j is written as %j', (text, cell) => {
  expect(cellOf(text)).toBe(cell);
});
