import { createRequire } from 'node:module';
import { release } from 'node:os';
import { LinkError } from '#core/errors.ts';
import type { OpenCanBus, Permit } from './bus.ts';
import { askIp, type LinkState, parseIpFacts, readLink } from './link-facts.ts';
import { bufferWarning, defaultReceiveBuffer } from './receive-buffer.ts';
import { type Channel, SocketCanBus } from './socketcan-bus.ts';

/** Protocol of the socket, of linux/can.h. */
const CAN_RAW = 1;

/**
 * Only the compiled part of the package, and not its index: that would load a reader of KCD files with
 * an XML parser, which nothing here needs. It is loaded when a bus is opened: it may not be built.
 */
const NATIVE = 'socketcan/build/Release/can.node';

interface Native {
  readonly RawChannel: new (
    name: string,
    timestamps: boolean,
    protocol: number,
    nonBlockingSend: boolean,
  ) => Channel;
}

/** Where a bus finds the kernel; tests have their own. */
export interface CanWorld {
  /** @throws LinkError */
  readonly createChannel: (name: string) => Channel;
  readonly readLink: (name: string) => LinkState | undefined;
  /** What `ip` prints about an interface; undefined where it prints nothing. */
  readonly askIp: (name: string) => Promise<string | undefined>;
  /** Bytes. */
  readonly receiveBuffer: () => Promise<number>;
  /** Version of the kernel. */
  readonly kernel: string;
}

const LINUX: CanWorld = {
  createChannel,
  readLink,
  askIp,
  receiveBuffer: defaultReceiveBuffer,
  kernel: release(),
};

export interface SocketCanOptions {
  /** Left out for a bus that only listens. */
  readonly permit?: Permit | undefined;
  readonly world?: CanWorld;
}

/** A CAN interface of Linux, which somebody else has brought up: see can-up.ts. */
export function socketCan(
  name: string,
  { permit, world = LINUX }: SocketCanOptions = {},
): OpenCanBus {
  return async ({ clock, signal }) => {
    checkLink(name, world.readLink(name));
    const [buffer, text] = await Promise.all([world.receiveBuffer(), world.askIp(name)]);
    if (signal.aborted) throw new LinkError('OPEN_FAILED', `${name}: stopped while opening`);
    const bus = new SocketCanBus({
      name,
      clock,
      permit,
      facts: parseIpFacts(text ?? ''),
      warnings: [bufferWarning(buffer)].filter((warning) => warning !== undefined),
      countsErrorFrames: countsErrorFrames(world.kernel),
      readLink: () => world.readLink(name),
      askIp: async () => parseIpFacts((await world.askIp(name)) ?? ''),
    });
    bus.start(world.createChannel(name));
    return bus;
  };
}

/** @throws LinkError where frames cannot come */
function checkLink(name: string, link: LinkState | undefined): void {
  const fault = faultOf(name, link);
  if (fault !== undefined) throw new LinkError('OPEN_FAILED', `${name}: ${fault}`);
}

function faultOf(name: string, link: LinkState | undefined): string | undefined {
  if (link === undefined) return 'no such interface; is the CAN adapter plugged in?';
  if (!link.isCan) return 'not a CAN interface';
  if (link.up) return undefined;
  return `the interface is down; bring it up with systemctl start vigil-can@${name}`;
}

/**
 * Whether drivers count error frames as received packets, which Linux 5.17 ended ("can: do not
 * increase rx statistics when generating a CAN rx error message frame").
 */
function countsErrorFrames(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return major < 5 || (major === 5 && minor < 17);
}

function createChannel(name: string): Channel {
  const { RawChannel } = loadNative(name);
  try {
    // Without stamps frames would have the time at which we got round to them; with a send that
    // blocks, a bus that takes nothing would stop the whole gateway.
    return new RawChannel(name, true, CAN_RAW, true);
  } catch (error) {
    throw new LinkError('OPEN_FAILED', `${name}: the kernel gives no CAN socket`, { cause: error });
  }
}

function loadNative(name: string): Native {
  try {
    return createRequire(import.meta.url)(NATIVE) as Native;
  } catch (error) {
    const reason =
      'the package socketcan is not built; run scripts/setup.sh with a compiler (apt install g++ make python3)';
    throw new LinkError('OPEN_FAILED', `${name}: ${reason}`, { cause: error });
  }
}
