/** Serves a simulated car and a simulated headset to whatever wants to talk to them. */
import { parseArgs } from 'node:util';
import { monotonicClock } from '../src/io/clock.ts';
import { type CarOptions, createCar } from '../src/sim/car.ts';
import { createVehicle, type Vehicle } from '../src/sim/ecu.ts';
import { ElmAdapter } from '../src/sim/elm.ts';
import { FAULT_NAMES, type Fault, randomFaults } from '../src/sim/elm-faults.ts';
import { PERSONALITIES, type PersonalityName } from '../src/sim/elm-personality.ts';
import { isProtocol } from '../src/sim/elm-protocols.ts';
import { elmPort } from '../src/sim/ports.ts';
import { seededRandom } from '../src/sim/random.ts';
import { headPort } from '../src/sim/thinkgear-head.ts';
import { serveCar } from './simulate/can.ts';
import { type Served, serve } from './simulate/serve.ts';

const USAGE = `usage: node scripts/simulate.ts [options]
  --elm WHERE          serve an ELM327 adapter (default tcp:127.0.0.1:35000)
  --thinkgear WHERE    serve a ThinkGear headset
  --can INTERFACE      put the car on a CAN interface that is up, such as vcan0
  --id-bits N          of the car's diagnosis on it: 11 or 29 (default 11)
  --every N            of what the car's units send by themselves, each Nth frame only (default 1)
  --seed N             which car and which head (default 1)
  --stands             the engine runs, and nobody drives
  --parks-after S      the driver has stopped by then and turns off the engine alone; 0: never drives
  --personality NAME   ${Object.keys(PERSONALITIES).join(', ')}
  --protocol N         the car's bus, 1 to 9 as in ATSP (default 6)
  --faults A=P,...     probabilities for each command: ${FAULT_NAMES.join(', ')}
  --log                print commands, the faults that hit them, and requests on the bus
WHERE is tcp:HOST:PORT or pty:/PATH.`;

const OPTIONS = {
  elm: { type: 'string' },
  thinkgear: { type: 'string' },
  can: { type: 'string' },
  'id-bits': { type: 'string', default: '11' },
  every: { type: 'string', default: '1' },
  seed: { type: 'string', default: '1' },
  stands: { type: 'boolean', default: false },
  'parks-after': { type: 'string' },
  personality: { type: 'string', default: 'elm327-2.1' },
  protocol: { type: 'string', default: '6' },
  faults: { type: 'string', default: '' },
  log: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

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
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return console.log(USAGE);
  const clock = monotonicClock();
  const seed = numberFrom('--seed', values.seed);
  const vehicle = createVehicle(createCar(seed, drivingOf(values)));
  const adapter = adapterOf(vehicle, seed, values);
  const idBits = idBitsOf(values['id-bits']);
  const every = numberFrom('--every', values.every, 1);
  const isAlone = values.thinkgear === undefined && values.can === undefined;
  const elm = values.elm ?? (isAlone ? 'tcp:127.0.0.1:35000' : undefined);
  // Where the second cannot be served, the first is taken away again.
  await using opening = new AsyncDisposableStack();
  if (elm !== undefined)
    announce('adapter', opening.use(await serve(elm, elmPort(adapter, clock))));
  if (values.thinkgear !== undefined) {
    const headset = await serve(values.thinkgear, headPort({ seed }, clock));
    announce('headset', opening.use(headset));
  }
  const lost = Promise.withResolvers<never>();
  if (values.can !== undefined) {
    const record = (request: string): void => {
      if (values.log) console.log(request);
    };
    const car = await serveCar(values.can, { vehicle, seed, clock, idBits, every, record });
    announce('car', opening.use(car));
    car.lost.catch(lost.reject);
  }
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await Promise.race([stopped, lost.promise]);
}

interface DrivingValues {
  readonly stands: boolean;
  readonly 'parks-after'?: string;
}

function drivingOf({ stands, 'parks-after': parksAfter }: DrivingValues): CarOptions {
  if (parksAfter === undefined) return { drives: !stands };
  return { drives: !stands, engineOffAfterS: numberFrom('--parks-after', parksAfter) };
}

interface AdapterValues {
  readonly personality: string;
  readonly protocol: string;
  readonly faults: string;
  readonly log: boolean;
}

function adapterOf(vehicle: Vehicle, seed: number, values: AdapterValues): ElmAdapter {
  const { personality, protocol, faults, log } = values;
  if (!isPersonality(personality)) throw new Error(`--personality ${personality}: unknown`);
  if (!isProtocol(protocol)) throw new Error(`--protocol ${protocol}: expected 1 to 9`);
  return new ElmAdapter({
    ...{ vehicle, personality, protocol, seed },
    faults: randomFaults(parseFaults(faults), seededRandom(seed)),
    record: ({ command, fault }) => {
      if (log) console.log(fault ? `${command}  (${fault})` : command);
    },
  });
}

function announce(what: string, { url }: Served): void {
  console.log(`${what}: ${url}`);
}

function numberFrom(option: string, text: string, min = 0): number {
  if (/^\d{1,10}$/.test(text) && Number(text) >= min) return Number(text);
  throw new Error(`${option}: expected a whole number from ${min}, found ${JSON.stringify(text)}`);
}

function idBitsOf(text: string): 11 | 29 {
  if (text === '11') return 11;
  if (text === '29') return 29;
  throw new Error(`--id-bits: expected 11 or 29, found ${JSON.stringify(text)}`);
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
