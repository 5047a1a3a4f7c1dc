/**
 * The broker as channels of an AsyncAPI 3.0 document. In it `receive` is what the gateway gets and `send`
 * what it sends; bindings are those of https://github.com/asyncapi/bindings/tree/master/mqtt, 0.2.0.
 */
import type { Channel, Message, Operation } from './asyncapi.ts';
import { exampleOf } from './example.ts';
import type { TopicRow } from './mqtt-topics.ts';
import { rolesOf, whoMay } from './openapi.ts';
import type { JsonSchema, SchemaWriter } from './schema.ts';

const BINDING = '0.2.0';
const NAMES: Readonly<Record<string, string>> = {
  device: 'What the gateway is called, as the setting device says.',
  name: 'What has happened.',
  path: 'Of the signal in VSS, with slashes: several levels.',
  rule: 'Id of the rule.',
  severity: 'info, warn or alarm.',
  source: 'Id of the source.',
  stream: 'Id of the stream, with slashes for its dots: several levels.',
};

export const MQTT_OVERVIEW = [
  'Over MQTT 3.1.1 clients log in with the name and the password of an account, or with a name and an access token for the password.',
  'Topics begin with car/ and the name of the gateway; what is told there is retained, so that who subscribes has it at once.',
  'Commands are asked under request/, with a transaction that comes back in the answer under response/;',
  'answers go to who has asked and to nobody else. A transaction that comes twice within 60 s is done once.',
].join(' ');

export const MQTT_SERVERS = {
  mqtt: {
    host: 'vigil.local:1883',
    protocol: 'mqtt',
    protocolVersion: '3.1.1',
    description: 'On the computer of the gateway and on its hotspot.',
    security: [{ $ref: '#/components/securitySchemes/password' }],
  },
  mqtts: {
    host: 'vigil.local:8883',
    protocol: 'mqtts',
    protocolVersion: '3.1.1',
    description: 'Over TLS; also over a WebSocket, at /mqtt of the web server.',
    security: [
      { $ref: '#/components/securitySchemes/password' },
      { $ref: '#/components/securitySchemes/certificate' },
    ],
  },
};

export const MQTT_SECURITY = {
  password: {
    type: 'userPassword',
    description: 'Of an account; an access token may stand for the password.',
  },
  certificate: {
    type: 'X509',
    description:
      'Of a device, signed by the authority of the gateway. It reads, and sends nothing.',
  },
};

export interface MqttPart {
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly messages: Readonly<Record<string, Message>>;
}

export function mqttPart(topics: readonly TopicRow[], writer: SchemaWriter): MqttPart {
  return {
    channels: Object.fromEntries(topics.map((row) => [nameOf(row.name), channel(row)])),
    operations: Object.fromEntries(
      topics.filter(hasOperation).map((row) => [nameOf(row.name), operation(row)]),
    ),
    messages: Object.fromEntries(topics.map((row) => [nameOf(row.name), message(row, writer)])),
  };
}

/** Of a topic, in the documents. */
function nameOf(name: string): string {
  return `mqtt.${name}`;
}

function addressOf({ topic }: Pick<TopicRow, 'topic'>): string {
  return topic.startsWith('/') ? topic.slice(1) : `car/{device}/${topic}`;
}

/** What answers a request is told with the request. */
function hasOperation({ name, from }: TopicRow): boolean {
  return from === 'client' || !name.startsWith('response.') || name === 'response.ingest';
}

function channel(row: TopicRow): Channel {
  const { name, summary, permission } = row;
  const roles = rolesToldOf(row);
  const address = addressOf(row);
  const full = nameOf(name);
  const parameters = [...address.matchAll(/\{(\w+)\}/g)].map(([, key = '']) => [
    key,
    { description: NAMES[key] ?? key },
  ]);
  return {
    address,
    summary,
    description: `${summary} ${row.forAllOnly ? `For ${Object.keys(roles).join(', ')}.` : whoMay(permission)}`,
    servers: Object.keys(MQTT_SERVERS).map((server) => ({ $ref: `#/servers/${server}` })),
    messages: { [full]: { $ref: `#/components/messages/${full}` } },
    parameters: Object.fromEntries(parameters),
    // There is nothing that the binding could say of a channel.
    bindings: { mqtt: {} },
    'x-permission': permission,
    'x-roles': roles,
  };
}

function rolesToldOf({ permission, forAllOnly }: TopicRow): ReturnType<typeof rolesOf> {
  const roles = rolesOf(permission);
  if (!forAllOnly) return roles;
  return Object.fromEntries(Object.entries(roles).filter(([, scope]) => scope === 'all'));
}

function operation({ name, from, summary, qos, retain, answer }: TopicRow): Operation {
  return {
    action: from === 'client' ? 'receive' : 'send',
    summary: `${name.replaceAll('.', ' ')}.`,
    description: summary,
    ...refsOf(name),
    bindings: { mqtt: { qos, retain, bindingVersion: BINDING } },
    ...(answer !== undefined && { reply: refsOf(answer) }),
  };
}

function refsOf(name: string): Pick<Operation, 'channel' | 'messages'> {
  const full = nameOf(name);
  const channelRef = `#/channels/${full}`;
  return { channel: { $ref: channelRef }, messages: [{ $ref: `${channelRef}/messages/${full}` }] };
}

function message({ name, summary, from, payload, like }: TopicRow, writer: SchemaWriter): Message {
  const words = { name, title: name, summary };
  if (payload !== undefined) {
    const schema = writer.write(payload, from === 'client' ? 'input' : 'output');
    const example = exampleOf(schema, writer.components());
    return { ...words, payload: schema, examples: [{ payload: example }] };
  }
  if (typeof like === 'object') {
    const schema: JsonSchema = { type: 'string', format: 'binary', description: like.binary };
    return { ...words, contentType: 'application/octet-stream', payload: schema, examples: [] };
  }
  const schema: JsonSchema = { type: 'string', enum: ['online', 'offline'] };
  return {
    ...words,
    contentType: 'text/plain',
    payload: schema,
    examples: [{ payload: like ?? '' }],
  };
}
