/**
 * A process with a broker that takes what clients push into a real Ingest and a real Store. Its one argument
 * is BrokerOptions in JSON. It prints `port N` when it is ready, and is ended from outside.
 */
import { writeSync } from 'node:fs';
import type { Session } from '#core/session.ts';
import { faultPointer, faultText } from '../../../src/http/fault.ts';
import { Ingest } from '../../../src/ingest/ingest.ts';
import { monotonicClock } from '../../../src/io/clock.ts';
import type { Acl } from '../../../src/mqtt/acl.ts';
import { Broker } from '../../../src/mqtt/broker.ts';
import type { Doorman } from '../../../src/mqtt/doorman.ts';
import { Ingesting } from '../../../src/mqtt/ingesting.ts';
import { MqttListener } from '../../../src/mqtt/listen.ts';
import { EPOCH_US_MAX } from '../../../src/store/keys.ts';
import { Store } from '../../../src/store/store.ts';
import { ingestStoreOf } from '../../support/ingest-store.ts';

export interface IngestProcessOptions {
  readonly directory: string;
  readonly quotaBytes: number;
  readonly epoch: number;
}

function nothing(): void {}

const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const user = { role: 'operator', grants: [], enabled: true, createdAt: '' } as const;
/** Everybody is an operator. */
const doorman: Doorman = {
  admit: async ({ username = '', remote }) => {
    const account = { ...user, id: username, username };
    return {
      ...{ user: account, name: username, login: username, remote },
      current: () => account,
      onEnd: () => nothing,
    };
  },
};
const acl: Acl = { maySubscribe: () => true, mayReceive: () => true, mayPublish: () => true };

/** One that began with the recording, and lasts. */
function sessionIn(epochs: number): Session {
  const spans = Array.from({ length: epochs }, (_, i) => {
    return { epoch: i + 1, from: 0, to: i + 1 === epochs ? null : EPOCH_US_MAX };
  });
  return {
    ...{ id: 1, owner: null, driver: null, vehicle: null, study: null, tags: [], notes: '' },
    ...{ consent: null, pinned: false, startedBy: 'manual', endedBy: null, stats: null, spans },
  };
}

if (import.meta.main) {
  const { epoch, ...options }: IngestProcessOptions = JSON.parse(process.argv[2] ?? '');
  const clock = monotonicClock();
  const store = new Store({
    ...{ ...options, lowBytes: 0, clock, log, pinned: () => [] },
    epoch: { id: epoch, wallMs: 0, trust: 'none', bootId: 'test', monotonicMs: 0 },
  });
  void store.run(new AbortController().signal);
  await store.opened(new AbortController().signal);
  const session = sessionIn(epoch);
  const ingest = new Ingest({
    ...{ clock, realTime: clock, epoch },
    store: ingestStoreOf(store),
    emit: (reading) => store.take([reading]),
    session: () => session,
    ownStreams: () => [],
  });
  const ingesting = new Ingesting({
    ...{ device: 'v1', realTime: clock, ingest },
    reading: {
      sessions: () => ({ get: () => session, current: () => [session] }),
      inTime: (change) => change,
    },
    fault: (issue) => ({ pointer: faultPointer(issue), message: faultText(issue, []) }),
    answer: (guest, message) => broker.answer(guest, message),
  });
  const broker = new Broker({
    ...{ doorman, acl, clock, log, incoming: ingesting.take },
    isIngest: (topic) => topic.includes('/ingest/'),
    isForGateway: () => true,
  });
  await broker.open();
  const ports = new MqttListener({ broker, plain: { host: '127.0.0.1', port: 0 }, clock, log });
  await ports.open();
  writeSync(1, `port ${ports.port}\n`);
}
