import type { Identity, Remote, Role, User } from '#core/account.ts';
import type { Clock } from '#core/clock.ts';
import { AccountError, type AccountErrorCode } from '../accounts/errors.ts';
import type { Credentials, Visit } from '../accounts/granted.ts';
import { PASSWORD_BYTES_MAX } from '../accounts/passwords.ts';
import {
  type Arrival,
  type Doorman,
  type Guest,
  MqttRefusal,
  type MqttRefusalCode,
} from '../mqtt/doorman.ts';

/**
 * Lets clients of the broker in by the accounts of the gateway:
 * - name and password of an account; one log-in for each client id, which is listed, and ends, like others;
 * - an access token as the password, with `token` or the account's name as the name. It is good as long
 *   as the token, so that a stolen one is of no more use here than elsewhere;
 * - a certificate that our authority has signed, for a device in the car. It comes as the client whose
 *   name is in it. A name that is given besides is asked for its password all the same.
 *
 * Clients of two accounts may be called the same, or nothing, as those of mosquitto are: the broker knows
 * each by its account too (Entrance), so that nobody takes the place of another's (MQTT 3.1.1 clause 3.1.4).
 */

/** In place of a name, where a token says whose it is. */
const TOKEN_NAME = 'token';
/** Three parts of base64url (RFC 7515 clause 7.1), and longer than any password. */
const TOKEN = new RegExp(`^(?=.{${PASSWORD_BYTES_MAX + 1},}$)[\\w-]+\\.[\\w-]+\\.[\\w-]+$`);

const REFUSALS: Readonly<Partial<Record<AccountErrorCode, MqttRefusalCode>>> = {
  WRONG_LOGIN: 'BAD_CREDENTIALS',
  BAD_TOKEN: 'BAD_CREDENTIALS',
  NEEDS_TLS: 'NOT_AUTHORISED',
  THROTTLED: 'UNAVAILABLE',
  BUSY: 'UNAVAILABLE',
  OFF: 'UNAVAILABLE',
};

/** What is asked of the accounts: `Accounts` has it. */
export interface Doorkeeper {
  /** @throws AccountError WRONG_LOGIN, THROTTLED, BUSY, NEEDS_TLS, OFF */
  enter(who: Credentials, visit: Visit, isInUse: (login: string) => boolean): Promise<Identity>;
  /** @throws AccountError BAD_TOKEN, OFF */
  authenticate(accessToken: string): Promise<Identity & { readonly leftMs: number }>;
  /** @throws AccountError NEEDS_TLS */
  checkSecure(role: Role, remote: Remote): void;
  identity(login: string): Identity | undefined;
  onEnd(listener: (login: { readonly id: string }) => void): () => void;
}

export interface MqttDoormanOptions {
  readonly accounts: Doorkeeper;
  /** In which tokens end. */
  readonly clock: Clock;
}

export class MqttDoorman implements Doorman {
  readonly #options: MqttDoormanOptions;
  /** Guests that are watched, which is as long as they are connected. */
  readonly #present = new Set<Guest>();

  constructor(options: MqttDoormanOptions) {
    this.#options = options;
  }

  async admit(arrival: Arrival): Promise<Guest> {
    try {
      return await this.#identify(arrival);
    } catch (error) {
      if (!(error instanceof AccountError)) throw error;
      const code = REFUSALS[error.code];
      if (code === undefined) throw error;
      throw new MqttRefusal(code, error.message, { cause: error });
    }
  }

  async #identify(arrival: Arrival): Promise<Guest> {
    const { username, certificate } = arrival;
    if (username === undefined && certificate !== undefined) {
      return this.#device(certificate, arrival);
    }
    const { password: bytes } = arrival;
    if (username === undefined || bytes === undefined) {
      throw new MqttRefusal('NOT_AUTHORISED', 'nobody comes in without a name and a password');
    }
    const password = textOf(bytes);
    if (TOKEN.test(password)) return await this.#byToken(arrival, username, password);
    return await this.#byPassword(arrival, username, password);
  }

  #device(name: string, { clientId, remote }: Arrival): Guest {
    if (clientId !== name) {
      const text = `the certificate is of ${JSON.stringify(name)}, and not of ${JSON.stringify(clientId)}`;
      throw new MqttRefusal('BAD_CLIENT_ID', text);
    }
    const guest: Guest = {
      user: undefined,
      name,
      login: '',
      remote,
      current: () => 'device',
      onEnd: () => this.#watch(guest),
    };
    return guest;
  }

  async #byPassword(arrival: Arrival, username: string, password: string): Promise<Guest> {
    const { clientId, remote } = arrival;
    const { accounts } = this.#options;
    const isInUse = (login: string): boolean => {
      return [...this.#present].some((guest) => guest.login === login);
    };
    const visit = { remote, client: clientId };
    const identity = await accounts.enter({ username, password }, visit, isInUse);
    return this.#guest(remote, identity, undefined);
  }

  async #byToken(arrival: Arrival, username: string, token: string): Promise<Guest> {
    const { accounts, clock } = this.#options;
    const { user, login, leftMs } = await accounts.authenticate(token);
    const name = username.toLowerCase();
    if (name !== TOKEN_NAME && name !== user.username) {
      throw new MqttRefusal('BAD_CREDENTIALS', 'the access token is of another account');
    }
    accounts.checkSecure(user.role, arrival.remote);
    return this.#guest(arrival.remote, { user, login }, clock.now() + leftMs * 1000);
  }

  /** @param endsAt of the token, where it is by one */
  #guest(remote: Remote, { user, login }: Identity, endsAt: number | undefined): Guest {
    const { accounts, clock } = this.#options;
    const isOver = (): boolean => endsAt !== undefined && clock.now() >= endsAt;
    const current = (): User | undefined => {
      return isOver() ? undefined : accounts.identity(login)?.user;
    };
    const guest: Guest = {
      user,
      name: user.username,
      login,
      remote,
      current,
      onEnd: (listener) => this.#onEnd(guest, endsAt, listener),
    };
    return guest;
  }

  #onEnd(guest: Guest, endsAt: number | undefined, listener: (reason: string) => void): () => void {
    const { accounts, clock } = this.#options;
    const rest = new AbortController();
    const leave = this.#watch(guest);
    const stop = (): void => {
      rest.abort();
      leave();
      unlisten();
    };
    const end = (reason: string): void => {
      if (rest.signal.aborted) return;
      stop();
      listener(reason);
    };
    const unlisten = accounts.onEnd(({ id }) => {
      if (id === guest.login) end('the log-in has ended');
    });
    if (endsAt !== undefined) {
      const leftMs = Math.max(0, (endsAt - clock.now()) / 1000);
      const over = (): void => end('the access token has ended');
      clock.sleep(leftMs, rest.signal).then(over, () => {}); // The connection ended before.
    }
    // It may have ended between the answer of the accounts and this.
    if (accounts.identity(guest.login) === undefined) end('the log-in has ended');
    return stop;
  }

  #watch(guest: Guest): () => void {
    this.#present.add(guest);
    return () => void this.#present.delete(guest);
  }
}

/** As far as it is UTF-8; what is not is no password that anybody could have chosen. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
