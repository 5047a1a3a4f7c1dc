/**
 * The WebSockets and the broker as an AsyncAPI 3.0 document, https://www.asyncapi.com/docs/reference/specification/v3.0.0,
 * made of the schemas of their messages. In it `receive` is what the gateway gets and `send` what it sends.
 */
import type * as v from 'valibot';
import { exampleOf } from './example.ts';
import { MQTT_OVERVIEW, MQTT_SECURITY, MQTT_SERVERS, mqttPart } from './mqtt-channels.ts';
import type { TopicRow } from './mqtt-topics.ts';
import { VOCABULARY } from './names.ts';
import { rolesOf, SERVER, whoMay } from './openapi.ts';
import { type Components, type JsonSchema, SchemaWriter, type Side } from './schema.ts';
import { messagesOf, type Socket } from './sockets.ts';
import { CLOSE_CODES, MESSAGES, SOCKET_OVERVIEW } from './words.ts';

interface Ref {
  readonly $ref: string;
}

export interface AsyncApi {
  readonly asyncapi: '3.0.0';
  readonly info: object;
  readonly defaultContentType: string;
  /** By name: `gateway` for WebSockets, and those of the broker. */
  readonly servers: { readonly gateway: object; readonly mqtt?: object; readonly mqtts?: object };
  /** By name of the WebSocket, or of the topic behind `mqtt.`. */
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly components: {
    readonly messages: Readonly<Record<string, Message>>;
    readonly schemas: Components;
    readonly securitySchemes: object;
  };
}

export interface Channel {
  readonly address: string;
  readonly summary: string;
  readonly description: string;
  readonly servers: readonly Ref[];
  readonly messages: Readonly<Record<string, Ref>>;
  readonly parameters?: object;
  readonly bindings: object;
  readonly 'x-permission': string;
  readonly 'x-roles': object;
}

export interface Operation {
  readonly action: 'send' | 'receive';
  readonly summary: string;
  readonly description: string;
  readonly channel: Ref;
  readonly messages: readonly Ref[];
  readonly bindings?: object;
  /** What is answered, and where. */
  readonly reply?: { readonly channel: Ref; readonly messages: readonly Ref[] };
}

export interface Message {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  /** Where it is no JSON. */
  readonly contentType?: string;
  readonly payload: JsonSchema;
  readonly examples: readonly { readonly payload: unknown }[];
}

/** @param topics of the broker; none where there is no broker */
export function asyncApi(sockets: readonly Socket[], topics: readonly TopicRow[] = []): AsyncApi {
  const writer = new SchemaWriter(VOCABULARY);
  const messages: Record<string, Message> = {};
  for (const socket of sockets) {
    for (const [name, side, schema] of messagesWithSides(socket)) {
      messages[name] = message(name, writer.write(schema, side), writer);
    }
  }
  const mqtt = mqttPart(topics, writer);
  const hasBroker = topics.length > 0;
  return asDraft7({
    asyncapi: '3.0.0',
    info: {
      title: 'Vigil, live',
      version: '1',
      description: hasBroker ? `${SOCKET_OVERVIEW} ${MQTT_OVERVIEW}` : SOCKET_OVERVIEW,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      contact: { name: 'Whoever runs this gateway' },
      tags: [{ name: 'live', description: 'What happens now.' }],
    },
    defaultContentType: 'application/json',
    servers: {
      gateway: {
        host: 'vigil.local',
        pathname: SERVER,
        protocol: 'ws',
        description: 'Without the pathname too, and at wss where the gateway has a certificate.',
        security: [{ $ref: '#/components/securitySchemes/bearer' }],
      },
      ...(hasBroker && MQTT_SERVERS),
    },
    channels: {
      ...Object.fromEntries(sockets.map((socket) => [socket.name, channel(socket)])),
      ...mqtt.channels,
    },
    operations: { ...Object.fromEntries(sockets.flatMap(operations)), ...mqtt.operations },
    components: {
      messages: { ...messages, ...mqtt.messages },
      schemas: writer.components(),
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'With the upgrade, or in the first message: auth.',
        },
        ...(hasBroker && MQTT_SECURITY),
      },
    },
  });
}

/** A list with a schema for each place, as the draft 7 writes it that AsyncAPI 3.0 goes by. */
function asDraft7(document: AsyncApi): AsyncApi {
  return JSON.parse(JSON.stringify(document), (_, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('prefixItems' in value)) return value;
    const { prefixItems, ...rest } = value;
    return { ...rest, items: prefixItems, additionalItems: false };
  });
}

type Sided = readonly [name: string, side: Side, schema: v.GenericSchema];

/** The names of messages in the document: of which WebSocket, which way, what type. */
function messagesWithSides({ name, incoming, outgoing }: Socket): readonly Sided[] {
  const of = (side: Side, way: string, lists: Socket['incoming']) =>
    [...messagesOf(lists)].map(
      ([type, schema]) => [`${name}.${way}.${type}`, side, schema] as const,
    );
  return [...of('input', 'in', incoming), ...of('output', 'out', outgoing)];
}

function message(name: string, payload: JsonSchema, writer: SchemaWriter): Message {
  const [, way, type = name] = name.split('.');
  const summary = MESSAGES[`${way} ${type}`] ?? MESSAGES[type] ?? type;
  const example = exampleOf(payload, writer.components());
  return { name: type, title: type, summary, payload, examples: [{ payload: example }] };
}

function channel(socket: Socket): Channel {
  const { path, summary, permission } = socket;
  const names = messagesWithSides(socket).map(([name]) => name);
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => [
    name,
    { description: `The ${name} of what it is about.` },
  ]);
  return {
    address: path.replaceAll(/:(\w+)/g, '{$1}'),
    summary,
    description: `${summary} ${whoMay(permission)} ${closings()}`,
    servers: [{ $ref: '#/servers/gateway' }],
    messages: Object.fromEntries(
      names.map((name) => [name, { $ref: `#/components/messages/${name}` }]),
    ),
    ...(parameters.length > 0 && { parameters: Object.fromEntries(parameters) }),
    bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
    'x-permission': permission,
    'x-roles': rolesOf(permission),
  };
}

function closings(): string {
  const codes = Object.entries(CLOSE_CODES).map(([code, why]) => `${code}: ${why}`);
  return `Closed with ${codes.join('; ')}.`;
}

function operations(socket: Socket): readonly (readonly [string, Operation])[] {
  const { name, summary } = socket;
  const ways = [
    ['receive', 'in', 'What clients send'],
    ['send', 'out', 'What clients get'],
  ] as const;
  return ways.map(([action, way, what]) => {
    const names = messagesWithSides(socket).map(([full]) => full);
    const messages = names
      .filter((full) => full.startsWith(`${name}.${way}.`))
      .map((full) => ({ $ref: `#/channels/${name}/messages/${full}` }));
    const operation = {
      ...{ action, summary: `${what}.`, description: summary },
      channel: { $ref: `#/channels/${name}` },
      messages,
    };
    return [`${name}.${action}`, operation] as const;
  });
}
