/** The broker in the documents, held against what the gateway publishes, takes and allows. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { ROLES, type Role } from '#core/account.ts';
import { alertEvent } from '#core/alert.ts';
import type { Stream } from '#core/stream.ts';
import { scopeOf } from '../../../../src/accounts/roles.ts';
import { asyncApi } from '../../../../src/http/docs/asyncapi.ts';
import { page } from '../../../../src/http/docs/html.ts';
import { MQTT_COMMANDS } from '../../../../src/http/docs/mqtt-commands.ts';
import { MQTT_TOPICS, type TopicRow } from '../../../../src/http/docs/mqtt-topics.ts';
import { openApi } from '../../../../src/http/docs/openapi.ts';
import { SOCKETS } from '../../../../src/http/docs/sockets.ts';
import { ROUTES } from '../../../../src/http/routes/index.ts';
import { PUSHES } from '../../../../src/ingest/pushes.ts';
import { AlertBoard } from '../../../../src/mqtt/alert-board.ts';
import { eventText } from '../../../../src/mqtt/publisher-events.ts';
import { StateBoard } from '../../../../src/mqtt/state.ts';
import { GROUPS, Topics } from '../../../../src/mqtt/topics.ts';
import { alertOf } from '../../../support/alert-fixture.ts';
import { rpm } from '../fakes.ts';

const document = asyncApi(SOCKETS, MQTT_TOPICS);

/** In the document. */
function nameOf(topic: string): string {
  return `mqtt.${topic}`;
}

function addressOf({ name }: TopicRow): string {
  return document.channels[nameOf(name)]?.address ?? '';
}

/** What is sent there. */
function payloadOf(topic: string): v.GenericSchema {
  const payload = MQTT_TOPICS.find(({ name }) => name === topic)?.payload;
  return payload ?? expect.fail(`${topic} has no schema`);
}

test('every group of topics is told of, and none that there is not', () => {
  const groups = MQTT_TOPICS.flatMap(({ topic }) =>
    topic.startsWith('/') ? [] : [topic.split('/')[0]],
  );
  expect([...new Set(groups)].toSorted()).toEqual([...GROUPS].toSorted());
});

test('addresses are those that the gateway makes', () => {
  const topics = new Topics('v1');
  const made: Readonly<Record<string, string | undefined>> = {
    state: topics.state,
    info: topics.info,
    stats: topics.stats,
    discovery: topics.discovery,
    avail: topics.avail('obd'),
    signal: topics.signal('obd.engine.rpm'),
    vss: topics.vss('Vehicle.Speed'),
    stream: topics.stream('eeg.raw'),
    event: topics.event('warn', 'blink'),
    alert: topics.alert('coolant-hot'),
  };
  const filled: Readonly<Record<string, string>> = {
    device: 'v1',
    source: 'obd',
    stream: 'eeg/raw',
    path: 'Vehicle/Speed',
    severity: 'warn',
    name: 'blink',
    rule: 'coolant-hot',
  };
  for (const row of MQTT_TOPICS.filter(({ name }) => !name.includes('.'))) {
    const own = row.name === 'signal' ? { ...filled, stream: 'obd/engine/rpm' } : filled;
    const address = addressOf(row).replaceAll(/\{(\w+)\}/g, (_, key) => own[key] ?? '?');
    expect(address, row.name).toBe(made[row.name]);
  }
});

test('every kind of push and every command has its topic, and its answer', () => {
  const names = MQTT_TOPICS.map(({ name }) => name);
  for (const kind of Object.keys(PUSHES)) expect(names).toContain(`ingest.${kind}`);
  for (const [command, row] of Object.entries(MQTT_COMMANDS)) {
    const name = command.replace('/', '-');
    const channel = document.channels[nameOf(`request.${name}`)];
    expect(channel?.address).toBe(`car/{device}/request/${command}`);
    expect(channel?.['x-permission']).toBe(row.permission);
    expect(document.channels[nameOf(`response.${name}`)]?.address).toBe(
      `car/{device}/response/${command}`,
    );
    expect(document.operations[nameOf(`request.${name}`)]?.reply?.channel.$ref).toBe(
      `#/channels/${nameOf(`response.${name}`)}`,
    );
  }
});

test('what the gateway gets it receives, and what it tells it sends, retained where it is', () => {
  const of = (name: string) => document.operations[nameOf(name)];
  expect(of('signal')).toMatchObject({
    action: 'send',
    bindings: { mqtt: { qos: 0, retain: true } },
  });
  expect(of('ingest.eeg')).toMatchObject({
    action: 'receive',
    bindings: { mqtt: { qos: 1, retain: false } },
  });
  expect(of('response.ingest')?.action).toBe('send');
  // Told with the request, of which it is the reply.
  expect(of('response.ping')).toBeUndefined();
});

test('each message has words of its own, and an example that it takes', () => {
  for (const { name, payload, summary } of MQTT_TOPICS) {
    expect(summary, name).toMatch(/ .*\.$/);
    const message = document.components.messages[nameOf(name)];
    if (payload === undefined) {
      expect(message?.contentType, name).toMatch(/^(text\/plain|application\/octet-stream)$/);
      continue;
    }
    const { issues = [] } = v.safeParse(payload, message?.examples[0]?.payload);
    expect(
      issues.map(({ message: text }) => text),
      name,
    ).toEqual([]);
  }
});

test('references lead somewhere, and parameters are those of the address', () => {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)];
  expect(refs.length).toBeGreaterThan(150);
  for (const [, path = ''] of refs) {
    const found = path
      .split('/')
      .reduce<unknown>((at, key) => Reflect.get(Object(at), key), document);
    expect(found, path).toBeDefined();
  }
  for (const { address, parameters = {} } of Object.values(document.channels)) {
    const named = [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(parameters), address).toEqual(named);
  }
});

test('the answers that are given to pushes are those of the documents', () => {
  const head = { transaction: null, kind: 'face', client: 'cam', seq: 1 };
  for (const answer of [
    { ...head, status: 'ok', data: { seq: 1, duplicate: false } },
    { transaction: 'a', kind: 'marker', status: 'ok', data: { epoch: 1, t: 5, duplicate: false } },
    { ...head, status: 'error', error: { code: 'invalid', message: 'no', pointer: '/seq' } },
  ]) {
    expect(v.is(payloadOf('response.ingest'), answer)).toBe(true);
  }
});

test('what the publisher tells is what the documents say', () => {
  const alert = alertEvent('started', alertOf(), 9);
  const [notice] = new AlertBoard().take(alert);
  const told: [topic: string, text: string | undefined][] = [
    ['alert', notice?.payload],
    ['event', eventText({ kind: 'event', stream: rpm, t: 5, data: { code: 'P0301' } })],
    ['info', infoOf([rpm, { ...rpm, id: 'obd.gear', states: { 0: 'neutral' } }])],
  ];
  for (const [topic, text] of told) {
    const json = JSON.parse(text ?? 'null');
    expect(v.parse(payloadOf(topic), json), topic).toEqual(json);
  }
});

/** What a gateway with these streams tells of itself. */
function infoOf(streams: readonly Stream[]): string | undefined {
  const told = new Map<string, string>();
  const epoch = { id: 7, wallMs: 1_795_000_000_000, trust: 'ntp' } as const;
  const options = { version: '1', simulated: false, epoch: () => epoch, streams: () => streams };
  const board = new StateBoard(
    { ...options, sources: () => [], stats: () => ({}) },
    { send: (group, text) => void told.set(group, text), gone: () => {} },
  );
  board.renew(0);
  return told.get('info');
}

test('without a broker nothing is told of one', () => {
  const { channels, servers } = asyncApi(SOCKETS);
  expect(Object.keys(channels)).toEqual(SOCKETS.map(({ name }) => name));
  expect(Object.keys(servers)).toEqual(['gateway']);
});

test('the page has every topic and every command, with who may', () => {
  const text = page(openApi(ROUTES), document);
  for (const row of MQTT_TOPICS) expect(text).toContain(`<code>${addressOf(row)}</code>`);
  const roles = (permission: 'service' | 'send'): Role[] =>
    ROLES.filter((role) => scopeOf(role, permission) !== 'none');
  expect(text).toContain(`For ${roles('service').join(', ')}.`);
  const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const links = [...text.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id);
  expect(links.filter((id) => !ids.includes(id))).toEqual([]);
  expect(text).not.toMatch(/<script|<style| style=| on[a-z]+="/);
  expect(page(openApi(ROUTES), asyncApi(SOCKETS))).not.toContain('car/{device}');
});
