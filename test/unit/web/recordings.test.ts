import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Page, Session, Stream } from '../../../web/api.js';
import { estimate } from '../../../web/download.js';
import { defaultChoice, plottable } from '../../../web/plots.js';
import { changeOf, tagsOf } from '../../../web/session-form.js';
import { lengthened, refreshed } from '../../../web/sessions.js';
import { matching } from '../../../web/stream-groups.js';

function session(id: number, stats: Session['stats'] = null): Session {
  return {
    id,
    state: 'ended',
    startedAt: '2026-11-22T01:41:18.316Z',
    endedAt: null,
    clockTrust: 'none',
    endedBy: 'ignition',
    owner: null,
    driver: null,
    vehicle: null,
    study: null,
    tags: [],
    notes: '',
    consent: null,
    pinned: false,
    stats,
  };
}

function stream(id: string, name: string, kind: Stream['kind'] = 'sample'): Stream {
  return { id, name, unit: '1', range: [0, 1], hz: 1, kind };
}

function listed(ids: readonly number[], next: string | null): Page<Session> {
  return { items: ids.map((id) => session(id)), next };
}

function idsOf({ items }: { readonly items: readonly Session[] }): number[] {
  return items.map(({ id }) => id);
}

/** As the gateway answers: newest first, `limit` of those before the cursor. */
function pageOf(ids: readonly number[], limit: number, before = Infinity) {
  const older = ids.toSorted((a, b) => b - a).filter((id) => id < before);
  const items = older.slice(0, limit);
  return listed(items, older.length > limit ? String(items.at(-1)) : null);
}

test('a list that is refreshed has the new ones, and keeps the older ones that were shown', () => {
  const list = listed([6, 5, 4, 3], '3');
  const again = refreshed(list, listed([7, 6, 5], '5'));
  expect(idsOf(again)).toEqual([7, 6, 5, 4, 3]);
  expect(again.next).toBe('3');
});

test('what was deleted is gone after a refresh', () => {
  expect(idsOf(refreshed(listed([6, 5, 4], '4'), listed([6, 4], '4')))).toEqual([6, 4]);
  expect(refreshed(listed([6, 5], '5'), listed([], null))).toEqual(listed([], null));
});

test('paging and refreshing in any order shows each session once, newest first, and ends', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.boolean()),
      (ids, limit, steps) => {
        let list = pageOf(ids, limit);
        for (const refresh of steps) {
          if (refresh) list = refreshed(list, pageOf(ids, limit));
          else if (list.next !== null) {
            list = lengthened(list, pageOf(ids, limit, Number(list.next)));
          }
        }
        while (list.next !== null) list = lengthened(list, pageOf(ids, limit, Number(list.next)));
        expect(idsOf(list)).toEqual(ids.toSorted((a, b) => b - a));
      },
    ),
  );
});

test('tags stand between commas, each once', () => {
  expect(tagsOf(' night,rain , ,night, test track')).toEqual(['night', 'rain', 'test track']);
  expect(tagsOf('  ')).toEqual([]);
});

const STREAMS = new Map(
  [
    stream('obd.engine.rpm', 'Engine speed'),
    stream('obd.vehicle.speed', 'Vehicle speed'),
    stream('obd.dtc', 'Trouble code', 'event'),
    stream('eeg.raw', 'EEG, forehead', 'wave'),
  ].map((each) => [each.id, each]),
);

test('what can be drawn are numbers, and what the gateway no longer knows', () => {
  const quality = { n: 1, lost: 0, coverage: 1 };
  const ids = ['eeg.raw', 'obd.dtc', 'obd.engine.rpm', 'obd.gone'];
  const streams = Object.fromEntries(ids.map((id) => [id, quality]));
  const stats = { durationS: 1, distanceKm: null, alerts: 0, streams };
  const offered = plottable(session(1, stats), STREAMS);
  expect(offered).toEqual(['eeg.raw', 'obd.engine.rpm', 'obd.gone']);
  expect(defaultChoice(offered)).toEqual(['obd.engine.rpm', 'eeg.raw']);
  expect(plottable(session(1), STREAMS)).toEqual([]);
});

test('where none of the usual streams is there, the first ones are drawn', () => {
  expect(defaultChoice(['a', 'b', 'c', 'd', 'e'])).toEqual(['a', 'b', 'c', 'd']);
});

test('a stream is found by words of its name or id, in any order and case', () => {
  const ids = [...STREAMS.keys()];
  expect(matching(ids, STREAMS, '')).toEqual(ids);
  expect(matching(ids, STREAMS, 'SPEED veh')).toEqual(['obd.vehicle.speed']);
  expect(matching(ids, STREAMS, 'rpm')).toEqual(['obd.engine.rpm']);
  expect(matching(ids, STREAMS, 'nothing')).toEqual([]);
});

test('the size of a file is estimated from the samples in the part', () => {
  const streams = { a: { n: 1_000, lost: 0, coverage: 1 }, b: { n: 3_000, lost: 0, coverage: 1 } };
  const stats = { durationS: 10, distanceKm: null, alerts: 0, streams };
  const format = { sampleBytes: 70, canBytes: 0, frameBytes: 0 };
  expect(estimate({ stats }, format, undefined)).toBe(280_000);
  expect(estimate({ stats }, format, { from: 1e6, to: 3.5e6 })).toBe(70_000);
  expect(estimate({ stats: null }, format, undefined)).toBe(0);
});

test('only what is new is said of a session: the rest may be a pseudonym, or be withheld', () => {
  const shown = { ...session(1), driver: 'P-7K3M9Q2A', consent: '', tags: ['rain'] };
  const form = new FormData();
  for (const [name, value] of [
    ['driver', 'P-7K3M9Q2A'],
    ['vehicle', ' van '],
    ['study', ''],
    ['tags', 'rain'],
    ['notes', ''],
    ['consent', ''],
  ] as const) {
    form.set(name, value);
  }
  expect(changeOf(form, shown)).toEqual({ vehicle: 'van' });
  form.set('study', 'night');
  form.set('consent', 'I agree.');
  expect(changeOf(form, shown)).toEqual({ vehicle: 'van', study: 'night', consent: 'I agree.' });
});
