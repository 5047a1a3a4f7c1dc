import { ConfigError } from '#core/errors.ts';
import type { Level } from '../io/log.ts';
import type { MqttServer } from '../io/mqtt-client.ts';
import type { Table } from './rows.ts';

/** Settings of the fleet side: variables of the environment, as it runs where containers do. */
export interface Settings {
  /** amqp:// or amqps:// */
  readonly amqp: string;
  /** For acknowledgements. */
  readonly mqtt: MqttServer;
  /** postgres:// */
  readonly database: string;
  readonly metrics: { readonly host: string; readonly port: number };
  /** Days that rows are kept; tables that are not in it are kept for ever. */
  readonly retentionDays: ReadonlyMap<Table, number>;
  readonly log: Level;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'VIGIL_CLOUD_';
const METRICS = '127.0.0.1:9090';
const MQTT_PORT = 1883;
const MQTTS_PORT = 8883;
const DAYS_MAX = 36_500;
const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error'];
/** What is measured much and read seldom goes after a year; what people did, and alerts, stay. */
const RETENTION: readonly (readonly [variable: string, tables: readonly Table[], days: number])[] =
  [
    ['EEG_DAYS', ['eeg_data'], 365],
    ['OBD_DAYS', ['obd_data'], 365],
    ['CAN_DAYS', ['can_frames'], 90],
    ['EVENT_DAYS', ['face_events', 'game_events', 'events'], 0],
    ['ALERT_DAYS', ['alerts'], 0],
  ];

export const CLOUD_USAGE = `usage: npm run cloud
Takes what gateways send from RabbitMQ to PostgreSQL with TimescaleDB. Settings are variables:
  VIGIL_CLOUD_AMQP       amqp://user:password@host:5672, the broker's queues
  VIGIL_CLOUD_MQTT       mqtt://user:password@host:1883 (mqtts), the same broker for acknowledgements
  VIGIL_CLOUD_DATABASE   postgres://user:password@host:5432/database
  VIGIL_CLOUD_METRICS    host:port of /metrics and /health (${METRICS})
  VIGIL_CLOUD_EEG_DAYS, _OBD_DAYS, _CAN_DAYS, _EVENT_DAYS, _ALERT_DAYS
                         days that rows are kept (365, 365, 90; 0 is for ever, as of the last two)
  VIGIL_CLOUD_LOG        debug, info, warn or error (info)
`;

/** @throws ConfigError which says the variable, what was expected and what was found */
export function parseSettings(environment: Environment): Settings {
  const read = (name: string): string | undefined => environment[`${PREFIX}${name}`] || undefined;
  return {
    amqp: urlOf(read, 'AMQP', ['amqp:', 'amqps:']).href,
    mqtt: mqttServer(urlOf(read, 'MQTT', ['mqtt:', 'mqtts:'])),
    database: urlOf(read, 'DATABASE', ['postgres:', 'postgresql:']).href,
    metrics: listenAt(read('METRICS') ?? METRICS),
    retentionDays: new Map(
      RETENTION.flatMap(([name, tables, preset]) => {
        const days = daysOf(name, read(name), preset);
        return days === 0 ? [] : tables.map((table) => [table, days] as const);
      }),
    ),
    log: levelOf(read('LOG')),
  };
}

type Read = (name: string) => string | undefined;

/** The sentence never shows the value: there are passwords in it. */
function urlOf(read: Read, name: string, protocols: readonly string[]): URL {
  const value = read(name);
  const expected = `expected ${protocols.map((one) => `${one}//`).join(' or ')}user:password@host`;
  if (value === undefined) throw new ConfigError(`${PREFIX}${name} is not set: ${expected}`);
  const url = URL.parse(value);
  if (url && protocols.includes(url.protocol) && url.hostname !== '') {
    if (isEscaped(url)) return url;
    throw new ConfigError(
      `${PREFIX}${name}: a % that begins no character: % itself is written %25`,
    );
  }
  const found = url && url.protocol !== '' ? `one that begins with ${url.protocol}` : 'no address';
  throw new ConfigError(`${PREFIX}${name}: ${expected}, found ${found}`);
}

/** Whether the codes in user and password are all such. */
function isEscaped({ username, password }: URL): boolean {
  try {
    decodeURIComponent(`${username}:${password}`);
    return true;
  } catch {
    return false;
  }
}

function mqttServer(url: URL): MqttServer {
  const tls = url.protocol === 'mqtts:';
  const [user, password] = [url.username, url.password].map(decodeURIComponent);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || (tls ? MQTTS_PORT : MQTT_PORT),
    tls,
    ...(user ? { user, password: password ?? '' } : {}),
  };
}

function listenAt(text: string): Settings['metrics'] {
  const match = /^(.*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] && port <= 65_535) return { host: match[1].replace(/^\[(.*)\]$/, '$1'), port };
  throw new ConfigError(`${PREFIX}METRICS: expected host:port, found ${JSON.stringify(text)}`);
}

function daysOf(name: string, text: string | undefined, preset: number): number {
  if (text === undefined) return preset;
  const days = Number(text);
  if (/^\d+$/.test(text) && days <= DAYS_MAX) return days;
  const expected = `expected days, 0 to ${DAYS_MAX}`;
  throw new ConfigError(`${PREFIX}${name}: ${expected}, found ${JSON.stringify(text)}`);
}

function levelOf(text = 'info'): Level {
  const level = LEVELS.find((name) => name === text);
  if (level !== undefined) return level;
  const found = JSON.stringify(text);
  throw new ConfigError(`${PREFIX}LOG: expected ${LEVELS.join(', ')}, found ${found}`);
}
