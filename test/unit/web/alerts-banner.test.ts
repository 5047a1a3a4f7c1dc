import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byUrgency, type Lasting, LastingAlerts, shortName } from '../../../web/alerts-banner.js';
import type { AlertMessage } from '../../../web/link.js';

function lasting(id: string, change: Partial<Lasting> = {}): Lasting {
  const calm = { seen: false, quiet: false, touched: false };
  return { id, name: 'Rule', severity: 'warn', text: '', ...calm, ...change };
}

function message(id: string, change: Partial<AlertMessage> = {}): AlertMessage {
  const rule = { id: 'rule', name: 'Rule' };
  return {
    id,
    state: 'started',
    rule,
    severity: 'warn',
    text: 'text',
    acknowledgedBy: null,
    ...change,
  };
}

/** Alerts with a gateway that answers when it is told to, and the sounds they made. */
function setup() {
  const sounds: string[] = [];
  const asked: { path: string; answer(body: unknown, status?: number): void; fail(): void }[] = [];
  const fetcher = (path: unknown) =>
    new Promise<Response>((resolve, reject) => {
      asked.push({
        path: String(path),
        answer: (body, status = 200) => resolve(Response.json(body, { status })),
        fail: () => reject(new TypeError('no connection')),
      });
    });
  const alerts = new LastingAlerts(
    (severity) => void sounds.push(severity),
    fetcher as typeof fetch,
  );
  return { alerts, sounds, asked };
}

function ids({ alerts }: { alerts: LastingAlerts }): string[] {
  return alerts.all.value.map(({ id }) => id);
}

const api = (id: string) => ({ ...message(id), silencedUntil: null });

test('what calls for somebody comes first, then the worst, then the newest', () => {
  const sorted = [
    lasting('1-10', { severity: 'alarm', seen: true }),
    lasting('1-2', { severity: 'info' }),
    lasting('1-9'),
    lasting('1-10'),
    lasting('1-3', { severity: 'alarm' }),
  ].sort(byUrgency);
  expect(sorted.map(({ id, severity }) => `${id} ${severity}`)).toEqual([
    '1-3 alarm',
    '1-10 warn',
    '1-9 warn',
    '1-2 info',
    '1-10 alarm',
  ]);
});

test('a name is never longer than can be read at a glance', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (name) => {
      const short = shortName(name);
      expect(short.length).toBeLessThanOrEqual(30);
      if (name.length <= 30) expect(short).toBe(name);
    }),
  );
});

test('an alert lasts from its start to its end, and is heard at its start and when it gets worse', () => {
  const { alerts, sounds } = setup();
  alerts.take(message('1-1'));
  alerts.take(message('1-1', { state: 'noted' }));
  alerts.take(message('1-1', { state: 'escalated', severity: 'alarm' }));
  expect(alerts.rings.value).toBe(true);
  alerts.take(message('1-1', { state: 'acknowledged', severity: 'alarm', acknowledgedBy: 'Ana' }));
  expect(alerts.rings.value).toBe(false);
  expect(alerts.all.value).toMatchObject([{ seen: true, severity: 'alarm' }]);
  alerts.take(message('1-1', { state: 'ended' }));
  expect(alerts.all.value).toEqual([]);
  expect(sounds).toEqual(['warn', 'alarm']);
});

test('a remark on an alert that is over does not bring it back', () => {
  const { alerts } = setup();
  alerts.take(message('1-1', { state: 'noted' }));
  alerts.take(message('1-1', { state: 'acknowledged', acknowledgedBy: 'Ana' }));
  expect(alerts.all.value).toEqual([]);
});

test('messages are newer than an answer that was on its way', async () => {
  const { alerts, asked, sounds } = setup();
  alerts.take(message('1-1'));
  const done = alerts.ask();
  alerts.take(message('1-2', { state: 'ended' }));
  alerts.take(message('1-3'));
  asked[0]?.answer({ items: [api('1-2'), api('1-4')] });
  await done;
  expect(ids({ alerts })).toEqual(['1-4', '1-3']);
  expect(sounds).toEqual(['warn', 'warn', 'warn']);
});

test('an answer that was on its way when somebody acknowledged does not take it back', async () => {
  const { alerts, asked, sounds } = setup();
  alerts.take(message('1-1', { severity: 'alarm' }));
  const done = alerts.ask();
  const acknowledged = alerts.acknowledge('1-1');
  asked[1]?.answer({});
  await acknowledged;
  asked[0]?.answer({ items: [{ ...api('1-1'), severity: 'alarm' }] });
  await done;
  expect(alerts.all.value).toMatchObject([{ seen: true, touched: false }]);
  expect(sounds).toEqual(['alarm']);
});

test('what was touched stays quiet, also where the gateway has not heard of it yet', async () => {
  const { alerts, asked } = setup();
  alerts.take(message('1-1', { severity: 'warn' }));
  void alerts.acknowledge('1-1');
  const tell = async (severity: 'warn' | 'alarm') => {
    const done = alerts.ask();
    asked.at(-1)?.answer({ items: [{ ...api('1-1'), severity }] });
    await done;
  };
  await tell('warn');
  expect(alerts.all.value).toMatchObject([{ seen: false, touched: true }]);
  await tell('alarm');
  expect(alerts.all.value).toMatchObject([{ seen: false, touched: false }]);
  expect(alerts.rings.value).toBe(true);
});

test('only the newest question counts', async () => {
  const { alerts, asked } = setup();
  const both = [alerts.ask(), alerts.ask()];
  asked[1]?.answer({ items: [api('1-2')] });
  asked[0]?.answer({ items: [api('1-1')] });
  await Promise.all(both);
  expect(ids({ alerts })).toEqual(['1-2']);
});

test('without an answer what was known stays, and it is asked for again', async () => {
  const { alerts, asked } = setup();
  alerts.take(message('1-1'));
  const first = alerts.ask();
  asked[0]?.fail();
  await first;
  expect(ids({ alerts })).toEqual(['1-1']);
  const again = alerts.refresh();
  asked[1]?.answer({ items: [] });
  await again;
  expect(alerts.all.value).toEqual([]);
  await alerts.refresh();
  expect(asked).toHaveLength(2);
});

test('an alarm is quiet as soon as somebody has touched the button, and told when nobody hears of it', async () => {
  const { alerts, asked } = setup();
  alerts.take(message('1-1', { severity: 'alarm' }));
  const done = alerts.acknowledge('1-1');
  expect(alerts.rings.value).toBe(false);
  expect(asked[0]?.path).toBe('/api/v1/alerts/history/1-1/ack');
  asked[0]?.fail();
  await done;
  expect(alerts.failure.value).toBe('Quiet here, but not acknowledged. Try again.');
  expect(alerts.all.value[0]?.seen).toBe(false);
  const again = alerts.acknowledge('1-1');
  asked[1]?.answer({});
  await again;
  expect(alerts.failure.value).toBe('');
  expect(alerts.all.value[0]?.seen).toBe(true);
});

const worse = message('1-1', { state: 'escalated', severity: 'alarm' });

test('what was acknowledged is heard again when it gets worse', async () => {
  const { alerts, asked, sounds } = setup();
  alerts.take(message('1-1'));
  const done = alerts.acknowledge('1-1');
  alerts.take(message('1-1', { state: 'acknowledged', acknowledgedBy: 'Ana' }));
  asked[0]?.answer({});
  await done;
  alerts.take(worse);
  expect(alerts.rings.value).toBe(true);
  expect(sounds).toEqual(['warn', 'alarm']);
});

test.each([200, 500])(
  'what gets worse while its acknowledgement is on its way is heard and not seen, answered by %i',
  async (status) => {
    const { alerts, asked, sounds } = setup();
    alerts.take(message('1-1'));
    const done = alerts.acknowledge('1-1');
    alerts.take(worse);
    expect(alerts.rings.value).toBe(true);
    asked[0]?.answer({}, status);
    await done;
    expect(alerts.rings.value).toBe(true);
    expect(sounds).toEqual(['warn', 'alarm']);
    expect(alerts.failure.value).toBe('');
  },
);

test('what is quiet here but not acknowledged is heard when it gets worse', async () => {
  const { alerts, asked, sounds } = setup();
  alerts.take(message('1-1'));
  const done = alerts.acknowledge('1-1');
  asked[0]?.fail();
  await done;
  alerts.take(message('1-1', { state: 'noted' }));
  expect(alerts.failure.value).toMatch(/^Quiet here/);
  expect(sounds).toEqual(['warn']);
  alerts.take(worse);
  expect(alerts.failure.value).toBe('');
  expect(alerts.rings.value).toBe(true);
  expect(sounds).toEqual(['warn', 'alarm']);
});

test('what is silenced stays quiet when it gets worse, acknowledged or not', async () => {
  const { alerts, asked, sounds } = setup();
  alerts.take(message('1-1', { state: 'silenced' }));
  const done = alerts.acknowledge('1-1');
  asked[0]?.answer({});
  await done;
  alerts.take(worse);
  expect(alerts.rings.value).toBe(false);
  expect(sounds).toEqual([]);
});

test('what is silenced is quiet until its time has come', async () => {
  const { alerts, asked } = setup();
  alerts.take(message('1-1', { severity: 'alarm' }));
  alerts.take(message('1-1', { severity: 'alarm', state: 'silenced' }));
  expect(alerts.rings.value).toBe(false);
  for (const [i, year] of [2999, 2001].entries()) {
    const asking = alerts.refresh();
    const alarm = { ...api('1-1'), severity: 'alarm', silencedUntil: `${year}-01-01T00:00:00Z` };
    if (i === 0) asked[0]?.answer({ items: [alarm] });
    else asked[1]?.answer({ items: [alarm] });
    await asking;
    expect(alerts.rings.value).toBe(year === 2001);
  }
});

test('any order of messages and answers leaves the alerts that have not ended', () => {
  const states = ['started', 'escalated', 'acknowledged', 'silenced', 'noted', 'ended'] as const;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(...states))),
      (told) => {
        const { alerts } = setup();
        const on = new Set<string>();
        for (const [n, state] of told) {
          const id = `1-${n}`;
          alerts.take(message(id, { state }));
          if (state === 'ended') on.delete(id);
          else if (on.has(id) || !['acknowledged', 'noted'].includes(state)) on.add(id);
        }
        expect(ids({ alerts }).sort()).toEqual([...on].sort());
      },
    ),
  );
});
