/**
 * Brings a CAN interface up, at a bit rate that is given or found by listening. Unless it is told to, the
 * controller only listens: a car does not notice it.
 *
 *   node src/can-up.ts can0 [--bitrate auto|N] [--transmit]
 *
 * Run by systemd/vigil-can@.service with CAP_NET_ADMIN. Where the bus is silent it listens until it is
 * not. It ends with 0 when the interface is up, with 75 where another try may help (no such interface),
 * with 78 where its arguments cannot be used.
 */
import type { Clock } from '#core/clock.ts';
import { ConfigError, LinkError } from '#core/errors.ts';
import { EXIT_TEMPFAIL, exitCodeOf } from './gateway/exit.ts';
import type { OpenCanBus } from './io/can/bus.ts';
import { detectBitRate, type Ear, LIKELY_RATES } from './io/can/detect.ts';
import { askIp, parseIpFacts, readLink } from './io/can/link-facts.ts';
import { bringUp, isController, linkDown, linkUp, type RunIp, runIp } from './io/can/link-up.ts';
import { socketCan } from './io/can/socketcan.ts';
import { monotonicClock } from './io/clock.ts';

const USAGE = 'can0 [--bitrate auto|N] [--transmit]';
/** Of the comfort buses of some makers; the adapters that are asked in ASCII do not know it. */
const ODD_RATE = 83_333;
/** Bits per second of ISO 11898-2. */
const RATE_MIN = 10_000;
const RATE_MAX = 1_000_000;

export interface Wanted {
  readonly name: string;
  /** Undefined where it is to be found. */
  readonly bitRate: number | undefined;
  readonly transmit: boolean;
}

/** @throws ConfigError */
export function parseArguments(args: readonly string[]): Wanted {
  const [name = '', ...rest] = args;
  if (!/^[^\s/-][^\s/]{0,14}$/.test(name)) throw expected('an interface', name);
  let bitRate: number | undefined;
  let transmit = false;
  for (let i = 0; i < rest.length; i++) {
    const option = rest[i] ?? '';
    if (option === '--transmit') transmit = true;
    else if (option === '--bitrate') bitRate = parseRate(rest[++i] ?? '');
    else throw expected('--bitrate or --transmit', option);
  }
  return { name, bitRate, transmit };
}

function parseRate(text: string): number | undefined {
  if (text === 'auto') return undefined;
  const rate = Number(text);
  if (Number.isInteger(rate) && rate >= RATE_MIN && rate <= RATE_MAX) return rate;
  throw expected(`a bitrate from ${RATE_MIN} to ${RATE_MAX} or auto`, text);
}

function expected(what: string, found: string): ConfigError {
  return new ConfigError(`expected ${what}, found ${JSON.stringify(found)}; usage: ${USAGE}`);
}

/** What there is of the computer; tests have their own. */
export interface Surroundings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly ip: RunIp;
  /** What `ip` prints about an interface; undefined where it prints nothing. */
  readonly askIp: (name: string) => Promise<string | undefined>;
  readonly open: (name: string) => OpenCanBus;
  readonly say: (line: string) => void;
}

/** Resolves when the interface is up, or the signal has aborted. @throws LinkError */
export async function canUp(
  { name, bitRate, transmit }: Wanted,
  { say, ...world }: Surroundings,
): Promise<void> {
  if (!isController(parseIpFacts((await world.askIp(name)) ?? ''))) {
    await linkUp(name, world.ip);
    say(`${name}: up; it has no controller to set`);
    return;
  }
  const found = bitRate ?? (await findRate(name, { say, ...world }));
  if (found === undefined) return;
  await bringUp(name, { bitRate: found, transmit }, world.ip);
  const mode = transmit ? 'takes part in the bus' : 'only listens';
  say(`${name}: up at ${found} bits/s (${bitRate ? 'given' : 'found by listening'}), ${mode}`);
}

async function findRate(
  name: string,
  { clock, signal, ip, open, say }: Surroundings,
): Promise<number | undefined> {
  const rates = [...LIKELY_RATES, ODD_RATE];
  const listenAt = async (bitRate: number): Promise<Ear> => {
    await bringUp(name, { bitRate, transmit: false }, ip);
    const bus = await open(name)({ clock, signal });
    const close = async (): Promise<void> => {
      await bus[Symbol.asyncDispose]();
      await linkDown(name, ip);
    };
    return { health: () => bus.health(), [Symbol.asyncDispose]: close };
  };
  for (let told = false; !signal.aborted; told = true) {
    const search = detectBitRate({ listenAt, clock, signal, rates, rounds: 1 });
    const found = await search.catch((error: unknown) => {
      // A bus that is being opened at the stop is not opened, which is no failure then.
      if (signal.aborted && error instanceof LinkError) return undefined;
      throw error;
    });
    if (found !== undefined) return found;
    if (!told && !signal.aborted)
      say(`${name}: nothing is heard at ${rates.join(', ')} bits/s; going on listening`);
  }
  return undefined;
}

async function main(): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort());
  try {
    const wanted = parseArguments(process.argv.slice(2));
    const link = readLink(wanted.name);
    if (link === undefined) {
      throw new LinkError('OPEN_FAILED', `${wanted.name}: no such interface`);
    }
    if (!link.isCan) throw new ConfigError(`${wanted.name}: not a CAN interface`);
    const world = { clock: monotonicClock(), signal: stopping.signal, ip: runIp, askIp, say };
    await canUp(wanted, { ...world, open: (name) => socketCan(name) });
  } catch (error) {
    const code = error instanceof LinkError ? EXIT_TEMPFAIL : exitCodeOf(error);
    if (code === undefined || !(error instanceof Error)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = code;
  }
}

if (import.meta.main) await main();
