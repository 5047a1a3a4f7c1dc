/**
 * A WebSocket as web/link.js wants one, whose connection can be lost without a word, and which tells
 * what the gateway answered to its upgrade: neither can be had of the one of Node.
 *
 * What comes is not masked, and never in fragments (RFC 6455 clause 5.2):
 *
 *   0  u8   0x80 and the opcode    1  u8   length, or 126: u16 behind it, or 127: u64 behind it
 */
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { clientFrame } from '../integration/http/harness.ts';

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** The code of RFC 6455 clause 7.1.5 for a connection that ended without one. */
const LOST = 1006;

/** What was answered to an upgrade. */
export interface Answer {
  readonly status: number;
  /** Undefined where it says nothing of that. */
  readonly retryAfter: string | undefined;
}

export class LosableSocket {
  binaryType: BinaryType = 'arraybuffer';
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  readonly #request;
  #socket: Socket | undefined;
  #unread: Buffer = Buffer.alloc(0);
  #isClosed = false;

  /** @param answered told of what the gateway says to the upgrade, where it says something */
  constructor(url: string, answered: (answer: Answer) => void) {
    const headers = {
      ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const tell = ({ statusCode: status = 0, headers }: IncomingMessage) =>
      answered({ status, retryAfter: headers['retry-after'] });
    this.#request = request(url, { agent: false, headers })
      .on('upgrade', (response, socket: Socket, head) => {
        tell(response);
        this.#open(socket, head);
      })
      .on('response', (response) => {
        tell(response);
        response.destroy();
        this.#end(LOST);
      })
      .on('error', () => this.#end(LOST))
      .end();
  }

  send(text: string): void {
    this.#socket?.write(clientFrame(text));
  }

  close(): void {
    this.#request.destroy();
    this.#socket?.destroy();
    this.#end(LOST);
  }

  /** Resets the connection, as one that goes with the network. */
  lose(): void {
    this.#socket?.resetAndDestroy();
  }

  #open(socket: Socket, head: Buffer): void {
    this.#socket = socket;
    socket.on('error', () => {}); // Its close comes next.
    socket.on('close', () => this.#end(LOST));
    socket.on('data', (chunk) => this.#take(chunk));
    this.onopen?.(new Event('open'));
    this.#take(head);
  }

  #take(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    for (let frame = this.#next(); frame; frame = this.#next()) this.#handle(frame);
  }

  /** The next frame that is there as a whole. */
  #next(): { readonly opcode: number; readonly payload: Buffer } | undefined {
    const bytes = this.#unread;
    if (bytes.length < 2) return undefined;
    const short = bytes.readUInt8(1);
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return undefined;
    const long = () => (short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)));
    const end = start + (short < 126 ? short : long());
    if (bytes.length < end) return undefined;
    this.#unread = bytes.subarray(end);
    return { opcode: bytes.readUInt8(0) & 0x0f, payload: bytes.subarray(start, end) };
  }

  #handle({ opcode, payload }: { readonly opcode: number; readonly payload: Buffer }): void {
    if (opcode === TEXT) this.#tell(payload.toString());
    else if (opcode === BINARY) this.#tell(new Uint8Array(payload).buffer);
    else if (opcode === PING) this.#socket?.write(clientFrame(payload, PONG));
    else if (opcode === CLOSE) this.#end(payload.readUInt16BE(0));
  }

  #tell(data: string | ArrayBuffer): void {
    this.onmessage?.(new MessageEvent('message', { data }));
  }

  #end(code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onclose?.(Object.assign(new Event('close'), { code }) as CloseEvent);
  }
}
