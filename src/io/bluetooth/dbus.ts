import type { MessageBus } from 'dbus-native';
import { CodedError, codeOf } from '#core/errors.ts';
import { oneLine } from '#core/text.ts';

/** Where the bus of the system listens, on every Linux. */
export const SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket';
/** From connecting to being known by the bus, which is on the same computer. */
const HELLO_MS_MAX = 5_000;
/** How long an answer may take, unless a call says otherwise. */
const CALL_MS_MAX = 10_000;
/** Of what an error says; the rest is let go. */
const SAID_CHARS_MAX = 200;
/** A service that sends a longer message loses its connection to us. */
const MESSAGE_BYTES_MAX = 4 * 2 ** 20;

export type BusErrorCode =
  /** The bus cannot be reached, or went away. */
  | 'LOST'
  /** A service answered with an error; `reply` names it. */
  | 'REPLY'
  | 'NO_ANSWER';

/** A call over D-Bus that brought no result. */
export class BusError extends CodedError<BusErrorCode> {
  override readonly name = 'BusError';
  /** The error's D-Bus name, such as `org.bluez.Error.AuthenticationFailed`; empty where none came. */
  readonly reply: string;

  constructor(code: BusErrorCode, message: string, reply = '', options?: ErrorOptions) {
    super(code, message, options);
    this.reply = reply;
  }
}

export interface Call {
  readonly service: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** D-Bus types of `body`; both are left out for a call without arguments. */
  readonly signature?: string;
  readonly body?: readonly unknown[];
  readonly timeoutMs?: number;
  /** The answer is not waited for any longer when it aborts; the service is not told. */
  readonly signal?: AbortSignal | undefined;
}

/** What others may call: D-Bus types of arguments and result, and what answers. */
export interface Method {
  readonly takes: string;
  readonly gives: string;
  /** Undefined where nothing is given. An Error with a `dbusName` is answered as that. */
  readonly answer: (...args: readonly unknown[]) => unknown;
}

/**
 * One connection to a bus, for one task: whatever was begun over it ends with it, as services watch for
 * that. A bus that goes away fails the calls under way and those that follow, and is no matter otherwise.
 */
export interface Bus extends AsyncDisposable {
  /** The first value of the answer. @throws BusError, or the signal's reason */
  call(call: Call): Promise<unknown>;
  /** Answers calls to an object of ours, as long as the connection lasts. */
  serve(path: string, name: string, methods: Readonly<Record<string, Method>>): void;
}

/** A D-Bus error that one of our methods answers with. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly dbusName: string;

  constructor(dbusName: string, message: string) {
    super(message);
    this.dbusName = dbusName;
  }
}

/**
 * @param address a D-Bus address, `unix:path=...`
 * @param helloMs how long the bus may take to let us in
 * @throws BusError LOST where nothing answers there as a bus
 */
export async function openBus(address: string, helloMs = HELLO_MS_MAX): Promise<Bus> {
  // Not loaded by a gateway that does not touch Bluetooth.
  const { createClient } = await import('dbus-native');
  // The greeting is ours, not the library's: it throws from a timer when its own has no answer. Of the
  // ways to log in, the other two throw at an answer that they do not understand.
  const how = { direct: true, authMethods: ['EXTERNAL'], maxMessageSize: MESSAGE_BYTES_MAX };
  let client: MessageBus;
  try {
    client = createClient({ ...how, busAddress: address, timeout: CALL_MS_MAX });
  } catch (error) {
    throw lost(address, error);
  }
  const { connection } = client;
  // Without a listener an error ends the process, and after one of logging in the calls would wait.
  connection.on('error', (error) => connection.stream.destroy(error));
  // What a peer does to our handlers is answered with an error, or nothing; it must not end us.
  connection.on('handlerError', () => {});
  const bus = new Connection(client, address);
  try {
    client.name = String(await bus.hello(helloMs));
  } catch (error) {
    connection.stream.destroy();
    throw lost(address, error);
  }
  return bus;
}

class Connection implements Bus {
  readonly #client: MessageBus;
  readonly #address: string;

  constructor(client: MessageBus, address: string) {
    this.#client = client;
    this.#address = address;
  }

  async hello(timeout: number): Promise<unknown> {
    return await this.#client.invokeDbus({ member: 'Hello' }, { timeout });
  }

  async call({ timeoutMs = CALL_MS_MAX, signal, ...call }: Call): Promise<unknown> {
    const { service, path, member, signature, body } = call;
    const message = {
      ...{ destination: service, path, interface: call.interface, member },
      ...(signature === undefined ? {} : { signature, body: [...(body ?? [])] }),
    };
    const options = { timeout: timeoutMs, ...(signal && { signal }) };
    try {
      return await this.#client.invoke(message, options);
    } catch (error) {
      signal?.throwIfAborted();
      throw callError(error, member, this.#address);
    }
  }

  serve(path: string, name: string, methods: Readonly<Record<string, Method>>): void {
    // Without a prototype, as the library would also call what an object inherits.
    const answers: Record<string, unknown> = Object.create(null);
    const descriptions: Record<string, [string, string, string[], string[]]> = Object.create(null);
    for (const [member, { takes, gives, answer }] of Object.entries(methods)) {
      // Null is the library's word for an answer without a value.
      answers[member] = async (...args: unknown[]) => (await answer(...args)) ?? null;
      descriptions[member] = [takes, gives, [], []];
    }
    this.#client.exportInterface(answers, path, { name, methods: descriptions });
  }

  /** What was asked is answered, or given up: there is nothing to flush, and a bus may hang. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#client.connection.stream.destroy();
    return Promise.resolve();
  }
}

function callError(error: unknown, member: string, address: string): Error {
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') return new BusError('NO_ANSWER', `${member}: no answer`);
  if (code === 'ECONNCLOSED') return lost(address, error);
  if (!(error instanceof Error)) return new TypeError(`${member}: ${String(error)}`);
  const reply = 'dbusName' in error ? String(error.dbusName) : '';
  // Without a name it is no answer but a call that cannot be written: a mistake of ours.
  if (reply === '') return error;
  return new BusError('REPLY', oneLine(error.message, SAID_CHARS_MAX), reply, { cause: error });
}

function lost(address: string, error: unknown): BusError {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const why = cause instanceof Error ? oneLine(cause.message, SAID_CHARS_MAX) : String(cause);
  return new BusError('LOST', `the message bus at ${address} does not answer: ${why}`, '', {
    cause: error,
  });
}
