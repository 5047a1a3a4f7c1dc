import * as v from 'valibot';
import { SEVERITIES } from '#core/alert.ts';
import { TRUST } from '#core/clock.ts';
import type { Permission } from '../../accounts/roles.ts';
import { PUSHES, type PushKind, Transaction } from '../../ingest/pushes.ts';
import { StreamShape } from '../routes/streams.ts';
import { MQTT_COMMANDS } from './mqtt-commands.ts';

/** What the broker brings and takes, as the documents tell of it. A test holds it against the broker. */

/** A topic, or all topics of a form. */
export interface TopicRow {
  /** Its name in the documents. */
  readonly name: string;
  /** Behind `car/{device}/`, or the whole where it begins with a slash. */
  readonly topic: string;
  readonly summary: string;
  /** Whose to send it is. */
  readonly from: 'gateway' | 'client';
  readonly permission: Permission;
  /** Who has only their own does not get it. */
  readonly forAllOnly?: true;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Undefined for what is no JSON. */
  readonly payload: v.GenericSchema | undefined;
  /** Of what is no JSON: what it is like. */
  readonly like?: string | { readonly binary: string };
  /** Name of the topic under which a request is answered. */
  readonly answer?: string;
}

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const Time = v.pipe(v.number(), v.integer(), v.description('Microseconds since the epoch began.'));
const Quality = v.pipe(
  v.picklist([0, 1]),
  v.description('0 good; 1 the last that is known: what measures it is gone, or silent.'),
);
const Value = v.nullable(v.number());
const Text = v.nullable(v.string());
const Online = 'online';
const BLOCK =
  'A block as the WebSocket has it: a header of 24 bytes, then the counts, or 16 bytes a frame. The number of the stream is that of info.';

const SignalShape = v.object({
  v: Value,
  t: Time,
  q: Quality,
  s: v.optional(v.pipe(Text, v.description('What the number of a state means.'))),
});
const InfoShape = v.object({
  version: v.string(),
  epoch: Count,
  clock: v.object({ wallMs: v.number(), trust: v.picklist(TRUST) }),
  simulated: v.boolean(),
  streams: v.array(v.object({ number: Count, ...StreamShape.entries })),
});
const AlertNoticeShape = v.object({
  state: v.picklist(['active', 'ended']),
  news: v.pipe(v.string(), v.description('What happened last: started, escalated, acknowledged.')),
  level: v.picklist(SEVERITIES),
  since: v.object({ epoch: Count, t: Time }),
  id: v.string(),
  name: Text,
  cause: v.string(),
  text: v.string(),
  stream: Text,
  value: Value,
  unit: Text,
  acknowledged: v.boolean(),
  active: v.pipe(Count, v.description('How many alerts of the rule last.')),
});
const EventNoticeShape = v.object({
  t: Time,
  stream: v.string(),
  data: v.record(v.string(), v.unknown()),
});
const CountsShape = v.record(v.string(), v.unknown());

const told = { from: 'gateway', qos: 0, retain: true } as const;
const TELLS: readonly TopicRow[] = [
  {
    ...{ ...told, name: 'state', topic: 'state', permission: 'see', qos: 1 },
    summary: 'Whether the gateway is there: online or offline.',
    ...{ payload: undefined, like: Online },
  },
  {
    ...{ ...told, name: 'info', topic: 'info', permission: 'see', qos: 1 },
    summary: 'Which gateway and which start of it, and the streams with their units and numbers.',
    payload: InfoShape,
  },
  {
    ...{ ...told, name: 'avail', topic: 'avail/{source}', permission: 'see', qos: 1 },
    summary: 'Whether a source brings data: online or offline.',
    ...{ payload: undefined, like: Online },
  },
  {
    ...{ ...told, name: 'signal', topic: 'signal/{stream}', permission: 'see' },
    summary:
      'The newest value of a stream: on change, at most 5 times a second, at least every 60 s.',
    payload: SignalShape,
  },
  {
    ...{ ...told, name: 'vss', topic: 'vss/{path}', permission: 'see' },
    summary: 'The same value under its name and in its unit of COVESA VSS 6, where it has one.',
    payload: v.omit(SignalShape, ['s']),
  },
  {
    ...{ ...told, name: 'stream', topic: 'stream/{stream}', permission: 'see', retain: false },
    summary: 'Waves and raw CAN frames, as they come, while somebody subscribes to them.',
    ...{ payload: undefined, like: { binary: BLOCK } },
  },
  {
    ...{ ...told, name: 'event', topic: 'event/{severity}/{name}', permission: 'see' },
    ...{ qos: 1, retain: false },
    summary: 'Something that happened, such as a trouble code or a blink.',
    payload: EventNoticeShape,
  },
  {
    ...{ ...told, name: 'alert', topic: 'alert/{rule}', permission: 'alerts', qos: 1 },
    summary: 'An alert of a rule, kept while one lasts; an empty message when none does.',
    payload: AlertNoticeShape,
  },
  {
    ...{ ...told, name: 'stats', topic: 'stats', permission: 'see', forAllOnly: true },
    summary: 'What the gateway counts, every 10 s.',
    payload: CountsShape,
  },
  {
    ...{ ...told, name: 'discovery', topic: '/homeassistant/device/{device}/config' },
    ...{ permission: 'see', forAllOnly: true, qos: 1 },
    summary: 'What Home Assistant makes a device of, with an entity for each stream.',
    payload: CountsShape,
  },
];

const OF_KIND: Readonly<Record<PushKind, string>> = {
  eeg: 'A batch of EEG, as over HTTP.',
  face: "A batch of what a camera saw of the driver's face, as over HTTP.",
  game: 'A batch of what happened in a driving task, as over HTTP.',
  alert: 'A batch of alerts that a client has found by itself, as over HTTP.',
  marker: 'Marks a moment of the session.',
};

const Fault = v.object({
  code: v.string(),
  message: v.string(),
  pointer: v.optional(v.pipe(v.string(), v.description('Where in the payload, RFC 6901.'))),
});
const Head = { transaction: v.nullable(Transaction) };
const PushHead = {
  ...Head,
  kind: v.string(),
  client: v.optional(v.string()),
  seq: v.optional(v.number()),
};
const Refused = { status: v.literal('error'), error: Fault };

/** What a client gets back whose push was not taken, or who gave a transaction. */
const PushAnswer = v.union([
  v.object({ ...PushHead, status: v.literal('ok'), data: v.object({ duplicate: v.boolean() }) }),
  v.object({ ...PushHead, ...Refused }),
]);

function pushes(): TopicRow[] {
  const of = { from: 'client', qos: 1, retain: false, permission: 'send' } as const;
  const rows = Object.entries(PUSHES).map(([kind, payload]): TopicRow => {
    const rest =
      'It is acknowledged when it is stored, or refused for good; without a session it is for the one of the sender that is open.';
    const summary = `${OF_KIND[kind as PushKind]} ${rest}`;
    return { ...of, name: `ingest.${kind}`, topic: `ingest/${kind}`, summary, payload };
  });
  const answer: TopicRow = {
    ...{ ...of, name: 'response.ingest', topic: 'response/ingest', from: 'gateway' },
    summary: 'To who has pushed: that it was not taken, and why; also that it was, if asked.',
    payload: PushAnswer,
  };
  return [...rows, answer];
}

function commands(): TopicRow[] {
  return Object.entries(MQTT_COMMANDS).flatMap(([command, row]): TopicRow[] => {
    const { summary, permission, args, reply } = row;
    const name = command.replace('/', '-');
    const of = { qos: 1, retain: false, permission } as const;
    const data = reply.type === 'void' ? v.object({}) : reply;
    return [
      {
        ...{ ...of, name: `request.${name}`, topic: `request/${command}`, from: 'client', summary },
        payload: v.strictObject({ transaction: Transaction, ...args.entries }),
        answer: `response.${name}`,
      },
      {
        ...{ ...of, name: `response.${name}`, topic: `response/${command}`, from: 'gateway' },
        summary: `To who has asked: what ${command} came to.`,
        payload: v.union([
          v.object({ ...Head, status: v.literal('ok'), data }),
          v.object({ ...Head, ...Refused }),
        ]),
      },
    ];
  });
}

/** Every topic there is. */
export const MQTT_TOPICS: readonly TopicRow[] = [...TELLS, ...pushes(), ...commands()];
