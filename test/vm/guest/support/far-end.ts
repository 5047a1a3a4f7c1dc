import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type Bus, openBus, SYSTEM_BUS } from '../../../../src/io/bluetooth/dbus.ts';
import { seededRandom } from '../../../../src/sim/random.ts';
import { thinkGearPacket } from '../../../../src/sim/thinkgear-head.ts';

const BLUEZ = 'org.bluez';
const AGENT_PATH = '/headset';
const HEADSET = 'test/vm/guest/bluetooth-headset.py';
const FILE = '/tmp/head.bin';
const HZ = 512;
/** Contact, eight band powers of 0, attention and meditation. */
const SUMMARY = [0x02, 0, 0x83, 24, ...new Array<number>(24).fill(0), 0x04, 50, 0x05, 50];

/** One second of what a ThinkGear headset sends, which fits on to itself. */
function oneSecond(): Uint8Array {
  const random = seededRandom(7);
  const bytes: number[] = [];
  for (let i = 0; i < HZ; i++) {
    const sample = Math.round(random() * 200);
    bytes.push(...thinkGearPacket([0x80, 2, sample >> 8, sample & 0xff]));
  }
  bytes.push(...thinkGearPacket(SUMMARY));
  return Uint8Array.from(bytes);
}

/** The other side: a controller that can be found and paired with, and the headset behind it. */
export class FarEnd {
  /** Everything that it was asked while it was paired. */
  readonly asked: string[] = [];
  /** What the headset said: `ready`, `connected`, `disconnected`. */
  readonly said: string[] = [];
  readonly #bus: Bus;
  readonly #address: string;
  readonly #path: string;
  #headset: ChildProcess | undefined;

  private constructor(bus: Bus, path: string, address: string) {
    this.#bus = bus;
    this.#path = path;
    this.#address = address;
  }

  /**
   * @param path object of the controller, `/org/bluez/hci1`
   * @param pin what it asks for where it is to be paired by one
   */
  static async start(path: string, address: string, pin: string): Promise<FarEnd> {
    const bus = await openBus(SYSTEM_BUS);
    const far = new FarEnd(bus, path, address);
    const yes = (name: string) => (): undefined => void far.asked.push(name);
    bus.serve(AGENT_PATH, 'org.bluez.Agent1', {
      RequestPinCode: {
        ...{ takes: 'o', gives: 's' },
        answer: () => {
          far.asked.push('pin');
          return pin;
        },
      },
      RequestConfirmation: { takes: 'ou', gives: '', answer: yes('confirmation') },
      RequestAuthorization: { takes: 'o', gives: '', answer: yes('authorization') },
      AuthorizeService: { takes: 'os', gives: '', answer: yes('service') },
      Cancel: { takes: '', gives: '', answer: yes('cancel') },
      Release: { takes: '', gives: '', answer: yes('release') },
    });
    const manager = { service: BLUEZ, path: '/org/bluez', interface: `${BLUEZ}.AgentManager1` };
    const body = [AGENT_PATH, 'NoInputNoOutput'];
    await bus.call({ ...manager, member: 'RegisterAgent', signature: 'os', body });
    const own = { signature: 'o', body: [AGENT_PATH] };
    await bus.call({ ...manager, member: 'RequestDefaultAgent', ...own });
    await far.#set('Alias', 's', 'MindWave Mobile');
    await far.#set('DiscoverableTimeout', 'u', 0);
    await far.#set('Discoverable', 'b', true);
    await far.#set('Pairable', 'b', true);
    writeFileSync(FILE, oneSecond());
    return far;
  }

  /** Whether it pairs as devices of Bluetooth 2.1 do, or by a PIN. */
  pairsSimply(simply: boolean): void {
    const name = this.#path.replace('/org/bluez/', '');
    execFileSync('hciconfig', [name, 'sspmode', simply ? '1' : '0']);
  }

  /** Resolves when it can be connected to. */
  async switchOn(): Promise<void> {
    const args = [HEADSET, this.#address, '1', FILE, String(oneSecond().length)];
    const headset = spawn('/usr/bin/python3', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#headset = headset;
    headset.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.said.push(...text.trim().split('\n'));
    });
    await once(headset.stdout, 'data');
  }

  /** Without a good-bye, as one whose battery is empty. */
  async kill(): Promise<void> {
    const headset = this.#headset;
    if (!headset) return;
    headset.kill('SIGKILL');
    await once(headset, 'exit');
  }

  /** It says nothing any more, and the link stays. */
  freeze(): void {
    this.#headset?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#headset?.kill('SIGCONT');
  }

  async #set(name: string, type: string, value: unknown): Promise<void> {
    await this.#bus.call({
      ...{ service: BLUEZ, path: this.#path, interface: 'org.freedesktop.DBus.Properties' },
      ...{ member: 'Set', signature: 'ssv', body: [`${BLUEZ}.Adapter1`, name, [type, value]] },
    });
  }
}
