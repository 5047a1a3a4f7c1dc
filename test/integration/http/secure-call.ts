/** Calls over TLS, or plain, with headers of all kinds, which `fetch` does not let one have. */
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { connect } from 'node:net';
import { connect as connectSecure } from 'node:tls';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** In PEM; without it any certificate is good. */
  readonly ca?: string;
  /** The name that the certificate is to be for. */
  readonly servername?: string;
  /** Of this computer, to be called from. */
  readonly localAddress?: string;
}

export function call(url: string, { body, method = 'GET', ca, ...more }: Call = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const trust = ca === undefined ? { rejectUnauthorized: false } : { ca };
  const options = { method, agent: false, ...trust, ...more };
  const sent = (url.startsWith('https:') ? secure : plain)(url, options, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const { statusCode = 0, headers: got } = response;
      resolve({ status: statusCode, headers: got, body: Buffer.concat(chunks) });
    });
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

/** The bytes of an answer in PEM. */
export function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** What a WebSocket is sent first, as text, until `enough` of it is there. */
export function firstFrames(
  url: string,
  headers: Readonly<Record<string, string>>,
  enough: (text: string) => boolean,
): Promise<string> {
  const { protocol, hostname, port, pathname, host } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const fields = {
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const at = { host: hostname, port: Number(port) };
  const socket =
    protocol === 'https:' ? connectSecure({ ...at, rejectUnauthorized: false }) : connect(at);
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  socket.write(`GET ${pathname} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    if (!enough(text)) return;
    socket.destroy();
    resolve(text);
  });
  socket.on('error', reject);
  socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
  return promise;
}
