/** Files that are none, and files that were: nothing but a DbcError is ever thrown, and nothing takes long. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decoderFor } from '../../../../../src/sources/can/dbc/decode.ts';
import { DbcError } from '../../../../../src/sources/can/dbc/errors.ts';
import { type Parsed, parseDbc } from '../../../../../src/sources/can/dbc/parse.ts';
import { streamsOf } from '../../../../../src/sources/can/dbc/streams.ts';
import { readDbcText } from '../../../../../src/sources/can/dbc/text.ts';

const HEAD = 'BO_ 1 A: 8 X\n SG_ a : 0|8@1+ (1,0) [0|0] "" X\n';

const FILES = ['rich', 'sloppy'].map((name) =>
  readFileSync(new URL(`fixtures/${name}.dbc`, import.meta.url), 'utf8'),
);

/** What is done with a file: its streams are declared, and frames decoded; undefined for one that is none. */
function use(text: string): Parsed | undefined {
  let parsed: Parsed;
  try {
    parsed = parseDbc(text);
  } catch (error) {
    if (error instanceof DbcError) return undefined;
    throw error;
  }
  const { messages } = parsed.database;
  const streams = messages.flatMap(streamsOf('can0', messages));
  const ids = new Set(streams.map(({ id }) => id));
  const good = streams.every(({ range: [min, max], unit }) => min < max && unit !== '');
  if (ids.size !== streams.length || !good) throw new Error(JSON.stringify(streams));
  for (const message of messages) {
    const decoder = decoderFor(message);
    for (const data of FRAMES) {
      decoder.decode(data, (index, value) => {
        if (message.signals[index] && Number.isFinite(value)) return;
        throw new Error(`${message.name} ${index}: ${value}`);
      });
    }
  }
  return parsed;
}

const FRAMES = [0, 3, 8, 64].map((length) => new Uint8Array(length).fill(0x81));

const words = fc.constantFrom(
  ...['BO_ ', 'SG_ ', 'CM_ ', 'VAL_ ', 'BA_ ', 'SG_MUL_VAL_ ', 'SIG_VALTYPE_ ', 'NS_ :', 'BU_:'],
  ...['\n', '\n ', '\r', '"', '\\"', ';', ':', '|', '@', '(', ')', '[', ']', ',', ' ', '-', '+'],
  ...[
    'M',
    'm0',
    'm1M',
    '0',
    '1',
    '8',
    '64',
    '256',
    '2147483648',
    '1e308',
    '-1',
    'a',
    'A',
    'é',
    '\0',
  ],
  ...[
    'BO_ 1 A: 8 X\n',
    ' SG_ a : 0|8@1+ (1,0) [0|0] "" X\n',
    ' SG_ b m1M : 7|8@0- (1,0) [0|0] "" X\n',
  ],
);

test('any text', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff), { maxLength: 300 }), (codes) => {
      use(String.fromCharCode(...codes));
    }),
    { numRuns: 500 },
  );
});

test('any words of the format', () => {
  let read = 0;
  fc.assert(
    fc.property(fc.constantFrom('', HEAD), fc.array(words, { maxLength: 200 }), (head, list) => {
      if (use(head + list.join(''))) read++;
    }),
    { numRuns: 2_000 },
  );
  expect(read).toBeGreaterThan(500);
});

test('any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void use(readDbcText(bytes))),
  );
});

const changes = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(20),
    put: fc.oneof(words, fc.string({ maxLength: 3 })),
  }),
  { minLength: 1, maxLength: 8 },
);

test('good files with something missing, something more, or their end cut off', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...FILES),
      changes,
      fc.double({ min: 0.1, max: 1 }),
      (file, list, end) => {
        let text = file.slice(0, Math.ceil(file.length * (Number.isNaN(end) ? 1 : end)));
        for (const { at, cut, put } of list) {
          const place = Math.floor(at * text.length);
          text = text.slice(0, place) + put + text.slice(place + cut);
        }
        use(text);
      },
    ),
    { numRuns: 500 },
  );
});

test('one line less of a good file costs what is in it, and little else', () => {
  const [good = ''] = FILES;
  const lines = good.split('\n');
  const whole = parseDbc(good).database.messages.flatMap(({ signals }) => signals).length;
  for (let gone = 0; gone < lines.length; gone++) {
    const parsed = parseDbc(lines.toSpliced(gone, 1).join('\n'));
    const left = parsed.database.messages.flatMap(({ signals }) => signals).length;
    // The most that hangs on one line is a head: with two multiplexers in one message none is sure.
    expect(left).toBeGreaterThanOrEqual(whole - 8);
  }
});

const SIZE = 512 * 1024;
const CPU_MS_MAX = 5_000;
const SIGNAL = ' SG_ a : 0|8@1+ (1,0) [0|0] "" X\n';
const numbered = (piece: (n: number) => string, size = SIZE): string => {
  let text = '';
  for (let n = 0; text.length < size; n++) text += piece(n);
  return text;
};

// biome-ignore format: what is repeated up to the size
const LONG: readonly [name: string, text: () => string][] = [
  ['blanks',                    () => HEAD + ' '.repeat(SIZE)],
  ['blanks in a string',        () => `${HEAD}CM_ "${' '.repeat(SIZE)}`],
  ['line ends in a string',     () => `${HEAD}CM_ "${'\n'.repeat(SIZE)}`],
  ['quotes',                    () => HEAD + '"'.repeat(SIZE)],
  ['escaped quotes on lines',   () => HEAD + '\\"\n'.repeat(SIZE / 3)],
  ['one quote a line',          () => HEAD + 'CM_ "x\n'.repeat(SIZE / 7)],
  ['semicolons',                () => HEAD + ';'.repeat(SIZE)],
  ['one word',                  () => HEAD + 'a'.repeat(SIZE)],
  ['digits',                    () => `BO_ ${'9'.repeat(SIZE)} A: 8 X\n${HEAD}`],
  ['marks',                     () => HEAD + ' SG_ ::||@@(('.repeat(SIZE / 12)],
  ['statements that look so',   () => `${HEAD}CM_ "${'\nSG_ ::::||||'.repeat(SIZE / 13)}`],
  ['open keywords in a string', () => `${HEAD}CM_ "${'\nVAL_      ;;;;'.repeat(SIZE / 15)}`],
  ['keywords',                  () => HEAD + 'NS_\n'.repeat(SIZE / 4)],
  ['signals of one name',       () => HEAD + SIGNAL.repeat(SIZE / SIGNAL.length)],
  ['signals of one place',      () => numbered((n) => (n % 1_000 ? '' : `BO_ ${n} M: 8 X\n`) + SIGNAL.replace('a', `s${n}`))],
  ['signals of one multiplexer', () => numbered((n) => (n % 1_000 ? SIGNAL.replace('a', `s${n} m5`) : `BO_ ${n} M: 8 X\n${SIGNAL.replace('a', 'top M')}`))],
  ['multiplexers all',          () => numbered((n) => (n % 1_000 ? '' : `BO_ ${n} M: 8 X\n`) + SIGNAL.replace('a', `s${n} m1M`))],
  ['a chain of multiplexers',   () => `BO_ 1 A: 8 X\n${Array.from({ length: 1_000 }, (_, n) => SIGNAL.replace('a', `s${n} M`)).join('')}${numbered((n) => `SG_MUL_VAL_ 1 s${1 + (n % 999)} s${n % 999} 0-255;\n`, SIZE / 4)}`],
  ['messages of one name',      () => numbered((n) => `BO_ ${n + 2 ** 31} A: 8 X\n${SIGNAL}`)],
  ['names of one beginning',    () => numbered((n) => (n % 1_000 ? '' : `BO_ ${n} M${n}: 8 X\n`) + SIGNAL.replace('a', `TheSameBeginningOfAll${n}`))],
  ['a table for everybody',     () => `VAL_TABLE_ t ${Array.from({ length: 1_000 }, (_, n) => `${n} "" `).join('')};${numbered((n) => (n % 1_000 ? '' : `BO_ ${n} M${n}: 8 X\n`) + SIGNAL.replace('a', `s${n}`), SIZE / 2)}${numbered((n) => `VAL_ ${n - (n % 1_000)} s${n} t;\n`, SIZE / 2)}`],
  ['values of one signal',      () => `${HEAD}VAL_ 1 a ${numbered((n) => `${n} "x" `)};`],
  ['ranges of one signal',      () => `${HEAD}SG_MUL_VAL_ 1 a a ${numbered((n) => `${n * 40}-${n * 40 + 20}, `)};`],
  ['texts of one message',      () => HEAD + numbered((n) => `CM_ BO_ 1 "${n}";\n`)],
];

test.each(LONG)('%s: in a time that is not quadratic', { timeout: 60_000 }, (_name, text) => {
  const file = text();
  const from = process.cpuUsage();
  use(file);
  // A quadratic reader computes for half a minute; this one for some tenths of a second. What others do
  // on the machine meanwhile does not count.
  expect(process.cpuUsage(from).user / 1_000).toBeLessThan(CPU_MS_MAX);
});
