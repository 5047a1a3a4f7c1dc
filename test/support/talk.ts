/** A WebSocket whose messages are waited for, one kind at a time. */

export interface Told {
  readonly type: string;
  readonly [key: string]: unknown;
}

export class Talk implements AsyncDisposable {
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #socket: WebSocket;
  readonly #messages: Told[] = [];
  /** Of everybody who waits: what comes is for one of them. */
  #waiting: (() => void)[] = [];
  #end: string | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason }) => {
        this.#end = `${code} ${reason}`;
        resolve({ code, reason });
        this.#wake();
      };
    });
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') this.#messages.push(JSON.parse(data));
      this.#wake();
    };
  }

  /** Opens it, and says who is there as a browser does: with the first message. */
  static async open(url: string, token: string): Promise<Talk> {
    const socket = new WebSocket(url.replace(/^http/, 'ws'));
    const talk = new Talk(socket);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`${url}: no WebSocket`));
    });
    talk.send({ type: 'auth', access_token: token });
    return talk;
  }

  send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** The answer to a message with an id: of this type, or what the gateway says against it. */
  async answer(type: string, id: string): Promise<Told> {
    const told = await this.#first((one) => one['id'] === id && [type, 'error'].includes(one.type));
    if (told.type === type) return told;
    throw new Error(`${type} of ${id}: ${JSON.stringify(told)}`);
  }

  /**
   * The first message of a type that fits and was not given before. Rejects once the gateway has closed;
   * else the test's limit is its only end.
   */
  next(type: string, fits: (message: Told) => boolean = () => true): Promise<Told> {
    return this.#first((one) => one.type === type && fits(one));
  }

  async #first(fits: (message: Told) => boolean): Promise<Told> {
    while (true) {
      const at = this.#messages.findIndex(fits);
      const [found] = at < 0 ? [] : this.#messages.splice(at, 1);
      if (found) return found;
      if (this.#end !== undefined) throw new Error(`closed while waiting: ${this.#end}`);
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.closed;
  }
}
