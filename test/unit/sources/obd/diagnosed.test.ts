/** What people ask of a car that is being read, against the simulated one. */
import { expect, test } from 'vitest';
import { codesOf } from '../../../../src/sources/obd/snapshot.ts';
import { PARKED_S, parkedCar, READ_S, simulatedCar } from '../../../support/simulated-car.ts';

const never = (): AbortSignal => new AbortController().signal;

test('before a car answers, and after it has gone, nobody waits for it', async () => {
  const { clock, source, finish } = await simulatedCar({ ignitionOffAtS: 20 });
  expect(source.vehicle()).toBeUndefined();
  await expect(source.refresh()).rejects.toMatchObject({ code: 'NO_VEHICLE' });
  await clock.advance(10_000);
  expect(source.absence()).toBeUndefined();
  await finish(source.refresh());
  await clock.advance(20_000);
  expect(source.absence()).toMatch(/is its ignition off/);
  expect(source.vehicle()?.engine).toBe('7e8');
  await expect(source.refresh()).rejects.toMatchObject({ code: 'NO_VEHICLE' });
  await expect(source.clearCodes(never())).rejects.toThrow(/no vehicle is connected: .*ignition/);
});

test('what is asked while the car goes is told so', async () => {
  const { clock, source, finish } = await simulatedCar({ ignitionOffAtS: 20 });
  await clock.advance(20_100);
  const reading = expect(source.refresh()).rejects.toMatchObject({ code: 'NO_VEHICLE' });
  await finish(reading);
});

test('however many ask, the car is read once, and everything of it', async () => {
  const { clock, source, times, finish } = await simulatedCar();
  await clock.advance(15_000);
  const before = ['03', '07', '0A', '0101', '0141'].map(times);
  const { readAt: last = 0 } = source.report();
  await finish(Promise.all(Array.from({ length: 50 }, () => source.refresh())));
  expect(['03', '07', '0A'].map(times)).toEqual(before.slice(0, 3).map((n) => n + 1));
  expect(source.report().readAt).toBeGreaterThan(last);
});

test('live values hardly notice who asks for diagnosis without a pause', async () => {
  const SECONDS = 30;
  const values = async (asking: boolean) => {
    const { clock, source, readings } = await simulatedCar();
    await clock.advance(30_000);
    const from = readings.length;
    for (let n = 0; n < SECONDS * 10; n++) {
      // Each of these begins a reading as soon as the one before is over.
      const reads = asking ? Array.from({ length: 50 }, () => source.refresh()) : [];
      for (const read of reads) read.catch(() => {}); // The car may be gone at the end.
      await clock.advance(100);
    }
    const samples = readings.slice(from).filter(({ kind }) => kind === 'sample');
    const rpm = samples.filter(({ stream }) => stream.id === 'obd.engine.rpm').map(({ t }) => t);
    const gaps = rpm.slice(1).map((t, i) => (t - (rpm[i] ?? 0)) / 1000);
    return { perSecond: samples.length / SECONDS, gapMs: Math.max(...gaps) };
  };
  const alone = await values(false);
  const crowded = await values(true);
  expect(alone.perSecond).toBeGreaterThan(100);
  expect(crowded.perSecond / alone.perSecond).toBeGreaterThan(0.93);
  expect(crowded.gapMs).toBeLessThan(alone.gapMs + 100);
});

test('a parked car has its codes cleared, and the lamp, the frame and readiness go with them', async () => {
  const { clock, source, readings, times, finish } = await parkedCar();
  const report = source.report();
  const [engine] = report.ecus;
  expect(codesOf(report).map(({ code, state }) => [code, state])).toEqual([
    ['P0301', 'stored'],
    ['P0301', 'pending'],
    ['P0301', 'permanent'],
  ]);
  const { since = 0 } = codesOf(report)[0] ?? {};
  expect(since / 1e6).toBeGreaterThan(PARKED_S);
  expect(since / 1e6).toBeLessThan(PARKED_S + READ_S);
  expect(engine?.freezeFrame?.code).toBe('P0301');
  expect(engine?.monitors.get('since-cleared')).toMatchObject({ mil: true, dtcCount: 1 });

  expect(await finish(source.clearCodes(never()))).toEqual(['7e8', '7e9']);
  expect(times('04')).toBe(1);
  await finish(source.refresh());
  expect(codesOf(report).map(({ code, state }) => [code, state])).toEqual([['P0301', 'permanent']]);
  expect(engine?.freezeFrame).toBeUndefined();
  expect(engine?.monitors.get('since-cleared')).toMatchObject({ mil: false, dtcCount: 0 });
  const gone = readings.flatMap((one) => (one.kind === 'event' ? [one.data] : [])).slice(-2);
  expect(gone).toMatchObject([
    { code: 'P0301', status: 'confirmed', present: false },
    { code: 'P0301', status: 'pending', present: false },
  ]);
  // The poll goes on as before.
  const count = readings.length;
  await clock.advance(5_000);
  expect(readings.length - count).toBeGreaterThan(50);
});

test('a car that moves is asked for its speed, and no more', async () => {
  const { clock, source, times, finish } = await simulatedCar();
  await clock.advance(40_000);
  await expect(finish(source.clearCodes(never()))).rejects.toMatchObject({
    code: 'MOVING',
    message: expect.stringMatching(/7e8 tells \d+ km\/h/),
  });
  expect(times('04')).toBe(0);
});

test('an engine that runs has the control units refuse, and that is passed on', async () => {
  // It idles for some seconds before it drives off.
  const { clock, source, times, finish } = await simulatedCar();
  await clock.advance(4_000);
  await expect(finish(source.clearCodes(never()))).rejects.toMatchObject({
    code: 'REFUSED',
    message: expect.stringContaining('7e8 says conditions not correct (7F 04 22)'),
  });
  expect(times('04')).toBe(1);
});

test('one clearing at a time; one that is taken back before its turn is not done', async () => {
  const { clock, source, times, finish } = await parkedCar();
  const late = new AbortController();
  const first = source.clearCodes(late.signal);
  await expect(source.clearCodes(never())).rejects.toMatchObject({ code: 'BUSY' });
  late.abort();
  await expect(first).rejects.toMatchObject({ code: 'TOO_SLOW' });
  await clock.advance(10_000);
  expect(times('04')).toBe(0);
  // The next one has its turn.
  expect(await finish(source.clearCodes(never()))).toEqual(['7e8', '7e9']);
});

test('one that has begun is finished, whoever has gone', async () => {
  const { source, untilClearing, finish } = await parkedCar();
  const late = new AbortController();
  const clearing = source.clearCodes(late.signal);
  await untilClearing();
  late.abort();
  expect(await finish(clearing)).toEqual(['7e8', '7e9']);
});

test('a link that ends in between leaves it open whether the codes are cleared', async () => {
  const { source, untilClearing, restart, finish } = await parkedCar();
  const clearing = source.clearCodes(never());
  clearing.catch(() => {});
  await untilClearing();
  restart.now();
  await expect(finish(clearing)).rejects.toMatchObject({
    code: 'NO_ANSWER',
    message: expect.stringContaining('not known'),
  });
});
