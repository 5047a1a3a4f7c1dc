/** Answers that are cut short, late, somebody else's or no answers at all. */
import { expect, test } from 'vitest';
import { byRequest, linked, TWO_ECUS, told } from './linked.ts';

test('a message that is cut short costs its ECU only, and is told', async () => {
  const { bus, clock, link, connected, take } = linked(
    byRequest({ ...TWO_ECUS, '03': ['7e9 4300'] }),
  );
  await connected();
  const asked = take(link.request('03'));
  await clock.advance(5);
  bus.put('7e8 10 0a 43 04 03 01 03 02');
  const { result, ms } = await asked;
  expect(result).toMatchObject({ kind: 'answered', whole: false });
  expect(told(result)).toEqual(['7e9 4300']);
  // N_Cr is 150 ms.
  expect(ms).toBeGreaterThanOrEqual(150);
  expect(ms).toBeLessThan(180);
  expect(link.messages).toMatchObject({ incomplete: 1, timeouts: 1 });
});

test('a message cut short and nothing else is a disturbance', async () => {
  const { bus, clock, link, connected, take } = linked(byRequest(TWO_ECUS));
  await connected();
  const asked = take(link.request('03'));
  await clock.advance(5);
  bus.put('7e8 10 0a 43 04 03 01 03 02');
  bus.put('7e8 22 03 03 03 04 00 00 00');
  expect((await asked).result).toEqual({ kind: 'disturbed', alert: 'a message cut short' });
});

test('a first frame in the middle of a message begins it anew', async () => {
  const { bus, clock, link, connected, take } = linked(byRequest(TWO_ECUS));
  await connected();
  const asked = take(link.request('03', undefined, 1));
  await clock.advance(5);
  bus.put('7e8 10 0a 43 04 03 01 03 02');
  bus.put('7e8 10 08 43 03 03 01 03 02');
  bus.put('7e8 21 03 03');
  const { result } = await asked;
  expect(told(result)).toEqual(['7e8 4303030103020303']);
});

test.each([
  ['an empty frame', '7e8'],
  ['a single frame of length 0', '7e8 00 41 0c 00 00 00 00 00'],
  ['a single frame that is shorter than it says', '7e8 04 41 0c 1a'],
  ['a first frame that is too short', '7e8 10 0a 41 0c'],
  ['a first frame of a message that fits a single frame', '7e8 10 05 41 0c 1a f8 00 00'],
  ['a first frame of 4 GB', '7e8 10 00 41 0c ff ff 00 00'],
  ['a consecutive frame of nothing', '7e8 21 41 0c 1a f8 00 00 00'],
  ['flow control', '7e8 30 00 00'],
  ['an unknown kind', '7e8 f4 41 0c 1a f8'],
  ['the answer to another service', '7e8 04 49 0c 1a f8'],
  ['the answer to another PID', '7e8 04 41 0d 1a f8'],
  ['a refusal of another service', '7e8 03 7f 09 12'],
  ['another identifier', '6e8 04 41 0c 1a f8'],
  ['29 bits on a bus with 11', '18daf110 04 41 0c 1a f8'],
  ['the value of 7E8 with 29 bits', '000007e8 04 41 0c 1a f8'],
])('%s is no answer, and keeps nothing waiting', async (_what, text) => {
  const { bus, clock, link, connected, take } = linked(byRequest(TWO_ECUS));
  await connected();
  const asked = take(link.request('010C'));
  await clock.advance(5);
  bus.put(text);
  const { result, ms } = await asked;
  expect(result).toEqual({ kind: 'silent' });
  expect(ms).toBeLessThanOrEqual(100);
  expect(bus.flows).toEqual([]);
});

test.each([
  ['as long as its content', '7e8 04 41 0c 1a f8'],
  ['filled up with anything', '7e8 04 41 0c 1a f8 13 37 00'],
])('a frame %s is read', async (_what, text) => {
  const { bus, clock, link, connected, take } = linked(byRequest(TWO_ECUS));
  await connected();
  const asked = take(link.request('010C', undefined, 1));
  await clock.advance(5);
  bus.put(text);
  expect(told((await asked).result)).toEqual(['7e8 410C1AF8']);
});

test('what another tester is told is not ours, and no flow control is sent for it', async () => {
  const { bus, clock, link, connected, take, counters } = linked(byRequest(TWO_ECUS));
  await connected();
  bus.put('7e8 10 14 49 02 01 31 47 31');
  const asked = take(link.request('010C'));
  await clock.advance(5);
  bus.put('7e8 10 14 49 02 01 31 47 31');
  bus.put('7e8 21 59 59 32 32 47 39 36');
  expect((await asked).result).toEqual({ kind: 'silent' });
  expect(bus.flows).toEqual([]);
  expect(counters.unasked).toBe(3);
});

test('a late answer is not taken for that to the next request', async () => {
  const { link, connected, take, counters, clock } = linked(
    byRequest({
      ...TWO_ECUS,
      '010C': [{ answer: '7e8 410C1AF8', afterMs: 110 }],
      '010D': [{ answer: '7e8 410D2A', afterMs: 30 }],
    }),
  );
  await connected();
  const before = clock.now();
  expect((await take(link.request('010C'))).result).toEqual({ kind: 'silent' });
  expect(told((await take(link.request('010D', undefined, 1))).result)).toEqual(['7e8 410D2A']);
  expect((clock.now() - before) / 1000).toBeGreaterThan(110);
  expect(counters.unasked).toBe(1);
});

test('an ECU that asked for time has it, whatever else it answers meanwhile', async () => {
  const { link, connected, take, counters } = linked(
    byRequest({
      ...TWO_ECUS,
      '010C': [
        '7e8 7F0178',
        { answer: '7e8 410D2A', afterMs: 20 },
        { answer: '7e8 410C1AF8', afterMs: 400 },
      ],
    }),
  );
  await connected();
  expect(told((await take(link.request('010C'))).result)).toEqual(['7e8 410C1AF8']);
  expect(counters.unasked).toBe(1);
});

test('an answer that was cut short is missing, whatever else its ECU answers after it', async () => {
  const { bus, clock, link, connected, take } = linked(
    byRequest({ ...TWO_ECUS, '0906': [{ answer: '7e9 490601AABBCCDD', afterMs: 30 }] }),
  );
  await connected();
  const asked = take(link.request('0906'));
  await clock.advance(5);
  bus.put('7e8 10 0b 49 06 02 aa bb cc');
  bus.put('7e8 22 dd aa bb cc dd 00 00');
  bus.put('7e8 03 49 04 00');
  const { result } = await asked;
  expect(told(result)).toEqual(['7e9 490601AABBCCDD']);
  expect(result).toMatchObject({ whole: false });
});

test('a message that nobody waits for any more does not spoil the next answer', async () => {
  const { bus, clock, link, connected, take } = linked(
    byRequest({
      ...TWO_ECUS,
      '0906': ['7e9 7F0978', { answer: '7e9 490601AABBCCDD', afterMs: 400 }],
    }),
  );
  await connected();
  const asked = take(link.request('03', 20));
  await clock.advance(5);
  bus.put('7e8 10 0a 43 04 03 01 03 02');
  expect((await asked).result).toMatchObject({ kind: 'disturbed' });
  const { result } = await take(link.request('0906', 7_000));
  expect(told(result)).toEqual(['7e9 490601AABBCCDD']);
  expect(result).toMatchObject({ whole: true });
});
