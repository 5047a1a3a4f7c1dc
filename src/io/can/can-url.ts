import { ConfigError } from '#core/errors.ts';
import { openerFor, type PortUrl, parsePortUrl } from '../port-url.ts';
import type { OpenCanBus, Permit } from './bus.ts';
import { slcan } from './slcan.ts';
import { BIT_RATES } from './slcan-open.ts';
import { socketCan } from './socketcan.ts';

/** Where a CAN bus is, as written in the configuration. */
export type CanUrl =
  | { readonly kind: 'can'; readonly interface: string }
  | {
      readonly kind: 'slcan';
      readonly port: Exclude<PortUrl, { kind: 'sim' }>;
      /** Undefined where it is to be found by listening. */
      readonly bitRate?: number;
      readonly name?: string;
    }
  | { readonly kind: 'sim' };

const EXAMPLES =
  'can:can0, slcan+serial:///dev/ttyACM0?bitrate=500000, slcan+tcp://192.168.4.1:3333 or sim:';
/** Of an interface: IFNAMSIZ of linux/if.h, less the end of its text. */
const INTERFACE_CHARS_MAX = 15;
/** What a segment of a stream's id takes. */
const NAME = /^[a-z0-9_-]{1,23}$/;
const SLCAN = 'slcan+';
/** How much of an unknown part an error message shows. */
const PART_CHARS_MAX = 40;

/**
 * Reads a CAN URL.
 *
 * @throws ConfigError that says what is wrong, what was expected and what was found
 */
export function parseCanUrl(text: string): CanUrl {
  if (text === 'sim:') return { kind: 'sim' };
  if (text.startsWith('can:')) return interfaceUrl(text);
  if (text.startsWith(SLCAN)) return slcanUrl(text);
  throw fault('', text);
}

function interfaceUrl(text: string): CanUrl {
  const name = text.slice('can:'.length);
  const isName = name.length <= INTERFACE_CHARS_MAX && /^[^\s/:?#%]+$/.test(name);
  if (!isName || name === '.' || name === '..') {
    throw fault(`no name of an interface after can:; `, text);
  }
  return { kind: 'can', interface: name };
}

function slcanUrl(text: string): CanUrl {
  const [address = '', query = ''] = text.slice(SLCAN.length).split('?', 2);
  const parts = query === '' ? [] : query.split('&');
  const own = parts.filter((part) => /^(bitrate|name)=/.test(part));
  const rest = parts.filter((part) => !own.includes(part)).join('&');
  const port = parsePortUrl(rest === '' ? address : `${address}?${rest}`, EXAMPLES);
  if (port.kind === 'sim') throw fault('', text);
  const [bitRate, secondRate] = valuesOf(own, 'bitrate');
  const [name, secondName] = valuesOf(own, 'name');
  if (secondRate !== undefined || secondName !== undefined) throw fault('a part twice; ', text);
  if (name !== undefined && !NAME.test(name)) {
    throw fault('a name has up to 23 of a to z, 0 to 9, _ and -; ', text);
  }
  return {
    kind: 'slcan',
    port,
    ...(bitRate === undefined ? {} : { bitRate: parseBitRate(bitRate) }),
    ...(name === undefined ? {} : { name }),
  };
}

function valuesOf(parts: readonly string[], key: string): string[] {
  const start = `${key}=`;
  return parts.filter((part) => part.startsWith(start)).map((part) => part.slice(start.length));
}

function parseBitRate(text: string): number {
  const rate = Number(text);
  if (BIT_RATES.includes(rate)) return rate;
  const found = text.slice(0, PART_CHARS_MAX);
  throw new ConfigError(`expected a bitrate of ${BIT_RATES.join(', ')}, found ${found}`);
}

/** @param reason ends with what stands between it and the rest */
function fault(reason: string, text: string): ConfigError {
  return new ConfigError(`${reason}expected ${EXAMPLES}, found ${JSON.stringify(text)}`);
}

/**
 * What each bus is called, in streams and by people, in the order of the list: an interface has its own
 * name, an adapter that of its URL or else the next of slcan0, slcan1, and the simulated bus is `sim`.
 *
 * @throws ConfigError where two are called the same
 */
export function busNames(urls: readonly CanUrl[]): readonly string[] {
  let unnamed = 0;
  const names = urls.map((url) => {
    if (url.kind === 'sim') return 'sim';
    if (url.kind === 'slcan') return url.name ?? `slcan${unnamed++}`;
    // An interface may be called what a stream may not.
    return url.interface.toLowerCase().replace(/[^a-z0-9_-]/g, '-');
  });
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new ConfigError(`expected buses of different names, found two called ${twice}`);
  }
  return names;
}

export interface CanOpenerOptions {
  /** What the bus is called; see busNames. */
  readonly name: string;
  /** Left out for a bus that only listens. */
  readonly permit?: Permit | undefined;
}

/** The opener for a real bus. */
export function openerForCan(
  url: Exclude<CanUrl, { kind: 'sim' }>,
  { name, permit }: CanOpenerOptions,
): OpenCanBus {
  if (url.kind === 'can') return socketCan(url.interface, { permit });
  return slcan(openerFor(url.port), { name, permit, bitRate: url.bitRate });
}
