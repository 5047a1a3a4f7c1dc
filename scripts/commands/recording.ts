import { readFileSync } from 'node:fs';
import { type Session, type Span, type Stretch, timeline } from '#core/session.ts';
import { monotonicClock } from '../../src/io/clock.ts';
import { readConfig } from '../../src/settings/config.ts';
import {
  type OfflineOptions,
  type OfflineStore,
  openOffline,
} from '../../src/store/opening/offline.ts';
import { UsageError } from './errors.ts';

/** What the commands have in common: where the recording is, and what a session is in it. */

/** The option that every command has. */
export const DATA_OPTION = { data: { type: 'string' } } as const;

/** The gateway's own setting where no flag says otherwise. @throws ConfigError */
export function dataDirectory(flag: string | undefined): string {
  const argv = flag === undefined ? [] : [`--data=${flag}`];
  return readConfig(argv, process.env, (path) => readFileSync(path, 'utf8')).config.data;
}

export function openRecording(directory: string, options?: OfflineOptions): Promise<OfflineStore> {
  return openOffline(directory, monotonicClock(), options);
}

/** @throws UsageError for what is no session of the recording */
export function findSession(store: OfflineStore, written: string | undefined): Session {
  const sessions = store.sessions();
  if (written === undefined) throw new UsageError('expected a session: its number, or last');
  const found =
    written === 'last' ? sessions.at(-1) : sessions.find(({ id }) => String(id) === written);
  if (found) return found;
  const [first, last] = [sessions[0], sessions.at(-1)];
  const known = first && last ? `${first.id} to ${last.id}` : 'none yet';
  throw new UsageError(`no session ${JSON.stringify(written)}; there are ${known}`);
}

/** Everything that is stored, one start of the gateway after the other. */
export function allStretches(store: OfflineStore): Stretch[] {
  const reader = store.reader();
  const epochs = store.epochs();
  const spans = [...epochs.keys()].flatMap((epoch): Span[] => {
    const last = reader.lastTime(epoch);
    return last === undefined ? [] : [{ epoch, from: 0, to: last + 1 }];
  });
  return timeline(spans, epochs, 0);
}
