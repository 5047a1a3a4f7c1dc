import { ConfigError } from '#core/errors.ts';
import type { OpenPort } from './port.ts';
import { serialPort } from './serial.ts';
import { tcpPort } from './tcp.ts';

const BAUD_MIN = 300;
const BAUD_MAX = 4_000_000;

/** Where a device is, as written in the configuration. */
export type PortUrl =
  | { readonly kind: 'serial'; readonly path: string; readonly baud?: number }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'sim' };

const EXPECTED = 'serial:///dev/ttyUSB0?baud=38400, tcp://192.168.0.10:35000 or sim:';

/** Reads a port URL. Throws a ConfigError that says what was expected and what was found. */
export function parsePortUrl(text: string): PortUrl {
  if (text === 'sim:') return { kind: 'sim' };
  const url = URL.parse(text);
  const port = url?.protocol === 'serial:' ? serialUrl(url) : url && tcpUrl(url);
  if (port) return port;
  throw new ConfigError(`expected ${EXPECTED}, found ${JSON.stringify(text)}`);
}

/** Undefined where a part is missing, or one is there that would be ignored. */
function serialUrl({ href, host, pathname, search, hash }: URL): PortUrl | undefined {
  const query = /^(?:\?baud=([^&]*))?$/.exec(search);
  const path = decoded(pathname);
  if (host !== '' || hash !== '' || path === undefined || path.length < 2 || !query) return;
  const baud = query[1];
  return { kind: 'serial', path, ...(baud === undefined ? {} : { baud: parseBaud(baud, href) }) };
}

function tcpUrl({ protocol, username, password, hostname, port, pathname, search, hash }: URL) {
  const extra = username + password + pathname.replace(/^\/$/, '') + search + hash;
  if (protocol !== 'tcp:' || hostname === '' || Number(port) === 0 || extra !== '') return;
  return { kind: 'tcp', host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) } as const;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // A percent sign that begins no character.
  }
}

function parseBaud(text: string, url: string): number {
  const baud = Number(text);
  if (Number.isInteger(baud) && baud >= BAUD_MIN && baud <= BAUD_MAX) return baud;
  throw new ConfigError(
    `expected a baud rate from ${BAUD_MIN} to ${BAUD_MAX} in ${url}, found ${text}`,
  );
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
  }
}
