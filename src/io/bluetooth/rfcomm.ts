import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { LinkError } from '#core/errors.ts';
import { oneLine } from '#core/text.ts';
import type { Port } from '../port.ts';

/**
 * RFCOMM, the serial line of Bluetooth, by the program `socat`, which connects a socket of the kernel's
 * to two pipes. Node has no such sockets, and D-Bus would hand one over that Node cannot take. The ways
 * through /dev/rfcommN were tried and left: `rfcomm bind` needs CAP_NET_ADMIN; `rfcomm connect` needs
 * none, but gives up where it may not open the device at once, which is before udev gives it to a group.
 * A socket needs no rights at all, leaves no device behind, and is gone when its process is.
 */
const PROGRAM = 'socat';
/** Where the program is looked for; the environment is not asked. */
const SEARCH_PATH = '/usr/local/bin:/usr/bin:/bin';
/** From include/net/bluetooth/bluetooth.h of the kernel, which socat does not know. */
const AF_BLUETOOTH = 31;
const BTPROTO_RFCOMM = 3;
/** A device is looked for during 5.12 s, Core Specification vol. 4 part E clause 6.6; then there is a rest. */
const CONNECT_S_MAX = 8;
/** Where socat does not see to it by itself. */
const CONNECT_MS_MAX = 10_000;
/** What socat says at this level when both of its ends are open. */
const IS_OPEN = 'starting data transfer loop';
/** Of what socat says; the oldest is let go. */
const SAID_CHARS_MAX = 4_000;
const REASON_CHARS_MAX = 200;

export interface RfcommTarget {
  /** `AA:BB:CC:DD:EE:FF`. */
  readonly address: string;
  /** 1 to 30. */
  readonly channel: number;
  /** Of the adapter that it is paired with. */
  readonly from: string;
  /** Directories with colons in between. */
  readonly searchPath?: string;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Connects to a serial port of a device that is paired.
 *
 * @throws LinkError OPEN_FAILED that names the device and says why
 */
export async function openRfcomm(target: RfcommTarget, signal: AbortSignal): Promise<Port> {
  const { address, channel, from, searchPath = SEARCH_PATH } = target;
  const peer = `SOCKET-CONNECT:${AF_BLUETOOTH}:${BTPROTO_RFCOMM}:x${sockaddr(address, channel)}`;
  const how = `connect-timeout=${CONNECT_S_MAX},bind=x${sockaddr(from, 0)}`;
  const child = spawn(PROGRAM, ['-d', '-d', 'STDIO', `${peer},${how}`], {
    // LC_ALL: the reasons are looked up by their English words.
    env: { PATH: searchPath, LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // Without a free descriptor there are no pipes, only the error.
  if (child.pid === undefined) {
    const [error] = await once(child, 'error');
    throw new LinkError('OPEN_FAILED', `${address}: ${startReason(error)}`, { cause: error });
  }
  const link = new Link(child, address);
  try {
    await link.opened(signal);
  } catch (error) {
    await link[Symbol.asyncDispose]();
    throw error;
  }
  return link;
}

/** A `struct sockaddr_rc` behind its family, in hexadecimal digits: the address has its last byte first. */
function sockaddr(address: string, channel: number): string {
  const bytes = address.split(':').reverse().join('').toLowerCase();
  return `${bytes}${channel.toString(16).padStart(2, '0')}00`;
}

class Link implements Port {
  readonly #child: Child;
  readonly #address: string;
  readonly #gone: Promise<unknown>;
  #said = '';

  constructor(child: Child, address: string) {
    this.#child = child;
    this.#address = address;
    this.#gone = once(child, 'close');
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#said = (this.#said + text).slice(-SAID_CHARS_MAX);
    });
    // The writer, or the reader, is told.
    child.stdin.on('error', () => {});
    child.stdout.on('error', () => {});
  }

  /** Resolves when bytes can go both ways. */
  async opened(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (reason: string): void =>
      reject(new LinkError('OPEN_FAILED', `${this.#address}: ${reason}`));
    const onAbort = (): void => fail('stopped while connecting');
    const timer = setTimeout(() => fail(LATE), CONNECT_MS_MAX);
    const onSaid = (): void => {
      if (this.#said.includes(IS_OPEN)) resolve();
    };
    this.#child.stderr.on('data', onSaid);
    void this.#gone.then(() => fail(this.#reason() ?? 'the connection ended at once'));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#child.stderr.off('data', onSaid);
    }
  }

  get input(): AsyncIterable<Uint8Array> {
    return this.#chunks();
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    const { stdout } = this.#child;
    try {
      for await (const chunk of stdout.iterator({ destroyOnReturn: false })) yield chunk;
    } catch (error) {
      throw this.#lost(error);
    }
    await this.#gone;
    if (this.#reason() !== undefined) throw this.#lost(undefined);
  }

  write(bytes: string | Uint8Array): Promise<void> {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    return new Promise((resolve, reject) => {
      this.#child.stdin.write(data, (error) => {
        if (error) reject(this.#lost(error));
        else resolve();
      });
    });
  }

  /** The kernel closes the socket with its process: the device is told, and nothing is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    // What nobody has read would keep the pipe open for ever.
    this.#child.stdout.destroy();
    await this.#gone;
  }

  #lost(cause: unknown): LinkError {
    const reason = this.#reason() ?? 'closed';
    return new LinkError('LINK_LOST', `${this.#address}: the link broke (${reason})`, { cause });
  }

  /** What socat says of its end; undefined where it says nothing of it. */
  #reason(): string | undefined {
    const [, text] = / socat\[\d+\] E (.*)/.exec(this.#said) ?? [];
    if (text === undefined) return undefined;
    const known = REASONS.find(([pattern]) => pattern.test(text))?.[1];
    return known ?? oneLine(text, REASON_CHARS_MAX);
  }
}

function startReason(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') return error.message;
  return 'the program socat is missing, which Bluetooth needs (Debian: socat)';
}

const LATE = 'does not answer; is it switched on, near, and not connected to a phone?';

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/Host is down|timed out/i, LATE],
  [/Connection refused/i, 'has no serial port on this channel, or it is in use'],
  [/No route to host|Network is (down|unreachable)/i, 'the Bluetooth adapter is off or gone'],
  [/Device or resource busy/i, 'its last connection is still being closed'],
  [/reset by peer/i, 'closed by the device'],
  [/Permission denied|Invalid exchange/i, 'does not take us for paired any more; pair it again'],
  [
    /Address family not supported|Protocol not supported/i,
    'the kernel has no Bluetooth serial line',
  ],
];
