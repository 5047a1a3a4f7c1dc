import { LinkError } from '#core/errors.ts';
import type { SlcanLink } from './slcan-link.ts';

/** The dialogue with which a channel of an adapter is opened. */

/**
 * How long an adapter may take to answer, in milliseconds. One at 115,200 baud answers within 2; one over
 * Wi-Fi has been seen to take 100.
 */
const ANSWER_MS_MAX = 300;
/** The same for the first question: whoever says nothing to it will be asked nothing more. */
const VERSION_MS_MAX = 1_000;
/** How long it may go on about what was before, in milliseconds. */
const SETTLE_MS = 150;

/**
 * Bits per second and the command for each, LAWICEL CAN232 manual. CANable has 750,000 in the place of
 * 800,000.
 */
const RATE_COMMANDS: ReadonlyMap<number, string> = new Map([
  [10_000, 'S0'],
  [20_000, 'S1'],
  [50_000, 'S2'],
  [100_000, 'S3'],
  [125_000, 'S4'],
  [250_000, 'S5'],
  [500_000, 'S6'],
  [800_000, 'S7'],
  [1_000_000, 'S8'],
]);
const CANABLE_LACKS = 800_000;

/** The bit rates of the protocol, in bits per second. */
export const BIT_RATES: readonly number[] = [...RATE_COMMANDS.keys()];

/**
 * What speaks at the other end. `lawicel` answers every command; `canable` answers the question for its
 * version and nothing else; of one that is `unknown` neither is sure, nor which commands it knows.
 */
export type Dialect = 'lawicel' | 'canable' | 'unknown';

export interface Adapter {
  readonly dialect: Dialect;
  /** Whether it stamps its frames. */
  readonly stamps: boolean;
  /** Whether it answers the question for its error flags (F). */
  readonly flags: boolean;
}

/** As in `V1013`: two digits of the hardware and two of the software. */
const LAWICEL_VERSION = /^[Vv][0-9A-Fa-f]{4}$/;
/** As in `b158aa7 github.com/normaldotcom/canable-fw`: where the firmware was built from. */
const CANABLE_VERSION = /canable/i;

/** Closes whatever was open and learns who is there. */
export async function greet(link: SlcanLink, signal: AbortSignal): Promise<Adapter> {
  // The empty line ends what another program has begun to say.
  await link.disregard('\rC', SETTLE_MS, signal);
  const version = await link.ask('V', VERSION_MS_MAX, true);
  const text = version?.kind === 'text' ? version.text : '';
  // To others the command for stamps may mean anything, and one that is not known is not answered.
  if (version === undefined || (text !== '' && !LAWICEL_VERSION.test(text))) {
    const dialect = CANABLE_VERSION.test(text) ? 'canable' : 'unknown';
    return { dialect, stamps: false, flags: false };
  }
  const stamps = await link.ask('Z1', ANSWER_MS_MAX);
  return { dialect: 'lawicel', stamps: stamps?.kind === 'done', flags: false };
}

export interface ChannelOptions {
  readonly name: string;
  readonly bitRate: number;
  /** Whether it may take part in the bus, if only to acknowledge what others send. */
  readonly mayTransmit: boolean;
}

/**
 * Opens the channel.
 *
 * @throws LinkError where the adapter refuses the rate, or to listen without taking part
 */
export async function openChannel(
  link: SlcanLink,
  adapter: Adapter,
  { name, bitRate, mayTransmit }: ChannelOptions,
): Promise<Adapter> {
  const refuse = (reason: string): never => {
    throw new LinkError('BAD_ANSWER', `${name}: the adapter ${reason}`);
  };
  const command = RATE_COMMANDS.get(bitRate);
  const lacks = adapter.dialect === 'canable' && bitRate === CANABLE_LACKS;
  if (command === undefined || lacks) return refuse(`knows no ${bitRate} bits/s`);
  const set = await askIn(adapter.dialect, link, command);
  if (set === 'refused') return refuse(`refuses ${bitRate} bits/s (${command})`);
  const opened = mayTransmit
    ? await openNormal(adapter.dialect, link)
    : await openSilent(adapter.dialect, link);
  if (opened === 'refused') {
    return refuse(mayTransmit ? 'refuses to open its channel (O)' : 'cannot listen only (L)');
  }
  if (adapter.dialect !== 'lawicel') return adapter;
  const flags = await link.ask('F', ANSWER_MS_MAX, true);
  return { ...adapter, flags: flags?.kind === 'text' && parseFlags(flags.text) !== undefined };
}

type Outcome = 'done' | 'refused' | 'silence';

async function openNormal(dialect: Dialect, link: SlcanLink): Promise<Outcome> {
  // It may have been told to be silent before. To the others M with one digit begins a filter.
  if (dialect !== 'lawicel') await link.tell('M0');
  return askIn(dialect, link, 'O');
}

/**
 * Listening without a word: L of LAWICEL, where CANable has a mode (M1) and opens as ever. L must come
 * first where it is not known who is there: O alone would acknowledge the frames of others, and the one
 * who knows L is listening by then and refuses O.
 */
async function openSilent(dialect: Dialect, link: SlcanLink): Promise<Outcome> {
  if (dialect !== 'canable') {
    const heard = await askIn('lawicel', link, 'L');
    if (heard !== 'silence' || dialect === 'lawicel') return heard;
  }
  await link.tell('M1');
  await link.tell('O');
  return 'silence';
}

/** Asks, but waits for no answer where none is to be expected. */
async function askIn(dialect: Dialect, link: SlcanLink, command: string): Promise<Outcome> {
  if (dialect === 'lawicel') {
    const answer = await link.ask(command, ANSWER_MS_MAX);
    if (answer === undefined) return 'silence';
    return answer.kind === 'refused' ? 'refused' : 'done';
  }
  await link.tell(command);
  return 'silence';
}

/** What an adapter says of its bus. */
export interface Flags {
  /** It lost frames, because they were not fetched in time. */
  readonly overrun: boolean;
  readonly warning: boolean;
  readonly passive: boolean;
  /** There was an error on the bus since it was asked last. */
  readonly busError: boolean;
}

/** Reads the answer to F: bits as in the CANUSB manual. Undefined for another text. */
export function parseFlags(text: string): Flags | undefined {
  const [, digits] = /^F([0-9A-Fa-f]{2})$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const bits = Number.parseInt(digits, 16);
  const has = (bit: number): boolean => (bits & (1 << bit)) !== 0;
  return { overrun: has(0) || has(3), warning: has(2), passive: has(5), busError: has(7) };
}
