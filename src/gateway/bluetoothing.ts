import type { Asking, AuditFact } from '../accounts/audit.ts';
import type { Bluetooth, BluetoothState } from '../io/bluetooth/bluetooth.ts';
import type { Device } from '../io/bluetooth/devices.ts';
import { BluetoothError } from '../io/bluetooth/errors.ts';

export interface BluetoothingOptions {
  readonly bluetooth: Bluetooth;
  readonly note: (fact: AuditFact) => void;
}

/** Bluetooth as people use it: who paired or forgot what, and who tried to, is written down. */
export class Bluetoothing implements AsyncDisposable {
  readonly #options: BluetoothingOptions;

  constructor(options: BluetoothingOptions) {
    this.#options = options;
  }

  /** @throws BluetoothError NO_BLUETOOTH, NO_ANSWER */
  state(): Promise<BluetoothState> {
    return this.#options.bluetooth.state();
  }

  /**
   * Begins to look for devices. That changes nothing, so it is not written down.
   *
   * @throws BluetoothError IN_PROGRESS, NO_BLUETOOTH, NO_ADAPTER, ADAPTER_OFF
   */
  scan(seconds: number): Promise<void> {
    return this.#options.bluetooth.scan(seconds * 1000);
  }

  /** @throws BluetoothError */
  pair(address: string, pin: string | undefined, asking: Asking): Promise<Device> {
    const { bluetooth } = this.#options;
    return this.#noted('bluetooth.pair', address, asking, () => bluetooth.pair(address, pin));
  }

  /** @throws BluetoothError */
  forget(address: string, asking: Asking): Promise<void> {
    const { bluetooth } = this.#options;
    return this.#noted('bluetooth.forget', address, asking, () => bluetooth.forget(address));
  }

  /** Ends a scan and a pairing that are under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.bluetooth[Symbol.asyncDispose]();
  }

  async #noted<T>(
    action: string,
    target: string,
    { who, from }: Asking,
    work: () => Promise<T>,
  ): Promise<T> {
    const note = (result: AuditFact['result']): void =>
      this.#options.note({ action, who, from, target, result, details: {} });
    try {
      const done = await work();
      note('done');
      return done;
    } catch (error) {
      if (error instanceof BluetoothError) note('refused');
      throw error;
    }
  }
}
