import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventKey } from '../../../src/store/keys.ts';
import {
  ALERTS,
  countAt,
  DRIVE,
  DRIVE_S,
  EEG,
  MARKS,
  NOW_S,
  type Recorded,
  recorded,
  SECOND_AT_S,
  SPEED,
  speedAt,
} from './recorded.ts';

let gateway: Recorded;

beforeAll(async () => {
  gateway = await recorded();
});

afterAll(() => gateway[Symbol.asyncDispose]());

interface Values {
  readonly t: readonly number[];
  readonly v: readonly number[];
  readonly min: readonly number[];
  readonly max: readonly number[];
  readonly mean: readonly number[];
  readonly n: readonly number[];
}

async function data(...args: Parameters<Recorded['reading']['data']>) {
  return streamsOf(await gateway.reading.data(...args));
}

function streamsOf(json: Uint8Array): Record<string, Values> {
  return JSON.parse(new TextDecoder().decode(json)).streams;
}

describe('data', () => {
  test('is raw and whole over both starts and up to what is in memory only', async () => {
    const { [SPEED.id]: speed } = await data(1, { streams: [SPEED.id] });
    const times = [
      ...Array.from({ length: 2000 }, (_, i) => i * 100_000),
      ...Array.from({ length: 3900 }, (_, i) => SECOND_AT_S * 1e6 + i * 100_000),
    ];
    const values = [
      ...Array.from({ length: 2000 }, (_, i) => speedAt(10 + i / 10)),
      ...Array.from({ length: 3900 }, (_, i) => speedAt(5 + i / 10)),
    ];
    expect(speed).toEqual({ t: times, v: values });
  });

  test('of a wave is in its unit, cut to the microsecond', async () => {
    const from = SECOND_AT_S * 1e6 + 314e6;
    const { [EEG.id]: eeg } = await data(1, { streams: [EEG.id], from, to: from + 2e6 });
    // The window goes from what was sealed into what is in memory.
    const first = (5 + 314) * 512;
    expect(eeg?.v).toEqual(Array.from({ length: 1024 }, (_, i) => countAt(first + i) * 0.25));
    expect(eeg?.t[0]).toBe(from);
    expect(eeg?.t[1023]).toBe(from + Math.round((1023 * 1e6) / 512));
  });

  test('in points has every sample in exactly one of them', async () => {
    const streams = [SPEED.id, EEG.id];
    const found = await data(1, { streams, points: 100 });
    for (const [id, hz] of [
      [SPEED.id, 10],
      [EEG.id, 512],
    ] as const) {
      const { t, n, min, max, mean } = found[id] ?? { t: [], n: [], min: [], max: [], mean: [] };
      expect(t.length).toBeGreaterThan(95);
      expect(t.length).toBeLessThanOrEqual(102);
      expect(n.reduce((sum, count) => sum + count)).toBe(DRIVE_S * hz);
      expect(mean.every((one, i) => one >= (min[i] ?? 0) && one <= (max[i] ?? 0))).toBe(true);
      expect(t.findIndex((at) => at >= SECOND_AT_S * 1e6)).toBeGreaterThan(30);
    }
    expect(Math.max(...(found[SPEED.id]?.max ?? []))).toBe(90);
  });

  test('that is too much for one answer is refused, with what to do', async () => {
    await expect(data(1, { streams: [EEG.id] })).rejects.toMatchObject({
      code: 'TOO_MANY_VALUES',
      message:
        'these are more than 100000 values; ask for points, for less time or for fewer streams',
    });
    await expect(data(1, { streams: [EEG.id, SPEED.id], points: 20_000 })).rejects.toMatchObject({
      code: 'TOO_MANY_VALUES',
      message:
        '20000 points of each of 2 streams are too many for one answer; ask for at most 10000',
    });
  });

  test('of streams that nobody knows, of events, and of other sessions is refused', async () => {
    await expect(data(1, { streams: ['a.b', SPEED.id, 'c'] })).rejects.toMatchObject({
      code: 'UNKNOWN_STREAM',
      message: 'nothing was ever stored of "a.b", "c"',
    });
    await expect(data(1, { streams: [MARKS.id] })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    await expect(data(9, { streams: [SPEED.id] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('in a gap of the session is none, and outside of it a mistake', async () => {
    const gap = await data(1, { streams: [SPEED.id], from: 300e6, to: 400e6 });
    expect(gap).toEqual({ [SPEED.id]: { t: [], v: [] } });
    const outside = data(1, { streams: [SPEED.id], from: 5_000e6 });
    await expect(outside).rejects.toMatchObject({ code: 'BAD_WINDOW' });
  });
});

test('statistics count what is sealed and what is not, once', async () => {
  const { distanceKm, ...stats } = await gateway.reading.statistics(DRIVE.spans);
  expect(stats).toEqual({
    durationS: DRIVE_S,
    alerts: 3 + 6,
    streams: {
      [SPEED.id]: { n: DRIVE_S * 10, lost: 0, coverage: expect.closeTo(1, 2) },
      [EEG.id]: { n: DRIVE_S * 512, lost: 0, coverage: expect.closeTo(1, 2) },
      [MARKS.id]: { n: DRIVE_S, lost: 0, coverage: 0 },
      [ALERTS.id]: { n: 3 + 6, lost: 0, coverage: 0 },
    },
  });
  expect(distanceKm).toBeCloseTo((DRIVE_S * 60) / 3600, 0);
});

describe('events', () => {
  test('come page by page over both starts, each once', async () => {
    const found: number[] = [];
    let after: EventKey | undefined;
    let pages = 0;
    do {
      const page = await gateway.reading.events(1, { types: [MARKS.id], limit: 100, after });
      found.push(...page.items.map(({ t }) => t / 1e6));
      after = page.next ?? undefined;
      pages++;
    } while (after);
    expect(pages).toBe(Math.ceil(DRIVE_S / 100));
    expect(found).toEqual([
      ...Array.from({ length: 200 }, (_, s) => s),
      ...Array.from({ length: 390 }, (_, s) => SECOND_AT_S + s),
    ]);
  });

  test('are of all types, or of those that begin so up to a dot', async () => {
    const all = await gateway.reading.events(1, { limit: 1000 });
    expect(all.items).toHaveLength(DRIVE_S + 9);
    expect(all.next).toBeNull();
    const alerts = await gateway.reading.events(1, { types: ['alert', 'face'], limit: 1000 });
    expect(alerts.items).toHaveLength(9);
    expect(alerts.items[0]).toEqual({ t: 50e6, stream: ALERTS.id, data: { level: 3 } });
    expect((await gateway.reading.events(1, { types: ['aler'], limit: 1 })).items).toEqual([]);
  });

  test('a page that is exactly full is the last when there are no more', async () => {
    const page = await gateway.reading.events(1, { types: ['alert'], limit: 9 });
    expect(page).toMatchObject({ items: { length: 9 }, next: null });
  });

  test('a cursor of nowhere is refused', async () => {
    const after = { epoch: 7, t: 0, seq: 0 };
    await expect(gateway.reading.events(1, { limit: 1, after })).rejects.toMatchObject({
      code: 'BAD_CURSOR',
    });
  });
});

describe('an open session', () => {
  test('has its last seconds up to now', async () => {
    await expect(gateway.reading.recent([SPEED.id], 60)).rejects.toMatchObject({
      code: 'NO_SESSION',
    });
    const { id } = await gateway.sessions.start({});
    await gateway.sessions.update(id, { notes: 'x' });
    // It began at NOW_S, so it is empty; the drive's last seconds are asked for as a window.
    expect(streamsOf(await gateway.reading.recent([SPEED.id], 60))).toEqual({
      [SPEED.id]: { t: [], v: [] },
    });
    const stats = await gateway.reading.statistics([
      { epoch: 2, from: (NOW_S - 60) * 1e6, to: null },
    ]);
    expect(stats).toMatchObject({ durationS: 60, alerts: 1 });
    expect(stats.streams[SPEED.id]?.n).toBe(600);
    await gateway.sessions.end(id);
  });
});

describe('export', () => {
  async function text(request: Parameters<Recorded['reading']['export']>[0]): Promise<string> {
    const { pieces } = await gateway.reading.export(request);
    const chunks: Uint8Array[] = [];
    for await (const piece of pieces) chunks.push(piece);
    return Buffer.concat(chunks).toString();
  }

  test('is the file that its name says, with every row', async () => {
    const { fileName, mime, pieces } = await gateway.reading.export({ session: 1, format: 'csv' });
    await pieces.return?.();
    expect([fileName, mime]).toEqual([
      'vigil-session-1.csv',
      'text/csv; charset=utf-8; header=present',
    ]);
    const csv = await text({ session: 1, format: 'csv', streams: [SPEED.id] });
    expect(csv.split(`,${SPEED.id},`)).toHaveLength(DRIVE_S * 10 + 1);
  });

  test('without a list has what the format can hold and the session has', async () => {
    const wide = await text({ session: 1, format: 'csv-wide', from: 0, to: 1e6 });
    const [head = '', ...rows] = wide.trim().split('\r\n');
    expect(head).toContain(SPEED.id);
    expect(head).toContain(EEG.id);
    expect(head).not.toContain(MARKS.id);
    expect(rows.length).toBeGreaterThan(511);
    await expect(text({ session: 1, format: 'candump' })).rejects.toMatchObject({
      code: 'NO_FRAMES',
    });
  });

  test('that the format cannot hold is refused before there is a file', async () => {
    const request = { session: 1, format: 'csv-wide', streams: [MARKS.id] } as const;
    await expect(gateway.reading.export(request)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
    for (const window of [{ from: 5_000e6 }, { from: 300e6, to: 400e6 }]) {
      const nothing = { session: 1, format: 'csv', ...window } as const;
      await expect(gateway.reading.export(nothing)).rejects.toMatchObject({
        code: 'BAD_WINDOW',
        message: expect.stringContaining('(985 s) long'),
      });
    }
    const unknown = { session: 1, format: 'csv', streams: ['nothing'] } as const;
    await expect(gateway.reading.export(unknown)).rejects.toMatchObject({ code: 'UNKNOWN_STREAM' });
    expect(gateway.reading.health().details).toMatchObject({ running: 0, exports: 0 });
  });
});
