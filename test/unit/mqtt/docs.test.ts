/** Whom the documents say that a topic is for, held against whom the broker lets have it. */
import { expect, test } from 'vitest';
import { ROLES, type Role } from '#core/account.ts';
import { scopeOf } from '../../../src/accounts/roles.ts';
import { commandsOf } from '../../../src/gateway/mqtt-commands.ts';
import { MQTT_COMMANDS } from '../../../src/http/docs/mqtt-commands.ts';
import { MQTT_TOPICS, type TopicRow } from '../../../src/http/docs/mqtt-topics.ts';
import { createAcl } from '../../../src/mqtt/acl.ts';
import { Requests } from '../../../src/mqtt/requests.ts';
import { bareGateway } from '../../support/bare-gateway.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { answers, bytes, deviceGuest, guestOf } from './requests-guests.ts';

const DEVICE = 'v1';
const EXAMPLES: Readonly<Record<string, string>> = {
  device: DEVICE,
  source: 'obd',
  stream: 'eeg/raw',
  path: 'Vehicle/Speed',
  severity: 'warn',
  name: 'blink',
  rule: 'coolant-hot',
};

/** With a session open for everybody, so that all that may ever come does. */
const acl = createAcl({
  device: DEVICE,
  openSessions: () => ROLES.map((role) => ({ owner: guestOf(role).user?.id ?? '' })),
  hidesStream: () => false,
  hidesRule: () => false,
  commands: Object.values(MQTT_COMMANDS),
});

function topicOf({ topic }: TopicRow): string {
  const filled = topic.replaceAll(/\{(\w+)\}/g, (_, key: string) => EXAMPLES[key] ?? key);
  return filled.startsWith('/') ? filled.slice(1) : `car/${DEVICE}/${filled}`;
}

function documented({ permission, forAllOnly }: TopicRow): Role[] {
  return ROLES.filter((role) => {
    const scope = scopeOf(role, permission);
    return scope === 'all' || (scope === 'own' && !forAllOnly);
  });
}

const ANSWER = /^response\//;
const REQUEST = /^request\//;
const told = MQTT_TOPICS.filter(({ from, topic }) => from === 'gateway' && !ANSWER.test(topic));
const pushed = MQTT_TOPICS.filter(({ from, topic }) => from === 'client' && !REQUEST.test(topic));
const asked = MQTT_TOPICS.filter(({ topic }) => REQUEST.test(topic));

test.each(told)('$topic is received by whom the documents say, and by nobody else', (row) => {
  const topic = topicOf(row);
  expect(ROLES.filter((role) => acl.mayReceive(guestOf(role), topic))).toEqual(documented(row));
  expect(ROLES.filter((role) => acl.maySubscribe(guestOf(role), topic))).toEqual(documented(row));
  expect(ROLES.filter((role) => acl.mayPublish(guestOf(role), topic))).toEqual([]);
});

test.each(pushed)('$topic is pushed by whom the documents say, and by nobody else', (row) => {
  const topic = topicOf(row);
  expect(ROLES.filter((role) => acl.mayPublish(guestOf(role), topic))).toEqual(documented(row));
  expect(ROLES.filter((role) => acl.mayReceive(guestOf(role), topic))).toEqual([]);
});

test.each(asked)('$topic is done for whom the documents say, the others are told', async (row) => {
  const topic = topicOf(row);
  expect(ROLES.filter((role) => acl.mayPublish(guestOf(role), topic))).toEqual(ROLES);
  expect(acl.mayPublish(deviceGuest(), topic)).toBe(false);
  const { answer, all } = answers();
  const info = { device: DEVICE, version: '1', epoch: 1 };
  const commands = commandsOf({ gateway: bareGateway(), info });
  const requests = new Requests({
    ...{ device: DEVICE, realTime: new FakeClock(), answer },
    commands: commands.map((command) => ({ ...command, run: () => ({}) })),
  });
  for (const role of ROLES) {
    await requests.take(guestOf(role, role), topic, bytes({ transaction: role }));
  }
  await expect.poll(() => all.length).toBe(ROLES.length);
  const done = all.filter(({ body }) => body.status === 'ok').map(({ body }) => body.transaction);
  const refused = all.filter(({ body }) => body.error?.code === 'not-allowed');
  expect(ROLES.filter((role) => done.includes(role))).toEqual(documented(row));
  expect(done.length + refused.length).toBe(ROLES.length);
});

test('whoever is answered may subscribe to the answer, and nobody publishes it', () => {
  for (const row of MQTT_TOPICS.filter(({ topic }) => ANSWER.test(topic))) {
    const topic = topicOf(row);
    for (const role of documented(row)) {
      expect(acl.maySubscribe(guestOf(role), topic), `${role} ${topic}`).toBe(true);
      expect(acl.mayReceive(guestOf(role), topic), `${role} ${topic}`).toBe(true);
    }
    for (const role of ROLES) expect(acl.mayPublish(guestOf(role), topic)).toBe(false);
    expect(acl.mayReceive(deviceGuest(), topic)).toBe(false);
  }
});
