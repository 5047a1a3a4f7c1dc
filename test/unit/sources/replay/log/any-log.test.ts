/** What holds of a log of any format, whatever is in it and however it is cut into pieces. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../../../../src/export/formats.ts';
import { seededRandom } from '../../../../../src/sim/random.ts';
import { LogError } from '../../../../../src/sources/replay/log/errors.ts';
import { readLog, rowOf } from '../../../../support/can-log.ts';
import { BUS, BUS_2, exampleSource } from '../../../../support/example-export.ts';

const NAMES = ['candump', 'asc', 'blf'] as const;

/** Of the texts, the beginning: enough for what they may meet, and quick. */
const TEXT_BYTES = 8_000;

function fileOf(name: (typeof NAMES)[number], seed: number): Buffer {
  const file = Buffer.concat([...FORMATS[name].export(exampleSource(seed, [BUS, BUS_2]))]);
  return name === 'blf' ? file : file.subarray(0, TEXT_BYTES);
}

/** Some bytes of it changed, left out or put in. */
function damaged(file: Buffer, seed: number): Buffer {
  const random = seededRandom(seed);
  const bytes = [...file];
  for (let n = 0; n < 1 + 20 * random(); n++) {
    const at = Math.floor(random() * bytes.length);
    const put = Array.from({ length: random() * 4 }, () => Math.floor(random() * 256));
    bytes.splice(at, Math.floor(random() * 4), ...put);
  }
  return Buffer.from(bytes);
}

describe.each(NAMES)('%s', (name) => {
  test('pieces cut anywhere make the same frames', () => {
    const file = fileOf(name, 3);
    const whole = readLog(file);
    expect(whole.frames.length).toBeGreaterThan(100);
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(sizes, (sizesOf) => {
        const cut = readLog(file, sizesOf);
        expect(cut.frames.map(rowOf)).toEqual(whole.frames.map(rowOf));
        expect({ ...cut.tally }).toEqual({ ...whole.tally });
      }),
      { numRuns: 20 },
    );
  });

  test('damage costs what it hits; cut anywhere, it is the same', () => {
    const file = fileOf(name, 4);
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 5_000 }), (seed, size) => {
        const bytes = damaged(file, seed);
        bytes.set(file.subarray(0, 60)); // So that it is told what it is.
        const { frames, tally } = readLog(bytes);
        for (const { id, extended, data, t, channel } of frames) {
          expect(id).toBeLessThanOrEqual(extended ? 0x1fff_ffff : 0x7ff);
          expect(data.length).toBeLessThanOrEqual(8);
          expect(Number.isFinite(t)).toBe(true);
          expect(channel.length).toBeLessThanOrEqual(32);
        }
        expect(tally.faults.length).toBeLessThanOrEqual(8);
        const cut = readLog(bytes, [size]);
        expect(cut.frames.map(rowOf)).toEqual(frames.map(rowOf));
        expect({ ...cut.tally }).toEqual({ ...tally });
      }),
      { numRuns: 60 },
    );
  });
});

test('whatever is no log is told, and nothing else is thrown', () => {
  const beginnings = fc.constantFrom(
    '',
    'LOGG',
    'date ',
    'base hex\n',
    '(1.0) can0 123#11\n',
    'LOGG\x90\0\0\0',
  );
  const rest = fc.oneof(
    fc.uint8Array({ maxLength: 6_000 }),
    fc.string({ maxLength: 6_000 }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(beginnings, rest, fc.integer({ min: 1, max: 999 }), (begin, bytes, size) => {
      try {
        readLog(Buffer.concat([Buffer.from(begin, 'latin1'), bytes]), [size]);
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        expect(error.code).toBe('NOT_A_LOG');
      }
    }),
    { numRuns: 300 },
  );
});
