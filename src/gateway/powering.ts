import type { Clock } from '#core/clock.ts';
import type { Asking, AuditFact } from '../accounts/audit.ts';
import { type Power, PowerError } from '../io/power.ts';

/** Who asked for it gets the reply first. */
const REPLY_MS = 250;
const BY_NOBODY = 'the gateway was not started by systemd';
const WOULD_END = `${BY_NOBODY}: it would end, and nobody would start it again`;
const NOT_ITS_OWN = `${BY_NOBODY}: this computer is not its own to switch off`;

export interface PoweringOptions {
  readonly power: Power;
  readonly realTime: Clock;
  /** Stops the gateway so that it is started again. */
  readonly restart: () => void;
  readonly note: (fact: AuditFact) => void;
}

/** Starting the gateway anew, and switching off the computer that it is in. */
export class Powering {
  readonly #options: PoweringOptions;

  constructor(options: PoweringOptions) {
    this.#options = options;
  }

  /** Ends the gateway in a moment, and systemd starts it again. @throws PowerError UNSUPERVISED */
  restart(asking: Asking): void {
    const { realTime, restart } = this.#options;
    this.#checkSupervised('system.restart', asking, WOULD_END);
    this.#note('system.restart', asking, 'done');
    void realTime.sleep(REPLY_MS).then(restart);
  }

  /** @throws PowerError UNSUPERVISED on a computer that is not the gateway's own, REFUSED */
  async powerOff(asking: Asking): Promise<void> {
    this.#checkSupervised('system.poweroff', asking, NOT_ITS_OWN);
    // While there is still somebody to write it down.
    this.#note('system.poweroff', asking, 'done');
    try {
      await this.#options.power.off();
    } catch (error) {
      if (error instanceof PowerError) this.#note('system.poweroff', asking, 'refused');
      throw error;
    }
  }

  #checkSupervised(action: string, asking: Asking, text: string): void {
    if (this.#options.power.isSupervised) return;
    this.#note(action, asking, 'refused');
    throw new PowerError('UNSUPERVISED', text);
  }

  #note(action: string, { who, from }: Asking, result: AuditFact['result']): void {
    this.#options.note({ action, who, from, target: '', result, details: {} });
  }
}
