/** The commands of MQTT over a gateway in a simulated car: what the routes of HTTP do is done. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Role } from '#core/account.ts';
import type { Session } from '#core/session.ts';
import { PERMISSIONS } from '../../../src/accounts/roles.ts';
import { commandsOf } from '../../../src/gateway/mqtt-commands.ts';
import { type CommandName, MQTT_COMMANDS } from '../../../src/http/docs/mqtt-commands.ts';
import { acknowledgeAlert } from '../../../src/http/routes/alerts-history.ts';
import { clearTroubleCodes, listTroubleCodes } from '../../../src/http/routes/diagnostics-dtc.ts';
import type { Gateway } from '../../../src/http/routes/index.ts';
import { tellClock } from '../../../src/http/routes/ingest.ts';
import { markSession } from '../../../src/http/routes/session-events.ts';
import {
  changeSession,
  type SessionsDeps,
  startSession,
} from '../../../src/http/routes/sessions.ts';
import { restartSource } from '../../../src/http/routes/sources.ts';
import { listStreams } from '../../../src/http/routes/streams.ts';
import { readSync } from '../../../src/http/routes/sync.ts';
import { RequestError } from '../../../src/mqtt/requests.ts';
import { SessionError } from '../../../src/sessions/errors.ts';
import { DiagnosisError } from '../../../src/sources/obd/errors.ts';
import { testAccounts } from '../../support/accounts.ts';
import { alertOf } from '../../support/alert-fixture.ts';
import { bareGateway } from '../../support/bare-gateway.ts';
import { noReading } from '../../support/no-reading.ts';
import { userOf } from '../http/callers.ts';
import { rpm, stream } from '../http/fakes.ts';
import { createWorld, EPOCH, SESSION } from '../ingest/world.ts';
import { FAR, guestOf } from '../mqtt/requests-guests.ts';

const INFO = { device: 'v1', version: '1.2.3', epoch: EPOCH };

async function start(overrides: Partial<Gateway> = {}) {
  const people = await testAccounts();
  const world = createWorld();
  const open: Session[] = [world.session];
  const started: object[] = [];
  const sessions: ReturnType<SessionsDeps['reading']['sessions']> = {
    list: () => ({ items: open, next: null }),
    current: () => open.filter(({ endedBy }) => endedBy === null),
    get: (id) => {
      const found = open.find((one) => one.id === id);
      if (found) return found;
      throw new SessionError('NOT_FOUND', `there is no session ${id}`);
    },
    start: async (notes) => {
      started.push(notes);
      const session: Session = { ...world.session, id: 9, owner: notes.owner ?? null };
      open.push(session);
      return session;
    },
    end: async (id) => {
      const session: Session = { ...sessions.get(id), endedBy: 'manual' };
      open.splice(0, open.length, ...open.map((one) => (one.id === id ? session : one)));
      return session;
    },
    update: async (id) => sessions.get(id),
    remove: async () => {},
  };
  const gateway: Gateway = {
    ...bareGateway(people),
    reading: { ...noReading(), sessions: () => sessions },
    ingest: world.ingest,
    streams: () => [rpm, stream('gps.position')],
    ...overrides,
  };
  const commands = commandsOf({ gateway, info: INFO });
  const ask = async (role: Role, name: CommandName, args: object = {}) => {
    const guest = guestOf(role);
    const command = commands.find((one) => one.name === name);
    return await command?.run({ guest, user: people.user(role) }, args);
  };
  const refused = async (role: Role, name: CommandName, args: object = {}) => {
    const error = await ask(role, name, args).catch((caught: unknown) => caught);
    if (!(error instanceof RequestError)) throw error;
    return { code: error.code, pointer: error.pointer, message: error.message };
  };
  return { ...world, people, commands, ask, refused, started, sessions };
}

test('every command of the table is there, in its order', async () => {
  const { commands } = await start();
  expect(commands.map(({ name }) => name)).toEqual(Object.keys(MQTT_COMMANDS));
  for (const { name, permission } of commands) {
    expect(Object.keys(PERMISSIONS), name).toContain(permission);
    expect(name).toMatch(/^[a-z0-9_-]{1,23}(\/[a-z0-9_-]{1,23})?$/);
  }
});

test('who may ask over MQTT is who may ask over HTTP', () => {
  const routes = {
    streams: listStreams,
    clock: tellClock,
    'session/start': startSession,
    'session/end': changeSession,
    marker: markSession,
    'alert/ack': acknowledgeAlert,
    'source/restart': restartSource,
    dtc: listTroubleCodes,
    'dtc/clear': clearTroubleCodes,
    sync: readSync,
  } as const;
  for (const [name, row] of Object.entries(MQTT_COMMANDS)) {
    const route = Object.entries(routes).find(([one]) => one === name)?.[1];
    expect(row.permission, name).toBe(route?.access ?? 'self');
  }
});

test('a ping tells the time of the gateway, and info which one it is', async () => {
  const { ask, clock } = await start();
  await clock.advance(5);
  expect(await ask('viewer', 'ping', { t1: 3 })).toEqual({
    ...{ t1: 3, t2: 5_000, t3: 5_000, epoch: EPOCH },
  });
  expect(await ask('viewer', 'ping')).toEqual({ t2: 5_000, t3: 5_000, epoch: EPOCH });
  expect(await ask('student', 'info')).toEqual(INFO);
});

test('streams that tell where the car was are not for everybody', async () => {
  const { ask } = await start();
  const of = async (role: Role) => JSON.stringify(await ask(role, 'streams'));
  expect(await of('operator')).toContain('gps.position');
  expect(await of('researcher')).not.toContain('gps.position');
  expect(await of('researcher')).toContain(rpm.id);
});

test('a session is begun as over HTTP: one of a student needs the words of the consent', async () => {
  const { ask, refused, started } = await start();
  expect(await refused('student', 'session/start')).toMatchObject({
    code: 'invalid',
    pointer: '/consent',
  });
  expect(started).toEqual([]);
  expect(await ask('student', 'session/start', { consent: 'I agree.' })).toMatchObject({ id: 9 });
  expect(started).toEqual([{ consent: 'I agree.', owner: userOf('student').id }]);
  expect(await refused('operator', 'session/start', { driver: 7 })).toMatchObject({
    code: 'bad-message',
    pointer: '/driver',
  });
});

test('a session is ended by its id, or the own one without', async () => {
  const { ask, refused, session, sessions } = await start();
  session.owner = userOf('operator').id;
  expect(await refused('student', 'session/end')).toMatchObject({ code: 'no-session' });
  expect(await refused('student', 'session/end', { session: SESSION })).toMatchObject({
    code: 'not-found',
  });
  expect(await ask('operator', 'session/end')).toMatchObject({ id: SESSION, state: 'ended' });
  expect(sessions.get(SESSION).endedBy).toBe('manual');
  expect(await refused('operator', 'session/end', { session: SESSION })).toMatchObject({
    code: 'conflict',
    message: 'Session 3 has ended already.',
  });
  expect(await refused('operator', 'session/end')).toMatchObject({ code: 'no-session' });
});

test('a marker is made once for its key', async () => {
  const { ask, clock, store } = await start();
  await clock.advance(3_000);
  const mark = async (more: object) => {
    const marked = ask('operator', 'marker', { text: 'here', ...more });
    await clock.advance(1_000);
    return await marked;
  };
  expect(await mark({ key: 'a b' })).toMatchObject({ duplicate: false });
  expect(await mark({ key: 'a b', session: SESSION })).toMatchObject({ duplicate: true });
  const made = store.data().flatMap((one) => (one.kind === 'event' ? [one.data] : []));
  expect(made).toEqual([{ text: 'here', by: userOf('operator').id, key: 'a b', session: SESSION }]);
});

test('a key that HTTP would not take is refused', async () => {
  const { refused } = await start();
  expect(await refused('operator', 'marker', { text: 'x', key: 'a"b' })).toMatchObject({
    code: 'bad-message',
  });
  expect(await refused('operator', 'dtc/clear', { confirm: true, key: '' })).toMatchObject({
    code: 'bad-message',
    pointer: '/key',
  });
});

test('a clock is told for the session that is open', async () => {
  const { ask, refused, clock } = await start();
  await clock.advance(3_000);
  const exchange = { t1: 0, t2: 1_000_000, t3: 1_000_100, t4: 1_000 };
  const told = { client: 'muse', epoch: EPOCH, exchanges: [exchange] };
  expect(await ask('operator', 'clock', told)).toMatchObject({ roundTrip: 900 });
  expect(await refused('student', 'clock', told)).toMatchObject({ code: 'no-session' });
});

test('trouble codes are cleared with the same log entry as over HTTP', async () => {
  const { ask, refused, people } = await start();
  expect(await refused('operator', 'dtc/clear')).toMatchObject({
    code: 'invalid',
    pointer: '/confirm',
  });
  expect(people.facts.at(-1)).toMatchObject({ action: 'dtc.clear', result: 'refused' });
  expect(await ask('operator', 'dtc/clear', { confirm: true })).toMatchObject({ cleared: ['7e8'] });
  expect(people.facts.at(-1)).toMatchObject({
    ...{ action: 'dtc.clear', result: 'done', who: 'operator', from: FAR.address },
  });
});

test('a car that moves keeps its codes, and the log says so', async () => {
  const bare = bareGateway();
  const clear = () => Promise.reject(new DiagnosisError('MOVING', 'the car drives at 50 km/h'));
  const { refused, people } = await start({ diagnosis: { ...bare.diagnosis, clear } });
  expect(await refused('admin', 'dtc/clear', { confirm: true })).toEqual({
    ...{ code: 'conflict', message: 'The car drives at 50 km/h.', pointer: '' },
  });
  expect(people.facts.at(-1)).toMatchObject({ result: 'refused', details: { code: 'MOVING' } });
});

test('a source is restarted with a log entry, and one that is not there is told', async () => {
  const { ask, refused, people } = await start();
  expect(await ask('operator', 'source/restart', { source: 'obd' })).toBeUndefined();
  expect(people.facts.at(-1)).toMatchObject({ action: 'source.restart', target: 'obd' });
  expect(await refused('operator', 'source/restart', { source: 'eeg' })).toMatchObject({
    code: 'not-found',
    message: 'There is no source "eeg"; there is: obd.',
  });
});

test('an alert is acknowledged by name', async () => {
  const alert = alertOf();
  const by: string[] = [];
  const { alerting } = bareGateway();
  const { ask, refused } = await start({
    alerting: {
      ...alerting,
      get: () => alert,
      acknowledge: async (_, name) => {
        by.push(name);
        return alert;
      },
    },
  });
  expect(await ask('operator', 'alert/ack', { alert: alert.id })).toMatchObject({ id: alert.id });
  expect(by).toEqual(['operator']);
  expect(await refused('operator', 'alert/ack', { alert: 7 })).toMatchObject({
    code: 'bad-message',
    pointer: '/alert',
  });
});

test('while the store is not open commands of sessions are to come again', async () => {
  const { refused } = await start({ reading: noReading() });
  for (const name of ['session/start', 'session/end', 'clock'] as const) {
    const args =
      name === 'clock'
        ? { client: 'x', epoch: EPOCH, exchanges: [{ t1: 0, t2: 0, t3: 0, t4: 0 }] }
        : {};
    expect((await refused('operator', name, args)).code, name).toBe('busy');
  }
});

test('a bug is none of a client', async () => {
  const { ask } = await start({
    streams: () => {
      throw new TypeError('a bug');
    },
  });
  await expect(ask('operator', 'streams')).rejects.toThrow(TypeError);
});

test('what is answered has the shape that the documents say', async () => {
  const { ask } = await start();
  for (const [name, args] of [
    ['ping', { t1: 1 }],
    ['info', {}],
    ['streams', {}],
    ['session/start', {}],
    ['session/end', { session: 9 }],
    ['dtc', { maxAge: 60 }],
    ['dtc/clear', { confirm: true }],
    ['sync', {}],
  ] as const) {
    const data = await ask('admin', name, args);
    expect(v.parse(MQTT_COMMANDS[name].reply, data), name).toEqual(data);
  }
});
