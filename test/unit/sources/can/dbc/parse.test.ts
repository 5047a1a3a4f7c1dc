import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Message, Signal } from '../../../../../src/sources/can/dbc/database.ts';
import { DbcError } from '../../../../../src/sources/can/dbc/errors.ts';
import { parseDbc, parseDbcInTurns } from '../../../../../src/sources/can/dbc/parse.ts';
import { messageOf } from '../../../../support/dbc-decode.ts';

const rich = parseDbc(readFileSync(new URL('fixtures/rich.dbc', import.meta.url), 'utf8'));

function message(name: string): Message {
  const found = rich.database.messages.find((one) => one.name === name);
  if (!found) throw new Error(name);
  return found;
}

function signal(of: string, name: string): Signal {
  const found = message(of).signals.find((one) => one.name === name);
  if (!found) throw new Error(name);
  return found;
}

test('a large file is read in turns, also where it is one statement, and comes to the same', async () => {
  const rows = Array.from({ length: 2_000 }, (_, i) => {
    const text = `BO_ ${i} M${i}: 8 X\n SG_ a : 0|8@1+ (1,0) [0|0] "" X\n SG_ b : 4|8@1+ (1,0) [0|0] "" X`;
    return i % 10 === 0 ? `${text}\nCM_ BO_ ${i} "a word"` : text;
  });
  const long = Array.from({ length: 30_000 }, (_, i) => `${i} "a"`).join(' ');
  let turns = 0;
  const rest = async () => void turns++;
  for (const text of [rows.join('\n'), `${rows[0]}\nVAL_ 0 a ${long};`]) {
    turns = 0;
    expect(await parseDbcInTurns(text, rest)).toEqual(parseDbc(text));
    expect(turns).toBeGreaterThan(40);
  }
  await expect(parseDbcInTurns('none', rest)).rejects.toThrow(DbcError);
});

test('a good file has no warnings, and every message but the one that is none', () => {
  expect(rich.warnings).toEqual([]);
  expect(rich.unlisted).toBe(0);
  expect(rich.database.version).toBe('3.1');
  expect(rich.database.messages.map(({ name }) => name)).toEqual([
    ...['EngineData', 'Transmission', 'BatteryCells', 'Diagnosis'],
    ...['Position', 'Odometer', 'Serial', 'EEC1', 'LongFrame'],
  ]);
});

test('messages', () => {
  expect(message('EngineData')).toMatchObject({
    ...{ id: 256, extended: false, length: 8, format: 'classic', cycleMs: 10 },
    ...{ longName: 'EngineData', comment: 'Sent by the engine, whatever it does' },
  });
  expect(message('EEC1')).toMatchObject({
    ...{ id: 0x0cf004fe, extended: true, format: 'j1939', cycleMs: 0 },
  });
  expect(message('LongFrame')).toMatchObject({ length: 64, format: 'fd' });
  expect(message('Transmission').longName).toBe('TransmissionDataOfTheRearAxle');
});

test('signals', () => {
  expect(signal('EngineData', 'EngineTorque')).toEqual({
    ...{ name: 'EngineTorque', longName: 'EngineTorque', startBit: 31, bits: 12 },
    ...{ byteOrder: 'big', type: 'signed', factor: 0.5, offset: 0, limits: [-1024, 1023.5] },
    ...{ unit: 'Nm', comment: '', labels: new Map(), when: undefined },
  });
  expect(signal('EngineData', 'CoolantTemperature')).toMatchObject({
    ...{ byteOrder: 'little', type: 'unsigned', offset: -40, unit: '°C' },
    labels: new Map([
      [255, 'not available'],
      [254, 'error'],
    ]),
  });
  expect(signal('EngineData', 'EngineSpeed').comment).toBe('Crankshaft, called "n"; unfiltered');
  expect(signal('EngineData', 'EngineRunning').labels).toEqual(
    new Map([
      [1, 'On'],
      [0, 'Off'],
    ]),
  );
  expect(signal('Transmission', 'TransmissionOilTemperatureRear_').longName).toBe(
    'TransmissionOilTemperatureRearAxleUnfiltered',
  );
  expect(signal('Position', 'Latitude')).toMatchObject({ type: 'float', bits: 32 });
  expect(signal('Odometer', 'Distance')).toMatchObject({ type: 'float', bits: 64 });
  // Limits of zeros are what editors write where nobody gave any.
  expect(signal('Serial', 'SerialNumber').limits).toBeUndefined();
});

test('multiplexers', () => {
  expect(signal('BatteryCells', 'CellGroup').when).toBeUndefined();
  expect(signal('BatteryCells', 'Cell3Voltage').when).toEqual({
    by: 'CellGroup',
    ranges: [[1, 1]],
  });
  expect(signal('BatteryCells', 'PackCurrent').when).toBeUndefined();
  expect(signal('Diagnosis', 'Parameter').when).toEqual({ by: 'Service', ranges: [[1, 1]] });
  expect(signal('Diagnosis', 'VehicleSpeed').when).toEqual({
    by: 'Parameter',
    ranges: [
      [13, 13],
      [64, 127],
    ],
  });
});

const NAMED = 'BO_ 1 A: 8 X\n SG_ a : 0|8@1+ (1,0) [0|0] "" X\n';
const plain = messageOf(NAMED);

// biome-ignore format: one way to write it a line
test.each<[name: string, text: string]>([
  ['CR LF',                     NAMED.replaceAll('\n', '\r\n')],
  ['CR',                        NAMED.replaceAll('\n', '\r')],
  ['no line end at the end',    NAMED.trimEnd()],
  ['tabs',                      NAMED.replaceAll(' ', '\t')],
  ['a byte order mark',         `\ufeff${NAMED}`],
  ['no blanks',                 'BO_ 1 A:8 X\nSG_ a:0|8@1+(1,0)[0|0]""X'],
  ['blanks everywhere',         'BO_ 1 A : 8 X\n SG_  a  :  0 | 8 @ 1 + ( 1 , 0 ) [ 0 | 0 ]  ""  X , Y '],
  ['semicolons',                'BO_ 1 A: 8 X;\n SG_ a : 0|8@1+ (1,0) [0|0] "" X;'],
  ['one line',                  'BO_ 1 A: 8 X SG_ a : 0|8@1+ (1,0) [0|0] "" X'],
  ['a signal on two lines',     'BO_ 1 A: 8 X\n SG_ a : 0|8@1+ (1,0) [0|0] ""\n  "" X'.replace('""\n  ""', '\n  ""')],
  ['nobody who sends or reads', 'BO_ 1 A: 8\n SG_ a : 0|8@1+ (1,0) [0|0] ""'],
  ['exponents',                 'BO_ 1 A: 8 X\n SG_ a : 0|8@1+ (1E+00,0.0e-5) [0|0] "" X'],
  ['an empty list of symbols',  `NS_ :\n\nBS_:\n\nBU_:\n\n${NAMED}`],
  ['symbols on one line',       `NS_ : CM_ BA_ VAL_\nBS_: 500 : 1,2\nBU_: A\n\tB\n${NAMED}`],
  ['what nobody needs',         `${NAMED}BA_DEF_REL_ BU_BO_REL_ "x" ENUM "0","1";\nBA_REL_ "x" BU_BO_REL_ A 1 0;\nCAT_ 1;\nFILTER 2;\nBA_SGTYPE_ "a" "b";`],
  ['details before messages',   `VAL_TABLE_ t 1 "x" ;\nCM_ BU_ X "y";\nCM_ "z";\n${NAMED}`],
])('it is the same with %s', (_name, text) => {
  expect(messageOf(text)).toEqual(plain);
});

test('a text over several lines, in which lines look like statements', () => {
  const comment = 'BO_ 5 is\r\nCM_ here\nSG_ and: there\nVAL_ too';
  const { comment: text } = messageOf(`${NAMED}CM_ BO_ 1 "${comment}" ;\n`);
  expect(text).toBe('BO_ 5 is CM_ here SG_ and: there VAL_ too');
});

test('a string without its closing quote costs one signal its unit, and nothing after it', () => {
  const { database } = parseDbc(
    `BO_ 1 A: 8 X\n SG_ a : 0|8@1+ (1,0) [0|0] "V X\n SG_ b : 8|8@1+ (1,0) [0|0] "A" X\n`,
  );
  expect(database.messages[0]?.signals.map(({ name, unit }) => [name, unit])).toEqual([
    ['a', ''],
    ['b', 'A'],
  ]);
});

test('signals below a message that cannot be read are not those of the one above it', () => {
  for (const head of ['BO_ x B: 8 X', 'BO_2 B: 8 X', 'BO 2 B: 8 X', 'BO_ 1 B: 8 X']) {
    const signal = (name: string) => ` SG_ ${name} : 0|8@1+ (1,0) [0|0] "" X\n`;
    const { database, warnings } = parseDbc(
      `BO_ 1 A: 8 X\n${signal('a')}${head}\n${signal('b')}BO_ 3 C: 8 X\n// a word\n${signal('c')}`,
    );
    expect(database.messages.map(({ signals }) => signals.map(({ name }) => name))).toEqual([
      ['a'],
      ['c'],
    ]);
    expect(warnings.map(({ line }) => line)).toEqual([3, 6]);
  }
});

test('defaults of attributes hold where a message has no value of its own', () => {
  const { messages } = parseDbc(`
BO_ 1 A: 8 X
BO_ 2147483650 B: 8 X
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 1000;
BA_DEF_ BO_ "VFrameFormat" ENUM "J1939PG","StandardCAN_FD";
BA_DEF_DEF_ "GenMsgCycleTime" 100;
BA_DEF_DEF_ "VFrameFormat" "J1939PG";
BA_ "GenMsgCycleTime" BO_ 1 0;
BA_ "VFrameFormat" BO_ 1 1;
`).database;
  expect(messages).toMatchObject([
    { id: 1, cycleMs: 0, format: 'fd' },
    { id: 2, cycleMs: 100, format: 'j1939' },
  ]);
});

test('a multiplexer among several is found by SG_MUL_VAL_ alone', () => {
  const signals = [
    ' SG_ first M : 0|8@1+ (1,0) [0|0] "" X',
    ' SG_ second M : 8|8@1+ (1,0) [0|0] "" X',
    ' SG_ told m1 : 16|8@1+ (1,0) [0|0] "" X',
    ' SG_ untold m1 : 24|8@1+ (1,0) [0|0] "" X',
  ].join('\n');
  const { database } = parseDbc(
    `BO_ 1 A: 8 X\n${signals}\nSG_MUL_VAL_ 1 told second 3-5, 1-2 ,9-9;`,
  );
  expect(database.messages[0]?.signals.map(({ name, when }) => [name, when])).toEqual([
    ['first', undefined],
    ['second', undefined],
    [
      'told',
      {
        by: 'second',
        ranges: [
          [1, 5],
          [9, 9],
        ],
      },
    ],
  ]);
});

test('what has no message in it is no DBC file, and says what it began with', () => {
  for (const text of ['', '\n\n', 'VERSION ""\nNS_ :\nBS_:\nBU_: A\n', '{"a": 1}', '\0\0\0']) {
    expect(() => parseDbc(text)).toThrow(DbcError);
  }
  expect(() => parseDbc('<xml>\n</xml>')).toThrow(
    'there is no message in the file; line 1, "<xml> </xml>": this is no statement of a DBC file',
  );
});
