import { decoded, ESCAPE, readLogin } from './login-url.ts';
import { isLoopback } from './mail.ts';
import type { MqttServer } from './mqtt-client.ts';
import { type Fault, faultsOf, readSettings, type Settings, shown } from './use-limits.ts';

/** Where the cloud is, and as whose gateway we log in. */
export interface BridgeSettings {
  readonly server: MqttServer;
  /** Whose cars these are: a level of every topic. */
  readonly tenant: string;
}

const BRIDGE_EXAMPLE = 'mqtts://user:password@cloud.example:8883/tenant?ca=FILE&cert=FILE&key=FILE';
const BROKER_EXAMPLE = 'mqtt://user:password@homeassistant.local:1883';
const PORTS = { 'mqtts:': 8883, 'mqtt:': 1883 } as const;
const FILES = ['ca', 'cert', 'key'] as const;
/** As wire/topics.ts has it: neither a level nor a wildcard of MQTT 3.1.1 clause 4.7.1. */
const TENANT = /^[a-z0-9_-]{1,23}$/;

/**
 * Reads where the cloud's broker is. `mqtts://` is TLS; `mqtt://` goes to this computer only. In the query,
 * files in PEM: `ca` with the authority of the broker, `cert` and `key` with which the gateway shows who it is.
 *
 * @throws ConfigError that says what is wrong and what was expected, and never shows the password
 */
export function parseBridgeUrl(text: string): BridgeSettings {
  const fault = faultsOf(BRIDGE_EXAMPLE);
  const { url, server } = readServer(text, fault);
  if (!server.tls && !isLoopback(server.host)) {
    throw fault('mqtt is without TLS and for a broker on this computer only: mqtts');
  }
  const tenant = url.pathname.replace(/^\//, '');
  if (tenant === '') throw fault('no tenant');
  if (tenant.includes('/')) throw fault(`more than a tenant behind the host (${ESCAPE})`);
  if (tenant.includes('@')) throw fault(`something that is no tenant behind the host (${ESCAPE})`);
  if (!TENANT.test(tenant)) {
    throw fault(`tenant ${shown(tenant)} is not 1 to 23 of a-z, 0-9, _ and -`);
  }
  return { server, tenant };
}

/**
 * Reads where the user's own broker is, as that of Home Assistant. It is in their own network, so that
 * `mqtt://` is allowed: most of these have no TLS.
 *
 * @throws ConfigError that says what is wrong and what was expected, and never shows the password
 */
export function parseBrokerUrl(text: string): MqttServer {
  const fault = faultsOf(BROKER_EXAMPLE);
  const { url, server } = readServer(text, fault);
  if (url.pathname.replace(/^\/$/, '') !== '') {
    throw fault(`something between the port and the query (${ESCAPE})`);
  }
  return server;
}

function readServer(text: string, fault: Fault) {
  const url = URL.parse(text);
  const { protocol = '' } = url ?? {};
  if (protocol !== 'mqtts:' && protocol !== 'mqtt:') {
    // Whoever sees the scheme and no URL has a character in it that ends a part too early.
    throw fault(/^mqtts?:/i.test(text) ? `a host or port that is none (${ESCAPE})` : '');
  }
  if (!url || url.hostname === '') throw fault('no host');
  if (url.hash !== '') throw fault(`something behind a # (${ESCAPE})`);
  // The rest of a password may look like the name of a setting: it is not shown.
  if (url.search.includes('@')) {
    throw fault(`an @ behind a ?, which is written %40 in the name of a file (${ESCAPE})`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? PORTS[protocol] : Number(url.port);
  if (port === 0) throw fault('port 0 is not one of 1 to 65535');
  const tls = protocol === 'mqtts:';
  const files = readFiles(readSettings(url.search.slice(1), FILES, fault), tls, fault);
  const server: MqttServer = { host, port, tls, ...readLogin(url, fault), ...files };
  return { url, server };
}

function readFiles(query: Settings, tls: boolean, fault: Fault) {
  const files = new Map<(typeof FILES)[number], string>();
  for (const name of FILES) {
    const text = query.get(name);
    if (text === undefined) continue;
    if (!tls) throw fault(`${name} needs TLS: mqtts`);
    const file = decoded(text, fault);
    if (file === '') throw fault(`${name} is empty`);
    files.set(name, file);
  }
  if (files.has('cert') && !files.has('key')) throw fault('a cert without its key');
  if (files.has('key') && !files.has('cert')) throw fault('a key without its cert');
  return Object.fromEntries(files);
}
