import { expect, test } from 'vitest';
import { createCar } from '../../../src/sim/car.ts';
import { createVehicle } from '../../../src/sim/ecu.ts';
import { ElmAdapter, type ElmRecord } from '../../../src/sim/elm.ts';
import { FAULT_NAMES, type Fault, hits, randomFaults } from '../../../src/sim/elm-faults.ts';
import { seededRandom } from '../../../src/sim/random.ts';

const START = 20e6;
/** Between an answer and the next command: longer than the adapter waits for further answers. */
const PAUSE = 100_000;

/** Types commands one after the other, the given fault hitting the one that it names. */
function talk(faults: Readonly<Record<string, Fault>>, commands: readonly string[], seed = 0) {
  const records: ElmRecord[] = [];
  const adapter = new ElmAdapter({
    vehicle: createVehicle(createCar(1, { engineStarts: false })), // Nothing changes by itself.
    paced: false,
    seed,
    faults: (command) => faults[command],
    record: (entry) => records.push(entry),
  });
  let now = START;
  const ask = (command: string): string => {
    now += PAUSE;
    adapter.receive(Buffer.from(`${command}\r`), now);
    let text = '';
    for (let at = adapter.nextAt(); at !== undefined; at = adapter.nextAt()) {
      now = Math.max(now, at);
      text += Buffer.from(adapter.take(now) ?? []).toString('latin1');
    }
    return text;
  };
  const before = ['ATE0', 'ATS0', 'ATH1', '0100'];
  for (const command of before) ask(command);
  return { adapter, ask, records, answers: commands.map(ask) };
}

const clean = talk({}, ['0902', '010C', 'ATI']).answers;
const [cleanVin = '', cleanRpm = '', cleanId = ''] = clean;

test('stray FC and NUL bytes are added, never put in place of others', () => {
  for (let seed = 0; seed < 20; seed++) {
    const [fc = '', nul = ''] = talk(
      { '0902': 'fc', '010C': 'nul' },
      ['0902', '010C'],
      seed,
    ).answers;
    expect(fc).toContain('\xfc');
    expect(fc.replaceAll('\xfc', '')).toBe(cleanVin);
    expect(nul).toContain('\0');
    expect(nul.replaceAll('\0', '')).toBe(cleanRpm);
  }
});

test('a missing prompt leaves the adapter listening, a doubled one is two', () => {
  const { answers } = talk({ '0902': 'no-prompt', '010C': 'double-prompt' }, [
    '0902',
    'ATI',
    '010C',
  ]);
  expect(answers).toEqual([cleanVin.slice(0, -2), cleanId, `${cleanRpm}>`]);
});

test('a late answer comes after NO DATA and the prompt', () => {
  const [answer] = talk({ '010C': 'late' }, ['010C']).answers;
  expect(answer).toBe(`NO DATA\r\r>${cleanRpm.slice(0, -2)}`);
});

test('a late answer never lands within another line', () => {
  const { adapter, ask } = talk({ '010C': 'late' }, []);
  ask('ATAT0');
  let now = START + 60e6;
  let text = '';
  adapter.receive(Buffer.from('010C\r'), now);
  for (let ms = 0; ms < 900; ms++) {
    now += 1000;
    if (ms % 300 === 250) adapter.receive(Buffer.from('0902\r'), now);
    text += Buffer.from(adapter.take(now) ?? []).toString('latin1');
  }
  const lines = text.split(/[\r>]+/).filter((line) => line !== '');
  expect(lines.filter((line) => line.startsWith('7E804410C'))).toHaveLength(1);
  for (const line of lines) expect(line).toMatch(/^(7E8[0-9A-F]{16}|NO DATA|STOPPED)$/);
});

test('a refused setting stays as it was', () => {
  const { answers } = talk({ ATH0: 'unknown' }, ['ATH0', '010C']);
  expect(answers).toEqual(['?\r\r>', cleanRpm]);
});

test('an echo that is not switched off goes on although OK was said', () => {
  const { ask } = talk({ ATE0: 'echo' }, []);
  expect(ask('ATI')).toBe(`ATI\r${cleanId}`);
});

test('a low voltage reset loses all settings', () => {
  const { answers } = talk({ '010C': 'lv-reset' }, ['010C', '010D']);
  expect(answers[0]).toBe('LV RESET\r\r>');
  expect(answers[1]).toMatch(/^010D\rSEARCHING\.\.\.\r41 0D .. \r41 0D .. \r\r>$/);
});

test('a full buffer cuts between lines and says so', () => {
  const { answers } = talk({ '0902': 'buffer-full', '010C': 'buffer-full' }, ['0902', '010C']);
  expect(answers).toEqual([`${cleanVin.split('\r')[0]}\rBUFFER FULL\r\r>`, 'BUFFER FULL\r\r>']);
});

test('a glued alert follows the data without a line end', () => {
  const alerts = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const [answer = ''] = talk({ '010C': 'glued' }, ['010C'], seed).answers;
    const data = cleanRpm.slice(0, -3);
    expect(answer.startsWith(data)).toBe(true);
    alerts.add(answer.slice(data.length, -3));
  }
  expect(alerts).toEqual(new Set(['<DATA ERROR', '<RX ERROR', 'NO DATA', 'STOPPED']));
});

test.each([
  ['stopped', 'STOPPED'],
  ['can-error', 'CAN ERROR'],
  ['unable', 'UNABLE TO CONNECT'],
] as const)('%s is %s in place of the answer', (fault, text) => {
  expect(talk({ '010C': fault }, ['010C']).answers).toEqual([`${text}\r\r>`]);
});

test('after UNABLE TO CONNECT the protocol is searched again', () => {
  const { answers } = talk({ '010C': 'unable' }, ['010C', '010D']);
  expect(answers[1]).toContain('SEARCHING...');
});

test('other pad bytes change nothing but the padding', () => {
  const { answers } = talk({ '010C': 'pad' }, ['010C', '010C1']);
  expect(answers[0]).toBe(cleanRpm.replace('555555', 'AAAAAA'));
});

test('garbage leaves a line that is no hex, and loses no character', () => {
  for (let seed = 0; seed < 50; seed++) {
    const [answer = ''] = talk({ '010C': 'garbage' }, ['010C'], seed).answers;
    expect(answer).toHaveLength(cleanRpm.length);
    expect(answer.slice(0, -3)).not.toMatch(/^[0-9A-F]*$/);
  }
});

test('an answer to another question carries the other question’s PID', () => {
  const faults = { '010C': 'wrong-answer', '01051': 'wrong-answer' } as const;
  const { answers } = talk(faults, ['010C', '01051']);
  expect(answers[0]).toMatch(/^7E8034105/);
  expect(answers[1]).toMatch(/^7E804410C[0-9A-F]{10}\r\r>$/);
});

test('a disconnect silences the adapter until it is plugged in again, settings kept', () => {
  const { adapter, ask, answers } = talk({ '010C': 'disconnect' }, ['010C', 'ATI']);
  expect(answers).toEqual(['', '']);
  expect(adapter.closed).toBe(true);
  adapter.reconnect();
  expect(ask('ATI')).toBe(cleanId);
});

test('every command is recorded with the fault that hit it', () => {
  const { records } = talk({ '010C': 'late' }, ['010C', '010D']);
  expect(records.slice(-2)).toMatchObject([
    { command: '010C', fault: 'late' },
    { command: '010D', fault: undefined },
  ]);
});

test('random faults come as often as asked, by seed, and only where they apply', () => {
  const count = (seed: number, command: string): number => {
    const plan = randomFaults({ fc: 0.1, unknown: 0.2 }, seededRandom(seed));
    return Array.from({ length: 2000 }, () => plan(command)).filter(Boolean).length;
  };
  expect(count(1, '010C')).toBe(count(1, '010C'));
  expect(count(1, '010C') / 2000).toBeCloseTo(0.1, 1);
  expect(count(1, 'ATH1') / 2000).toBeCloseTo(0.3, 1);
  for (const fault of FAULT_NAMES)
    expect(hits(fault, 'ATZ') && hits(fault, '010C')).toBe(
      ['fc', 'nul', 'no-prompt', 'double-prompt', 'garbage', 'disconnect'].includes(fault),
    );
});
