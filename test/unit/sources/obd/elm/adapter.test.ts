import { describe, expect, test } from 'vitest';
import { Adapter, AdapterRestarted } from '../../../../../src/sources/obd/elm/adapter.ts';
import type { Alert } from '../../../../../src/sources/obd/elm/elm-text.ts';
import { Elm327 } from '../../../../../src/sources/obd/elm/elm327.ts';
import { Timing } from '../../../../../src/sources/obd/elm/timing.ts';
import { FakeClock, settle } from '../../../../support/fake-clock.ts';
import { finish } from '../../../../support/finish.ts';
import { lines, type Reply, ScriptedAdapter } from '../../../../support/scripted-adapter.ts';

/** Answers by command; several are given in turn, the last for ever. `null` never ends. */
type Script = Readonly<Record<string, string | readonly string[] | Reply | null>>;

const LINE = '7E8064100BE3FA813';

/** A good adapter on a car with one ECU on CAN. */
const GOOD: Script = {
  AT: lines('?'),
  ATZ: lines('', 'ELM327 v2.1'),
  STI: lines('?'),
  ATRV: lines('12.4V'),
  ATDPN: lines('A6'),
  '0100': lines('SEARCHING...', LINE),
  '010C': lines('7E804410C1AF8000000'),
};

/** What most cheap adapters are: any version in the banner, the commands of v1.0. */
const CLONE: Script = { ATAT1: lines('?'), ATS0: lines('?'), ATAL: lines('?') };

function plug(script: Script = {}) {
  const answers: Script = { ...GOOD, ...script };
  const turns = new Map<string, number>();
  const clock = new FakeClock();
  const elm = new ScriptedAdapter({
    clock,
    reply: (command) => {
      const answer = answers[command];
      if (answer === null) return undefined;
      if (typeof answer === 'string' || (answer && 'text' in answer)) return answer;
      if (answer === undefined) return lines(command.startsWith('AT') ? 'OK' : 'NO DATA');
      const turn = turns.get(command) ?? 0;
      turns.set(command, turn + 1);
      return answer[Math.min(turn, answer.length - 1)];
    },
  });
  const dialogue = new Elm327(elm.port, clock);
  void dialogue.listen();
  const adapter = new Adapter(dialogue, new AbortController().signal, new Timing());
  const times = (command: string): number => elm.commands.filter((sent) => sent === command).length;
  return {
    adapter,
    elm,
    clock,
    times,
    setUp: () => finish(clock, adapter.setUp()),
    connect: (protocol?: string) => finish(clock, adapter.connect(protocol)),
    request: (hex: string, frames?: number) =>
      finish(clock, adapter.request(hex, undefined, frames)),
  };
}

/** An adapter that has found its car. */
async function connected(script: Script = {}) {
  const all = plug(script);
  await all.setUp();
  await all.connect();
  return all;
}

describe('set-up', () => {
  test('of a genuine adapter finds everything', async () => {
    const { adapter, setUp, elm } = plug();
    await setUp();
    expect(adapter.banner).toBe('ELM327 v2.1');
    expect(adapter.features).toEqual({
      adaptiveTiming: true,
      spacesOff: true,
      longMessages: true,
      stn: undefined,
    });
    expect(elm.commands[0]).toBe('ATZ');
    expect(elm.commands).toContain('ATH1');
  });

  test('of a clone goes by what it does and not by what it says', async () => {
    const { adapter, setUp } = plug(CLONE);
    await setUp();
    expect(adapter.banner).toBe('ELM327 v2.1');
    expect(adapter.features).toMatchObject({
      adaptiveTiming: false,
      spacesOff: false,
      longMessages: false,
    });
  });

  test('of an STN adapter knows the chip', async () => {
    const { adapter, setUp } = plug({ ATZ: lines('ELM327 v1.4b'), STI: lines('STN2100 v5.6.19') });
    await setUp();
    expect(adapter.banner).toBe('ELM327 v1.4b');
    expect(adapter.features?.stn).toBe('STN2100 v5.6.19');
  });

  test('copes with an echo, and with a banner among noise', async () => {
    const { adapter, setUp } = plug({
      ATZ: 'ATZ\r\r\0\xfc\rELM327 v1.5\r\r>',
      ATE0: 'ATE0\rOK\r\r>',
    });
    await setUp();
    expect(adapter.banner).toBe('ELM327 v1.5');
    expect(adapter.features?.adaptiveTiming).toBe(true);
  });

  test('asks again when the line slipped once', async () => {
    const { setUp, times } = plug({ ATH1: [lines('?'), lines('OK')] });
    await setUp();
    expect(times('ATH1')).toBe(2);
  });

  test('is refused to an adapter that cannot show headers, by its name', async () => {
    const { setUp, times } = plug({ ATH1: lines('?') });
    await expect(setUp()).rejects.toMatchObject({
      name: 'LinkError',
      code: 'BAD_ANSWER',
      message: 'ELM327 v2.1: does not show headers (ATH1)',
    });
    expect(times('ATH1')).toBe(3);
  });

  test('goes on where ATZ is not answered at all', async () => {
    const { adapter, setUp } = plug({ ATZ: null });
    await setUp();
    expect(adapter.banner).toBe('');
    expect(adapter.features?.spacesOff).toBe(true);
  });
});

describe('the voltage at the plug', () => {
  test.each([
    ['12.4V', 12.4],
    ['12.4', 12.4],
    ['0.0V', 0],
    ['?', undefined],
    ['OK', undefined],
    ['1x.4V', undefined],
  ])('is read from "%s"', async (text, volts) => {
    const { adapter, setUp, clock } = plug({ ATRV: lines(text) });
    await setUp();
    expect(await finish(clock, adapter.voltage())).toBe(volts);
  });
});

describe('an adapter that starts anew by itself', () => {
  test.each(['LV RESET', 'ELM327 v1.5', 'ERR94', '7E8 04 41 0C 1A LV RESET'])(
    'in an answer has to be set up again: "%s"',
    async (text) => {
      const { request } = await connected({ '010C': [lines(text), lines('7E804410C1AF8')] });
      await expect(request('010C')).rejects.toThrow(AdapterRestarted);
      expect(await request('010C')).toMatchObject({ kind: 'answered' });
    },
  );

  test('between two answers has to be set up again', async () => {
    const { request, elm } = await connected();
    elm.say('\r\rELM327 v2.1\r\r>');
    await settle();
    await expect(request('010C')).rejects.toThrow(AdapterRestarted);
    expect(await request('010C')).toMatchObject({ kind: 'answered' });
  });

  test('while it is set up is noticed too', async () => {
    const { setUp } = plug({ ATH1: lines('LV RESET') });
    await expect(setUp()).rejects.toThrow(AdapterRestarted);
  });

  test('on demand is not one', async () => {
    const { setUp } = plug({ ATZ: lines('LV RESET', 'ELM327 v2.1') });
    await expect(setUp()).resolves.toBeUndefined();
  });

  test('before it is set up is no news', async () => {
    const { setUp, elm } = plug();
    elm.say(lines('ELM327 v2.1'));
    await settle();
    await expect(setUp()).resolves.toBeUndefined();
  });
});

describe('connecting', () => {
  test('finds the protocol by itself, without writing the adapter’s memory', async () => {
    const { adapter, setUp, connect, elm } = plug();
    await setUp();
    const found = await connect();
    expect(found).toMatchObject({ kind: 'answered', lines: 1, whole: true });
    expect([adapter.protocol, adapter.bus]).toEqual(['6', 'can11']);
    expect(elm.commands).toContain('ATTP0');
    expect(elm.commands.filter((command) => command.startsWith('ATSP'))).toEqual([]);
  });

  test('tries the protocol that worked last alone', async () => {
    const { setUp, connect, elm } = plug({ ATDPN: lines('7'), '0100': lines('18DAF11003410D20') });
    await setUp();
    expect(await connect('7')).toMatchObject({ kind: 'answered' });
    expect(elm.commands).toContain('ATTP7');
    expect(elm.commands).not.toContain('ATTP0');
  });

  test.each([
    ['can11', LINE],
    ['can11', '7E8 06 41 00 BE 3F A8 13 00'],
    ['can29', '18DAF110064100BE3FA81300'],
    ['j1850', '486B104100BE3EB811FA'],
    ['iso9141', '486B104100BE3EB811C9'],
    ['kwp', '86F1104100BF9FF991B0'],
  ])('guesses %s from the lines where ATDPN is not known', async (bus, line) => {
    const { adapter, connect } = plug({ ATDPN: lines('?'), '0100': lines(line) });
    expect(await connect()).toMatchObject({ kind: 'answered' });
    expect([adapter.bus, adapter.protocol]).toEqual([bus, undefined]);
  });

  test.each([
    [{ ATDPN: lines('A') }, 'protocol A'],
    [{ ATDPN: lines('?'), '0100': lines('4100BE3FA813') }, '4100BE3FA813'],
  ])('to a bus without OBD-II is no bus, and says what was found', async (script, seen) => {
    const { connect, adapter } = plug(script);
    expect(await connect()).toMatchObject({ kind: 'no-bus' });
    expect(adapter.foreign).toContain(seen);
  });

  test('to a sleeping car is no bus', async () => {
    const { connect, adapter } = plug({ '0100': lines('SEARCHING...', 'UNABLE TO CONNECT') });
    expect(await connect()).toEqual({ kind: 'no-bus', alert: 'unable-to-connect' });
    expect(adapter.bus).toBeUndefined();
  });

  test('may take long', async () => {
    const { connect } = plug({
      '0100': { text: lines('SEARCHING...', LINE), afterMs: 15_000 },
    });
    expect(await connect()).toMatchObject({ kind: 'answered' });
  });

  test('that never ends is a disturbance', async () => {
    const { connect } = plug({ '0100': null });
    expect(await connect()).toEqual({ kind: 'disturbed', alert: 'timeout' });
  });
});

describe('a request', () => {
  test('brings the messages of every ECU, and how many lines they took', async () => {
    const { request } = await connected({
      '010C': lines('7E804410C1AF8000000', '7E904410C0000000000'),
    });
    const outcome = await request('010C');
    expect(outcome).toMatchObject({ kind: 'answered', lines: 2, whole: true });
    const ecus = outcome.kind === 'answered' ? outcome.responses.map(({ ecu }) => ecu) : [];
    expect(ecus).toEqual(['7e8', '7e9']);
  });

  test('tells the adapter how many lines to wait for, as one digit', async () => {
    const { request, elm } = await connected();
    await request('010C', 1);
    await request('010C', 15);
    expect(elm.commands.slice(-2)).toEqual(['010C1', '010CF']);
  });

  test('that nobody knows is silent', async () => {
    const { request } = await connected();
    expect(await request('01FF')).toEqual({ kind: 'silent' });
  });

  test.each<[string, Alert]>([
    ['UNABLE TO CONNECT', 'unable-to-connect'],
    ['BUS INIT: ...ERROR', 'bus-init-error'],
    ['CAN ERROR', 'can-error'],
    ['BUS ERROR', 'bus-error'],
    ['BUS BUSY', 'bus-busy'],
    ['FB ERROR', 'feedback-error'],
  ])('without a bus says so: %s', async (text, alert) => {
    const { request } = await connected({ '010C': lines(text) });
    expect(await request('010C')).toEqual({ kind: 'no-bus', alert });
  });
});

describe('a request without a good answer', () => {
  test.each<[string, Alert | 'garbage']>([
    ['STOPPED', 'stopped'],
    ['BUFFER FULL', 'buffer-full'],
    ['7E8 04 41 0C 1A <RX ERROR', 'rx-error'],
    ['7E8 04 41 0C <DATA ERROR', 'data-error'],
    ['OUT OF MEMORY', 'out-of-memory'],
    ['FC RX TIMEOUT', 'flow-control-timeout'],
    ['?', 'unknown'],
    ['7E8 04 41 0C', 'garbage'],
    ['7E8 10 14 49 02 01 31 44 34 BUFFER FULL', 'buffer-full'],
    ['OK', 'garbage'],
    ['hello', 'garbage'],
  ])('says what disturbed it: %s', async (text, alert) => {
    const { request } = await connected({ '010C': lines(text) });
    expect(await request('010C')).toEqual({ kind: 'disturbed', alert });
  });

  test('in time is disturbed, and the next one is answered', async () => {
    const { request } = await connected({ '010D': null });
    expect(await request('010D')).toEqual({ kind: 'disturbed', alert: 'timeout' });
    expect(await request('010C')).toMatchObject({ kind: 'answered' });
  });

  test.each([
    ['a full buffer', ['7E804410C1AF8000000', '7E910144902 BUFFER FULL']],
    ['a damaged line', ['7E804410C1AF8000000', '7E904410Z0000000000']],
    ['a wrong length', ['7E804410C1AF8000000', '7E9044100']],
    ['a message without an end', ['7E804410C1AF8000000', '7E91014490201314434']],
    ['a spoiled line', ['7E804410C1AF8000000', '7E904410C0000 <DATA ERROR']],
  ])('but a part of one, for %s, keeps that part and says so', async (_, text) => {
    const { request } = await connected({ '010C': lines(...text) });
    const outcome = await request('010C');
    expect(outcome).toMatchObject({ kind: 'answered', whole: false });
    expect(outcome.kind === 'answered' && outcome.responses).toHaveLength(1);
  });

  test('counts what it had to drop', async () => {
    const { request, adapter } = await connected({
      '010C': lines('7E8044100', '7DF020100', '7E91014490201314434', '7E804410C1AF8000000'),
    });
    await request('010C');
    expect(adapter.counters).toEqual({ badLines: 1, incomplete: 2 });
  });

  test('before the car was found is a bug', async () => {
    const { request } = plug();
    await expect(request('010C')).rejects.toThrow('request before connect');
  });
});

describe('the wait for more answers', () => {
  async function asked(script: Script, requests: number) {
    const all = await connected({
      ...script,
      '010C': { text: lines('7E804410C1AF8000000'), afterMs: 30 },
    });
    for (let i = 0; i < requests; i++) await all.request('010C');
    const tuned = async () => {
      const before = all.elm.commands.length;
      await finish(all.clock, all.adapter.tune());
      return all.elm.commands.slice(before);
    };
    return { ...all, tuned };
  }

  test('is shortened once, after fifty requests, on an adapter that does not adapt', async () => {
    const { request, tuned } = await asked(CLONE, 49);
    expect(await tuned()).toEqual([]);
    await request('010C');
    // Twice 30 ms, in steps of 4 ms.
    expect(await tuned()).toEqual(['ATST0F']);
    expect(await tuned()).toEqual([]);
  });

  test('is left to an adapter that adapts', async () => {
    const { tuned } = await asked({}, 60);
    expect(await tuned()).toEqual([]);
  });
});
