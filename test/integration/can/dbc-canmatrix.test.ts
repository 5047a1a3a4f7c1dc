/** What another program makes of the same files and frames. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Message } from '../../../src/sources/can/dbc/database.ts';
import { parseDbc } from '../../../src/sources/can/dbc/parse.ts';
import { bitFields, signalLine } from '../../support/dbc-arbitrary.ts';
import {
  type Decoded,
  decodedByCanmatrix,
  type GivenFrame,
  missingCanmatrix,
} from '../../support/dbc-canmatrix.ts';
import { HEAD, valuesOf } from '../../support/dbc-decode.ts';

const MESSAGES = 300;
const FRAMES = 2_000;
const SEED = 6;
/** Values of the inner multiplexer: none, single ones, inside of ranges and at their ends. */
const NESTED = [0, 13, 31, 64, 127, 128, 200, 210, 220];

const signals = fc.record({
  field: bitFields(8),
  signed: fc.boolean(),
  scale: fc.constantFrom('1,0', '0.1,0', '0.125,-40', '-0.25,10', '0.0078125,-250', '3,1.5'),
});

/** Messages of up to eight signals, which may lie upon one another. */
function randomFile(): string {
  const lists = fc.sample(fc.array(signals, { minLength: 1, maxLength: 8 }), {
    numRuns: MESSAGES,
    seed: SEED,
  });
  return `${HEAD}${lists
    .map((list, index) => {
      const id = index % 2 === 0 ? index : index + 2 ** 31;
      const lines = list.map(({ field, ...rest }, n) => signalLine(`S${n}`, field, rest));
      return `BO_ ${id} M${index}: 8 A\n${lines.join('\n')}\n\n`;
    })
    .join('')}`;
}

function framesFor(messages: readonly Message[], length: number): [Message, GivenFrame][] {
  const data = fc.uint8Array({ minLength: 8, maxLength: 8 });
  return fc
    .sample(fc.tuple(fc.constantFrom(...messages), data), { numRuns: length, seed: SEED })
    .map(([message, bytes]) => [
      message,
      { id: message.id, extended: message.extended, data: bytes },
    ]);
}

/** It calls signals by their long names. */
function byLongName(message: Message, values: Record<string, number>): Record<string, number> {
  const names = new Map(message.signals.map(({ name, longName }) => [name, longName]));
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [names.get(name) ?? '', value]),
  );
}

/** Their values of a frame as numbers; they are decimals, ours the doubles nearest to those. */
function numbersOf(decoded: Decoded | undefined): Record<string, number> {
  return Object.fromEntries(
    Object.entries(decoded ?? {}).map(([name, [, value]]) => [name, Number(value)]),
  );
}

function expectAlike(
  message: Message,
  ours: Record<string, number>,
  theirs: Record<string, number>,
) {
  expect(Object.keys(ours).toSorted(), message.name).toEqual(Object.keys(theirs).toSorted());
  for (const [name, value] of Object.entries(ours)) {
    const other = theirs[name] ?? Number.NaN;
    const size = Math.max(1, Math.abs(other));
    expect(
      Math.abs(value - other) / size,
      `${message.name} ${name}: ${value}, not ${other}`,
    ).toBeLessThan(4 * Number.EPSILON);
  }
}

test.skipIf(missingCanmatrix)('signals of any place, length, order, sign and scale', () => {
  const text = randomFile();
  const { database } = parseDbc(text);
  expect(database.messages).toHaveLength(MESSAGES);
  const frames = framesFor(database.messages, FRAMES);
  const theirs = decodedByCanmatrix(
    text,
    frames.map(([, frame]) => frame),
  );
  for (const [index, [message, { data }]] of frames.entries()) {
    expectAlike(message, valuesOf(message, data), numbersOf(theirs[index]));
  }
});

test.skipIf(missingCanmatrix)('a whole file, with multiplexers, floats and doubles', () => {
  const file = new URL('../../unit/sources/can/dbc/fixtures/rich.dbc', import.meta.url);
  const text = readFileSync(file, 'utf8');
  const { database } = parseDbc(text);
  const messages = database.messages.filter(({ length }) => length === 8);
  const frames = framesFor(messages, FRAMES).map(([message, frame], index) => {
    // The first two bytes have the multiplexers, of which random values would choose nothing.
    frame.data[0] = index % 16;
    frame.data[1] = NESTED[(index >> 4) % NESTED.length] ?? 0;
    return [message, frame] as const;
  });
  const theirs = decodedByCanmatrix(
    text,
    frames.map(([, frame]) => frame),
  );
  const seen = new Set<string>();
  for (const [index, [message, { data }]] of frames.entries()) {
    const ours = byLongName(message, valuesOf(message, data));
    const others = numbersOf(theirs[index]);
    for (const name of Object.keys(ours)) seen.add(`${message.name} ${name}`);
    // A float that is no number is no value to us.
    const finite = Object.entries(others).filter(([, value]) => Number.isFinite(value));
    expectAlike(message, ours, Object.fromEntries(finite));
  }
  const all = messages.flatMap(({ name, signals }) =>
    signals.map((one) => `${name} ${one.longName}`),
  );
  expect([...seen].toSorted()).toEqual(all.toSorted());
});
