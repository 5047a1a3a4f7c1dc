/** Messages that no gateway of the tests with sockets sends, held against what the documents say. */
import * as v from 'valibot';
import { expect, test } from 'vitest';
import type { Session } from '#core/session.ts';
import type { ExportJob } from '../../../../src/exporting/exports.ts';
import { Live } from '../../../../src/http/live.ts';
import type { Guest } from '../../../../src/http/sockets/gate.ts';
import { TelemetryMessage } from '../../../../src/http/sockets/messages.ts';
import { openTelemetry, WsStats } from '../../../../src/http/sockets/telemetry.ts';
import { NO_NOTES } from '../../../../src/sessions/notes.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { userOf } from '../callers.ts';
import { FakePeer, rpm } from '../fakes.ts';

const STUDENT = userOf('student');
const GUEST: Guest = {
  identity: { user: STUDENT, login: 'login' },
  scope: 'own',
  renew: () => {},
};
const JOB: ExportJob = {
  ...{ id: 'x'.repeat(22), owner: STUDENT.id, session: 1, state: 'running', bytes: 9 },
  ...{ names: true, progress: 0.5, fileName: 'a.csv', mime: 'text/csv', error: '' },
};
const OPEN: Session = {
  ...{ ...NO_NOTES, id: 1, owner: STUDENT.id, startedBy: 'manual', endedBy: null, stats: null },
  spans: [{ epoch: 7, from: 0, to: null }],
};

/** What a student is told whose session begins and whose exports go on, without what is read. */
function told() {
  const clock = new FakeClock();
  const live = new Live({ clock, realTime: clock, streams: () => [rpm] });
  const peer = new FakePeer();
  const hello = { device: 'car', epoch: 7, version: '1.2.3' };
  let tell: (job: ExportJob) => void = () => {};
  let sessions: readonly Session[] = [];
  const session = openTelemetry(peer, GUEST, {
    ...{ clock, realTime: clock, live, hello, stats: new WsStats(), openSessions: () => sessions },
    exports: {
      onChange: (listener) => {
        tell = listener;
        return () => {};
      },
    },
  });
  tell(JOB);
  tell({ ...JOB, owner: 'another' });
  tell({ ...JOB, state: 'done', progress: 1 });
  tell({ ...JOB, state: 'failed', error: 'the disk is full' });
  sessions = [OPEN];
  session.message(Buffer.from('{"type":"subscribe","streams":["*"]}'), false);
  return peer.messages();
}

test('status and export are as the documents have them', () => {
  const messages = told();
  expect(messages.map(({ type, live, state }) => live ?? state ?? type)).toEqual([
    ...['hello', false, 'running', 'done', 'failed', true, 'subscribed'],
  ]);
  for (const message of messages) {
    expect(v.parse(TelemetryMessage, message), message.type).toEqual(message);
  }
});
