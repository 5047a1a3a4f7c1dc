import { expect, test } from 'vitest';
import {
  type Bus,
  busFacts,
  busTold,
  dbcName,
  readText,
  shownValue,
  stoppedText,
} from '../../../web/can-words.js';

const BUS: Bus = {
  ...{ name: 'can0', device: 'can0', open: true, state: 'active', bitRate: 500_000 },
  ...{ listenOnly: true, framesHz: 1_234.4, load: 31.2, frames: 9_000, lost: 0 },
  ...{ lostBy: 'counted', ids: 42, unknownIds: 3, files: [] },
};

function fact(name: string, change: Partial<Bus> = {}, details = {}): string | undefined {
  return busFacts({ ...BUS, ...change }, details).find(([one]) => one === name)?.[1];
}

test.each([
  [{}, 'live', 'Works'],
  [{ state: 'unknown' }, 'live', 'Works'],
  [{ state: 'warning' }, 'caution', 'Errors'],
  [{ state: 'passive' }, 'danger', 'Many errors'],
  [{ state: 'off' }, 'danger', 'Off the bus'],
  [{ framesHz: 0 }, 'caution', 'Silent'],
  // What keeps it silent says more than that it is.
  [{ state: 'off', framesHz: 0 }, 'danger', 'Off the bus'],
  [{ framesHz: 0, load: null, bitRate: null }, 'caution', 'Silent'],
  // It was opened a moment ago.
  [{ framesHz: 0, load: null }, 'live', 'Works'],
  [{ load: 81 }, 'caution', 'Nearly full'],
  [{ open: false, framesHz: 0 }, 'danger', 'Not open'],
] as const)('a bus with %j is told as %s, %s', (change, level, word) => {
  expect(busTold({ ...BUS, ...change })).toMatchObject({ level, word });
});

test('whatever is wrong with the bus comes with what to look at', () => {
  for (const state of ['warning', 'passive', 'off'] as const) {
    expect(busTold({ ...BUS, state }).text).toMatch(/bit rate/);
  }
});

test.each([
  [{}, 'none, as the link counts'],
  [{ lost: 1_203 }, '1,203, as the link counts'],
  [{ lost: 7, lostBy: 'reckoned' }, '7, reckoned from its counters'],
  [{ lostBy: 'unknown' }, 'nobody can tell'],
  [{ lost: 7, lostBy: 'unknown' }, 'at least 7'],
] as const)('of a bus with %j is lost: %s', (change, text) => {
  expect(fact('Frames lost', change)).toBe(text);
});

test('what is known of a bus has its unit, and what is not is said to be so', () => {
  expect(fact('Frames')).toBe('1,234 a second');
  expect(fact('Load')).toBe('31 %');
  expect(fact('Load', { load: 0.42 })).toBe('0.4 %');
  expect(fact('Load', { load: null })).toBe('not known');
  expect(fact('Frames', { framesHz: 0, load: null })).toBe('not counted yet');
  expect(fact('Frames', { framesHz: 3.7, load: null, bitRate: null })).toBe('4 a second');
  expect(fact('Bit rate')).toBe('500 kbit/s');
  expect(fact('Bit rate', { bitRate: 83_333 })).toBe('83.333 kbit/s');
  expect(fact('Bit rate', { bitRate: 1_000_000 })).toBe('1 Mbit/s');
  expect(fact('Bit rate', { bitRate: null })).toBe('not known');
  expect(fact('Identifiers')).toBe('42, 3 in no DBC file');
  expect(fact('Identifiers', { unknownIds: 0 })).toBe('42, all in a DBC file');
});

test('whether the gateway only listens is told, and when it does not', () => {
  const sent = { bus: { sent: 1_500, errorFrames: 0, busOffs: 0, fd: 0 } };
  expect(fact('This gateway')).toBe('listens only');
  expect(fact('This gateway', { listenOnly: null })).toBe('sends nothing');
  expect(fact('This gateway', { listenOnly: false })).toBe('acknowledges, sends nothing');
  expect(fact('This gateway', { listenOnly: false }, sent)).toBe('asks the car: 1,500 frames sent');
});

test('counters of errors are told as far as the controller tells them', () => {
  expect(fact('Errors now')).toBe('not told');
  expect(fact('Errors now', {}, { txErrors: null, rxErrors: 12 })).toBe('12 receiving');
  expect(fact('Errors now', {}, { txErrors: 0, rxErrors: 130 })).toBe('130 receiving, 0 sending');
  expect(fact('Errors since the start')).toBe('not told');
  const bus = { sent: 0, errorFrames: 0, busOffs: 0, fd: 0 };
  expect(fact('Errors since the start', {}, { bus })).toBe('none');
  const bad = { ...bus, errorFrames: 4_000, busOffs: 2, fd: 1 };
  expect(fact('Errors since the start', {}, { bus: bad })).toBe(
    '4,000 error frames, 2 times off the bus, 1 CAN FD frames not read',
  );
});

test('an identifier that has stopped is told with the rhythm that it had', () => {
  const stopped = { id: '1A0', silentS: 95, everyMs: 10 };
  expect(stoppedText(stopped)).toBe('came every 10 ms, silent for 1 min 35 s');
});

test('what was read of a file is counted, warnings that are not listed too', () => {
  const file = { messages: 1, signals: 1_020, warnings: [], unlisted: 0 };
  expect(readText(file)).toBe('1 message, 1,020 signals');
  const warnings = [{ line: 1, text: 'there is no unit', seen: 'SG_' }];
  expect(readText({ ...file, warnings })).toBe('1 message, 1,020 signals, 1 warning');
  expect(readText({ ...file, warnings, unlisted: 9 })).toBe(
    '1 message, 1,020 signals, 10 warnings',
  );
});

test.each([
  ['body.dbc', 'body'],
  ['Odd Car (2019).DBC', 'odd-car-2019'],
  ['VW_Golf-7', 'vw_golf-7'],
  ['ÖÄ.dbc', 'dbc'],
  ['', 'dbc'],
  [`${'x'.repeat(60)}.dbc`, 'x'.repeat(40)],
])('a file called %j is kept as %s', (fileName, name) => {
  expect(dbcName(fileName)).toBe(name);
});

test('a value is told in the words of its file, else with its unit', () => {
  const states = { 0: 'Closed', 1: 'Open' };
  expect(shownValue({ states, unit: '1' }, 1)).toBe('Open');
  expect(shownValue({ states, unit: '1' }, 7)).toBe('7');
  expect(shownValue({ unit: 'Cel' }, 88.25)).toBe('88.3 °C');
  expect(shownValue({ unit: '1' }, 88)).toBe('88');
  expect(shownValue({ states, unit: '1' }, undefined)).toBe('–');
});
