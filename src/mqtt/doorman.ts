import type { Remote, User } from '#core/account.ts';
import { CodedError } from '#core/errors.ts';

/** What a client says of itself in CONNECT, and where it comes from. */
export interface Arrival {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly remote: Remote;
  /** Common name of a client certificate that our authority has signed. */
  readonly certificate: string | undefined;
}

/** Who is at the other end. */
export interface Guest {
  /** As they were when they came; undefined: a device by its certificate. */
  readonly user: User | undefined;
  /** What they are called in logs: the account's name, or the common name of the certificate. */
  readonly name: string;
  /** Id of their log-in; empty for a device. */
  readonly login: string;
  /** Where they came from. */
  readonly remote: Remote;
  /** As of now; undefined when the log-in has ended. */
  current(): User | 'device' | undefined;
  /**
   * Calls back once when log-in, role or token ends, at once where it has ended already.
   *
   * @returns what stops it; to be called when the connection ends
   */
  onEnd(listener: (reason: string) => void): () => void;
}

/**
 * Whose the connection is: one account may have many. No account has a colon, a slash or a space in its
 * id, so that no device is taken for one.
 */
export function accountOf({ user, name }: Guest): string {
  return user ? user.id : `device:${name}`;
}

/** Who lets clients in. */
export interface Doorman {
  /** @throws MqttRefusal */
  admit(arrival: Arrival): Promise<Guest>;
}

/** Why somebody is not let in; the broker tells by a return code of CONNACK (MQTT 3.1.1 clause 3.2.2.3). */
export type MqttRefusalCode =
  /** 4: name and password, or the token, are not right. */
  | 'BAD_CREDENTIALS'
  /** 5: they are right or not looked at, but not from there or not now. */
  | 'NOT_AUTHORISED'
  /** 3: the gateway cannot tell at this moment. */
  | 'UNAVAILABLE'
  /** 2: a client id that is not to be used by this client. */
  | 'BAD_CLIENT_ID';

export class MqttRefusal extends CodedError<MqttRefusalCode> {
  override readonly name = 'MqttRefusal';
}
