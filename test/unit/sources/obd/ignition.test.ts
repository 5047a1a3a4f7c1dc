import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IgnitionSense } from '../../../../src/sources/obd/ignition.ts';

const S = 1e6;
const MIN = 60 * S;

/** A car that has just answered, at time 0. */
function carOn(): IgnitionSense {
  const sense = new IgnitionSense(0);
  sense.answered(0);
  return sense;
}

/** A car that stopped answering and was found off at `at`. */
function carOff(at = 10 * S): IgnitionSense {
  const sense = carOn();
  for (let i = 0; i < 3; i++) sense.silent(at);
  expect(sense.state).toBe('off');
  return sense;
}

/** Looks every 100 ms; returns the times at which the car should be asked. */
function probes(sense: IgnitionSense, from: number, to: number): number[] {
  const times: number[] = [];
  for (let t = from; t <= to; t += S / 10) if (sense.shouldProbe(t)) times.push(t);
  return times;
}

describe('the state', () => {
  test('is off until an ECU answers', () => {
    const sense = new IgnitionSense(0);
    sense.voltage(14.2);
    expect(sense.state).toBe('off');
    sense.answered(S);
    expect(sense.state).toBe('on');
  });

  test('is running while the engine turns', () => {
    const sense = carOn();
    sense.engine(800, S);
    expect(sense.state).toBe('running');
    sense.engine(0, 2 * S);
    expect(sense.state).toBe('on');
  });

  test('is running while the car moves, for cars without an engine speed', () => {
    const sense = carOn();
    sense.speed(0, S);
    expect(sense.state).toBe('on');
    sense.speed(50, 2 * S);
    expect(sense.state).toBe('running');
    sense.speed(0, 3 * S);
    expect(sense.state).toBe('on');
  });
});

describe('silence', () => {
  test('switches off after three requests and two seconds', () => {
    const sense = carOn();
    sense.engine(800, S);
    sense.silent(1.5 * S);
    sense.silent(2 * S);
    sense.silent(2.9 * S);
    expect(sense.state).toBe('running');
    sense.silent(3 * S);
    expect(sense.state).toBe('off');
  });

  test('of two requests is not enough, however long they took', () => {
    const sense = carOn();
    sense.silent(10 * S);
    sense.silent(20 * S);
    expect(sense.state).toBe('on');
    sense.silent(30 * S);
    expect(sense.state).toBe('off');
  });

  test('of a cranking engine does not switch off', () => {
    const sense = carOn();
    sense.voltage(9.1);
    for (let t = 0.1; t < 1.9; t += 0.1) sense.silent(t * S);
    expect(sense.state).toBe('on');
    sense.voltage(14.1);
    sense.engine(900, 2.1 * S);
    expect(sense.state).toBe('running');
  });

  test('counts anew after every answer', () => {
    const sense = carOn();
    for (let t = 1; t < 60; t += 1) {
      if (t % 3 === 0) sense.answered(t * S);
      else sense.silent(t * S);
    }
    expect(sense.state).toBe('on');
  });

  test('forgets the engine: an answer after it is no running engine', () => {
    const sense = carOn();
    sense.engine(800, S);
    sense.speed(30, S);
    for (let i = 0; i < 3; i++) sense.silent(10 * S);
    sense.answered(20 * S);
    expect(sense.state).toBe('on');
  });
});

describe('a parked car that keeps answering', () => {
  /** Answers once a second with the engine at rest. */
  function rest(sense: IgnitionSense, from: number, to: number): void {
    for (let t = from; t <= to; t += S) sense.engine(0, t);
  }

  test('goes off after ten minutes', () => {
    const sense = carOn();
    rest(sense, S, 10 * MIN - S);
    expect(sense.state).toBe('on');
    sense.engine(0, 10 * MIN);
    expect(sense.state).toBe('off');
  });

  test.each<[string, (sense: IgnitionSense, t: number) => void]>([
    ['the engine turns', (sense, t) => sense.engine(700, t)],
    ['it rolls', (sense, t) => sense.speed(3, t)],
    ['the battery is charged', (sense) => sense.voltage(13.8)],
  ])('stays on while %s', (_, use) => {
    const sense = carOn();
    for (let t = S; t <= 30 * MIN; t += S) {
      use(sense, t);
      sense.answered(t);
    }
    expect(sense.state).not.toBe('off');
  });

  test('with a battery at rest goes off all the same', () => {
    const sense = carOn();
    sense.voltage(12.9);
    rest(sense, S, 10 * MIN);
    expect(sense.state).toBe('off');
  });

  test('is looked at ever more rarely, and shortly, instead of being kept awake', () => {
    const sense = carOn();
    let onFor = 0;
    for (let t = S; t <= 3 * 60 * MIN; t += S) {
      if (sense.state !== 'off' || sense.shouldProbe(t)) sense.engine(0, t);
      if (t > 10 * MIN && sense.state !== 'off') onFor += 1;
    }
    const looks = 7 + (3 * 60 - 10) / 5;
    expect(onFor).toBeLessThan(looks * 21);
  });

  test('is on again for good as soon as a look finds it in use', () => {
    const sense = carOn();
    rest(sense, S, 10 * MIN);
    expect(sense.shouldProbe(10 * MIN + 2 * S)).toBe(true);
    sense.answered(10 * MIN + 2 * S);
    expect(sense.state).toBe('on');
    sense.engine(900, 10 * MIN + 5 * S);
    expect(sense.state).toBe('running');
    rest(sense, 11 * MIN, 20 * MIN);
    expect(sense.state).toBe('on');
    rest(sense, 20 * MIN, 20 * MIN + 5 * S);
    expect(probes(sense, 20 * MIN + 5 * S, 20 * MIN + 8 * S)).toEqual([20 * MIN + 7 * S]);
  });
});

describe('while the car is off', () => {
  test('it is asked at pauses that double up to five minutes', () => {
    const sense = carOff(0 * S + 10 * S);
    const times = probes(sense, 10 * S, 30 * MIN);
    const pauses = times.map((t, i) => (t - (times[i - 1] ?? 10 * S)) / S);
    expect(pauses.slice(0, 10)).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  test('a car that was on starts the pauses anew', () => {
    const sense = carOff();
    probes(sense, 10 * S, 30 * MIN);
    sense.engine(800, 30 * MIN);
    for (let i = 0; i < 3; i++) sense.silent(31 * MIN);
    expect(probes(sense, 31 * MIN, 31 * MIN + 10 * S)).toEqual([
      31 * MIN + 2 * S,
      31 * MIN + 6 * S,
    ]);
  });

  test('a rise of the voltage asks at once, and only once', () => {
    const sense = carOff();
    probes(sense, 10 * S, 20 * MIN);
    sense.voltage(12.3);
    const t = 20 * MIN + S;
    expect(sense.shouldProbe(t)).toBe(false);
    sense.voltage(12.6);
    expect(sense.shouldProbe(t)).toBe(true);
    sense.voltage(12.6);
    expect(sense.shouldProbe(t + S)).toBe(false);
    sense.voltage(14.1);
    expect(sense.shouldProbe(t + 2 * S)).toBe(true);
    expect(sense.shouldProbe(t + 3 * S)).toBe(false);
  });

  test('three tenths of a volt are a rise and two are not, whatever the voltage was', () => {
    const tenths = fc.integer({ min: 90, max: 145 });
    fc.assert(
      fc.property(tenths, tenths, fc.integer({ min: 0, max: 20 }), (before, rest, rise) => {
        fc.pre(rest <= before);
        const sense = carOff();
        for (const value of [before, rest, rest + rise]) sense.voltage(value / 10);
        expect(sense.shouldProbe(10 * S)).toBe(rise >= 3);
      }),
    );
  });

  test('a voltage that sinks after the drive is no rise', () => {
    const sense = carOn();
    sense.voltage(14.3);
    for (let i = 0; i < 3; i++) sense.silent(10 * S);
    for (const volts of [13.1, 12.8, 12.6, 12.7, 12.6]) {
      sense.voltage(volts);
      expect(sense.shouldProbe(10.5 * S)).toBe(false);
    }
    sense.voltage(12.9);
    expect(sense.shouldProbe(10.6 * S)).toBe(true);
  });

  test('an adapter without a voltmeter only leaves the pauses', () => {
    expect(probes(carOff(), 10 * S, 20 * S)).toHaveLength(2);
  });
});

describe('a bus', () => {
  test('that comes to life asks once, unless asking the car has woken it', () => {
    const sense = carOff(10 * S);
    expect(probes(sense, 10 * S, 20 * S)).toEqual([12 * S, 16 * S]);
    sense.stirred(20 * S);
    expect(sense.shouldProbe(20 * S)).toBe(false);
    sense.stirred(21 * S);
    expect(sense.shouldProbe(21 * S)).toBe(true);
    expect(sense.shouldProbe(21.1 * S)).toBe(false);
  });

  test('that came to life while the car was on is forgotten when it goes off', () => {
    const sense = carOn();
    sense.stirred(8 * S);
    for (let i = 0; i < 3; i++) sense.silent(10 * S);
    expect(sense.shouldProbe(10.1 * S)).toBe(false);
  });
});

test('an answer by which a standing car is found off does not switch it on again by its speed', () => {
  const sense = carOn();
  for (let t = 0; t < 10 * MIN; t += S) sense.speed(0, t);
  expect(sense.state).toBe('on');
  sense.answered(10 * MIN);
  sense.speed(0, 10 * MIN);
  sense.engine(0, 10 * MIN);
  expect(sense.state).toBe('off');
  sense.answered(11 * MIN);
  expect(sense.state).toBe('on');
});
