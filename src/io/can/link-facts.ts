import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { codeOf } from '#core/errors.ts';
import type { BusState } from './bus.ts';

/** What the kernel tells of its network interfaces: by files below /sys, and by `ip` of iproute2. */

const SYS_CLASS_NET = '/sys/class/net';
/** ARPHRD_CAN of linux/if_arp.h. */
const CAN_TYPE = 280;
/** IFF_UP of linux/if.h. */
const UP_FLAG = 1;
/** How long `ip` may take, in milliseconds; it asks the kernel and waits for nothing else. */
const IP_MS_MAX = 2_000;
/** Characters of its answer, which has some 2,000 for one interface. */
const IP_CHARS_MAX = 65_536;

/** An interface at one moment. The counters begin anywhere. */
export interface LinkState {
  readonly isCan: boolean;
  readonly up: boolean;
  readonly rxPackets: number;
  readonly txPackets: number;
}

/** Undefined where there is no such interface. */
export function readLink(name: string, root: string = SYS_CLASS_NET): LinkState | undefined {
  const number = (file: string): number =>
    Number(readFileSync(`${root}/${name}/${file}`, 'latin1'));
  try {
    return {
      isCan: number('type') === CAN_TYPE,
      up: (number('flags') & UP_FLAG) !== 0,
      rxPackets: number('statistics/rx_packets'),
      txPackets: number('statistics/tx_packets'),
    };
  } catch (error) {
    // ENODEV and EINVAL: it went away between the opening of a file and the reading.
    if (['ENOENT', 'ENODEV', 'EINVAL', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/** What only `ip` tells of a CAN interface; undefined where it does not. */
export interface IpFacts {
  /** `can` for a controller, else `vcan`, `vxcan`. */
  readonly kind: string | undefined;
  readonly state: BusState;
  readonly bitRate: number | undefined;
  readonly listenOnly: boolean | undefined;
  /** CAN FD is switched on. */
  readonly fd: boolean;
  readonly txErrors: number | undefined;
  readonly rxErrors: number | undefined;
}

/** Runs `ip` and returns what it prints; undefined where it is missing, late or finds nothing. */
export function askIp(name: string): Promise<string | undefined> {
  const args = ['-json', '-details', 'link', 'show', 'dev', name];
  const options = {
    timeout: IP_MS_MAX,
    killSignal: 'SIGKILL',
    maxBuffer: IP_CHARS_MAX,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  } as const;
  return new Promise((resolve) => {
    // Without it nothing fails: what it tells is then not known.
    execFile('ip', args, options, (error, stdout) => resolve(error ? undefined : stdout));
  });
}

/** Reads what `ip -json -details link show` printed; undefined where that is something else. */
export function parseIpFacts(text: string): IpFacts | undefined {
  const link = at(parseJson(text), 0);
  if (at(link, 'ifname') === undefined) return undefined;
  const info = at(link, 'linkinfo');
  const data = at(info, 'info_data');
  const modes = at(data, 'ctrlmode');
  const has = (mode: string): boolean => Array.isArray(modes) && modes.includes(mode);
  const kind = at(info, 'info_kind');
  const state = at(data, 'state');
  return {
    kind: typeof kind === 'string' ? kind : undefined,
    state: STATES.get(state) ?? 'unknown',
    bitRate: numberAt(at(data, 'bittiming'), 'bitrate'),
    // A virtual bus acknowledges nothing, and does not say that it listens only.
    listenOnly: kind === 'can' ? has('LISTEN-ONLY') : undefined,
    fd: has('FD'),
    txErrors: numberAt(at(data, 'berr_counter'), 'tx'),
    rxErrors: numberAt(at(data, 'berr_counter'), 'rx'),
  };
}

/** As iproute2 writes enum can_state of linux/can/netlink.h. */
const STATES: ReadonlyMap<unknown, BusState> = new Map([
  ['ERROR-ACTIVE', 'active'],
  ['ERROR-WARNING', 'warning'],
  ['ERROR-PASSIVE', 'passive'],
  ['BUS-OFF', 'off'],
]);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Another ip than that of iproute2 prints text.
  }
}

function at(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function numberAt(value: unknown, key: string): number | undefined {
  const found = at(value, key);
  return typeof found === 'number' ? found : undefined;
}
