import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseDbc } from '../../../../../src/sources/can/dbc/parse.ts';
import { TEXTS } from '../../../../../src/sources/can/dbc/warnings.ts';

const LABELS_MAX = 1_000;
const MESSAGES_MAX = 8_192;
const SIGNALS_PER_MESSAGE_MAX = 1_024;
const SEEN_CHARS_MAX = 60;
const WARNINGS_MAX = 200;

const SLOPPY = new URL('fixtures/sloppy.dbc', import.meta.url);

/** A message of 8 bytes and one good signal, and something more. */
const around = (more: string) =>
  `BO_ 1 A: 8 X\n SG_ good : 0|8@1+ (1,0) [0|0] "" X\n${more}\nBO_ 2 B: 8 X\n`;

const list = (length: number, text: (index: number) => string) =>
  Array.from({ length }, (_, index) => text(index)).join('');

// biome-ignore format: a warning a line: the line it is about, what is wrong, what was seen
const CASES: readonly [text: string, line: number, warning: string, seen: string][] = [
  [around(' SG_ a : 8|8@1+ (1,0) [0|0] "V X'),                 3, TEXTS.openString,  'V X'],
  [around('Hello, world;'),                                    3, TEXTS.unknown,     'Hello , world'],
  [around('CM_ BO_ 1 "text"'),                                 3, TEXTS.unended,     'CM_ BO_ 1 text'],
  [around(`BU_: ${list(20_001, (n) => `N${n} `)}`),            3, TEXTS.tooLong,     'N19999'],
  [around('CM_ BO_ 1 "one" two;'),                             3, TEXTS.extra,       'two'],
  [around('BO_ 3 C 8 X'),                                      3, TEXTS.noColon,     '8'],
  [around(' SG_ a : 8|8@1+ (1,0) "V" X'),                      3, TEXTS.noLimits,    'V'],
  [around(' SG_ a : 8|8@1+ (1,0) [0|0] X'),                    3, TEXTS.noUnit,      'X'],
  [around(' SG_ größe : 8|8@1+ (1,0) [0|0] "" X'),             3, TEXTS.name,        'größe'],
  [around('BO_ 3 1C: 8 X'),                                    3, TEXTS.name,        '1C'],
  [around('BO_ 2048 C: 8 X'),                                  3, TEXTS.longId,      '2048'],
  [around('BO_ 536870912 C: 8 X'),                             3, TEXTS.badId,       '536870912 C'],
  [around('BO_ 3 C: -1 X'),                                    3, TEXTS.badId,       '3 C'],
  [around('BO_ 1 C: 8 X'),                                     3, TEXTS.sameId,      '1 C'],
  [around('BO_ 3 A: 8 X'),                                     3, TEXTS.sameMessage, 'A'],
  [around('BO_ 3 C: 65 X'),                                    3, TEXTS.longMessage, 'C: 65'],
  [`SG_ a : 0|8@1+ (1,0) [0|0] "" X\n${around('')}`,           1, TEXTS.orphan,      'a'],
  [around(' SG_ good : 8|8@1+ (1,0) [0|0] "" X'),              3, TEXTS.sameSignal,  'good'],
  [around(' SG_ a : 8|0@1+ (1,0) [0|0] "" X'),                 3, TEXTS.bits,        'a'],
  [around(' SG_ a : 8|65@1+ (1,0) [0|0] "" X'),                3, TEXTS.bits,        'a'],
  [around(' SG_ a : 505|8@1+ (1,0) [0|0] "" X'),               3, TEXTS.place,       'a'],
  [around(' SG_ a : 504|2@0+ (1,0) [0|0] "" X'),               3, TEXTS.place,       'a'],
  [around(' SG_ a : -1|8@1+ (1,0) [0|0] "" X'),                3, TEXTS.place,       'a'],
  [around(' SG_ a : 8|8@1+ (0,0) [0|0] "" X'),                 3, TEXTS.factor,      'a'],
  [around(' SG_ a : 8|8@1+ (1,0) [5|4] "" X'),                 3, TEXTS.limits,      '[5|4]'],
  [around(' SG_ a : 60|8@1+ (1,0) [0|0] "" X'),                3, TEXTS.beyond,      'A a'],
  [around(' SG_ a : 7|8@1+ (1,0) [0|0] "" X'),                 3, TEXTS.overlap,     'a'],
  [around(' SG_ a : 16|2@0+ (1,0) [0|0] "" X\n SG_ b : 31|8@0+ (1,0) [0|0] "" X'), 4, TEXTS.overlap, 'b'],
  [around('CM_ BO_ 9 "text";'),                                3, TEXTS.noMessage,   '9'],
  [around('CM_ SG_ 1 bad "text";'),                            3, TEXTS.noSignal,    'A bad'],
  [around('VAL_ 1 good None ;'),                               3, TEXTS.noTable,     'None'],
  [around('VAL_ 1 good 256 "x" ;'),                            3, TEXTS.label,       'good 256'],
  [around('VAL_ 1 good -1 "x" ;'),                             3, TEXTS.label,       'good -1'],
  [around('VAL_ 1 good 1 "x" ;\nVAL_ 1 good 1 "y" ;'),         4, TEXTS.sameLabels,  'good'],
  [around(`VAL_TABLE_ t ${list(LABELS_MAX + 1, (n) => `${n} "" `)};`), 3, TEXTS.manyLabels, '1000'],
  [around('SIG_VALTYPE_ 1 good : 1;'),                         3, TEXTS.floatBits,   'good: 8'],
  [around(' SG_ a m0 : 8|8@1+ (1,0) [0|0] "" X'),              3, TEXTS.noSwitch,    'a'],
  [around('SG_MUL_VAL_ 1 good bad 0-1;'),                      2, TEXTS.badSwitch,   'good by bad'],
  [around('SG_MUL_VAL_ 1 good good 0-1;'),                     2, TEXTS.loop,        'good'],
  [around('SG_MUL_VAL_ 1 good good 5-1;'),                     3, TEXTS.range,       '5-1'],
  [around('BA_ "GenMsgCycleTime" BO_ 1 -1;'),                  3, TEXTS.cycle,       '-1'],
  [around('BA_ "GenMsgCycleTime" BO_ 1 1e9;'),                 3, TEXTS.cycle,       '1000000000'],
  [around('BA_ "GenMsgCycleTime" BO_ 1 "x";'),                 3, 'BA_: expected milliseconds: left out', 'x'],
  [around('BO_ 3;'),                                           3, 'BO_: expected a name: left out', 'the end of the statement'],
  [around('BO_ x C: 8 X'),                                     3, 'BO_: expected an identifier: left out', 'x'],
  [around(' SG_ a m : 8|8@1+ (1,0) [0|0] "" X'),               3, 'SG_: expected M, m<n> or ":": left out', ':'],
  [around(' SG_ a : 8|8@2+ (1,0) [0|0] "" X'),                 3, 'SG_: expected 1+, 1-, 0+ or 0-: left out', '2+'],
  [around(' SG_ a : 8|8@1 (1,0) [0|0] "" X'),                  3, 'SG_: expected + or -: left out', '('],
  [around(' SG_ a : 8|8@1+ (0,1,0) [0|0] "" X'),               3, 'SG_: expected ")": left out', ','],
  [around(' SG_ a : 8|8@1+ (nan,0) [0|0] "" X'),               3, 'SG_: expected a factor: left out', 'nan'],
  [around(' SG_ a : 8|8@1+ (1e999,0) [0|0] "" X'),             3, 'SG_: expected a factor: left out', '1e999'],
  [around(' SG_ a : 8.5|8@1+ (1,0) [0|0] "" X'),               3, 'SG_: expected a start bit: left out', '8.5'],
  [around('SG_MUL_VAL_ 1 good good x;'),                       3, 'SG_MUL_VAL_: expected a range of values: left out', 'the end of the statement'],
  [around('VAL_ 1 good 1 x ;'),                                3, 'VAL_: expected a text in quotes: left out', 'x'],
];

test.each(CASES)('%#: %s', (text, line, warning, seen) => {
  expect(parseDbc(text).warnings).toContainEqual({ line, text: warning, seen });
});

test('a message beyond the most there may be, and a signal', () => {
  const messages = parseDbc(list(MESSAGES_MAX + 2, (n) => `BO_ ${n + 4_096} M${n}: 8 X\n`));
  expect(messages.database.messages).toHaveLength(MESSAGES_MAX);
  expect(messages.warnings).not.toContainEqual(
    expect.objectContaining({ text: TEXTS.manyMessages }),
  );
  expect(messages.unlisted).toBe(MESSAGES_MAX + 2 - WARNINGS_MAX);

  const fit = list(MESSAGES_MAX, (n) => `BO_ ${n + 2 ** 31} M${n}: 8 X\n`);
  const { warnings } = parseDbc(`${fit}BO_ 1 A: 8 X\nBO_ 2 B: 8 X\n`);
  const line = MESSAGES_MAX + 1;
  expect(warnings).toEqual([
    { line, text: TEXTS.manyMessages, seen: '1 A' },
    { line: line + 1, text: TEXTS.manyMessages, seen: '2 B' },
  ]);

  const signals = parseDbc(
    `BO_ 1 A: 8 X\n${list(SIGNALS_PER_MESSAGE_MAX + 5, (n) => ` SG_ s${n} m${n} : 8|8@1+ (1,0) [0|0] "" X\n`)}`.replace(
      's0 m0 : 8',
      's0 M : 0',
    ),
  );
  expect(signals.database.messages[0]?.signals).toHaveLength(SIGNALS_PER_MESSAGE_MAX);
  expect(signals.warnings).toEqual([
    { line: SIGNALS_PER_MESSAGE_MAX + 2, text: TEXTS.manySignals, seen: 's1024' },
  ]);
});

test('every text of the catalogue is the outcome of some file', () => {
  const told = new Set<string>([TEXTS.manyMessages, TEXTS.manySignals]);
  for (const [, , warning] of CASES) told.add(warning);
  expect(Object.values(TEXTS).filter((text) => !told.has(text))).toEqual([]);
});

test('of many warnings the first are kept and the others counted', () => {
  const text = `BO_ 1 A: 8 X\n${list(1_000, () => `CM_ BO_ 2 "${'x'.repeat(200)}";\n`)}`;
  const { warnings, unlisted } = parseDbc(text);
  expect(warnings).toHaveLength(WARNINGS_MAX);
  expect(unlisted).toBe(1_000 - WARNINGS_MAX);
  for (const { seen } of parseDbc(around(`${'word'.repeat(100)};`)).warnings) {
    expect(seen.length).toBeLessThanOrEqual(SEEN_CHARS_MAX);
  }
});

test('a file as they are found in the wild', () => {
  const { database, warnings, unlisted } = parseDbc(readFileSync(SLOPPY, 'utf8'));
  expect(unlisted).toBe(0);
  expect(
    database.messages.map(({ name, signals }) => [name, signals.map((one) => one.name)]),
  ).toEqual([
    ['ENGINE_1', ['RPM', 'TEMP', 'CHECKSUM']],
    ['DOORS', ['FRONT_LEFT', 'FRONT_RIGHT', 'REAR_LEFT', 'REAR_RIGHT', 'LOCK', 'Fensteröffner']],
    ['TRUCK', ['SPEED']],
    ['MUX', []],
  ]);
  expect(database.messages[0]?.signals[0]).toMatchObject({ startBit: 7, bits: 16, unit: 'rpm' });
  expect(database.messages[0]?.signals[1]).toMatchObject({
    startBit: 23,
    offset: -40,
    type: 'unsigned',
  });
  expect(database.messages[1]?.signals[4]?.labels).toEqual(
    new Map([
      [0, 'open'],
      [1, 'closed'],
    ]),
  );
  expect(warnings.map(({ line }) => line)).toEqual([
    ...[11, 17, 18, 19, 20, 21, 22, 24, 25, 25, 26, 27, 28, 29, 30, 31, 33, 36, 39, 43, 44],
    ...[46, 47, 47, 48, 49, 50, 51, 52, 53, 54, 56, 57, 58, 59, 59],
  ]);
});
