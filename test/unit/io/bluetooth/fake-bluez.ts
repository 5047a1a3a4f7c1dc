import { createClient, type InterfaceDescriptor, type MessageBus } from 'dbus-native';
import { Refusal } from '../../../../src/io/bluetooth/dbus.ts';

/** `AA:BB:CC:DD:EE:FF` and its object. */
export const HEADSET = '00:81:F9:08:A1:72';
export const ADAPTER_PATH = '/org/bluez/hci0';
const SPP = '00001101-0000-1000-8000-00805f9b34fb';

export interface FakeDevice {
  address: string;
  name?: string;
  paired?: boolean;
  trusted?: boolean;
  rssi?: number;
  uuids?: readonly string[];
  /** It asks for this PIN; without one it pairs without a question. */
  pin?: string;
  /** What it does in place of pairing. */
  pairs?: (agent: Agent) => Promise<void>;
}

/** The agent that was registered last, as BlueZ calls it. */
export interface Agent {
  readonly path: string;
  readonly capability: string;
  ask(member: string, signature: string, ...body: readonly unknown[]): Promise<unknown>;
}

/** What is declared of a method: types of arguments and result. */
type Types = Readonly<Record<string, readonly [takes: string, gives: string]>>;
const ADAPTER_METHODS: Types = {
  SetDiscoveryFilter: ['a{sv}', ''],
  StartDiscovery: ['', ''],
  RemoveDevice: ['o', ''],
};
const DEVICE_METHODS: Types = { Pair: ['', ''], CancelPairing: ['', ''] };
const MANAGER_METHODS: Types = { RegisterAgent: ['os', ''] };

/**
 * What of BlueZ is needed here, on a bus of ours: the names, types and errors are those of its
 * doc/adapter-api.txt, device-api.txt and agent-api.txt.
 */
export class FakeBluez implements AsyncDisposable {
  readonly calls: string[] = [];
  /** What every call to an adapter is answered with. */
  adapterError: string | undefined;
  agent: Agent | undefined;
  readonly #bus: MessageBus;

  private constructor(bus: MessageBus) {
    this.#bus = bus;
  }

  static async start(busAddress: string): Promise<FakeBluez> {
    const bus = createClient({ busAddress });
    const bluez = new FakeBluez(bus);
    bus.exportObjectManager('/');
    bluez.#serve('/org/bluez', 'org.bluez.AgentManager1', MANAGER_METHODS, {
      RegisterAgent: (path: string, capability: string, message: Message) => {
        bluez.agent = bluez.#agent(path, capability, message.sender);
        return null;
      },
    });
    bluez.addAdapter(true);
    await bus.requestName('org.bluez', 0);
    return bluez;
  }

  addAdapter(powered: boolean): void {
    const log = (name: string, ...args: readonly unknown[]): null => {
      this.calls.push([name, ...args.map((arg) => JSON.stringify(arg))].join(' '));
      if (this.adapterError) throw new Refusal(this.adapterError, 'as the test wants it');
      return null;
    };
    this.removeAdapter();
    this.#serve(
      ADAPTER_PATH,
      'org.bluez.Adapter1',
      ADAPTER_METHODS,
      {
        ...{ Address: '00:1A:7D:DA:71:13', Alias: 'car', Discovering: false },
        get Powered() {
          return powered;
        },
        set Powered(on: boolean) {
          log('Powered', on);
          powered = on;
        },
        SetDiscoveryFilter: (filter: unknown) => log('SetDiscoveryFilter', filter),
        StartDiscovery: () => log('StartDiscovery'),
        RemoveDevice: (path: unknown) => log('RemoveDevice', path),
      },
      { Address: 's', Alias: 's', Discovering: 'b', Powered: 'b' },
    );
  }

  removeAdapter(): void {
    this.#bus.unexportInterface(ADAPTER_PATH);
  }

  add(device: FakeDevice): void {
    const { name, rssi, address } = device;
    const { calls } = this;
    this.#serve(
      pathOf(device),
      'org.bluez.Device1',
      DEVICE_METHODS,
      {
        ...{
          Address: address,
          Alias: name ?? address.replaceAll(':', '-'),
          Name: name,
          RSSI: rssi,
        },
        ...{ Adapter: ADAPTER_PATH, UUIDs: device.uuids ?? [SPP], Connected: false },
        get Paired() {
          return device.paired ?? false;
        },
        get Trusted() {
          return device.trusted ?? false;
        },
        set Trusted(is: boolean) {
          calls.push(`Trusted ${is}`);
          device.trusted = is;
        },
        Pair: () => this.#pair(device),
        CancelPairing: () => {
          calls.push('CancelPairing');
          return null;
        },
      },
      {
        ...{ Address: 's', Alias: 's', Adapter: 'o', UUIDs: 'as', Connected: 'b' },
        ...{ Paired: 'b', Trusted: 'b' },
        ...(name === undefined ? {} : { Name: 's' }),
        ...(rssi === undefined ? {} : { RSSI: 'n' }),
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bus.close();
  }

  async #pair(device: FakeDevice): Promise<null> {
    this.calls.push(`Pair ${device.address}`);
    if (!this.agent) throw new Refusal('org.bluez.Error.Failed', 'no agent');
    if (device.pairs) await device.pairs(this.agent);
    else if (device.pin !== undefined) {
      const pin = await this.agent.ask('RequestPinCode', 'o', pathOf(device));
      this.calls.push(`pin ${pin}`);
      if (pin !== device.pin) {
        throw new Refusal('org.bluez.Error.AuthenticationFailed', 'Authentication Failed');
      }
    }
    device.paired = true;
    return null;
  }

  #agent(path: string, capability: string, destination: string): Agent {
    return {
      ...{ path, capability },
      ask: async (member, signature, ...body) =>
        await this.#bus.invoke({
          ...{ destination, path, interface: 'org.bluez.Agent1', member },
          ...(signature === '' ? {} : { signature, body: [...body] }),
        }),
    };
  }

  #serve(
    ...[path, name, methods, object, properties = {}]: [
      path: string,
      name: string,
      methods: Types,
      object: object,
      properties?: Readonly<Record<string, string>>,
    ]
  ): void {
    const described = Object.entries(methods).map(([member, [takes, gives]]) => [
      member,
      [takes, gives, [], []],
    ]);
    const descriptor: InterfaceDescriptor = {
      name,
      methods: Object.fromEntries(described),
      properties: { ...properties },
    };
    this.#bus.exportInterface(object, path, descriptor);
  }
}

interface Message {
  readonly sender: string;
}

function pathOf({ address }: FakeDevice): string {
  return `${ADAPTER_PATH}/dev_${address.replaceAll(':', '_')}`;
}
