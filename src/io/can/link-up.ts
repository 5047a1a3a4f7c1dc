import { execFile } from 'node:child_process';
import { LinkError } from '#core/errors.ts';
import type { IpFacts } from './link-facts.ts';

/** Bringing CAN interfaces up and down through `ip` of iproute2, which needs CAP_NET_ADMIN. */

/** How long `ip` may take, in milliseconds: a controller on SPI is reset by it. */
const IP_MS_MAX = 10_000;
/** How long a controller that went off the bus stays off, in milliseconds. */
const RESTART_MS = 100;

/** Runs `ip` with these arguments. Resolves with what it complained of; empty where all went well. */
export type RunIp = (args: readonly string[]) => Promise<string>;

export const runIp: RunIp = (args) => {
  const options = {
    timeout: IP_MS_MAX,
    killSignal: 'SIGKILL',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  } as const;
  return new Promise((resolve) => {
    execFile('ip', [...args], options, (error, _stdout, stderr) => {
      resolve(error === null ? '' : stderr.trim() || error.message);
    });
  });
};

export interface LinkSettings {
  /** Bits per second. */
  readonly bitRate: number;
  /** Whether the controller may take part in the bus, if only to acknowledge what others send. */
  readonly transmit: boolean;
}

/**
 * Sets a controller and brings it up. What not every controller can is left out where it refuses: to
 * report each error of the bus, and to come back by itself after it was off.
 *
 * @param ip see RunIp
 * @throws LinkError BAD_ANSWER where the rest is refused; the interface is down then
 */
export async function bringUp(
  name: string,
  { bitRate, transmit }: LinkSettings,
  ip: RunIp,
): Promise<void> {
  await linkDown(name, ip);
  const needed = ['bitrate', `${bitRate}`, 'listen-only', transmit ? 'off' : 'on'];
  const restart = ['restart-ms', `${RESTART_MS}`];
  const extras = [[...restart, 'berr-reporting', 'on'], restart, []];
  let complaint = '';
  for (const extra of extras) {
    complaint = await ip(['link', 'set', name, 'type', 'can', ...needed, ...extra]);
    if (complaint === '') break;
  }
  if (complaint !== '') {
    const wanted = transmit ? `${bitRate} bits/s` : `${bitRate} bits/s, listening only`;
    throw new LinkError('BAD_ANSWER', `${name}: the controller refuses ${wanted} (${complaint})`);
  }
  await linkUp(name, ip);
}

/** For a bus that has nothing to be set, as a virtual one. @throws LinkError */
export async function linkUp(name: string, ip: RunIp): Promise<void> {
  await setLink(name, 'up', ip);
}

/** Only while it is down can an interface be set. @throws LinkError */
export async function linkDown(name: string, ip: RunIp): Promise<void> {
  await setLink(name, 'down', ip);
}

async function setLink(name: string, state: 'up' | 'down', ip: RunIp): Promise<void> {
  const complaint = await ip(['link', 'set', name, state]);
  if (complaint === '') return;
  throw new LinkError('OPEN_FAILED', `${name}: cannot be brought ${state} (${complaint})`);
}

/** Whether there is a controller that can be set: virtual buses have none, and kernel slcan sets its own. */
export function isController(facts: IpFacts | undefined): boolean {
  return facts?.kind === 'can';
}
