import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Alert,
  type Answer,
  parseAnswer,
} from '../../../../../src/sources/obd/elm/elm-text.ts';

const LINE = '7E8064100BE3FA813';

/** Every message of the data sheet (DSJ p. 87-89) and of STN chips that may share a line with data. */
// biome-ignore format: a table
const MESSAGES: readonly (readonly [string, Alert])[] = [
  ['NO DATA',                'no-data'],
  ['SEARCHING...',           'searching'],
  ['UNABLE TO CONNECT',      'unable-to-connect'],
  ['BUS INIT: OK',           'bus-init'],
  ['BUS INIT: ...OK',        'bus-init'],
  ['BUS INIT: ERROR',        'bus-init-error'],
  ['BUS INIT: ...ERROR',     'bus-init-error'],
  ['BUS BUSY',               'bus-busy'],
  ['BUS ERROR',              'bus-error'],
  ['CAN ERROR',              'can-error'],
  ['BUFFER FULL',            'buffer-full'],
  ['FB ERROR',               'feedback-error'],
  ['ERR94',                  'internal-error'],
  ['ERR01',                  'internal-error'],
  ['LV RESET',               'low-voltage-reset'],
  ['STOPPED',                'stopped'],
  ['ACT ALERT',              'activity-alert'],
  ['!ACT ALERT',             'activity-alert'],
  ['LP ALERT',               'power-alert'],
  ['!LP ALERT',              'power-alert'],
  ['OUT OF MEMORY',          'out-of-memory'],
  ['FC RX TIMEOUT',          'flow-control-timeout'],
  ['ELM327 v1.5',            'banner'],
  ['STN1110 v4.0.4',         'banner'],
];

/** Those after which the line before them is not to be trusted. */
const SPOILERS: readonly (readonly [string, Alert])[] = [
  ['<DATA ERROR', 'data-error'],
  ['DATA ERROR', 'data-error'],
  ['<RX ERROR', 'rx-error'],
  ['RTR', 'remote-frame'],
];

const WHOLE_LINES: readonly (readonly [string, Alert])[] = [
  ['OK', 'ok'],
  ['?', 'unknown'],
];

const everything = [...MESSAGES, ...SPOILERS, ...WHOLE_LINES];
const withoutSpaces = (text: string): string => text.replaceAll(' ', '');
const read = (raw: string): Pick<Answer, 'data' | 'alerts'> => {
  const { data, alerts } = parseAnswer(raw, '0100');
  return { data, alerts };
};

describe.each(everything)('"%s"', (message, alert) => {
  test('is known with and without spaces, in lower case, before any line end', () => {
    for (const text of [message, withoutSpaces(message), message.toLowerCase(), ` ${message} `]) {
      for (const end of ['', '\r', '\r\n', '\n', '\r\r']) {
        expect(read(text + end), JSON.stringify(text + end)).toEqual({ data: [], alerts: [alert] });
      }
    }
  });

  test('on a line of its own leaves the data around it alone', () => {
    const raw = `${LINE}\r${message}\r${LINE}\r`;
    expect(read(raw)).toEqual({ data: [LINE, LINE], alerts: [alert] });
  });
});

describe.each(MESSAGES)('"%s"', (message, alert) => {
  test('is found glued to the end of data', () => {
    for (const text of [message, withoutSpaces(message)]) {
      expect(read(LINE + text)).toEqual({ data: [LINE], alerts: [alert] });
    }
  });
});

test.each(MESSAGES.filter(([message]) => /SEARCHING|INIT|ALERT/.test(message)))(
  '"%s" is found glued before data',
  (message, alert) => {
    for (const text of [message, withoutSpaces(message)]) {
      expect(read(text + LINE)).toEqual({ data: [LINE], alerts: [alert] });
    }
  },
);

test.each(SPOILERS)('"%s" spoils the line it stands on, and no other', (message, alert) => {
  const answer = parseAnswer(`${LINE}\r${LINE} ${message}\r${LINE}\r`, '0100');
  expect(answer).toMatchObject({ data: [LINE, LINE], alerts: [alert], garbage: 1 });
});

test('two messages may share a line', () => {
  expect(read('SEARCHING...UNABLE TO CONNECT').alerts.toSorted()).toEqual([
    'searching',
    'unable-to-connect',
  ]);
  expect(read('BUS INIT: ...OK\r\nSEARCHING...NO DATA').alerts.toSorted()).toEqual([
    'bus-init',
    'no-data',
    'searching',
  ]);
});

test('data comes in upper case and without spaces', () => {
  expect(read('7e8 06 41 00 be 3f a8 13\r\n').data).toEqual([LINE]);
});

test('the echo of the command is left out, with and without spaces', () => {
  for (const echo of ['0100', '01 00', ' 01 00 ']) {
    const answer = parseAnswer(`${echo}\r${LINE}\r`, '0100');
    expect(answer).toEqual({ data: [LINE], alerts: [], text: LINE, garbage: 0 });
  }
  expect(parseAnswer('ate0\rOK\r', 'ATE0').alerts).toEqual(['ok']);
});

test('the words of an AT command are kept as they were sent', () => {
  expect(parseAnswer('ATRV\r12.4V\r', 'ATRV').text).toBe('12.4V');
  expect(parseAnswer('A6\r', 'ATDPN').text).toBe('A6');
  expect(parseAnswer('\r\rELM327 v1.5\r\r', 'ATZ').text).toBe('ELM327 v1.5');
  expect(parseAnswer('AUTO, ISO 15765-4 (CAN 11/500)\r', 'ATDP').text).toBe(
    'AUTO, ISO 15765-4 (CAN 11/500)',
  );
});

test('what is neither data nor a known message is counted and left out', () => {
  const answer = parseAnswer(`FC: \r${LINE}\r7E8 06 4x\rhello\r`, '0100');
  expect(answer).toMatchObject({ data: [LINE], alerts: [], garbage: 3 });
});

test('an empty answer is empty', () => {
  expect(parseAnswer('\r\n \r', '0100')).toEqual({ data: [], alerts: [], text: '', garbage: 0 });
});

describe('for every answer', () => {
  const hexLine = fc
    .array(fc.constantFrom(...'0123456789ABCDEF'), { minLength: 5, maxLength: 30 })
    .map((digits) => digits.join(''));
  const spaced = hexLine.map((line) => ({ line, text: line.replaceAll(/(..)/g, '$1 ') }));
  const message = fc.constantFrom(...everything.map(([text]) => text));
  const glued = fc.constantFrom(...MESSAGES.map(([text]) => text), '');

  test('lines of digits are data, however much they look like words', () => {
    // Bytes that begin or end a word: FB ERROR, CAN ERROR, BUFFER FULL, DATA ERROR, ACT ALERT, ERR94.
    const tempting = fc
      .array(fc.constantFrom('FB', 'E', 'EE', 'BF', 'CA', 'DA', 'AC', '94', 'BB', 'FC'), {
        minLength: 3,
        maxLength: 12,
      })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(tempting, hexLine), (line) => {
        expect(parseAnswer(line, '0100')).toMatchObject({ data: [line], alerts: [], garbage: 0 });
      }),
    );
  });

  test('data survives whatever messages stand around it', () => {
    const parts = fc.array(
      fc.oneof(
        fc.record({ data: spaced, after: glued }),
        message.map((text) => ({ data: { line: '', text: '' }, after: text })),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(parts, fc.constantFrom('\r', '\r\n', '\n'), (list, end) => {
        const raw = list.map(({ data, after }) => `${data.text}${after}${end}`).join('');
        const lines = list.map(({ data }) => data.line).filter((line) => line !== '');
        expect(parseAnswer(raw, '010C').data).toEqual(lines);
      }),
    );
  });

  test('random text never throws, and what counts as data is made of digits', () => {
    const text = fc.string({ unit: 'binary-ascii', maxLength: 400 });
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ maxLength: 100 })), text, (raw, command) => {
        for (const line of parseAnswer(raw, command).data) expect(line).toMatch(/^[0-9A-F]+$/);
      }),
    );
  });
});
