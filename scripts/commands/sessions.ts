import { parseArgs } from 'node:util';
import { type Trust, wallMs } from '#core/clock.ts';
import { durationText } from '#core/duration.ts';
import { leastTrust, type Session, type SessionStats } from '#core/session.ts';
import { statistics } from '../../src/reading/answers.ts';
import { sessionStretches } from '../../src/reading/stretches.ts';
import type { OfflineStore } from '../../src/store/opening/offline.ts';
import { DATA_OPTION, dataDirectory, openRecording } from './recording.ts';
import { localTime, table } from './words.ts';

const HEADING = [
  ...['ID', 'START', 'DURATION', 'KM', 'ENDED', 'DRIVER', 'VEHICLE', 'TAGS', 'PINNED'],
];
const RIGHT = [0, 2, 3];
/** Behind a time whose clock cannot be believed. */
const DOUBT = '?';

/** A session with what is only known from what is stored. */
interface Listed extends Session {
  /** RFC 3339, UTC; null where nothing is known of its epoch. */
  readonly start: string | null;
  readonly trust: Trust;
}

/** Lists the sessions, the newest last. Returns the exit code. */
export async function sessionsCommand(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { ...DATA_OPTION, json: { type: 'boolean', default: false } },
  });
  const store = await openRecording(dataDirectory(values.data));
  try {
    const sessions = store.sessions().map((session) => listed(store, session));
    process.stdout.write(values.json ? `${JSON.stringify(sessions, null, 2)}\n` : text(sessions));
  } finally {
    await store.close();
  }
  return 0;
}

function listed(store: OfflineStore, session: Session): Listed {
  const stretches = sessionStretches(store, session);
  const [first] = stretches;
  const trusts = stretches.map(({ epoch }) => epoch.trust);
  return {
    ...session,
    stats: session.stats ?? statistics(store.reader(), { stretches }),
    start: first ? new Date(wallMs(first.epoch, first.from)).toISOString() : null,
    trust: first ? leastTrust(trusts) : 'none',
  };
}

function text(sessions: readonly Listed[]): string {
  if (sessions.length === 0) return 'no sessions yet\n';
  const lines = table([HEADING, ...sessions.map(row)], RIGHT);
  const doubtful = sessions.some(({ trust }) => trust === 'none');
  return doubtful ? `${lines}${DOUBT} nobody had set the clock\n` : lines;
}

function row(session: Listed): string[] {
  const { id, start, trust, stats, endedBy, driver, vehicle, tags, pinned } = session;
  const doubt = trust === 'none' ? ` ${DOUBT}` : '';
  return [
    String(id),
    start === null ? 'unknown' : `${localTime(Date.parse(start))}${doubt}`,
    durationText(stats?.durationS ?? 0),
    kilometres(stats),
    endedBy ?? 'open',
    driver ?? '-',
    vehicle ?? '-',
    tags.length === 0 ? '-' : tags.join(','),
    pinned ? 'yes' : '-',
  ];
}

function kilometres(stats: SessionStats | null): string {
  const km = stats?.distanceKm ?? null;
  return km === null ? '-' : km.toFixed(1);
}
