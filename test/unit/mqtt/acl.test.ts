import { beforeEach, expect, test } from 'vitest';
import { type Grant, ROLES, type Role, type User } from '#core/account.ts';
import { createAcl } from '../../../src/mqtt/acl.ts';
import type { Guest } from '../../../src/mqtt/doorman.ts';
import { LOCAL } from '../../support/accounts.ts';

const POSITION = 'gps';
let open: { owner: string | null }[] = [];

const acl = createAcl({
  device: 'd',
  openSessions: () => open,
  hidesStream: (user, id) => hidesPosition(user) && `${id}.`.startsWith(`${POSITION}.`),
  hidesRule: (user, rule) => hidesPosition(user) && rule === 'geofence',
  commands: [{ permission: 'self' }, { permission: 'service' }],
});

beforeEach(() => {
  open = [];
});

function hidesPosition({ role, grants }: User): boolean {
  return role === 'researcher' && !grants.includes('names');
}

function userOf(role: Role, grants: readonly Grant[] = []): User {
  return { id: `id-${role}`, username: role, role, grants, enabled: true, createdAt: '' };
}

function guestOf(who: User | 'device' | undefined): Guest {
  const user = typeof who === 'object' ? who : undefined;
  const onEnd = () => () => {};
  return { user, name: 'n', login: 'l', remote: LOCAL, current: () => who, onEnd };
}

/** In the order of the tables: without a session of their own; that of a student with one is `own`. */
const GUESTS: Readonly<Record<string, Guest>> = {
  viewer: guestOf(userOf('viewer')),
  operator: guestOf(userOf('operator')),
  researcher: guestOf(userOf('researcher')),
  named: guestOf(userOf('researcher', ['names'])),
  student: guestOf(userOf('student')),
  own: guestOf(userOf('student')),
  admin: guestOf(userOf('admin')),
  device: guestOf('device'),
  ended: guestOf(undefined),
};

/** Has a session open: of the student for `own`, of nobody for the others. */
function begin(name: string): void {
  open = [{ owner: null }, ...(name === 'own' ? [{ owner: 'id-student' }] : [])];
}

function allowed(names: string, may: (guest: Guest, name: string) => boolean): void {
  const found = Object.entries(GUESTS).filter(([name, guest]) => {
    begin(name);
    return may(guest, name);
  });
  expect(found.map(([name]) => name).join(' ')).toBe(names);
}

const ALL = 'viewer operator researcher named student own admin device';
const MEASURED = 'viewer operator researcher named own admin device';
const PLACES = 'viewer operator named own admin device';
const SEE_ALL = 'viewer operator researcher named admin device';
const SERVICE = 'operator admin';
/** Of whom it is known who they are. */
const PEOPLE = 'viewer operator researcher named student own admin';
const SENDERS = 'operator researcher named student own admin';
const NOBODY = '';

// biome-ignore format: a table
test.each([
  //  topic                                 who receives   who publishes
  ['car/d/state',                           ALL,           NOBODY],
  ['car/d/info',                            ALL,           NOBODY],
  ['car/d/avail/obd',                       MEASURED,      NOBODY],
  ['car/d/signal/obd/speed',                MEASURED,      NOBODY],
  ['car/d/signal/gps/lat',                  PLACES,        NOBODY],
  ['car/d/signal/gps',                      PLACES,        NOBODY],
  ['car/d/signal/gpsx/lat',                 MEASURED,      NOBODY],
  ['car/d/vss/Vehicle/Speed',               MEASURED,      NOBODY],
  ['car/d/vss/Vehicle/CurrentLocation/Latitude', PLACES,   NOBODY],
  ['car/d/vss/Vehicle/CurrentLocation',     PLACES,        NOBODY],
  ['car/d/stream/eeg/raw',                  MEASURED,      NOBODY],
  ['car/d/stream/gps/raw',                  PLACES,        NOBODY],
  ['car/d/event/warn/blink',                MEASURED,      NOBODY],
  ['car/d/event/alarm/geofence',            PLACES,        NOBODY],
  ['car/d/alert/coolant-hot',               MEASURED,      NOBODY],
  ['car/d/alert/geofence',                  PLACES,        NOBODY],
  ['car/d/stats',                           SEE_ALL,       NOBODY],
  ['car/d/ingest/face/perclos',             NOBODY,        SENDERS],
  ['car/d/request/dtc',                     NOBODY,        PEOPLE],
  ['car/d/request/session/start',           NOBODY,        PEOPLE],
  ['car/d/response/dtc',                    PEOPLE,        NOBODY],
  ['car/d/response/session/start',          PEOPLE,        NOBODY],
  ['homeassistant/device/d/config',         SEE_ALL,       NOBODY],
  ['homeassistant/status',                  SEE_ALL,       NOBODY],
  ['$SYS/x/heartbeat',                      SERVICE,       NOBODY],
  ['car/other/state',                       NOBODY,        NOBODY],
  ['car/d/ingest/A',                        NOBODY,        NOBODY],
  ['car/d/request',                         NOBODY,        NOBODY],
  ['car/d/request/a//b',                    NOBODY,        NOBODY],
  ['car/d/nothing/x',                       NOBODY,        NOBODY],
  ['anything',                              NOBODY,        NOBODY],
])('%s is received by %s, and published by %s', (topic, receivers, publishers) => {
  allowed(receivers, (guest) => acl.mayReceive(guest, topic));
  allowed(publishers, (guest) => acl.mayPublish(guest, topic));
});

// biome-ignore format: a table
test.each([
  ['#',                        SEE_ALL],
  ['+/#',                      SEE_ALL],
  ['car/#',                    SEE_ALL],
  ['car/d/#',                  SEE_ALL],
  ['car/+/signal/#',           SEE_ALL],
  ['car/d/+/obd/speed',        SEE_ALL],
  ['car/d/state',              ALL],
  ['car/d/info',               ALL],
  ['car/d/signal/#',           ALL],
  ['car/d/signal/+/speed',     ALL],
  ['car/d/signal/obd/speed',   ALL],
  ['car/d/vss/Vehicle/#',      ALL],
  ['car/d/stream/eeg/+',       ALL],
  ['car/d/event/+/+',          ALL],
  ['car/d/alert/#',            ALL],
  ['car/d/avail/+',            ALL],
  ['car/d/stats',              SEE_ALL],
  ['car/d/ingest/#',           NOBODY],
  ['car/d/request/#',          NOBODY],
  ['car/d/response/#',         PEOPLE],
  ['car/d/response/dtc',       PEOPLE],
  ['homeassistant/#',          SEE_ALL],
  ['$SYS/#',                   SERVICE],
  ['car/other/#',              NOBODY],
  ['foo',                      NOBODY],
])('%s may be subscribed to by %s', (filter, subscribers) => {
  allowed(subscribers, (guest) => acl.maySubscribe(guest, filter));
});

test('every role is in the tables', () => {
  const roles = Object.values(GUESTS).flatMap(({ user }) => user?.role ?? []);
  expect(new Set(roles)).toEqual(new Set(ROLES));
});

test('a student gets no value of before their session, and what is so now', () => {
  begin('own');
  const student = guestOf(userOf('student'));
  const kept = (topic: string): boolean => acl.mayReceive(student, topic, true);
  expect(kept('car/d/signal/obd/speed')).toBe(false);
  expect(kept('car/d/vss/Vehicle/Speed')).toBe(false);
  for (const topic of ['state', 'info', 'avail/obd', 'alert/coolant-hot']) {
    expect(kept(`car/d/${topic}`), topic).toBe(true);
  }
  expect(acl.mayReceive(guestOf(userOf('viewer')), 'car/d/signal/obd/speed', true)).toBe(true);
});

test('a session of another opens nothing to a student, and its end takes effect at once', () => {
  const student = guestOf(userOf('student'));
  const may = (): boolean => acl.mayReceive(student, 'car/d/signal/obd/speed');
  open = [{ owner: 'somebody-else' }, { owner: null }];
  expect(may()).toBe(false);
  open = [{ owner: 'id-student' }];
  expect(may()).toBe(true);
  open = [];
  expect(may()).toBe(false);
});

test('who may send may do so while no session is open, to be told that none is', () => {
  const senders = Object.entries(GUESTS).filter(([, guest]) => {
    return acl.mayPublish(guest, 'car/d/ingest/face/perclos');
  });
  expect(senders.map(([name]) => name).join(' ')).toBe(SENDERS);
});

test('where nobody may do anything that can be asked, nobody asks', () => {
  const fixed = { device: 'd', openSessions: () => [] };
  const hides = { hidesStream: () => false, hidesRule: () => false };
  const viewer = guestOf(userOf('viewer'));
  const nothing = createAcl({ ...fixed, ...hides, commands: [] });
  const service = createAcl({ ...fixed, ...hides, commands: [{ permission: 'service' }] });
  for (const one of [nothing, service]) {
    expect(one.mayPublish(viewer, 'car/d/request/dtc')).toBe(false);
    expect(one.maySubscribe(viewer, 'car/d/response/#')).toBe(false);
  }
  expect(service.mayPublish(guestOf(userOf('operator')), 'car/d/request/dtc')).toBe(true);
});

test('a change of role counts for the next message', () => {
  let who: User = userOf('operator');
  const guest: Guest = { ...guestOf(who), current: () => who };
  expect(acl.mayPublish(guest, 'car/d/ingest/face')).toBe(true);
  who = userOf('viewer');
  expect(acl.mayPublish(guest, 'car/d/ingest/face')).toBe(false);
});
