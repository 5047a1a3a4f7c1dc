import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLog, type Level, type LogOptions } from '../../../src/io/log.ts';

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error'];
const LINE_CHARS_MAX = 4096;

/** A log that keeps its lines, at a time the test sets. */
function start(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const time = { s: 0 };
  const now = (): number => time.s * 1e6;
  const write = (line: string): void => void lines.push(line);
  const log = createLog({ level: 'debug', journald: false, now, write, ...options });
  return { log, lines, time };
}

/** The object of a line for the journal. */
function parsed(line: string): Record<string, unknown> {
  return JSON.parse(line.replace(/^<\d>/, ''));
}

test('on a terminal an entry is its level, its source, the message and the other fields', () => {
  const { log, lines } = start();
  log.info({ source: 'obd', protocol: 'CAN 11/500', ecus: 2 }, 'connected');
  log.error({}, 'no device');
  expect(lines).toEqual([
    'info  obd: connected protocol="CAN 11/500" ecus=2\n',
    'error vigil: no device\n',
  ]);
});

test('for the journal an entry is a priority of sd-daemon(3) and a JSON object', () => {
  const { log, lines } = start({ journald: true });
  for (const level of LEVELS) log[level]({ source: 'obd' }, 'text');
  expect(lines.map((line) => line.slice(0, 3))).toEqual(['<7>', '<6>', '<4>', '<3>']);
  expect(parsed(lines[1] ?? '')).toEqual({ level: 'info', source: 'obd', msg: 'text' });
});

test('entries below the level are left out', () => {
  for (const [index, level] of LEVELS.entries()) {
    const { log, lines } = start({ level });
    for (const each of LEVELS) log[each]({}, each);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(LEVELS.slice(index));
  }
});

test('a source may write a burst, then a line a second; the next line tells what was left out', () => {
  const { log, lines, time } = start();
  for (let i = 0; i < 25; i++) log.warn({ source: 'eeg' }, `${i}`);
  expect(lines).toHaveLength(20);
  time.s = 0.9;
  log.warn({ source: 'eeg' }, 'too early');
  expect(lines).toHaveLength(20);
  time.s = 1;
  log.warn({ source: 'eeg' }, 'again');
  log.warn({ source: 'eeg' }, 'too much');
  time.s = 2;
  log.warn({ source: 'eeg' }, 'and again');
  expect(lines.slice(20)).toEqual([
    'warn  eeg: again suppressed=6\n',
    'warn  eeg: and again suppressed=1\n',
  ]);
});

test('a quiet hour does not save up more than one burst', () => {
  const { log, lines, time } = start();
  time.s = 3600;
  for (let i = 0; i < 100; i++) log.info({ source: 'eeg' }, 'x');
  expect(lines).toHaveLength(20);
});

test('one chatty source does not silence another', () => {
  const { log, lines } = start();
  for (let i = 0; i < 100; i++) log.info({ source: 'eeg' }, 'x');
  log.info({ source: 'obd' }, 'heard');
  log.info({}, 'heard too');
  expect(lines.slice(20)).toEqual(['info  obd: heard\n', 'info  vigil: heard too\n']);
});

test('entries left out by their level use up nothing', () => {
  const { log, lines } = start({ level: 'info' });
  for (let i = 0; i < 100; i++) log.debug({ source: 'eeg' }, 'x');
  log.info({ source: 'eeg' }, 'heard');
  expect(lines).toEqual(['info  eeg: heard\n']);
});

test('what a device sends can neither begin an entry nor drive the terminal', () => {
  const { log, lines } = start();
  log.warn({ source: 'obd', raw: '\x9b2J\x7f' }, 'answered "\x1b[2J\r\n<3>error"');
  expect(lines).toEqual([
    'warn  obd: answered "\\u001b[2J\\u000d\\u000a<3>error" raw="\\u009b2J\\u007f"\n',
  ]);
});

test('every entry is one printable line of bounded length, and valid JSON for the journal', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 50 }),
    fc.string({ unit: fc.constantFrom('\x1b', '\x9b', '\r', '\n', '\u2028', '"'), maxLength: 900 }),
    fc.constant('\x1b'.repeat(1_000)),
  );
  fc.assert(
    fc.property(text, text, text, fc.boolean(), (message, source, value, journald) => {
      const { log, lines } = start({ journald });
      log.info({ source: source.slice(0, 20), value }, message);
      const [line = '', ...more] = lines;
      expect(more).toEqual([]);
      expect(line.length).toBeLessThanOrEqual(LINE_CHARS_MAX + 1);
      expect(line).toMatch(/^[^\p{Cc}\u2028\u2029]*\n$/u);
      if (journald) expect(message.startsWith(String(parsed(line)['msg']))).toBe(true);
    }),
  );
});

test('an entry that is cut says so, and keeps its source', () => {
  const { log, lines } = start({ journald: true });
  log.error({ source: 'obd', raw: 'y'.repeat(10_000) }, 'long answer');
  expect(parsed(lines[0] ?? '')).toEqual({
    level: 'error',
    source: 'obd',
    chars: expect.any(Number),
    msg: 'long answer',
  });
});
