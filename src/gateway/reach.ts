import path from 'node:path';
import { type Clock, wallMs } from '#core/clock.ts';
import type { HttpOptions } from '../http/server.ts';
import { Certificates } from '../io/certificate.ts';
import { readWall } from '../io/clock.ts';
import { ownAddresses, ownNames } from '../io/network.ts';
import type { Config } from '../settings/config.ts';
import type { Recording } from './recording.ts';

const TLS_DIRECTORY = 'tls';
const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '::1'];

/** By which names the gateway is found, who stands in front of it, and whose pages may use it. */
export function reachOf(
  config: Config,
  clock: Clock,
  recording: Recording,
): Required<Pick<HttpOptions, 'hosts' | 'origins' | 'proxies' | 'tls'>> & {
  readonly certificates: Certificates;
} {
  const { hosts, origins, proxies, https, data, device: title, speed } = config;
  const certificates = new Certificates({
    directory: path.join(data, TLS_DIRECTORY),
    title,
    wanted: () => {
      const own = ownAddresses();
      const addresses = own.map(({ address }) => address);
      return {
        names: [...LOOPBACK, ...ownNames(), ...hosts, ...addresses],
        networks: own.map(({ network }) => network),
      };
    },
    // What a phone or a satellite has told of the time is in the epoch; at another speed it is nowhere.
    nowMs: () => (speed === 1 ? wallMs(recording.epoch, clock.now()) : readWall().ms),
  });
  return {
    ...{ origins, proxies, hosts: [...ownNames(), ...hosts] },
    tls: https && { ...https, certificates },
    certificates,
  };
}
