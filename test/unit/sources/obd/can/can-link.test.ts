import { expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import { BITMAP, byRequest, linked, TWO_ECUS, told } from './linked.ts';

test('a car with 11 bits is found, with all ECUs that answer within P2', async () => {
  const { bus, link, take } = linked(byRequest(TWO_ECUS));
  const { result, ms } = await take(link.connect());
  expect(told(result)).toEqual([`7e8 ${BITMAP}`, '7e9 41000018C000']);
  expect(bus.requests).toEqual(['7df 0100']);
  expect([link.bus, link.protocol]).toEqual(['can11', '6']);
  // P2 is 50 ms, and some more for the link.
  expect(ms).toBeGreaterThanOrEqual(50);
  expect(ms).toBeLessThanOrEqual(100);
  expect(link.answerTimes.get('7e9')).toEqual({ lastMs: 20, maxMs: 20 });
});

test('requests are single frames of 8 bytes', async () => {
  const { bus, connected } = linked(byRequest(TWO_ECUS));
  await connected();
  expect(bus.sent.map(({ frame }) => frame)).toEqual([
    {
      ...{ id: 0x7df, extended: false },
      data: Uint8Array.from([0x02, 0x01, 0x00, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc]),
    },
  ]);
});

test('a car with 29 bits is found after nobody has answered with 11', async () => {
  const { bus, link, connected } = linked({
    ...byRequest({ '18db33f1 0100': [`18daf110 ${BITMAP}`, `18daf11a ${BITMAP}`] }),
    health: { bitRate: 250_000 },
  });
  expect(told(await connected())).toEqual([`18daf110 ${BITMAP}`, `18daf11a ${BITMAP}`]);
  expect(bus.requests).toEqual(['7df 0100', '18db33f1 0100']);
  expect([link.bus, link.protocol]).toEqual(['can29', '9']);
});

test('a car with 29 bits is looked for with them first the next time', async () => {
  const { bus, link, connected, take } = linked(
    byRequest({ '18db33f1 0100': [`18daf110 ${BITMAP}`] }),
  );
  await connected();
  await take(link.connect(link.protocol));
  expect(bus.requests.slice(2)).toEqual(['18db33f1 0100']);
});

test.each([
  [500_000, '6'],
  [250_000, '8'],
  [125_000, 'CAN 125 kbit/s'],
  [undefined, 'CAN'],
])('at %s bit/s the protocol is called %s', async (bitRate, name) => {
  const { link, connected } = linked({ ...byRequest(TWO_ECUS), health: { bitRate } });
  await connected();
  expect(link.protocol).toBe(name);
});

test('nobody answers: the bus is asked twice and left in peace', async () => {
  const { bus, link, connected } = linked({});
  expect(told(await connected())).toEqual(['silent']);
  expect(bus.requests).toEqual(['7df 0100', '18db33f1 0100']);
  expect(link.note(false)).toBe("nothing is on can0; is the car's ignition off, is the plug in?");
});

test('a bus with traffic and without OBD-II is told apart from a silent one', async () => {
  const { bus, link, connected } = linked({});
  bus.put('123 01 02');
  expect(link.stirred()).toBe(true);
  await connected();
  expect(link.note(false)).toBe(
    "there is traffic on can0, but no control unit answers; is the car's ignition off?",
  );
});

test('an ECU that is busy is asked again, six times at most and 200 ms apart', async () => {
  let asked = 0;
  const { bus, connected, link } = linked({
    answers: (request) => {
      if (request !== '7df 0100') return [];
      return [++asked < 4 ? '7e8 7F0121' : `7e8 ${BITMAP}`];
    },
  });
  expect(told(await connected())).toEqual([`7e8 ${BITMAP}`]);
  const times = bus.sent.map(({ at }) => at / 1000);
  expect(times.slice(1).every((at, i) => at - (times[i] ?? 0) >= 200)).toBe(true);
  asked = -100;
  await connected();
  expect(bus.requests).toHaveLength(4 + 6);
  expect(link.protocol).toBe('6');
});

test('once all known ECUs have answered nobody is waited for', async () => {
  const { link, connected, take } = linked(
    byRequest({ ...TWO_ECUS, '010D': ['7e8 410D2A', { answer: '7e9 410D2B', afterMs: 15 }] }),
  );
  await connected();
  const { result, ms } = await take(link.request('010D'));
  expect(told(result)).toEqual(['7e8 410D2A', '7e9 410D2B']);
  expect(ms).toBeLessThanOrEqual(20);
  expect(result).toMatchObject({ lines: 2, whole: true });
});

test('a request that only some answer takes P2, or as long as they take where that is known', async () => {
  const { clock, link, connected, take } = linked(
    byRequest({ ...TWO_ECUS, '010C': ['7e8 410C1AF8'] }),
  );
  await connected();
  const slow = await take(link.request('010C'));
  expect(slow.ms).toBeGreaterThanOrEqual(50);
  expect(slow.result).toMatchObject({ lines: 1 });
  await clock.advance(100);
  expect((await take(link.request('010C', undefined, 1))).ms).toBeLessThanOrEqual(10);
});

test('a request that nobody knows is answered by silence', async () => {
  const { link, connected, take } = linked(byRequest(TWO_ECUS));
  await connected();
  const { result, ms } = await take(link.request('0A'));
  expect(result).toEqual({ kind: 'silent' });
  expect(ms).toBeLessThanOrEqual(100);
});

test('long answers of several ECUs are put together side by side, each with its flow control', async () => {
  const vin = '490201314731595932324739363531303433363700';
  const name = '490A0154434D002D5472616E736D697373696F6E436F6E74';
  const { bus, link, connected, take } = linked(
    byRequest({ ...TWO_ECUS, '0902': [`7e8 ${vin}`, `7e9 ${name.replace('0A', '02')}`] }),
  );
  await connected();
  const { result } = await take(link.request('0902'));
  expect(told(result)).toEqual([`7e8 ${vin}`, `7e9 ${name.replace('0A', '02')}`]);
  expect(bus.flows).toEqual(['7e0 300000', '7e1 300000']);
  expect(link.messages).toMatchObject({ received: 4, incomplete: 0 });
});

test('eight ECUs answer at once; a ninth is left out and counted', async () => {
  const ids = Array.from({ length: 9 }, (_, i) => `18daf1${(0x10 + i).toString(16)}`);
  const { link, connected, counters } = linked(
    byRequest({ '18db33f1 0100': ids.map((id) => `${id} ${BITMAP}`) }),
  );
  expect(told(await connected())).toHaveLength(8);
  expect(counters.strangers).toBe(1);
  expect(link.messages.received).toBe(8);
});

test('an ECU that asks for time is waited for, and only it', async () => {
  const { link, connected, take } = linked(
    byRequest({
      ...TWO_ECUS,
      '0906': [
        '7e8 7F0978',
        { answer: '7e8 7F0978', afterMs: 4_000 },
        { answer: '7e8 490601AABBCCDD', afterMs: 6_500 },
      ],
    }),
  );
  await connected();
  const { result, ms } = await take(link.request('0906', 7_000));
  expect(told(result)).toEqual(['7e8 490601AABBCCDD']);
  expect(ms).toBeGreaterThan(6_490);
  // 7E9 has had its 50 ms long ago.
  expect(ms).toBeLessThan(6_600);
});

test('an ECU that asks for time and is not heard of again is told as that', async () => {
  const { link, connected, take } = linked(
    byRequest({ ...TWO_ECUS, '0906': ['7e8 7F0978', '7e9 490601AABBCCDD'] }),
  );
  await connected();
  const { result, ms } = await take(link.request('0906', 7_000));
  expect(told(result)).toEqual(['7e8 7F0978', '7e9 490601AABBCCDD']);
  // P2* is 5 s.
  expect(ms).toBeGreaterThanOrEqual(5_000);
  expect(ms).toBeLessThan(5_050);
});

test('requests wait for their turn', async () => {
  const { bus, link, connected, take } = linked(
    byRequest({ ...TWO_ECUS, '010C': ['7e8 410C1AF8'] }),
    4,
  );
  await connected();
  for (let n = 0; n < 5; n++) await take(link.request('010C', undefined, 1));
  const times = bus.sent.map(({ at }) => at / 1000);
  expect(times.slice(1).map((at, i) => Math.round(at - (times[i] ?? 0)))).toEqual([
    ...new Array(5).fill(250),
  ]);
});

test('one ECU is asked alone, and only its answer counts', async () => {
  const { bus, link, connected, take } = linked(
    byRequest({
      ...TWO_ECUS,
      '7e1 22F190': ['7e8 62F19031', `7e9 62F190${'41'.repeat(17)}`],
    }),
  );
  await connected();
  const { result, ms } = await take(link.askEcu('7e9', '22F190'));
  expect(told(result)).toEqual([`7e9 62F190${'41'.repeat(17)}`]);
  expect(ms).toBeLessThan(20);
  expect(bus.requests.at(-1)).toBe('7e1 22F190');
  expect(bus.flows).toEqual(['7e1 300000']);
});

test('codes are cleared with a permission of the guard, which is gone afterwards', async () => {
  const { bus, guard, link, connected, take } = linked(
    byRequest({ ...TWO_ECUS, '04': ['7e8 7F0478', { answer: '7e8 44', afterMs: 900 }, '7e9 44'] }),
  );
  await connected();
  const { result } = await take(link.clearCodes());
  expect(told(result)).toEqual(['7e9 44', '7e8 44']);
  expect(bus.requests.filter((request) => request === '7df 04')).toHaveLength(1);
  await expect(take(link.request('04'))).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
  expect(guard.health()['refused']).toMatchObject({ clearing: 1 });
});

test.each([
  ['BUS_BAD', 'the bus has errors'],
  ['FULL', 'the bus takes no frames'],
] as const)('a bus that says %s is no bus', async (code, alert) => {
  let refuses = false;
  const { link, connected, take, counters } = linked({
    ...byRequest(TWO_ECUS),
    refuses: () => (refuses ? code : undefined),
  });
  await connected();
  refuses = true;
  expect((await take(link.request('010C'))).result).toEqual({ kind: 'no-bus', alert });
  expect(counters.unsent).toBe(1);
  expect(told((await take(link.connect())).result)).toEqual(['no-bus']);
});

test('a bus in trouble is not asked at all', async () => {
  const { bus, link, connected, take } = linked(byRequest(TWO_ECUS));
  await connected();
  bus.health_ = { ...bus.health_, state: 'off' };
  expect((await take(link.request('010C'))).result).toMatchObject({ kind: 'no-bus' });
  expect(bus.requests).toHaveLength(1);
});

test('a bus that only listens is a matter of the settings, and is told so', async () => {
  const sentence =
    'can0 only listens, so no car can be asked on it; the setting canTransmit allows it';
  const known = linked({ health: { listenOnly: true } });
  await expect(known.link.setUp()).rejects.toThrow(new LinkError('OPEN_FAILED', sentence));
  const unknown = linked({ refuses: () => 'LISTEN_ONLY' });
  await unknown.link.setUp();
  await expect(unknown.take(unknown.link.connect())).rejects.toThrow(sentence);
});

test('a bus that is lost ends what waits, and everything after', async () => {
  const { clock, link, connected, take } = linked(byRequest(TWO_ECUS));
  await connected();
  const lost = new LinkError('LINK_LOST', 'the interface is gone');
  const asked = take(link.request('03'));
  asked.catch(() => {});
  await clock.advance(10);
  link.fail(lost);
  await expect(asked).rejects.toBe(lost);
  await expect(take(link.request('03'))).rejects.toBe(lost);
  await expect(take(link.connect())).rejects.toBe(lost);
  await expect(link.voltage()).rejects.toBe(lost);
  await expect(link.tune()).rejects.toBe(lost);
  expect(clock.sleepers).toBe(0);
});

test('a stop ends what waits', async () => {
  const { clock, link, connected, take, stop } = linked(byRequest(TWO_ECUS));
  await connected();
  const asked = take(link.request('03'));
  asked.catch(() => {});
  await clock.advance(10);
  stop.abort();
  await expect(asked).rejects.toMatchObject({ code: 'NO_ANSWER', message: 'stopped' });
  expect(clock.sleepers).toBe(0);
});

test('the bus stirs when frames come after a silence, once', async () => {
  const { bus, clock, link } = linked({});
  bus.put('123 01');
  expect([link.stirred(), link.stirred()]).toEqual([true, false]);
  await clock.advance(9_000);
  bus.put('123 01');
  expect(link.stirred()).toBe(false);
  await clock.advance(10_000);
  expect(link.stirred()).toBe(false);
  bus.put('123 01');
  expect(link.stirred()).toBe(true);
});

test('a flood of other frames costs next to nothing and changes nothing', async () => {
  const { bus, clock, link, connected, take, counters } = linked(
    byRequest({ ...TWO_ECUS, '010C': [{ answer: '7e8 410C1AF8', afterMs: 40 }] }),
  );
  await connected();
  const asked = take(link.request('010C', undefined, 1));
  for (let n = 0; n < 4_000; n++) {
    bus.put(`${(0x100 + (n % 0x600)).toString(16)} 04 41 0c 00 00`);
    if (n % 100 === 0) await clock.advance(1);
  }
  expect(told((await asked).result)).toEqual(['7e8 410C1AF8']);
  expect(counters.unasked).toBe(0);
});

test('a request that fits no frame is a mistake of whoever asks', async () => {
  const { link, connected } = linked(byRequest(TWO_ECUS));
  await expect(link.request('010C')).rejects.toThrow('request before connect');
  await connected();
  for (const hex of ['', '0', '0102030405060708', 'XY']) {
    await expect(link.request(hex)).rejects.toThrow(RangeError);
  }
  await expect(link.askEcu('123', '22F190')).rejects.toThrow(RangeError);
});
