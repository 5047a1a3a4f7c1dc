import type { Remote } from '#core/account.ts';
import type { Clock } from '#core/clock.ts';
import { TokenBuckets } from '#core/token-buckets.ts';
import { isCode } from './codes.ts';
import { AccountError } from './errors.ts';
import { isPrivateAddress, networkOf } from './network.ts';

/** From elsewhere than this computer a gateway can be claimed for so long after its start. */
const CLAIM_MS_MAX = 15 * 60_000;
/**
 * Codes from one network: so many at once, and then one in ten seconds. Each by itself, so that nobody
 * keeps out who has the code; 80 bits are not guessed from however many.
 */
const TRIES = { burst: 5, perS: 0.1, namesMax: 2_000 };

export interface ClaimOptions {
  /** Known once the gateway is found to be new. */
  readonly code: () => string;
  readonly clock: Clock;
}

/**
 * Making a new gateway one's own: with the code that it printed, from this computer at any time, and
 * from the network around it for a quarter of an hour.
 */
export class Claim {
  readonly #code: () => string;
  readonly #clock: Clock;
  readonly #tries: TokenBuckets;

  constructor({ code, clock }: ClaimOptions) {
    this.#code = code;
    this.#clock = clock;
    this.#tries = new TokenBuckets(clock, TRIES);
  }

  /** @throws AccountError NOT_HERE, THROTTLED, BAD_CODE */
  check(code: string, from: Remote): void {
    if (!from.isLocal) this.#checkPlace(from);
    const network = networkOf(from.address);
    const waitS = Math.ceil(this.#tries.take(network));
    if (waitS > 0)
      throw new AccountError(
        'THROTTLED',
        `too many codes that were wrong: come again in ${waitS} s`,
        waitS,
      );
    if (!isCode(code, this.#code())) {
      throw new AccountError('BAD_CODE', 'this is not the code that the gateway shows');
    }
    this.#tries.forget(network);
  }

  #checkPlace({ address }: Remote): void {
    if (!isPrivateAddress(address)) {
      throw new AccountError('NOT_HERE', 'a gateway is claimed from a network of its own only');
    }
    if (this.#clock.now() / 1000 > CLAIM_MS_MAX) {
      const minutes = CLAIM_MS_MAX / 60_000;
      throw new AccountError(
        'NOT_HERE',
        `the gateway started over ${minutes} min ago: restart it to claim it from the network`,
      );
    }
  }
}
