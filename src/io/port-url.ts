import { ConfigError } from '#core/errors.ts';
import { bluetoothPort } from './bluetooth/port.ts';
import type { OpenPort } from './port.ts';
import { serialPort } from './serial.ts';
import { tcpPort } from './tcp.ts';

const BAUD_MIN = 300;
const BAUD_MAX = 4_000_000;

/** Where a device is, as written in the configuration. */
export type PortUrl =
  | { readonly kind: 'serial'; readonly path: string; readonly baud?: number }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'bluetooth'; readonly address: string; readonly channel: number }
  | { readonly kind: 'sim' };

const EXAMPLES =
  'serial:///dev/ttyUSB0?baud=38400, bt://00:1D:A5:68:98:8B, tcp://192.168.0.10:35000 or sim:';
const PORT_MAX = 65_535;
/** Of RFCOMM, ETSI TS 07.10 clause 5.4 as RFCOMM 1.2 clause 5.4 takes it; most devices have one port only. */
const CHANNEL_MAX = 30;
const CHANNEL_USUAL = 1;
/** How much of an unknown part an error message shows. */
const PART_CHARS_MAX = 40;

/**
 * Reads a port URL.
 *
 * @param examples what is expected, in the words of an error message
 * @throws ConfigError that says what is wrong, what was expected and what was found
 */
export function parsePortUrl(text: string, examples = EXAMPLES): PortUrl {
  if (text === 'sim:') return { kind: 'sim' };
  const url = readUrl(text);
  if (typeof url !== 'string') return url;
  const fault = url === '' ? '' : `${url}; `;
  throw new ConfigError(`${fault}expected ${examples}, found ${JSON.stringify(text)}`);
}

/** The fault instead, where there is one; it is empty for a text that is nothing like a URL. */
function readUrl(text: string): PortUrl | string {
  if (/^bt:/i.test(text)) return bluetoothUrl(text.slice('bt:'.length));
  const url = URL.parse(text);
  if (url?.protocol === 'serial:') return serialUrl(url);
  if (url?.protocol === 'tcp:') return tcpUrl(url);
  if (text.startsWith('sim:')) return unknownPart(text.slice('sim:'.length));
  // URL takes neither an empty host nor a port beyond 16 bits.
  const [, host, port] = /^tcp:\/\/([^/?#]*?)(?::(\d+))?(?:[/?#]|$)/i.exec(text) ?? [];
  if (host === '') return 'no host';
  return port === undefined ? '' : badPort(port);
}

function serialUrl({ host, pathname, search, hash }: URL): PortUrl | string {
  if (host !== '') return 'a serial port needs three slashes before its path';
  const path = decoded(pathname);
  if (path === undefined) return 'a % that begins no character';
  if (path.length < 2 || !path.startsWith('/')) return 'no path';
  if (hash !== '') return unknownPart(hash);
  if (search === '') return { kind: 'serial', path };
  const [baud, ...more] = search.slice(1).split('&');
  const [name = '', rate] = baud?.split('=', 2) ?? [];
  if (name !== 'baud') return unknownPart(name);
  if (more.length > 0) return unknownPart(more.join('&'));
  return { kind: 'serial', path, baud: parseBaud(rate ?? '') };
}

function tcpUrl(url: URL): PortUrl | string {
  if (url.hostname === '') return 'no host';
  if (url.username + url.password !== '') return 'a user or a password';
  const extra = url.pathname.replace(/^\/$/, '') + url.search + url.hash;
  if (extra !== '') return unknownPart(extra);
  if (url.port === '') return 'no port';
  if (Number(url.port) === 0) return badPort(url.port);
  return { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}

/** No URL to `URL`, which takes what follows the first colon of the address for a port. */
function bluetoothUrl(rest: string): PortUrl | string {
  const [, address = '', query = '', hash = ''] =
    /^\/\/([^/?#]*)\/?(?:\?([^#]*))?(.*)$/s.exec(rest) ?? [];
  if (!/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(address)) {
    return `${JSON.stringify(address.slice(0, PART_CHARS_MAX))} is no address of a Bluetooth device`;
  }
  if (hash !== '') return unknownPart(hash);
  const device = { kind: 'bluetooth', address: address.toUpperCase() } as const;
  if (query === '') return { ...device, channel: CHANNEL_USUAL };
  const [, digits] = /^channel=(\d{1,2})$/.exec(query) ?? [];
  if (digits === undefined) return unknownPart(query);
  const channel = Number(digits);
  if (channel >= 1 && channel <= CHANNEL_MAX) return { ...device, channel };
  return `channel ${digits} is not one of 1 to ${CHANNEL_MAX}`;
}

function badPort(port: string): string {
  return `port ${port.slice(0, PART_CHARS_MAX)} is not one of 1 to ${PORT_MAX}`;
}

function unknownPart(part: string): string {
  return `unknown part ${JSON.stringify(part.slice(0, PART_CHARS_MAX))}`;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // A percent sign that begins no character.
  }
}

function parseBaud(text: string): number {
  const baud = Number(text);
  if (Number.isInteger(baud) && baud >= BAUD_MIN && baud <= BAUD_MAX) return baud;
  throw new ConfigError(`expected a baud rate from ${BAUD_MIN} to ${BAUD_MAX}, found ${text}`);
}

/** The opener for a real port. */
export function openerFor(url: Exclude<PortUrl, { kind: 'sim' }>): OpenPort {
  switch (url.kind) {
    case 'serial': {
      const open = serialPort(url.path);
      const fixed = url.baud;
      return fixed === undefined ? open : (signal) => open(signal, { baud: fixed });
    }
    case 'tcp':
      return tcpPort(url.host, url.port);
    case 'bluetooth':
      return bluetoothPort({ address: url.address, channel: url.channel });
  }
}
