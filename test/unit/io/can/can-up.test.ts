import { beforeEach, expect, test } from 'vitest';
import { ConfigError, LinkError } from '#core/errors.ts';
import { canUp, parseArguments } from '../../../../src/can-up.ts';
import type { OpenCanBus } from '../../../../src/io/can/bus.ts';
import { MemoryCan } from '../../../../src/io/can/memory-can.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const CONTROLLER = JSON.stringify([{ ifname: 'can0', linkinfo: { info_kind: 'can' } }]);
const VIRTUAL = JSON.stringify([{ ifname: 'vcan0', linkinfo: { info_kind: 'vcan' } }]);
const WANTED = { name: 'can0', bitRate: 500_000, transmit: false };

let clock = new FakeClock();
let stopping = new AbortController();
/** What was asked of `ip`, and what was said. */
let asked: string[] = [];
let said: string[] = [];

beforeEach(() => {
  clock = new FakeClock();
  stopping = new AbortController();
  asked = [];
  said = [];
});

/** @param refuses what `ip` complains of */
function world(refuses: RegExp | undefined, facts = CONTROLLER, open?: OpenCanBus) {
  return {
    clock,
    signal: stopping.signal,
    ip: (args: readonly string[]) => {
      const command = args.join(' ');
      asked.push(command);
      const isRefused = refuses?.test(command) ?? false;
      return Promise.resolve(isRefused ? 'RTNETLINK answers: Operation not supported' : '');
    },
    askIp: () => Promise.resolve(facts),
    open: () => open ?? (() => Promise.reject(new Error('nothing is to be opened'))),
    say: (line: string) => void said.push(line),
  };
}

test('what is wanted is read', () => {
  expect(parseArguments(['can0'])).toEqual({ ...WANTED, bitRate: undefined });
  expect(parseArguments(['can0', '--bitrate', 'auto', '--transmit'])).toEqual({
    name: 'can0',
    bitRate: undefined,
    transmit: true,
  });
  expect(parseArguments(['can1', '--bitrate', '83333'])).toMatchObject({ bitRate: 83_333 });
});

test.each([
  [[], 'expected an interface, found ""'],
  [['--transmit'], 'expected an interface, found "--transmit"'],
  [['can0', '--bitrate'], 'expected a bitrate from 10000 to 1000000 or auto, found ""'],
  [['can0', '--bitrate', '500k'], 'expected a bitrate from 10000 to 1000000 or auto, found "500k"'],
  [['can0', 'up'], 'expected --bitrate or --transmit, found "up"'],
])('%j is refused', (args, message) => {
  expect(() => parseArguments(args)).toThrow(ConfigError);
  expect(() => parseArguments(args)).toThrow(message);
});

test('a controller is set while it is down, listens only, and comes back after it was off', async () => {
  await canUp(WANTED, world(undefined));
  expect(asked).toEqual([
    'link set can0 down',
    'link set can0 type can bitrate 500000 listen-only on restart-ms 100 berr-reporting on',
    'link set can0 up',
  ]);
  expect(said).toEqual(['can0: up at 500000 bits/s (given), only listens']);
});

test('only where it is told to does it take part', async () => {
  await canUp({ ...WANTED, transmit: true }, world(undefined));
  expect(asked[1]).toContain('listen-only off');
  expect(said).toEqual(['can0: up at 500000 bits/s (given), takes part in the bus']);
});

test('what a controller cannot do is left out', async () => {
  await canUp(WANTED, world(/berr-reporting|restart-ms/));
  expect(asked.slice(-2)).toEqual([
    'link set can0 type can bitrate 500000 listen-only on',
    'link set can0 up',
  ]);
});

test('but one that cannot listen only stays down', async () => {
  await expect(canUp(WANTED, world(/listen-only/))).rejects.toThrow(
    'can0: the controller refuses 500000 bits/s, listening only (RTNETLINK answers: Operation not supported)',
  );
  expect(asked.filter((command) => command.endsWith(' up'))).toEqual([]);
});

test('without the right to set it, it is said so', async () => {
  await expect(canUp(WANTED, world(/down/))).rejects.toThrow('can0: cannot be brought down (');
});

test('a virtual bus has nothing to be set', async () => {
  await canUp({ ...WANTED, name: 'vcan0' }, world(undefined, VIRTUAL));
  expect(asked).toEqual(['link set vcan0 up']);
  expect(said).toEqual(['vcan0: up; it has no controller to set']);
});

/** Lets the time pass until it has ended, for at most a minute. */
async function passing(work: Promise<void>): Promise<void> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => {}); // Looked at below.
  for (let i = 0; i < 1_200 && !isDone; i++) await clock.advance(50);
  return done;
}

test('the rate is found by listening and by nothing else, and then set', async () => {
  const can = new MemoryCan({ clock });
  const sender = can.node('car', () => undefined);
  const node = can.opener('can0');
  // The bus is only understood at its rate.
  const open: OpenCanBus = async (options) => {
    const bus = await node(options);
    const isRight = asked.findLast((command) => command.includes('bitrate'))?.includes(' 125000 ');
    can.loses = () => !isRight;
    return bus;
  };
  const talking = new AbortController();
  const talk = (async () => {
    while (!talking.signal.aborted) {
      await clock.sleep(100);
      await sender.send({ id: 1, extended: false, data: new Uint8Array() });
    }
  })();
  await passing(
    canUp({ ...WANTED, bitRate: undefined, transmit: true }, world(undefined, CONTROLLER, open)),
  );
  talking.abort();
  await passing(talk);
  const modes = asked.filter((command) => command.includes('listen-only'));
  expect(modes.map((command) => command.split(' ').slice(6, 9).join(' '))).toEqual([
    '500000 listen-only on',
    '250000 listen-only on',
    '125000 listen-only on',
    '125000 listen-only off',
  ]);
  expect(said).toEqual(['can0: up at 125000 bits/s (found by listening), takes part in the bus']);
});

test('a rate that the controller has not is passed over, and all of them are told', async () => {
  const can = new MemoryCan({ clock });
  // A crystal of 8 MHz is too slow for 1 Mbit/s, as on many boards with an MCP2515.
  const refusing = world(/ 1000000 /, CONTROLLER, can.opener('can0'));
  const work = canUp({ ...WANTED, bitRate: undefined }, refusing);
  for (let i = 0; i < 160; i++) await clock.advance(50);
  expect(asked.filter((command) => command.includes(' 83333 '))).not.toEqual([]);
  expect(said).toHaveLength(1);
  stopping.abort();
  await passing(work);
});

test('a stop while the bus is being opened is no failure', async () => {
  const open: OpenCanBus = () => {
    stopping.abort();
    return Promise.reject(new LinkError('OPEN_FAILED', 'can0: stopped while opening'));
  };
  await canUp({ ...WANTED, bitRate: undefined }, world(undefined, CONTROLLER, open));
  expect(said).toEqual([]);
});

test('a silent bus is told of once, and listened to until the stop', async () => {
  const can = new MemoryCan({ clock });
  const work = canUp(
    { ...WANTED, bitRate: undefined },
    world(undefined, CONTROLLER, can.opener('can0')),
  );
  await clock.advance(60_000);
  expect(said).toEqual([
    'can0: nothing is heard at 500000, 250000, 125000, 1000000, 100000, 83333 bits/s; going on listening',
  ]);
  stopping.abort();
  await passing(work);
  expect(asked.at(-1)).toBe('link set can0 down');
});
