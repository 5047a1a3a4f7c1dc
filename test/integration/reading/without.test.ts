/** Questions that leave streams out, and files that say something else of a session. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { alertEvent } from '#core/alert.ts';
import type { ExportFormatName } from '../../../src/export/formats.ts';
import type { ExportRequest } from '../../../src/reading/service.ts';
import { alertOf, EVIDENCE } from '../../support/alert-fixture.ts';
import {
  ALERTS,
  DRIVE_S,
  EEG,
  MARKS,
  type Recorded,
  recorded,
  SECOND_AT_S,
  SPEED,
} from './recorded.ts';

let recording: Recorded;

beforeAll(async () => {
  recording = await recorded();
});

afterAll(() => recording[Symbol.asyncDispose]());

async function textOf(request: Omit<ExportRequest, 'session'>): Promise<string> {
  const { pieces } = await recording.reading.export({ session: 1, to: 5e6, ...request });
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString('latin1');
}

test('events of streams that are left out are on no page', async () => {
  const { reading } = recording;
  const all = await reading.events(1, { limit: 1_000 });
  const idsOf = (page: typeof all) => [...new Set(page.items.map(({ stream }) => stream))].sort();
  expect(idsOf(all)).toEqual([ALERTS.id, MARKS.id]);
  const some = await reading.events(1, { limit: 1_000, without: ['alert'] });
  expect(idsOf(some)).toEqual([MARKS.id]);
  const types = [MARKS.id, ALERTS.id];
  const none = await reading.events(1, { limit: 10, types, without: ['alert', 'marker'] });
  expect(none).toEqual({ items: [], next: null });
  const first = await reading.events(1, { limit: 2, without: ['alert'] });
  const next = await reading.events(1, {
    limit: 2,
    without: ['alert'],
    after: first.next ?? undefined,
  });
  expect([...first.items, ...next.items]).toEqual(some.items.slice(0, 4));
});

test.each<ExportFormatName>(['csv', 'csv-wide', 'jsonl', 'parquet'])(
  'a file in %s has nothing of streams that are left out',
  async (format) => {
    const whole = await textOf({ format });
    expect(whole).toContain(SPEED.id);
    const part = await textOf({ format, without: ['obd'] });
    expect(part).not.toContain('obd.');
    expect(part).toContain(EEG.id);
    // `ob` is above nothing: ids have whole segments.
    expect(await textOf({ format, without: ['ob'] })).toBe(whole);
  },
);

test.each<ExportFormatName>(['jsonl', 'parquet'])(
  'a file in %s says what it is told to',
  async (format) => {
    await recording.sessions.update(1, { driver: 'Ada Lovelace', notes: 'Ada was late' });
    const streams = [SPEED.id];
    expect(await textOf({ format, streams })).toContain('Ada Lovelace');
    const said = { driver: 'P-7K3M9Q2A', notes: '', consent: null };
    const masked = await textOf({ format, streams, said });
    expect(masked).toContain('P-7K3M9Q2A');
    expect(masked).not.toContain('Ada');
  },
);

test('recent data are of the session that is asked for', async () => {
  const { reading, sessions } = recording;
  const own = await sessions.start({});
  const last = await sessions.start({});
  const times = async (id?: number) =>
    JSON.parse(new TextDecoder().decode(await reading.recent([SPEED.id], 10, id)));
  expect(await times(own.id)).toEqual(await times(last.id));
  await expect(reading.recent([SPEED.id], 10, 1)).rejects.toMatchObject({ code: 'NO_SESSION' });
});

test.each<ExportFormatName>(['csv', 'jsonl'])(
  'a file in %s has no alert about a stream that is left out',
  async (format) => {
    const evidence = { ...EVIDENCE, stream: 'gps.fix', text: 'Ada is at home' };
    const t = 394e6;
    const alerts = [alertOf({ evidence }), alertOf()];
    recording.store.take(alerts.map((alert) => alertEvent('started', alert, t)));
    await recording.store.durable();
    const window = { from: (SECOND_AT_S + 388) * 1e6, to: DRIVE_S * 1e6 * 10 };
    expect(await textOf({ format, ...window })).toContain('Ada is at home');
    const part = await textOf({ format, ...window, without: ['gps'] });
    expect(part).not.toContain('Ada is at home');
    expect(part).toContain('coolant temperature 112');
  },
);
