import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinkError } from '#core/errors.ts';
import { Elm327 } from '../../../../../src/sources/obd/elm/elm327.ts';
import { FakeClock, settle } from '../../../../support/fake-clock.ts';
import { finish } from '../../../../support/finish.ts';
import {
  type AdapterScript,
  lines,
  mutePort,
  type Reply,
  ScriptedAdapter,
} from '../../../../support/scripted-adapter.ts';

const TIMEOUT_MS = 1_000;
const PENDING = Symbol('pending');

/** A dialogue with a scripted adapter that, unless told otherwise, works on and never answers. */
function open(script: Partial<Omit<AdapterScript, 'clock'>> = {}) {
  const clock = new FakeClock();
  const adapter = new ScriptedAdapter({ clock, reply: () => undefined, ...script });
  const elm = new Elm327(adapter.port, clock);
  const listening = elm.listen();
  const stop = new AbortController();
  const ask = (command: string, timeoutMs = TIMEOUT_MS) => elm.ask(command, timeoutMs, stop.signal);
  return { clock, adapter, elm, listening, stop, ask };
}

/** What a plug that is not an adapter does. */
const DEAD: Partial<AdapterScript> = { interruptible: false };

/** The state of a promise once everything that can run has run. */
async function outcomeOf<T>(promise: Promise<T>): Promise<T | typeof PENDING> {
  await settle();
  return Promise.race([promise, Promise.resolve(PENDING)] as const);
}

/** An adapter in good order: the harmless command and AT commands at once, requests by `request`. */
function replies(request: (command: string) => string | Reply | undefined): AdapterScript['reply'] {
  return (command) => {
    if (/^0[19A-F]/.test(command)) return request(command);
    return lines(command.startsWith('AT') && command !== 'AT' ? 'OK' : '?');
  };
}

const LINE = '7E8064100BE3FA813';

describe('an answer', () => {
  test('is what stands between the command and the prompt', async () => {
    const { ask, adapter } = open({ reply: () => lines('SEARCHING...', LINE) });
    expect(await ask('0100')).toEqual({
      data: [LINE],
      alerts: ['searching'],
      text: `SEARCHING... ${LINE}`,
      garbage: 0,
    });
    expect(adapter.commands).toEqual(['0100']);
  });

  test('may come in any chunks', async () => {
    const bytes = Buffer.from(lines('0100', 'SEARCHING...', LINE, LINE), 'latin1');
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(cuts, async (list) => {
        const { ask, adapter } = open();
        const answer = ask('0100');
        const ends = [...list.toSorted((a, b) => a - b), bytes.length];
        for (const [i, end] of ends.entries()) {
          adapter.say(bytes.subarray(ends[i - 1] ?? 0, end));
          await settle();
        }
        expect((await answer)?.data).toEqual([LINE, LINE]);
      }),
      { numRuns: 50 },
    );
  });

  test('comes without NUL and 0xFC, which are counted', async () => {
    const { ask, adapter, elm } = open();
    const answer = ask('0100');
    adapter.say(Uint8Array.of(0xfc, 0, 0x37, 0, 0x45, 0x38, 0, 0xfc));
    adapter.say(lines(LINE.slice(3)));
    expect((await answer)?.data).toEqual([LINE]);
    expect(elm.counters.strayBytes).toBe(5);
  });

  test('loses a line with a damaged character, and no other', async () => {
    const { ask, adapter, elm } = open();
    const answer = ask('0100');
    adapter.say(Buffer.from(lines(LINE, LINE.replace('E', '\xc5'), LINE), 'latin1'));
    expect((await answer)?.data).toEqual([LINE, LINE]);
    expect(elm.counters).toMatchObject({ strayBytes: 1, garbageLines: 1 });
  });

  test('is timed from the command over its last character to the prompt', async () => {
    const { ask, adapter, elm, clock } = open();
    await clock.advance(5);
    const answer = ask('010C');
    await clock.advance(30);
    adapter.say('7E8');
    await clock.advance(10);
    adapter.say('04410C1AF8\r');
    await clock.advance(10);
    adapter.say('\r>');
    await answer;
    expect(elm.times).toEqual({ sent: 5_000, last: 45_000, prompt: 55_000 });
  });

  test('in words counts as garbage only where data was expected', async () => {
    const { ask, elm } = open({ reply: () => lines('12.4V') });
    await ask('ATRV');
    expect(elm.counters.garbageLines).toBe(0);
    await ask('0100');
    expect(elm.counters.garbageLines).toBe(1);
  });
});

describe('a prompt', () => {
  test('that comes twice belongs to one answer', async () => {
    const { ask, elm } = open({ reply: (command) => `${lines(`7E80341${command.slice(2)}00`)}>` });
    expect((await ask('010C'))?.data).toEqual(['7E803410C00']);
    await settle();
    expect((await ask('010D'))?.data).toEqual(['7E803410D00']);
    expect(elm.counters.strayPrompts).toBeGreaterThan(0);
  });

  test('with nothing before it is no answer', async () => {
    const { ask, adapter, elm } = open();
    const answer = ask('010C');
    adapter.say('\r\r>');
    expect(await outcomeOf(answer)).toBe(PENDING);
    adapter.say(lines('7E804410C1AF8'));
    expect((await answer)?.data).toEqual(['7E804410C1AF8']);
    expect(elm.counters.strayPrompts).toBe(1);
  });

  test('is waited for before the next command goes out', async () => {
    const { ask, adapter } = open();
    const answer = ask('010C');
    adapter.say(`${LINE}\r`);
    expect(await outcomeOf(answer)).toBe(PENDING);
    expect(adapter.commands).toEqual(['010C']);
  });

  test('that does not come ends the wait, and the dialogue is in step again', async () => {
    const { ask, adapter, elm, clock } = open({
      reply: replies((command) => (command === '010C' ? undefined : lines('7E803410D20'))),
    });
    expect(await finish(clock, ask('010C'))).toBeUndefined();
    expect(elm.counters).toMatchObject({ timeouts: 1, resyncs: 1 });
    expect((await finish(clock, ask('010D')))?.data).toEqual(['7E803410D20']);
    expect(adapter.premature).toEqual([]);
  });

  test('that never comes again is a lost link, which says what was seen', async () => {
    const silent = open(DEAD);
    await expect(finish(silent.clock, silent.ask('ATZ'))).rejects.toThrow(/is it powered/);
    const { adapter, clock, ask } = open(DEAD);
    const answer = ask('ATZ');
    adapter.say('hello');
    const message = expect.stringContaining('5 bytes');
    await expect(finish(clock, answer)).rejects.toMatchObject({ code: 'NO_ANSWER', message });
  });
});

describe('an answer that comes late', () => {
  test('does not leak into the next one', async () => {
    const { ask, adapter, clock } = open({ reply: replies(() => lines(LINE)) });
    await ask('0100');
    adapter.say('7E803410D20\r');
    await settle();
    expect((await ask('0100'))?.data).toEqual([LINE]);
    adapter.say(lines('7E803410D20'));
    await clock.advance(10);
    expect((await ask('0100'))?.data).toEqual([LINE]);
  });

  test('while the dialogue is brought back into step is not taken for it', async () => {
    // The late answer crosses the harmless command on a slow link.
    const { ask, clock } = open({
      latencyMs: 50,
      interruptible: false,
      reply: replies((command) => ({
        text: lines(`7E80341${command.slice(2)}20`),
        afterMs: command === '010C' ? 920 : 20,
      })),
    });
    expect(await finish(clock, ask('010C'))).toBeUndefined();
    for (const pid of ['0D', '0F', '11']) {
      expect((await finish(clock, ask(`01${pid}`)))?.data).toEqual([`7E80341${pid}20`]);
    }
  });

  test('after a prompt that was line noise is cleared away at the first STOPPED', async () => {
    const { ask, adapter, elm, clock } = open({
      reply: replies((command) => ({ text: lines(`7E80341${command.slice(2)}20`), afterMs: 30 })),
    });
    const cut = ask('010C');
    adapter.say('7E>');
    expect((await cut)?.data).toEqual(['7E']);
    expect((await finish(clock, ask('010D')))?.alerts).toContain('stopped');
    for (const pid of ['0F', '11', '05']) {
      expect((await finish(clock, ask(`01${pid}`)))?.data).toEqual([`7E80341${pid}20`]);
    }
    expect(elm.counters.resyncs).toBe(1);
  });
});

describe('an adapter that starts anew', () => {
  test.each(['\r\rELM327 v1.5\r\r>', 'LV RESET\r\r>', 'ELM327 v2.1'])(
    'between commands is noticed, once: %j',
    async (text) => {
      const { ask, adapter, elm } = open({ reply: () => lines('OK') });
      adapter.say(text.slice(0, 4));
      await settle();
      adapter.say(text.slice(4));
      await settle();
      await ask('ATE0');
      expect([elm.takeRestarted(), elm.takeRestarted()]).toEqual([true, false]);
    },
  );

  test('while the dialogue is brought back into step is noticed', async () => {
    const { ask, adapter, elm, clock } = open(DEAD);
    const answer = ask('010C');
    await clock.advance(TIMEOUT_MS + 100);
    adapter.say(lines('ELM327 v1.5'));
    expect(await finish(clock, answer)).toBeUndefined();
    expect(elm.takeRestarted()).toBe(true);
  });

  test('is told from one that answers', async () => {
    const { ask, elm } = open({ reply: () => lines('OK') });
    await ask('ATE0');
    expect(elm.takeRestarted()).toBe(false);
  });
});

describe('a command', () => {
  test.each(['', ' ', '   ', '010C\r', '\r', '010C\r04', '01\n0C', '\t', 'AT\0', 'é', ' 0100'])(
    'that could be an empty line or two commands is refused: %j',
    async (command) => {
      const { ask, adapter } = open();
      await expect(ask(command)).rejects.toThrow(RangeError);
      expect(adapter.commands).toEqual([]);
    },
  );

  test('goes out as it is, with a carriage return', async () => {
    const written: (string | Uint8Array)[] = [];
    const { clock, stop } = open();
    const port = mutePort(async (bytes) => void written.push(bytes));
    const answer = new Elm327(port, clock).ask('AT TP 6', TIMEOUT_MS, stop.signal);
    stop.abort();
    await expect(answer).rejects.toThrow(LinkError);
    expect(written).toEqual(['AT TP 6\r']);
  });
});

describe('a link that ends', () => {
  test('rejects the pending command and all later ones', async () => {
    const { ask, adapter, listening, clock } = open();
    const answer = ask('010C');
    adapter.hangUp();
    await expect(answer).rejects.toMatchObject({ code: 'LINK_LOST' });
    await expect(ask('010D')).rejects.toMatchObject({ code: 'LINK_LOST' });
    await expect(listening).resolves.toBeUndefined();
    expect(clock.sleepers).toBe(0);
  });

  test('passes on why', async () => {
    const { ask, adapter } = open();
    const answer = ask('010C');
    adapter.hangUp(new LinkError('LINK_LOST', 'unplugged'));
    await expect(answer).rejects.toThrow('unplugged');
  });

  test('while the dialogue is brought back into step ends that', async () => {
    const { ask, adapter, clock } = open(DEAD);
    const rejected = expect(ask('010C')).rejects.toMatchObject({ code: 'LINK_LOST' });
    await clock.advance(TIMEOUT_MS + 100);
    adapter.hangUp();
    await rejected;
  });

  test('on purpose rejects the pending command, and leaves no timer', async () => {
    const { ask, stop, clock } = open();
    const answer = ask('010C');
    stop.abort();
    await expect(answer).rejects.toThrow(LinkError);
    await expect(ask('010D')).rejects.toThrow(LinkError);
    expect(clock.sleepers).toBe(0);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  });
});

describe('waking', () => {
  test('finds an adapter, also at the second try', async () => {
    const awake = open({ reply: () => lines('?') });
    expect(await finish(awake.clock, awake.elm.wake(awake.stop.signal))).toBe(true);
    let tries = 0;
    const { clock, elm, stop } = open({
      reply: () => (++tries === 1 ? undefined : lines('?')),
    });
    expect(await finish(clock, elm.wake(stop.signal))).toBe(true);
  });

  test('finds nothing where nothing answers', async () => {
    const { clock, elm, stop } = open(DEAD);
    expect(await finish(clock, elm.wake(stop.signal))).toBe(false);
  });

  test('finds nothing where something sends without end', async () => {
    const { clock, elm, stop, adapter } = open();
    const awake = elm.wake(stop.signal);
    void (async () => {
      for (let i = 0; i < 1_000; i++) {
        adapter.say('$GPGGA,>');
        await clock.sleep(20);
      }
    })();
    expect(await finish(clock, awake)).toBe(false);
  });
});

test('a write that never ends does not hold up the timeout', async () => {
  const { clock, stop } = open();
  const port = mutePort(() => new Promise(() => {}));
  const elm = new Elm327(port, clock);
  const answer = finish(clock, elm.ask('ATZ', TIMEOUT_MS, stop.signal));
  await expect(answer).rejects.toMatchObject({ code: 'NO_ANSWER' });
  expect(elm.counters.timeouts).toBe(1);
});

test('noise without a prompt takes no more memory than one answer', async () => {
  const { ask, adapter, elm } = open();
  const answer = ask('0100');
  const noise = Buffer.alloc(8_192, '7E806 ');
  for (let i = 0; i < 200; i++) {
    adapter.say(noise);
    if (i % 10 === 0) await settle();
  }
  await settle();
  adapter.say(lines('', LINE));
  expect((await answer)?.text.length).toBeLessThan(2 * 32_768);
  expect(elm.counters.garbageLines).toBeGreaterThan(20);
});

test('ten thousand commands leave no listener and no timer behind', async () => {
  const { ask, stop, clock, elm } = open({ reply: () => lines('7E804410C1AF8') });
  for (let i = 0; i < 10_000; i++) await ask('010C');
  expect(elm.counters.commands).toBe(10_000);
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  expect(clock.sleepers).toBe(0);
});

test('no dialogue ever sends an empty line, interrupts a command, or mixes answers up', async () => {
  const reply = fc.oneof(
    fc.record({
      afterMs: fc.integer({ min: 1, max: 600 }),
      before: fc.constantFrom('', '>', '\0\xfc', '\r', '\x15'),
      after: fc.constantFrom('', '>', '\r\n', '\0'),
    }),
    fc.constant(undefined),
  );
  const behaviour = fc.record({
    replies: fc.array(reply, { minLength: 1, maxLength: 25 }),
    latencyMs: fc.constantFrom(0, 5, 50),
    interruptible: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(behaviour, async ({ replies: script, latencyMs, interruptible }) => {
      let n = 0;
      const { ask, adapter, clock } = open({
        latencyMs,
        interruptible,
        reply: replies((command) => {
          const next = script[n++ % script.length];
          // Only what can be interrupted may hang: the other kind would be dead.
          if (next === undefined) return interruptible ? undefined : lines('NO DATA');
          const { before, after, afterMs } = next;
          return { text: `${before}${lines(`7E80341${command.slice(2)}20`)}${after}`, afterMs };
        }),
      });
      for (let i = 0; i < 25; i++) {
        const pid = (0x10 + i).toString(16).toUpperCase();
        const answer = await finish(clock, ask(`01${pid}`, 300));
        for (const line of answer?.data ?? []) expect(line).toBe(`7E80341${pid}20`);
      }
      expect(adapter.emptyLines).toBe(0);
      expect(adapter.premature).toEqual([]);
    }),
    { numRuns: 15 },
  );
});
