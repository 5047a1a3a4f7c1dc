import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CarState, createCar } from '../../../src/sim/car.ts';

const S = 1e6;

function states(seed: number, fromS: number, toS: number, everyS: number): CarState[] {
  const car = createCar(seed);
  const count = Math.floor((toS - fromS) / everyS);
  return Array.from({ length: count }, (_, i) => car.at((fromS + i * everyS) * S));
}

test('the same seed gives the same car, in whatever order it is asked', () => {
  const times = fc.array(fc.integer({ min: 0, max: 400 * S }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1000 }), times, (seed, order) => {
      const one = createCar(seed);
      const other = createCar(seed);
      const forwards = new Map(order.toSorted((a, b) => a - b).map((t) => [t, other.at(t)]));
      for (const t of order) expect(one.at(t)).toEqual(forwards.get(t));
    }),
    { numRuns: 20 },
  );
});

test('another seed gives another car and another drive', () => {
  expect(createCar(1).traits).not.toEqual(createCar(2).traits);
  const speeds = (seed: number) => states(seed, 60, 300, 10).map((s) => s.motion.speedKmh);
  expect(speeds(1)).not.toEqual(speeds(2));
});

test.each([1, 2, 3, 42])('car %i starts within 3 s and moves within 15 s', (seed) => {
  const first = states(seed, 0, 15, 0.25);
  expect(first.find((s) => s.engine.phase === 'running')?.t).toBeLessThan(3 * S);
  expect(first.some((s) => s.engine.phase === 'cranking' && s.voltageV < 11)).toBe(true);
  expect(first.at(-1)?.motion.speedKmh).toBeGreaterThan(20);
});

test.each([1, 2, 3])('20 minutes of car %i stay within what cars do', (seed) => {
  for (const { engine, motion, heat, ...rest } of states(seed, 3, 1200, 0.5)) {
    expect(engine.rpm).toBeGreaterThan(600);
    expect(engine.rpm).toBeLessThan(4500);
    expect(motion.speedKmh).toBeLessThan(140);
    expect(motion.acceleration).toBeGreaterThan(-3);
    expect(motion.acceleration).toBeLessThan(2.5);
    expect(engine.mapKpa).toBeGreaterThan(15);
    expect(engine.mapKpa).toBeLessThanOrEqual(rest.baroKpa);
    expect(engine.mafGs).toBeLessThan(120);
    expect(engine.fuelLh).toBeLessThan(40);
    expect(heat.coolantC).toBeLessThan(100);
    expect(heat.oilC).toBeLessThan(115);
    expect(heat.catalystFrontC).toBeLessThan(850);
    expect(rest.voltageV).toBeGreaterThan(13.5);
    expect(rest.voltageV).toBeLessThan(14.5);
  }
});

test('the drive has lights, gears, a motorway, and a car that warms up and burns fuel', () => {
  const car = createCar(5, { trouble: 'none' });
  const drive = states(5, 20, 1000, 0.5);
  expect(drive.some((s) => s.motion.speedKmh === 0)).toBe(true);
  expect(drive.some((s) => s.motion.speedKmh > 100)).toBe(true);
  expect(new Set(drive.map((s) => s.motion.gear))).toEqual(new Set([1, 2, 3, 4, 5, 6]));
  const [before, after] = [car.at(3 * S), car.at(1000 * S)];
  expect(after.heat.coolantC).toBeGreaterThan(85);
  expect(after.heat.oilC).toBeGreaterThan(before.heat.oilC + 30);
  expect(after.fuelPct).toBeLessThan(before.fuelPct - 1);
  expect(after.odometerKm).toBeCloseTo(car.traits.odometerKm + after.motion.tripKm);
  expect(after.motion.tripKm).toBeGreaterThan(8);
});

test('speed and distance agree', () => {
  const drive = states(1, 0, 300, 0.05);
  const km = drive.reduce((sum, s) => sum + (s.motion.speedKmh / 3600) * 0.05, 0);
  expect(drive.at(-1)?.motion.tripKm).toBeCloseTo(km, 3);
});

test('a gear change shows as a drop in engine speed at growing road speed', () => {
  const drive = states(1, 8, 20, 0.05);
  const shift = drive.findIndex((s, i) => s.motion.gear === 3 && drive[i - 1]?.motion.gear === 2);
  const [before, after] = [drive[shift - 1], drive[shift + 12]];
  expect(after?.engine.rpm).toBeLessThan((before?.engine.rpm ?? 0) - 300);
  expect(after?.motion.speedKmh).toBeGreaterThan(before?.motion.speedKmh ?? 0);
});

test('the driver stops before switching off, and a parked car has no ignition and 12.4 V', () => {
  const car = createCar(1, { ignitionOffAtS: 60 });
  expect(car.at(20 * S).motion.speedKmh).toBeGreaterThan(30);
  expect(car.at(59 * S).motion.speedKmh).toBe(0);
  expect(car.at(59 * S).ignition).toBe(true);
  const parked = car.at(70 * S);
  expect(parked).toMatchObject({ ignition: false, voltageV: 12.4, ignitionS: 0 });
  expect(parked.engine).toMatchObject({ phase: 'off', rpm: 0, runS: 0 });
});

test('ignition cycles start the car again and again, and the distance goes on', () => {
  const car = createCar(1, { ignitionCycles: { onS: 60, offS: 30 } });
  const running = [30, 75, 120, 165].map((s) => car.at(s * S).engine.phase);
  expect(running).toEqual(['running', 'off', 'running', 'off']);
  expect(car.at(120 * S).engine.runS).toBeLessThan(30);
  expect(car.at(140 * S).motion.tripKm).toBeGreaterThan(car.at(60 * S).motion.tripKm);
});

test('a car that nobody drives stands with its engine running', () => {
  const car = createCar(2, { drives: false });
  for (const s of [10, 60, 600]) {
    const { engine, motion } = car.at(s * S);
    expect([engine.phase, motion.speedKmh]).toEqual(['running', 0]);
  }
});

test('with the engine left off the ignition is on and nothing turns', () => {
  const car = createCar(1, { engineStarts: false });
  expect(car.traits.trouble).toBe('none');
  expect(car.at(100 * S)).toMatchObject({ ignition: true, voltageV: 12.4 });
  expect(car.at(100 * S).engine.rpm).toBe(0);
});
