import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Reading } from '#core/stream.ts';
import type { Batch, EegBody } from '../../../src/ingest/shapes.ts';
import { CLIENT_ALERT } from '../../../src/ingest/streams.ts';
import { after, createWorld, EPOCH, face, MemoryStore, SESSION } from './world.ts';

function eeg(more: Partial<EegBody> = {}): Batch {
  const body: EegBody = {
    ...{ client: 'muse', seq: 0, epoch: EPOCH, t: 2_000_000, hz: 256, unit: 'uV' as const },
    channels: { TP9: [1.5, -2.25, 0.001], AF7: [0, 1, 2] },
    ...more,
  };
  return { kind: 'eeg', body };
}

const briefly = (reading: Reading): unknown[] => {
  const { kind, stream, t } = reading;
  return [kind, stream.id, t, reading.kind === 'sample' ? reading.v : ''];
};

test('a batch is acknowledged when it is durable, and not before', async () => {
  const { clock, store, ingest, emitted } = createWorld();
  await clock.advance(3_000);
  store.isFailing = true;
  await expect(after(clock, ingest.send(SESSION, face(0)))).rejects.toMatchObject({ code: 'BUSY' });
  store.isFailing = false;
  await expect(after(clock, ingest.send(SESSION, face(0)))).resolves.toEqual({
    seq: 0,
    duplicate: false,
  });
  expect(store.data().map(briefly)).toEqual([
    ['sample', 'face.detected', 2_000_000, 1],
    ['sample', 'face.confidence', 2_000_000, 0.5],
  ]);
  expect(emitted).toEqual(store.data());
});

test('what the disk refused to make durable is not taken twice when it comes again', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(3_000);
  await after(clock, ingest.send(SESSION, face(0)));
  store.isFailing = true;
  await expect(after(clock, ingest.send(SESSION, face(1)))).rejects.toMatchObject({ code: 'BUSY' });
  store.isFailing = false;
  const again = await after(clock, ingest.send(SESSION, face(1)));
  expect(again).toEqual({ seq: 1, duplicate: true });
  expect(store.data()).toHaveLength(4);
});

test('what a store lost that was opened again is taken again', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(3_000);
  await after(clock, ingest.send(SESSION, face(0)));
  store.isFailing = true;
  await expect(after(clock, ingest.send(SESSION, face(1)))).rejects.toMatchObject({ code: 'BUSY' });
  store.isFailing = false;
  store.reopen();
  expect(await after(clock, ingest.send(SESSION, face(0)))).toMatchObject({ duplicate: true });
  expect(await after(clock, ingest.send(SESSION, face(1)))).toMatchObject({ duplicate: false });
  expect(store.data()).toHaveLength(4);
});

test('a batch whose store was opened anew while it waited is not acknowledged', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(3_000);
  await after(clock, ingest.send(SESSION, face(0)));
  await after(clock, ingest.send(SESSION, face(1)), 0);
  const waits = ingest.send(SESSION, face(2));
  waits.catch(() => {});
  await clock.advance(10);
  store.reopen();
  await expect(after(clock, waits)).rejects.toMatchObject({ code: 'BUSY' });
  expect(await after(clock, ingest.send(SESSION, face(2)))).toMatchObject({ duplicate: false });
});

test('a store that has no room takes nothing of a batch', async () => {
  const { clock, store, ingest, emitted } = createWorld();
  await clock.advance(3_000);
  store.isFull = true;
  await expect(after(clock, ingest.send(SESSION, face(0)))).rejects.toMatchObject({ code: 'BUSY' });
  store.isFull = false;
  expect(emitted).toEqual([]);
  expect(await after(clock, ingest.send(SESSION, face(0)))).toMatchObject({ duplicate: false });
});

test('in any order, however often, over restarts and failures: each is stored once', async () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 20 }) },
    { weight: 1, arbitrary: fc.constantFrom('restart', 'reopen', 'fail', 'work') },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const store = new MemoryStore();
      let world = createWorld(store);
      await world.clock.advance(3_000);
      const acknowledged = new Set<number>();
      for (const what of steps) {
        if (typeof what === 'number') {
          const sent = world.ingest.send(SESSION, face(what, 2_000_000 + what));
          await after(world.clock, sent).then(
            () => acknowledged.add(what),
            (error) => expect(error).toMatchObject({ code: 'BUSY' }),
          );
        } else if (what === 'reopen') store.reopen();
        else if (what === 'restart') {
          store.reopen();
          world = createWorld(store);
          await world.clock.advance(3_000);
        } else store.isFailing = what === 'fail';
      }
      const seen = store.data().filter(({ stream }) => stream.id === 'face.detected');
      const times = seen.map(({ t }) => t - 2_000_000);
      expect(new Set(times).size).toBe(times.length);
      for (const seq of acknowledged) expect(times).toContain(seq);
    }),
    { numRuns: 60 },
  );
});

test('many that wait share one flush', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(3_000);
  await after(clock, ingest.send(SESSION, face(0)));
  const flushes = store.flushes;
  const all = Array.from({ length: 100 }, (_, i) => ingest.send(SESSION, face(i + 1)));
  await after(clock, Promise.all(all));
  expect(store.flushes - flushes).toBeLessThanOrEqual(2);
});

test('EEG becomes one wave a channel, in steps of the stream, and goes on from batch to batch', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(9_000);
  const features = [{ t: 2_000_000, attention: 50, bands: { alpha: 7 } }];
  await after(clock, ingest.send(SESSION, eeg({ items: features })));
  const next = 2_000_000 + 3e6 / 256;
  await after(clock, ingest.send(SESSION, eeg({ seq: 1, t: next })));
  // A second is missing, as the client's own clock says.
  await after(clock, ingest.send(SESSION, eeg({ seq: 2, t: next + 3e6 / 256 + 1e6 })));
  const waves = store.data().filter((one) => one.kind === 'wave');
  const [first] = waves;
  expect(first).toMatchObject({ t: 2_000_000, hz: 256, seq: 0, lost: 0 });
  expect(first?.stream).toMatchObject({ id: 'eeg.muse.raw.tp9', unit: 'uV', lsb: 0.001 });
  expect([...(first?.v ?? [])]).toEqual([1_500, -2_250, 1]);
  const ofOne = waves.filter(({ stream }) => stream.id === 'eeg.muse.raw.af7');
  expect(ofOne.map(({ seq, lost }) => [seq, lost])).toEqual([
    [0, 0],
    [3, 0],
    [262, 256],
  ]);
  expect(store.data().flatMap((one) => (one.kind === 'sample' ? [briefly(one)] : []))).toEqual([
    ['sample', 'eeg.muse.attention', 2_000_000, 50],
    ['sample', 'eeg.muse.bands.alpha', 2_000_000, 7],
  ]);
});

test('everything of a picture is a stream, and what happened an event with the time as sent', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(3_000);
  const more = {
    ...{ perclos: 0.1, eyeClosure: 0.2, blink: true, yawn: true },
    ...{ headPose: { yaw: 1, pitch: 2, roll: 3 }, gaze: { yaw: 4, pitch: 5 } },
  };
  await after(clock, ingest.send(SESSION, face(0, 2_000_000, more)));
  expect(store.data().map(({ stream }) => stream.id)).toEqual([
    ...['face.detected', 'face.confidence', 'face.perclos60', 'face.eye_closure'],
    ...['face.head.yaw', 'face.head.pitch', 'face.head.roll', 'face.gaze.yaw', 'face.gaze.pitch'],
    ...['face.blink', 'face.yawn'],
  ]);
  expect(store.data().at(-1)).toMatchObject({ data: { client: 'cam', clientT: 2_000_000 } });
});

test('what happens in a task is an event, and its measures are streams', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(3_000);
  const data = { reaction_ms: 312, lane: 'left', lane_deviation: -0.4 };
  const items = [{ t: 2_000_000, event: 'brake', data }];
  const body = { client: 'sim', seq: 0, epoch: EPOCH, items };
  await after(clock, ingest.send(SESSION, { kind: 'game', body }));
  expect(store.data().map(briefly)).toEqual([
    ['event', 'game.brake', 2_000_000, ''],
    ['sample', 'game.reaction_ms', 2_000_000, 312],
    ['sample', 'game.lane_deviation', 2_000_000, -0.4],
  ]);
});

test('an alert of a client is an event that says of whom it is', async () => {
  const { clock, store, ingest, emitted } = createWorld();
  await clock.advance(3_000);
  const found = { severity: 'warn', text: 'Eyes closed', value: 0.31, kind: 'fatigue' } as const;
  const items = [
    { t: 2_000_000, ...found },
    { t: 2_500_000, severity: 'info' as const, text: 'Awake' },
  ];
  const body = { client: 'cam', seq: 0, epoch: EPOCH, items };
  const first = await after(clock, ingest.send(SESSION, { kind: 'alert', body }));
  const again = await after(clock, ingest.send(SESSION, { kind: 'alert', body }));
  expect([first.duplicate, again.duplicate]).toEqual([false, true]);
  expect(store.data()).toMatchObject([{ stream: CLIENT_ALERT, t: 2_000_000 }, { t: 2_500_000 }]);
  expect(store.data().flatMap((one) => (one.kind === 'event' ? one.data : []))).toEqual([
    { client: 'cam', clientT: 2_000_000, ...found },
    { client: 'cam', clientT: 2_500_000, severity: 'info', text: 'Awake' },
  ]);
  expect(emitted).toEqual(store.data());
});

const LEAVE_OUT = /What was not stored before the restart cannot be stored now: leave it out/;

test('who kept a batch over a restart is told that it will never be taken', async () => {
  const { clock, session, store, ingest } = createWorld();
  await clock.advance(3_000);
  session.spans = [
    { epoch: EPOCH - 1, from: 0, to: 9_000_000 },
    { epoch: EPOCH, from: 1_000_000, to: null },
  ];
  const before = after(clock, ingest.send(SESSION, face(0, -5_000_000)));
  await expect(before).rejects.toMatchObject({
    code: 'BEFORE_SESSION',
    message: expect.stringMatching(
      /^this time is 6.000 s before the session went on after a restart/,
    ),
  });
  const old = { ...face(0, 5_000_000).body, epoch: EPOCH - 1 };
  const other = after(clock, ingest.send(SESSION, { kind: 'face', body: old }));
  await expect(other).rejects.toMatchObject({ code: 'OTHER_EPOCH' });
  await expect(before).rejects.toThrow(LEAVE_OUT);
  await expect(other).rejects.toThrow(LEAVE_OUT);
  expect(store.data()).toEqual([]);
  expect(await after(clock, ingest.send(SESSION, face(1)))).toMatchObject({ duplicate: false });
});

const sent = { client: 'sim', seq: 0, epoch: EPOCH };
const happened = (event: string, data = {}): Batch => {
  return { kind: 'game', body: { ...sent, items: [{ t: 2_000_000, event, data }] } };
};
const REFUSED: readonly (readonly [string, Batch, string, string])[] = [
  ['neither channels nor items', eeg({ channels: undefined }), 'INVALID', ''],
  ['no rate', eeg({ hz: undefined }), 'INVALID', '/hz'],
  ['no unit', eeg({ unit: undefined }), 'INVALID', '/unit'],
  ['no channel', eeg({ channels: {} }), 'INVALID', '/channels'],
  ['another length', eeg({ channels: { a: [1], b: [1, 2] } }), 'INVALID', '/channels/b'],
  ['one name twice', eeg({ channels: { a: [1], A: [1] } }), 'INVALID', '/channels/A'],
  ['too many uV', eeg({ channels: { a: [0, 2e6] } }), 'INVALID', '/channels/a/1'],
  ['parts of counts', eeg({ unit: 'counts', channels: { a: [0.5] } }), 'INVALID', '/channels/a/0'],
  ['a name of ours', eeg({ client: 'bands' }), 'INVALID', '/client'],
  ['before the session', face(0, 999_999), 'BEFORE_SESSION', '/items/0/t'],
  ['in the future', face(0, 3_100_001), 'IN_FUTURE', '/items/0/t'],
  ['an end in the future', eeg({ t: 3_099_999 }), 'IN_FUTURE', '/t'],
  ['another epoch', { kind: 'face', body: { ...face(0).body, epoch: 6 } }, 'OTHER_EPOCH', '/epoch'],
  [
    'an unknown clock',
    { kind: 'face', body: { ...face(0).body, epoch: undefined } },
    'NO_CLOCK',
    '',
  ],
  ['a measure as an event', happened('speed'), 'INVALID', '/items/0/event'],
  ['a measure that is text', happened('x', { speed: 'fast' }), 'INVALID', '/items/0/data/speed'],
  ['a measure too large', happened('x', { speed: 501 }), 'INVALID', '/items/0/data/speed'],
];

test.each(REFUSED)('refused as a whole: %s', async (_, batch, code, pointer) => {
  const { clock, store, ingest, emitted } = createWorld();
  await clock.advance(3_000);
  const sending = after(clock, ingest.send(SESSION, batch));
  await expect(sending).rejects.toMatchObject({ code, pointer });
  expect([...emitted, ...store.data()]).toEqual([]);
  expect(ingest.streams()).toEqual([CLIENT_ALERT]);
});

test('an ended session takes nothing', async () => {
  const { clock, session, ingest } = createWorld();
  await clock.advance(3_000);
  session.spans = [{ epoch: EPOCH, from: 1_000_000, to: 2_500_000 }];
  const sending = after(clock, ingest.send(SESSION, face(0)));
  await expect(sending).rejects.toMatchObject({ code: 'ENDED' });
});

test('times on a clock that was told are mapped, and kept as they were sent', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(3_000);
  const exchanges = [{ t1: -100, t2: 2_000_100, t3: 2_000_100, t4: 300 }];
  const estimate = ingest.tellClock(SESSION, { client: 'cam', epoch: EPOCH, exchanges });
  expect(estimate).toMatchObject({ offset: 2_000_000, roundTrip: 400 });
  const { epoch, ...body } = face(0, 500_000).body;
  await after(clock, ingest.send(SESSION, { kind: 'face', body }));
  expect(store.data().map(({ t }) => t)).toEqual([2_500_000, 2_500_000]);
  const receipt = store.kept.find(({ stream }) => stream.id === 'ingest.cam.face');
  expect(receipt).toMatchObject({
    data: {
      session: SESSION,
      seq: 0,
      seen: [[0, 0]],
      t: [500_000, 500_000],
      n: 2,
      clock: estimate,
    },
  });
});

test.each([
  ['of another epoch', EPOCH - 1, { t1: 0, t2: 2e6, t3: 2e6, t4: 100 }, 'OTHER_EPOCH'],
  ['answered before it was sent', EPOCH, { t1: 100, t2: 2e6, t3: 2e6, t4: 0 }, 'INVALID'],
  ['in the future', EPOCH, { t1: 0, t2: 4e6, t3: 4e6, t4: 100 }, 'INVALID'],
  ['that took too long', EPOCH, { t1: 0, t2: 2e6, t3: 2e6, t4: 11e6 }, 'INVALID'],
  ['faster than it can be', EPOCH, { t1: 0, t2: 1e6, t3: 2e6, t4: 100 }, 'INVALID'],
])('an exchange is refused %s', async (_, epoch, exchange, code) => {
  const { clock, ingest } = createWorld();
  await clock.advance(3_000);
  const tell = () => ingest.tellClock(SESSION, { client: 'cam', epoch, exchanges: [exchange] });
  expect(tell).toThrow(expect.objectContaining({ code }));
});

test('clients make so many sorts of events and no more', async () => {
  const { clock, ingest } = createWorld();
  await clock.advance(3_000);
  const batch = (seq: number, n: number): Batch => {
    const items = Array.from({ length: n }, (_, i) => ({ t: 2_000_000, event: `e${seq}-${i}` }));
    return { kind: 'game', body: { ...sent, seq, items } };
  };
  await after(clock, ingest.send(SESSION, batch(0, 200)));
  const more = after(clock, ingest.send(SESSION, batch(1, 1)));
  await expect(more).rejects.toMatchObject({ code: 'TOO_MANY' });
  await after(clock, ingest.send(SESSION, batch(0, 200)));
  expect(ingest.streams()).toHaveLength(1 + 200);
});

test('streams are known again after a restart, without what is kept for the gateway', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(9_000);
  await after(clock, ingest.send(SESSION, eeg()));
  const again = createWorld(store);
  const ids = again.ingest.streams().map(({ id }) => id);
  expect(ids).toEqual(['client.alert', 'eeg.muse.raw.tp9', 'eeg.muse.raw.af7']);
});

test('a marker is made once for a key, also after a restart, and another one not with it', async () => {
  const { clock, store, ingest } = createWorld();
  await clock.advance(3_000);
  const maker = { by: 'user', key: 'k' };
  const made = await after(clock, ingest.mark(SESSION, { text: 'tired' }, maker));
  expect(made).toMatchObject({ epoch: EPOCH, duplicate: false });
  const again = createWorld(store);
  await again.clock.advance(3_000);
  const repeated = again.ingest.mark(SESSION, { text: 'tired' }, maker);
  expect(await after(again.clock, repeated)).toMatchObject({ t: null, duplicate: true });
  const other = again.ingest.mark(SESSION, { text: 'awake' }, maker);
  await expect(after(again.clock, other)).rejects.toMatchObject({ code: 'KEY_REUSED' });
  await after(
    again.clock,
    again.ingest.mark(SESSION, { text: 'awake' }, { by: 'other', key: 'k' }),
  );
  await after(again.clock, again.ingest.mark(SESSION, { text: 'x', event: 'lap' }, { by: 'user' }));
  const markers = store
    .data()
    .map((one) => one.kind === 'event' && [one.stream.id, one.data['text']]);
  expect(markers).toEqual([
    ['marker', 'tired'],
    ['marker', 'awake'],
    ['marker.lap', 'x'],
  ]);
});

test('in sessions of one account clients make fewer, and leave the rest to others', async () => {
  const { clock, ingest, session } = createWorld();
  await clock.advance(3_000);
  const batch = (seq: number, n: number): Batch => {
    const items = Array.from({ length: n }, (_, i) => ({ t: 2_000_000, event: `e${seq}-${i}` }));
    return { kind: 'game', body: { ...sent, seq, items } };
  };
  const take = (seq: number, n: number) => after(clock, ingest.send(SESSION, batch(seq, n)));
  session.owner = 'mallory';
  await take(0, 40);
  await expect(take(1, 1)).rejects.toMatchObject({ code: 'TOO_MANY' });
  await expect(take(0, 40)).resolves.toMatchObject({ duplicate: true });
  session.owner = 'ada';
  await take(2, 40);
});
