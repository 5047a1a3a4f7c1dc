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
  const url = URL.parse(text);
  if (text === 'sim:') return { kind: 'sim' };
  if (url?.protocol === 'serial:' && url.host === '' && url.pathname.length > 1) {
    const baud = url.searchParams.get('baud');
    const path = decodeURIComponent(url.pathname);
    return { kind: 'serial', path, ...(baud === null ? {} : { baud: parseBaud(baud, text) }) };
  }
  if (url?.protocol === 'tcp:' && url.hostname !== '' && url.port !== '') {
    return { kind: 'tcp', host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
  }
  throw new ConfigError(`expected ${EXPECTED}, found ${JSON.stringify(text)}`);
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
