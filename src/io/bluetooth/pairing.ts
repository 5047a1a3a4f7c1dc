import { type Bus, Refusal } from './dbus.ts';
import { ask, DEVICE, type Device, PROPERTIES } from './devices.ts';
import { BluetoothError } from './errors.ts';

const AGENT = 'org.bluez.Agent1';
const AGENT_MANAGER = 'org.bluez.AgentManager1';
/** Where BlueZ calls us back; each connection to the bus has paths of its own. */
const AGENT_PATH = '/vigil/agent';
/**
 * Without a display and keys: devices of Bluetooth 2.1 and later are then paired without a question
 * ("Just Works", Core Specification vol. 1 part A clause 5.2.4), as a headset without a display wants it.
 */
const CAPABILITY = 'NoInputNoOutput';
/** What devices of Bluetooth 2.0 have that nobody can tell a PIN: NeuroSky's, then cheap ELM327's. */
const USUAL_PINS = ['0000', '1234'] as const;
/** Being paged, and agreeing; a device that waits for a button on it takes the longest. */
const PAIR_MS_MAX = 25_000;
const REJECTED = 'org.bluez.Error.Rejected';

/**
 * Pairs with a device and trusts it; one that is paired is only trusted. The usual PINs are tried where
 * none is given, and a device that asks for something else is refused.
 *
 * @param pin 1 to 16 characters
 * @param signal breaks it off
 * @throws BluetoothError REFUSED, NO_ANSWER, IN_PROGRESS, NOT_FOUND, ADAPTER_OFF, or the signal's reason
 */
export async function pairDevice(
  bus: Bus,
  device: Device,
  pin: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (!device.paired) await pairWith(bus, device, pin === undefined ? USUAL_PINS : [pin], signal);
  const body = [DEVICE, 'Trusted', ['b', true]];
  const set = { interface: PROPERTIES, member: 'Set', signature: 'ssv', body };
  await ask(bus, { path: device.path, ...set, signal });
}

async function pairWith(
  bus: Bus,
  device: Device,
  pins: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const agent = new Agent(device.path);
  agent.serve(bus);
  const manager = { path: '/org/bluez', interface: AGENT_MANAGER, signal };
  const body = [AGENT_PATH, CAPABILITY];
  await ask(bus, { ...manager, member: 'RegisterAgent', signature: 'os', body });
  for (const pin of pins) {
    agent.offer(pin);
    const error = await pairOnce(bus, device, signal);
    if (error === undefined) return;
    // Another PIN helps only a device that asked for one.
    const isWrong = error instanceof BluetoothError && error.code === 'REFUSED' && agent.wasAsked;
    if (!isWrong || pin === pins.at(-1)) throw refusal(error, device, agent, pins);
  }
}

async function pairOnce(bus: Bus, { path }: Device, signal: AbortSignal): Promise<unknown> {
  const device = { path, interface: DEVICE };
  try {
    await ask(bus, { ...device, member: 'Pair', timeoutMs: PAIR_MS_MAX, signal });
    return undefined;
  } catch (error) {
    if (signal.aborted || (error instanceof BluetoothError && error.code === 'NO_ANSWER')) {
      // It may have ended by itself in the same moment; then there is nothing to break off.
      await ask(bus, { ...device, member: 'CancelPairing' }).catch(() => {});
    }
    return error;
  }
}

function refusal(
  error: unknown,
  { address }: Device,
  { wasAsked, wanted }: Agent,
  pins: readonly string[],
): unknown {
  if (!(error instanceof BluetoothError)) return error;
  const { code, message, cause } = error;
  const told = wanted === undefined ? message : `it asks for ${wanted}, which cannot be given here`;
  const tried = code === 'REFUSED' && wasAsked ? `${told}; tried: ${pins.join(', ')}` : told;
  return new BluetoothError(code, `${address}: ${tried}`, { cause });
}

/** What BlueZ asks while it pairs: org.bluez.Agent1 of its doc/agent-api.txt. */
class Agent {
  readonly #device: string;
  #pin = '';
  /** Whether a PIN was asked for. */
  wasAsked = false;
  /** What the device wanted from us that we cannot give. */
  wanted: string | undefined;

  /** @param device the only one that gets answers, as its path on the bus */
  constructor(device: string) {
    this.#device = device;
  }

  offer(pin: string): void {
    this.#pin = pin;
    this.wasAsked = false;
  }

  serve(bus: Bus): void {
    const cannot = (wanted: string) => (): never => {
      this.wanted = wanted;
      throw new Refusal(REJECTED, wanted);
    };
    bus.serve(AGENT_PATH, AGENT, {
      RequestPinCode: { takes: 'o', gives: 's', answer: (device) => this.#pinFor(device) },
      RequestConfirmation: { takes: 'ou', gives: '', answer: (device) => this.#allow(device) },
      RequestAuthorization: { takes: 'o', gives: '', answer: (device) => this.#allow(device) },
      AuthorizeService: { takes: 'os', gives: '', answer: (device) => this.#allow(device) },
      RequestPasskey: { takes: 'o', gives: 'u', answer: cannot('a number of six digits') },
      DisplayPasskey: { takes: 'ouq', gives: '', answer: cannot('a number to be typed on it') },
      DisplayPinCode: { takes: 'os', gives: '', answer: cannot('a PIN to be typed on it') },
      Cancel: { takes: '', gives: '', answer: () => undefined },
      Release: { takes: '', gives: '', answer: () => undefined },
    });
  }

  #pinFor(device: unknown): string {
    this.#allow(device);
    this.wasAsked = true;
    return this.#pin;
  }

  #allow(device: unknown): void {
    if (device !== this.#device) throw new Refusal(REJECTED, 'another device is being paired');
  }
}
