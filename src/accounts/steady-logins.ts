import { Turns } from '#core/turns.ts';
import type { Login, Logins } from './logins.ts';

/**
 * Log-ins of clients that send their password with every connection and have no token, as those of MQTT.
 * Each has one, however often it comes, which is listed and ended like all others.
 */

/** What their clients are called begins like this. */
const PREFIX = 'MQTT client ';
/**
 * Of one account. Many make themselves another name at each start: at a further one, that used longest ago
 * of those that nobody uses now ends, and not the log-in of a person.
 */
const CLIENTS_MAX = 10;
const NAME_CHARS_MAX = 128;

export class SteadyLogins {
  readonly #logins: Logins;
  /** Two connections of one client are of one log-in. */
  readonly #turns = new Turns();

  constructor(logins: Logins) {
    this.#logins = logins;
  }

  /**
   * The log-in of a client, made where there is none.
   *
   * @param isInUse whether a log-in has a connection now
   */
  async of(userId: string, client: string, isInUse: (id: string) => boolean): Promise<Login> {
    const name = PREFIX + client.slice(0, NAME_CHARS_MAX);
    return await this.#turns.run(userId, async () => {
      const known = this.#logins.of(userId).find((login) => login.client === name);
      if (known && (await this.#logins.use(known.id))) return known;
      await this.#makeRoom(userId, isInUse);
      return (await this.#logins.begin(userId, name)).login;
    });
  }

  async #makeRoom(userId: string, isInUse: (id: string) => boolean): Promise<void> {
    const all = this.#logins.views(userId).filter(({ client }) => client.startsWith(PREFIX));
    const oldest = all.findLast(({ id }) => !isInUse(id));
    if (oldest && all.length >= CLIENTS_MAX) await this.#logins.end(oldest.id, 'displaced');
  }
}
