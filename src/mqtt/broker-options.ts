import type { Clock } from '#core/clock.ts';
import type { Log } from '../io/log.ts';
import type { Acl } from './acl.ts';
import type { Doorman, Guest } from './doorman.ts';
import type { BrokerLimits } from './limits.ts';

export interface BrokerOptions {
  readonly doorman: Doorman;
  readonly acl: Acl;
  /** As aedes wants one, for this broker alone; in memory without it. */
  readonly persistence?: object;
  /**
   * Takes in what a client may publish; PUBACK goes out when it resolves. Rejects with an expected error
   * where it cannot be stored: the connection is closed.
   */
  incoming(guest: Guest, topic: string, payload: Uint8Array): Promise<void>;
  /** Whether data is taken in there, so that a packet may be long. */
  isIngest(topic: string): boolean;
  /** Whether what is published there is for `incoming` alone: it is not kept, and nobody else gets it. */
  isForGateway(topic: string): boolean;
  /** In which clients wait. */
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<BrokerLimits>;
}
