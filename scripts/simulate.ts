/** Serves a simulated car and a simulated headset to whatever wants to talk to them. */
import { parseArgs } from 'node:util';
import { monotonicClock } from '../src/io/clock.ts';
import { createCar } from '../src/sim/car.ts';
import { createVehicle } from '../src/sim/ecu.ts';
import { ElmAdapter } from '../src/sim/elm.ts';
import { FAULT_NAMES, type Fault, randomFaults } from '../src/sim/elm-faults.ts';
import { PERSONALITIES, type PersonalityName } from '../src/sim/elm-personality.ts';
import { isProtocol } from '../src/sim/elm-protocols.ts';
import { elmPort } from '../src/sim/ports.ts';
import { seededRandom } from '../src/sim/random.ts';
import { headPort } from '../src/sim/thinkgear-head.ts';
import { type Served, serve } from './simulate/serve.ts';

const USAGE = `usage: node scripts/simulate.ts [options]
  --elm WHERE          serve an ELM327 adapter (default tcp:127.0.0.1:35000)
  --thinkgear WHERE    serve a ThinkGear headset
  --seed N             which car and which head (default 1)
  --personality NAME   ${Object.keys(PERSONALITIES).join(', ')}
  --protocol N         the car's bus, 1 to 9 as in ATSP (default 6)
  --faults A=P,...     probabilities for each command: ${FAULT_NAMES.join(', ')}
  --log                print the commands and the faults that hit them
WHERE is tcp:HOST:PORT or pty:/PATH.`;

try {
  await main();
} catch (error) {
  // The first line of what parseArgs says is the sentence; the others advise.
  const [sentence] = (error instanceof Error ? error.message : String(error)).split('\n');
  const words = sentence?.replace('argument is ambiguous.', 'needs a value without a dash');
  console.error(`simulate: ${words}`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      elm: { type: 'string' },
      thinkgear: { type: 'string' },
      seed: { type: 'string', default: '1' },
      personality: { type: 'string', default: 'elm327-2.1' },
      protocol: { type: 'string', default: '6' },
      faults: { type: 'string', default: '' },
      log: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const clock = monotonicClock();
  const seed = Number(values.seed);
  if (!/^\d{1,10}$/.test(values.seed)) {
    throw new Error(`--seed: expected a whole number from 0, found ${JSON.stringify(values.seed)}`);
  }
  const { personality, protocol } = values;
  if (!isPersonality(personality)) throw new Error(`--personality ${personality}: unknown`);
  if (!isProtocol(protocol)) throw new Error(`--protocol ${protocol}: expected 1 to 9`);
  const adapter = new ElmAdapter({
    vehicle: createVehicle(createCar(seed)),
    personality,
    protocol,
    seed,
    faults: randomFaults(parseFaults(values.faults), seededRandom(seed)),
    record: ({ command, fault }) => {
      if (values.log) console.log(fault ? `${command}  (${fault})` : command);
    },
  });
  const elm = values.elm ?? (values.thinkgear !== undefined ? undefined : 'tcp:127.0.0.1:35000');
  // Where the second cannot be served, the first is taken away again.
  await using opening = new AsyncDisposableStack();
  if (elm !== undefined)
    announce('adapter', opening.use(await serve(elm, elmPort(adapter, clock))));
  if (values.thinkgear !== undefined) {
    const headset = await serve(values.thinkgear, headPort({ seed }, clock));
    announce('headset', opening.use(headset));
  }
  const serving = opening.move();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void serving.disposeAsync());
  }
}

function announce(what: string, { url }: Served): void {
  console.log(`${what}: ${url}`);
}

function isPersonality(name: string): name is PersonalityName {
  return Object.hasOwn(PERSONALITIES, name);
}

function isFault(name: string): name is Fault {
  return FAULT_NAMES.some((fault) => fault === name);
}

/** `fc=0.01,nul=0.01` */
function parseFaults(text: string): Partial<Record<Fault, number>> {
  const chances: Partial<Record<Fault, number>> = {};
  for (const item of text.split(',').filter((part) => part !== '')) {
    const [name = '', chance = ''] = item.split('=');
    const p = Number(chance);
    if (!isFault(name)) throw new Error(`--faults ${item}: no such fault`);
    if (!(p > 0 && p <= 1)) throw new Error(`--faults ${item}: expected a chance up to 1`);
    chances[name] = p;
  }
  return chances;
}
