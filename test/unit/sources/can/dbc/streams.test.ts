import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Stream } from '#core/stream.ts';
import { parseDbc } from '../../../../../src/sources/can/dbc/parse.ts';
import { streamsOf } from '../../../../../src/sources/can/dbc/streams.ts';

const RICH = readFileSync(new URL('fixtures/rich.dbc', import.meta.url), 'utf8');

function all(text: string): Stream[] {
  const { messages } = parseDbc(text).database;
  return messages.flatMap(streamsOf('can0', messages));
}

const rich = new Map(all(RICH).map((stream) => [stream.id, stream]));

/** The stream of the only signal of a message. */
function streamOf(line: string, more = ''): Stream | undefined {
  return all(`BO_ 1 A: 8 X\n SG_ ${line} X\n${more}`)[0];
}

test('a signal is a stream', () => {
  expect(rich.get('can.can0.enginedata.enginespeed')).toEqual({
    ...{ id: 'can.can0.enginedata.enginespeed', name: 'EngineSpeed', unit: '/min', kind: 'sample' },
    ...{ range: [0, 16383.75], hz: 100, step: { mul: 1, div: 4, add: 0 } },
  });
});

test('streams are in the order of signals', () => {
  const { messages } = parseDbc(RICH).database;
  const streams = streamsOf('can1', messages);
  for (const message of messages) {
    const names = message.signals.map(({ longName }) => longName);
    expect(streams(message).map(({ name }) => name)).toEqual(names);
  }
});

test('every id is one, and made of segments', () => {
  expect(rich.size).toBe(all(RICH).length);
  for (const id of rich.keys()) expect(id).toMatch(/^can\.can0(\.[a-z0-9_-]{1,23}){2}$/);
});

test('a long name is the name, and the symbol makes the id', () => {
  expect(rich.get('can.can0.transmission.transmissionoilt-ino1na')).toMatchObject({
    name: 'TransmissionOilTemperatureRearAxleUnfiltered',
    unit: 'Cel',
  });
});

test('messages of one name have ids that do not depend on their order', () => {
  const one = 'BO_ 1 Same: 8 X\n SG_ a : 0|8@1+ (1,0) [0|0] "" X\n';
  const two = 'BO_ 2 Same: 8 X\n SG_ a : 0|8@1+ (1,0) [0|0] "V" X\n';
  const ids = (text: string) => Object.fromEntries(all(text).map(({ unit, id }) => [unit, id]));
  expect(ids(one + two)).toEqual(ids(two + one));
  expect(new Set(Object.values(ids(one + two))).size).toBe(2);
});

test('how often it comes, where the file tells', () => {
  expect(rich.get('can.can0.batterycells.packcurrent')?.hz).toBe(10);
  expect(rich.get('can.can0.batterycells.cell1voltage')?.hz).toBe(0);
  expect(rich.get('can.can0.serial.serialnumber')?.hz).toBe(0);
});

test('states of an enumeration, and none of a signal that measures', () => {
  expect(rich.get('can.can0.transmission.gearselected')?.states).toEqual({
    ...{ 0: 'Park', 4: '4', 5: 'Neutral', 6: 'Reverse', 15: 'Invalid' },
  });
  expect(rich.get('can.can0.enginedata.enginerunning')?.states).toEqual({ 0: 'Off', 1: 'On' });
  expect(rich.get('can.can0.enginedata.coolanttemperature')).not.toHaveProperty('states');
  const scaled = streamOf('a : 0|8@1+ (0.5,0) [0|0] ""', 'VAL_ 1 a 255 "none" ;');
  expect(scaled).not.toHaveProperty('states');
  const negative = streamOf('a : 0|8@1- (1,0) [0|0] "-"', 'VAL_ 1 a -1 "back" 1 "forth" ;');
  expect(negative?.states).toEqual({ '-1': 'back', 1: 'forth' });
});

// biome-ignore format: a signal, its range
test.each<[why: string, line: string, range: [number, number]]>([
  ['the limits of the file',             'a : 0|16@1+ (0.1,0) [0|250] ""',        [0, 250]],
  ['no further than the bits go',        'a : 0|8@1+ (0.5,-40) [-100|1000] ""',   [-40, 87.5]],
  ['none given',                         'a : 0|8@1- (1,0) [0|0] ""',             [-128, 127]],
  ['a negative factor',                  'a : 0|8@1+ (-1,0) [0|0] ""',            [-255, 0]],
  ['limits that the bits cannot reach',  'a : 0|8@1+ (1,0) [300|400] ""',         [0, 255]],
  ['the preset of an editor',            'a : 0|8@1+ (1,0) [0|1] ""',             [0, 255]],
  ['what looks like it, and is right',   'a : 0|8@1+ (0.005,0) [0|1] ""',         [0, 1]],
  ['a switch of two bits',               'a : 0|2@1+ (1,0) [0|1] ""',             [0, 1]],
  ['64 bits',                            'a : 0|64@1+ (1,0) [0|0] ""',            [0, 2 ** 64]],
  ['more than a double has',             'a : 0|64@1- (1e300,0) [0|0] ""',        [-Number.MAX_VALUE, Number.MAX_VALUE]],
])('the range is %s', (_why, line, range) => {
  expect(streamOf(line)?.range).toEqual(range);
});

test('the range of floats is finite', () => {
  expect(rich.get('can.can0.position.latitude')?.range[1]).toBeCloseTo(3.4028234663852886e38, -25);
  expect(rich.get('can.can0.odometer.distance')?.range).toEqual([
    -Number.MAX_VALUE,
    Number.MAX_VALUE,
  ]);
  expect(rich.get('can.can0.odometer.distance')).not.toHaveProperty('step');
});
