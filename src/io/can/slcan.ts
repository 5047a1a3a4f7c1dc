import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { OpenPort, Port } from '../port.ts';
import type { OpenCanBus, Permit } from './bus.ts';
import { detectBitRate, type Ear, LIKELY_RATES } from './detect.ts';
import { SlcanBus } from './slcan-bus.ts';
import { type LinkEvents, SlcanLink } from './slcan-link.ts';
import { type Adapter, greet, openChannel } from './slcan-open.ts';

/** Of the serial line; an adapter on USB takes any, and goes as fast as it can. */
const BAUD_DEFAULT = 115_200;
/** How often all likely bit rates are listened at before the supervisor is told that nothing came. */
const DETECT_ROUNDS = 2;
/** How long the adapter may take to close its channel, in milliseconds. */
const CLOSE_MS_MAX = 100;

export interface SlcanOptions {
  /** What the bus is called. */
  readonly name: string;
  /** One of BIT_RATES; left out where it is to be found by listening. */
  readonly bitRate?: number | undefined;
  /** Left out for a bus that only listens. */
  readonly permit?: Permit | undefined;
}

/** A CAN adapter that speaks the ASCII protocol of LAWICEL: CANable, WiCAN, USBtin, CANUSB. */
export function slcan(openPort: OpenPort, { name, bitRate, permit }: SlcanOptions): OpenCanBus {
  return async ({ clock, signal }) => {
    const port = await openPort(signal, { baud: BAUD_DEFAULT });
    const connection = connect(name, port, clock);
    const mayTransmit = permit !== undefined;
    try {
      const opened = await Promise.race([
        openAdapter(connection, { bitRate, mayTransmit, signal }),
        connection.lost,
      ]);
      const bus = new SlcanBus({ ...connection, ...opened, permit });
      bus.start();
      return bus;
    } catch (error) {
      await connection.close();
      throw error;
    }
  };
}

/** A port with an adapter behind it. */
interface Connection {
  readonly name: string;
  readonly clock: Clock;
  readonly link: SlcanLink;
  /** Rejects with a LinkError when the link is lost; never resolves. */
  readonly lost: Promise<never>;
  /** Closes the adapter's channel and the port. */
  readonly close: () => Promise<void>;
}

function connect(name: string, port: Port, clock: Clock): Connection {
  const link = new SlcanLink(port, clock, IGNORED);
  const lost = link.read().then(() => {
    throw new LinkError('LINK_LOST', `${name}: the adapter closed the connection`);
  });
  lost.catch(() => {}); // Whoever uses the bus looks at it; nobody may be left who does.
  const close = async (): Promise<void> => {
    // An adapter that stays open goes on sending to nobody. The link may be gone: so is the channel.
    await shut(link).catch(() => {});
    await port[Symbol.asyncDispose]();
  };
  return { name, clock, link, lost, close };
}

async function shut(link: SlcanLink): Promise<void> {
  await link.ask('C', CLOSE_MS_MAX);
}

interface Wanted {
  readonly bitRate: number | undefined;
  readonly mayTransmit: boolean;
  readonly signal: AbortSignal;
}

async function openAdapter(
  connection: Connection,
  { bitRate, mayTransmit, signal }: Wanted,
): Promise<{ readonly adapter: Adapter; readonly bitRate: number }> {
  const { name, link } = connection;
  const greeted = await greet(link, signal);
  const rate = bitRate ?? (await findRate(connection, greeted, signal));
  if (signal.aborted) throw new LinkError('OPEN_FAILED', `${name}: stopped while opening`);
  const adapter = await openChannel(link, greeted, { name, bitRate: rate, mayTransmit });
  return { adapter, bitRate: rate };
}

async function findRate(
  { name, link, clock }: Connection,
  adapter: Adapter,
  signal: AbortSignal,
): Promise<number> {
  const listenAt = async (bitRate: number): Promise<Ear> => {
    const heard = { received: 0, remote: 0, errorFrames: 0, malformed: 0 };
    link.events = {
      frame: () => void heard.received++,
      remote: () => void heard.remote++,
      fd() {},
      malformed: () => void heard.malformed++,
    };
    await openChannel(link, adapter, { name, bitRate, mayTransmit: false });
    return { health: () => heard, [Symbol.asyncDispose]: () => shut(link) };
  };
  const found = await detectBitRate({ listenAt, clock, signal, rounds: DETECT_ROUNDS });
  link.events = IGNORED;
  if (found !== undefined) return found;
  const tried = LIKELY_RATES.join(', ');
  const reason = `nothing was heard at ${tried} bits/s; is the ignition on?`;
  throw new LinkError('NO_DATA', `${name}: ${reason}`);
}

/** What comes before anybody listens. */
const IGNORED: LinkEvents = { frame() {}, remote() {}, fd() {}, malformed() {} };
