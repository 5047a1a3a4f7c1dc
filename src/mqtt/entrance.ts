import type { Acl } from './acl.ts';
import {
  accountOf,
  type Doorman,
  type Guest,
  MqttRefusal,
  type MqttRefusalCode,
} from './doorman.ts';
import { CLIENT_ID_CHARS_MAX } from './limits.ts';
import type { Visit } from './visit.ts';

/** Of CONNACK, MQTT 3.1.1 clause 3.2.2.3. */
export const RETURN_CODES: Readonly<Record<MqttRefusalCode, number>> = {
  BAD_CLIENT_ID: 2,
  UNAVAILABLE: 3,
  BAD_CREDENTIALS: 4,
  NOT_AUTHORISED: 5,
};
/** What no topic and no client id may have, clause 1.5.3: U+0000, and what was no UTF-8. */
const BAD_TEXT = /[\0\ufffd]/;

/** Whether it can be a topic or a filter as far as its characters go. */
export function isText(text: string): boolean {
  return !BAD_TEXT.test(text);
}

/** A CONNECT, as the library has it. */
interface Connect {
  clientId: string;
  readonly clean?: boolean;
  readonly username?: string;
  readonly password?: Uint8Array;
  readonly will?: { readonly topic: string };
}

/** Decides about those who come, and what they are called here. */
export class Entrance {
  readonly #doorman: Doorman;
  readonly #acl: Acl;
  #unnamed = 0;

  constructor(doorman: Doorman, acl: Acl) {
    this.#doorman = doorman;
    this.#acl = acl;
  }

  /**
   * Sets the visit's guest or its refusal, and the client id by which its session is known: one of their
   * account's own.
   */
  async greet(visit: Visit, connect: Connect): Promise<void> {
    try {
      visit.guest = await this.#admit(visit, connect);
    } catch (error) {
      if (!(error instanceof MqttRefusal)) throw error;
      visit.refusal = error;
    }
  }

  async #admit({ origin }: Visit, connect: Connect): Promise<Guest> {
    const { clientId, username, password, clean, will } = connect;
    // Clause 3.1.3.1: a client without an id must not want a session that lasts.
    if (clientId === '' && clean === false) {
      throw new MqttRefusal('BAD_CLIENT_ID', 'a session that lasts needs a client id');
    }
    if (clientId.length > CLIENT_ID_CHARS_MAX || !isText(clientId)) {
      throw new MqttRefusal('BAD_CLIENT_ID', 'a client id that is too long, or no text');
    }
    const guest = await this.#doorman.admit({ clientId, username, password, ...origin });
    if (will && !(isTopic(will.topic) && this.#acl.mayPublish(guest, will.topic))) {
      const text = `a last will for ${will.topic}, where ${guest.name} may not publish`;
      throw new MqttRefusal('NOT_AUTHORISED', text);
    }
    const account = accountOf(guest);
    // No account has a slash or a space in its name, so that nobody can say what another is given.
    connect.clientId = clientId === '' ? `${account} ${++this.#unnamed}` : `${account}/${clientId}`;
    return guest;
  }
}

/** Clause 4.7.3, without wildcards: clause 3.3.2.1. */
function isTopic(text: string): boolean {
  return text !== '' && isText(text) && !/[#+]/.test(text);
}
