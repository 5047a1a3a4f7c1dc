import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Drive,
  type DriveAction,
  type DriveInput,
  driveStep,
  parked,
  pending,
} from '../../../src/sessions/drive.ts';
import { IGNITION_STATES, IgnitionSense } from '../../../src/sources/obd/ignition.ts';

const OFF = 0;
const ON = 1;
const RUNNING = 2;

/** Seconds, and what was heard then: an ignition state, a sign of life, or nothing but the time. */
type Line = readonly [s: number, what: number | 'life' | 'tick'];

function inputOf([s, what]: Line): DriveInput {
  const t = s * 1e6;
  return typeof what === 'number' ? { kind: 'ignition', t, v: what } : { kind: what, t };
}

/** Runs the machine and writes its actions as `begin 3`. */
function play(lines: Iterable<Line>, from: Drive = parked(0)): string[] {
  let drive = from;
  const told: string[] = [];
  for (const line of lines) {
    const step = driveStep(drive, inputOf(line));
    drive = step.drive;
    told.push(...step.actions.map(written));
  }
  return told;
}

function written(action: DriveAction): string {
  return action.kind === 'abandon' ? 'abandon' : `${action.kind} ${action.t / 1e6}`;
}

/** As a car tells it: the state every 10 s and a reading every second between, both ends included. */
function car(state: number, from: number, to: number): Line[] {
  const lines: Line[] = [[from, state]];
  for (let s = from + 1; s <= to; s++) {
    lines.push([s, s % 10 === 0 ? state : state === OFF ? 'tick' : 'life']);
  }
  return lines;
}

function silence(from: number, to: number): Line[] {
  return car(OFF, from, to).map(([s]) => [s, 'tick']);
}

const DRIVES: readonly [name: string, lines: readonly Line[], actions: readonly string[]][] = [
  [
    'begins with the ignition that led to it, and ends at the moment of off',
    [...car(ON, 5, 8), ...car(RUNNING, 9, 100), ...car(OFF, 101, 140)],
    ['begin 5', 'end 101'],
  ],
  [
    'begins at most 60 s before the engine runs',
    [...car(ON, 5, 599), ...car(RUNNING, 600, 700), ...car(OFF, 701, 740)],
    ['begin 540', 'end 701'],
  ],
  [
    'a car that is running when it is first heard',
    [...car(RUNNING, 3, 50), ...silence(51, 90)],
    ['begin 3', 'end 50'],
  ],
  ['a parked car that answers for hours', car(ON, 0, 4 * 3600), []],
  [
    'on, off and on again: the last one counts',
    [...car(ON, 1, 9), ...car(OFF, 10, 15), ...car(ON, 16, 19), [20, RUNNING], ...silence(21, 60)],
    ['begin 16', 'end 20'],
  ],
  [
    'on before a silence is not the on after it',
    [...car(ON, 1, 9), ...silence(10, 45), [46, ON], [47, RUNNING], ...silence(48, 90)],
    ['begin 46', 'end 47'],
  ],
  [
    'start-stop at a traffic light, and an electric car that waits, for half an hour',
    [
      ...car(RUNNING, 0, 60),
      ...car(ON, 61, 1860),
      ...car(RUNNING, 1861, 1900),
      ...car(OFF, 1901, 1931),
    ],
    ['begin 0', 'end 1901'],
  ],
  [
    'a stall: off for 29 s',
    [...car(RUNNING, 0, 60), ...car(OFF, 61, 89), ...car(ON, 90, 91), ...car(RUNNING, 92, 99)],
    ['begin 0'],
  ],
  [
    'off for 31 s',
    [...car(RUNNING, 0, 60), ...car(OFF, 61, 91), ...car(ON, 92, 93), ...car(RUNNING, 94, 99)],
    ['begin 0', 'end 61', 'begin 92'],
  ],
  ...([5, 29] as const).map((s): [string, Line[], string[]] => [
    `the cable is pulled for ${s} s`,
    [...car(RUNNING, 0, 60), ...silence(61, 60 + s - 1), ...car(RUNNING, 60 + s, 120)],
    ['begin 0'],
  ]),
  [
    'the cable is pulled for 31 s',
    [...car(RUNNING, 0, 60), ...silence(61, 90), ...car(RUNNING, 91, 120)],
    ['begin 0', 'end 60', 'begin 91'],
  ],
  [
    'the cable is pulled for 31 s, and the time is told by the next reading only',
    [...car(RUNNING, 0, 60), ...car(RUNNING, 91, 120)],
    ['begin 0', 'end 60', 'begin 91'],
  ],
  [
    'an adapter that is back says off until it has asked the car',
    [...car(RUNNING, 0, 60), ...silence(61, 79), ...car(OFF, 80, 95), ...car(RUNNING, 96, 120)],
    ['begin 0'],
  ],
  [
    'an ignition state that comes after the end and is older begins none',
    [...car(RUNNING, 0, 60), ...car(RUNNING, 61, 64), ...silence(65, 95), [62, RUNNING]],
    ['begin 0', 'end 64'],
  ],
  [
    'late readings: a sign of life from before off does not undo it, an old state is no news',
    [
      ...car(RUNNING, 0, 60),
      [61, OFF],
      [60.5, 'life'],
      [60.9, RUNNING],
      [61.2, 'life'],
      ...car(OFF, 62, 91),
    ],
    ['begin 0', 'end 61'],
  ],
];

test.each(DRIVES)('a drive: %s', (_, lines, actions) => {
  expect(play(lines)).toEqual(actions);
});

const RESTARTS: readonly [name: string, lines: readonly Line[], actions: readonly string[]][] = [
  ['is still on', [...car(ON, 2, 20)], ['resume 2']],
  ['says off at first', [...car(OFF, 2, 20), ...car(RUNNING, 21, 30)], ['resume 21']],
  ['is off', [...car(OFF, 2, 40)], ['abandon']],
  [
    'is off, and comes on too late',
    [...car(OFF, 2, 32), ...car(ON, 33, 34), ...car(RUNNING, 35, 40)],
    ['abandon', 'begin 33'],
  ],
  ['is heard late', [...silence(0, 58), ...car(OFF, 59, 80), [81, RUNNING]], ['resume 81']],
  ['is not heard for 59 s', silence(0, 59), []],
  ['is not heard for 60 s', silence(0, 60), ['abandon']],
  ['is on, then goes off', [...car(RUNNING, 3, 20), ...car(OFF, 21, 60)], ['resume 3', 'end 21']],
];

test.each(RESTARTS)('after a restart the car %s', (_, lines, actions) => {
  expect(play(lines, pending(0))).toEqual(actions);
});

test('a reading of a source that is slow to tell the ignition holds the drive for 30 s only', () => {
  const lines: Line[] = [[1, 'life'], ...silence(2, 30)];
  expect(play(lines, pending(0))).toEqual([]);
  expect(play([...lines, [31, 'tick']], pending(0))).toEqual(['abandon']);
});

test('an electric car without an engine speed: its drive lasts over its waiting', () => {
  const sense = new IgnitionSense(0);
  const lines: Line[] = [];
  for (let s = 1; s <= 600; s++) {
    const now = s * 1e6;
    // Switched on, drives off after 20 s, waits from 100 s to 400 s, is switched off at 500 s.
    const drives = (s > 20 && s < 100) || (s > 400 && s < 480);
    if (s < 500) sense.speed(drives ? 50 : 0, now);
    else sense.silent(now);
    const state = IGNITION_STATES.indexOf(sense.state);
    lines.push([s, state]);
  }
  expect(play(lines)).toEqual(['begin 1', 'end 502']);
});

const what = fc.constantFrom(OFF, ON, RUNNING, 'life' as const, 'tick' as const);
/** Steps mostly forward, of any length, now and then a little or far back. */
const history = fc
  .array(fc.tuple(fc.integer({ min: -5_000_000, max: 50_000_000 }), what), { maxLength: 200 })
  .map((steps) => {
    let t = 60;
    return steps.map(([us, heard]): Line => {
      t = Math.max(0, t + us / 1e6);
      return [t, heard];
    });
  });

test('whatever is heard, in whatever order, every drive ends and none overlaps the next', () => {
  fc.assert(
    fc.property(history, fc.boolean(), (lines, restarted) => {
      let drive = restarted ? pending(0) : parked(0);
      let open = restarted;
      let edge = 0;
      const last = lines.reduce((max, [s]) => Math.max(max, s), 0);
      for (const line of [...lines, [last + 60, 'tick'] as const]) {
        const step = driveStep(drive, inputOf(line));
        drive = step.drive;
        for (const action of step.actions) {
          expect(open, written(action)).toBe(action.kind !== 'begin');
          open = action.kind === 'begin' || action.kind === 'resume';
          if (action.kind === 'abandon') continue;
          expect(action.t).toBeGreaterThanOrEqual(edge);
          edge = action.t;
        }
      }
      expect(open).toBe(false);
      expect(drive.phase).toBe('parked');
    }),
    { numRuns: 1000 },
  );
});
