import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimate } from '../../../web/download.js';
import { defaultChoice, plottable } from '../../../web/plots.js';
import { grouped, isCan, isFrames, withoutCan } from '../../../web/stream-groups.js';

const IDS = [
  'obd.engine.rpm',
  'can.can0',
  'can.can0.rate',
  'can.can0.engine.rpm',
  'can.body.doors.left',
  'can.can0.engine.torque',
  'can.can0.brakes.pressure',
];

test('signals are by bus and message, and what is told of the bus itself is with the others', () => {
  const { others, buses } = grouped(IDS);
  expect(others).toEqual(['obd.engine.rpm', 'can.can0', 'can.can0.rate']);
  expect(buses.map(({ bus, messages }) => [bus, Object.fromEntries(messages)])).toEqual([
    [
      'can0',
      {
        engine: ['can.can0.engine.rpm', 'can.can0.engine.torque'],
        brakes: ['can.can0.brakes.pressure'],
      },
    ],
    ['body', { doors: ['can.body.doors.left'] }],
  ]);
});

test('whatever the streams are, each of them is in one place', () => {
  const segment = fc.constantFrom('can', 'obd', 'a', 'b');
  const id = fc.array(segment, { minLength: 1, maxLength: 5 }).map((all) => all.join('.'));
  fc.assert(
    fc.property(fc.uniqueArray(id), (ids) => {
      const { others, buses } = grouped(ids);
      const all = [...others, ...buses.flatMap((bus) => bus.ids)];
      expect(all.toSorted()).toEqual(ids.toSorted());
      for (const { ids: own, messages } of buses)
        expect([...messages.values()].flat()).toEqual(own);
    }),
  );
});

test('raw frames are told from what is made of them', () => {
  expect(IDS.filter(isFrames)).toEqual(['can.can0']);
  expect(IDS.filter((one) => !isCan(one))).toEqual(['obd.engine.rpm']);
  expect(isCan('canary.one')).toBe(false);
});

test('to leave CAN out is a choice where there is something besides, and not too much to be named', () => {
  expect(withoutCan(IDS)).toEqual(['obd.engine.rpm']);
  expect(withoutCan(['obd.engine.rpm'])).toBeUndefined();
  expect(withoutCan(['can.can0', 'can.can0.rate'])).toBeUndefined();
  const many = Array.from({ length: 201 }, (_, i) => `obd.x.y${i}`);
  expect(withoutCan([...many, 'can.can0'])).toBeUndefined();
  expect(withoutCan([...many.slice(1), 'can.can0'])).toHaveLength(200);
});

test('frames and signals of CAN have sizes of their own in a file', () => {
  const quality = (n: number) => ({ n, lost: 0, coverage: 1 });
  const streams = {
    'can.can0': quality(10_000),
    'can.can0.engine.rpm': quality(1_000),
    'eeg.raw': quality(100),
  };
  const stats = { durationS: 10, distanceKm: null, alerts: 0, streams };
  const format = { sampleBytes: 3, canBytes: 12, frameBytes: 14 };
  expect(estimate({ stats }, format, undefined)).toBe(140_000 + 12_000 + 300);
  expect(estimate({ stats }, format, undefined, ['eeg.raw'])).toBe(300);
  const log = { sampleBytes: 0, canBytes: 0, frameBytes: 45 };
  expect(estimate({ stats }, log, { from: 0, to: 5e6 })).toBe(225_000);
});

test('frames of a bus that the gateway no longer has are not drawn', () => {
  const streams = { 'can.gone': { n: 1, lost: 0, coverage: 1 } };
  const stats = { durationS: 1, distanceKm: null, alerts: 0, streams };
  expect(plottable({ stats }, new Map())).toEqual([]);
});

test('what was measured is drawn before what the gateway tells of itself', () => {
  const offered = ['gateway.store', 'gateway.clock', 'can.can0.engine.rpm'];
  expect(defaultChoice(offered)).toEqual(['can.can0.engine.rpm']);
  expect(defaultChoice(['gateway.store'])).toEqual(['gateway.store']);
});
