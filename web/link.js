/**
 * The WebSocket link to the gateway.
 *
 *   connecting --hello--> live --3 s of silence--> stale --any message--> live
 *        any of them --closed, or 10 s of silence--> offline --back-off--> connecting
 *
 * The first message says who asks: the gateway answers `authenticated`, and then the hello. It wants
 * the next token before that one ends, and closes with 4401 where a token is no good, or no longer.
 *
 * The gateway sends `tick` every second, so silence always means trouble: a phone that left the
 * hotspot gets no close event for minutes. The gateway is one hop away, so pauses between tries
 * double only from 0.5 s to 3 s, each cut at random by up to half so that ten phones do not come
 * back in one instant; only a tick, which proves a second of working link, resets them.
 *
 * A wave frame, little endian:
 *    0  u8   1, the kind of frame       16  u16  samples a channel
 *    1  u8   1, the version             18  u8   channels
 *    2  u16  number of the stream       19  u8   1 int16, 2 int24, 3 float32
 *    4  u32  seq of the first sample    20  u32  rate, mHz
 *    8  i64  time of it, µs             24       counts, channels interleaved
 */

/** Silence after which values are no longer believed, ms. */
export const STALE_MS = 3_000;
/** Silence after which the socket is given up, ms. */
export const DEAD_MS = 10_000;
/** A try that brought no hello is given up, ms: on a lost hotspot it would hang for minutes. */
export const CONNECT_MS = 4_000;
const RETRY_MS_FIRST = 500;
const RETRY_MS_MAX = 3_000;
/** Faster than this a number cannot be read, so no more is asked for. */
const SAMPLES_HZ_MAX = 10;
/** The gateway does not take the token. */
const CLOSED_UNAUTHENTICATED = 4401;
/** This account may not be here. */
const CLOSED_FORBIDDEN = 4403;
const HEADER_BYTES = 24;
/** Bytes of a count, by the format that the header names. */
const COUNT_BYTES = new Map([
  [1, 2],
  [2, 3],
  [3, 4],
]);

/** @typedef {import('../src/core/stream.ts').Stream} Stream */
/** @typedef {Stream & { number?: number }} Announced A stream and its number in binary frames. */
/** @typedef {'connecting' | 'live' | 'stale' | 'offline'} Phase */
/** @typedef {{ device?: string, epoch: number, version?: string, simulated?: boolean }} Hello */

/**
 * A block of one channel in the stream's unit. `seq` counts samples, lost ones included; `t` is the
 * gateway's time of the first sample in µs.
 * @typedef {{ stream: string, seq: number, t: number, hz: number, values: readonly number[] }} Block
 */

/**
 * What happened to an alert, and the alert as it is then.
 * @typedef {object} AlertMessage
 * @property {string} id
 * @property {import('../src/core/alert.ts').AlertNews} state
 * @property {{ id: string, name: string }} rule
 * @property {import('../src/core/alert.ts').Severity} severity
 * @property {string} text
 * @property {string | null} acknowledgedBy
 */

/**
 * What the gateway sends as text. Kinds that the page has no use for yet are left out.
 * @typedef {{ type: 'hello' } & Hello
 *   | { type: 'subscribed', streams: Announced[] }
 *   | { type: 'samples', t: number, values: Record<string, number | null> }
 *   | { type: 'wave' } & Block
 *   | { type: 'event', stream: string, t: number, data: Record<string, unknown> }
 *   | { type: 'alert' } & AlertMessage
 *   | { type: 'tick', t: number }
 *   | { type: 'status', live: boolean }
 *   | { type: 'error', code: string, message: string }} Message
 */

/**
 * Where the link puts what it learns. Called in the order of arrival.
 * @typedef {object} Listener
 * @property {(phase: Phase, heardAt: number) => void} phase `heardAt`: the last message, ms
 * @property {(hello: Hello) => void} hello
 * @property {(streams: readonly Announced[]) => void} streams
 * @property {(t: number, values: Record<string, number | null>) => void} samples null: not a number
 * @property {(block: Block) => void} block
 * @property {(stream: string, data: Record<string, unknown>) => void} event
 * @property {(message: AlertMessage) => void} alert
 * @property {(t: number) => void} tick
 * @property {(message: string) => void} refused
 */

/**
 * The part of a browser's WebSocket that is used here.
 * @typedef {Pick<WebSocket, 'send' | 'close' | 'binaryType' | 'onopen' | 'onmessage' | 'onclose'>} Socket
 */

/**
 * @typedef {object} LinkOptions
 * @property {() => Socket} open
 * @property {() => string} token of who is logged in; while it is empty there is no connection
 * @property {() => number} now monotonic milliseconds
 * @property {() => number} random from 0 up to 1
 * @property {readonly string[]} streams patterns to subscribe to, such as `obd.*`
 * @property {Listener} listener
 * @property {(live: boolean) => void} status told to who sees only what is their own: whether it goes on
 * @property {() => void} unauthenticated called when the gateway does not take the token
 */

export class Link {
  /** Binary frames of streams that were never announced. */
  unknownFrames = 0;
  /** @type {Phase} */
  phase = 'offline';
  /** @type {LinkOptions} */
  #options;
  /** @type {Socket | undefined} */
  #socket;
  /** It is open, so that something can be sent. */
  #isOpen = false;
  /** @type {Map<number, Announced>} */
  #numbered = new Map();
  #openedAt = 0;
  #heardAt = 0;
  #retryAt = 0;
  #retryMs = RETRY_MS_FIRST;

  /** @param {LinkOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Moves time on; to be called a few times a second. Opens the first connection, too. */
  poll() {
    const now = this.#options.now();
    if (!this.#socket) {
      if (now >= this.#retryAt && this.#options.token() !== '') this.#connect(now);
      return;
    }
    const silentMs = this.#silentMs(now);
    const patienceMs = this.phase === 'connecting' ? CONNECT_MS : DEAD_MS;
    if (silentMs >= patienceMs) this.#lose(this.#socket);
    else if (silentMs >= STALE_MS && this.phase === 'live') this.#enter('stale');
  }

  /**
   * Tries again now: the page came back to the screen, or the phone to the network. A socket that
   * is silent belongs to the network that was left.
   */
  retry() {
    const silent = this.#silentMs(this.#options.now()) >= STALE_MS;
    if (this.#socket && silent) this.#lose(this.#socket);
    this.#retryMs = RETRY_MS_FIRST;
    this.#retryAt = 0;
    this.poll();
  }

  /** Stays, with the next token. */
  authenticate() {
    const access_token = this.#options.token();
    if (this.#isOpen) this.#socket?.send(JSON.stringify({ type: 'auth', access_token }));
  }

  /** Ends the connection: nobody is logged in any more, or somebody else. */
  leave() {
    if (this.#socket) this.#lose(this.#socket);
    this.#retryMs = RETRY_MS_FIRST;
    this.#retryAt = 0;
  }

  /** @param {number} now */
  #silentMs(now) {
    return now - Math.max(this.#openedAt, this.#heardAt);
  }

  /** @param {number} now */
  #connect(now) {
    const socket = this.#options.open();
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.#isOpen = true;
      this.authenticate();
    };
    socket.onmessage = (event) => this.#receive(socket, event.data);
    socket.onclose = ({ code }) => this.#end(socket, code);
    this.#socket = socket;
    this.#isOpen = false;
    this.#openedAt = now;
    this.#enter('connecting');
  }

  /**
   * @param {Socket} socket
   * @param {number} code that the gateway closed it with
   */
  #end(socket, code) {
    const { listener, unauthenticated } = this.#options;
    this.#lose(socket);
    if (code === CLOSED_UNAUTHENTICATED) unauthenticated();
    if (code === CLOSED_FORBIDDEN) listener.refused('This account may not see live data.');
  }

  /**
   * An abandoned socket may report its close much later, so one that is not current is ignored.
   * @param {Socket} socket
   */
  #lose(socket) {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#isOpen = false;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close();
    const { now, random } = this.#options;
    this.#retryAt = now() + this.#retryMs * (0.5 + random() / 2);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
    this.#enter('offline');
  }

  /** @param {Phase} phase */
  #enter(phase) {
    this.phase = phase;
    this.#options.listener.phase(phase, this.#heardAt);
  }

  /**
   * @param {Socket} socket
   * @param {string | ArrayBuffer} data
   */
  #receive(socket, data) {
    this.#heardAt = this.#options.now();
    if (this.phase === 'stale') this.#enter('live');
    if (typeof data === 'string') {
      this.#handle(socket, /** @type {Message} */ (JSON.parse(data)));
      return;
    }
    const frame = decodeFrame(data);
    const stream = this.#numbered.get(frame.number);
    if (!stream) {
      this.unknownFrames++;
      return;
    }
    const { seq, t, hz } = frame;
    const lsb = stream.lsb ?? 1;
    const values = frame.counts.map((count) => count * lsb);
    this.#options.listener.block({ stream: stream.id, seq, t, hz, values });
  }

  /**
   * @param {Socket} socket
   * @param {Message} message
   */
  #handle(socket, message) {
    const { listener, streams } = this.#options;
    switch (message.type) {
      case 'hello':
        this.#numbered.clear();
        listener.hello(message);
        socket.send(
          JSON.stringify({
            type: 'subscribe',
            id: 1,
            streams,
            maxHz: SAMPLES_HZ_MAX,
            format: 'bin',
          }),
        );
        this.#enter('live');
        break;
      case 'subscribed':
        for (const stream of message.streams) {
          if (stream.number !== undefined) this.#numbered.set(stream.number, stream);
        }
        listener.streams(message.streams);
        break;
      case 'samples':
        listener.samples(message.t, message.values);
        break;
      case 'wave':
        listener.block(message);
        break;
      case 'event':
        listener.event(message.stream, message.data);
        break;
      case 'alert':
        listener.alert(message);
        break;
      case 'tick':
        this.#retryMs = RETRY_MS_FIRST;
        listener.tick(message.t);
        break;
      case 'status':
        this.#options.status(message.live);
        break;
      case 'error':
        listener.refused(message.message);
        break;
    }
  }
}

/**
 * The first channel of a wave frame, in counts. Throws a RangeError on a frame that this page was
 * not written for: page and gateway come from one place, so that is a bug.
 * @param {ArrayBuffer} data
 */
export function decodeFrame(data) {
  if (data.byteLength < HEADER_BYTES) throw new RangeError(`frame of ${data.byteLength} bytes`);
  const view = new DataView(data);
  const [kind, version, format] = [view.getUint8(0), view.getUint8(1), view.getUint8(19)];
  const bytes = COUNT_BYTES.get(format);
  if (kind !== 1 || version !== 1 || !bytes) {
    throw new RangeError(`frame of kind ${kind}, version ${version}, format ${format}`);
  }
  const samples = view.getUint16(16, true);
  const step = bytes * view.getUint8(18);
  if (data.byteLength !== HEADER_BYTES + samples * step) {
    throw new RangeError(`${data.byteLength} bytes for ${samples} samples of ${step}`);
  }
  const counts = Array.from({ length: samples }, (_, i) =>
    countAt(view, HEADER_BYTES + i * step, bytes),
  );
  return {
    number: view.getUint16(2, true),
    seq: view.getUint32(4, true),
    t: Number(view.getBigInt64(8, true)),
    hz: view.getUint32(20, true) / 1000,
    counts,
  };
}

/**
 * @param {DataView} view
 * @param {number} at
 * @param {number} bytes
 */
function countAt(view, at, bytes) {
  if (bytes === 2) return view.getInt16(at, true);
  if (bytes === 3) return view.getUint16(at, true) + view.getInt8(at + 2) * 0x1_0000;
  return view.getFloat32(at, true);
}
