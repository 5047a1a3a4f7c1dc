import type { Remote } from '#core/account.ts';
import type { Clock } from '#core/clock.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import { AccountError } from './errors.ts';
import { networkOf } from './network.ts';

/**
 * How often passwords may be tried. In no minute are there more than 30 (`burst` of all together, and what
 * comes in a minute), so that what they cost leaves the gateway its time. One network gets little over half of
 * that, so that it does not keep the others out; and nobody keeps out who sits at the gateway itself.
 * One that was right costs nothing, so that many phones may share an account and a network, unless one
 * account does nothing else: then its log-ins count like wrong ones.
 */

/** Of one account from one network. */
const OF_ACCOUNT = { burst: 5, perS: 5 / 60, namesMax: 2_000 };
/** From one network, whatever the account. */
const OF_NETWORK = { burst: 8, perS: 10 / 60, namesMax: 2_000 };
/** From everywhere but the gateway itself. */
const OF_ALL = { burst: 10, perS: 20 / 60, namesMax: 1 };
/** Right ones of one account, from everywhere; what is beyond them is not given back. */
const RIGHT = { burst: 50, perS: 10 / 60, namesMax: 500 };

export class Tries {
  readonly #ofAccount: TokenBuckets;
  readonly #ofNetwork: TokenBuckets;
  readonly #ofAll: TokenBuckets;
  readonly #right: TokenBuckets;

  constructor(clock: Clock) {
    this.#ofAccount = new TokenBuckets(clock, OF_ACCOUNT);
    this.#ofNetwork = new TokenBuckets(clock, OF_NETWORK);
    this.#ofAll = new TokenBuckets(clock, OF_ALL);
    this.#right = new TokenBuckets(clock, RIGHT);
  }

  /** Turned away since the start. */
  get refused(): number {
    return this.#ofAccount.refused + this.#ofNetwork.refused + this.#ofAll.refused;
  }

  /**
   * Takes one for an account and a network together, so that nobody can lock another out.
   *
   * @throws AccountError THROTTLED
   */
  take(name: string, { address, isLocal }: Remote): void {
    const network = networkOf(address);
    // In this order: what one network may not do takes nothing from the others.
    const wait =
      this.#ofNetwork.take(network) ||
      this.#ofAccount.take(`${name} ${network}`) ||
      (isLocal ? 0 : this.#ofAll.take(''));
    if (wait === 0) return;
    const waitS = Math.ceil(wait);
    throw new AccountError('THROTTLED', `too many tries: come again in ${waitS} s`, waitS);
  }

  /** The password was right: the account has all of its tries back, and the others that one. */
  forgive(name: string, { address, isLocal }: Remote): void {
    if (this.#right.take(name) > 0) return;
    const network = networkOf(address);
    this.#ofAccount.forget(`${name} ${network}`);
    this.#ofNetwork.giveBack(network);
    if (!isLocal) this.#ofAll.giveBack('');
  }
}
