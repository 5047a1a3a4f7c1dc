import * as v from 'valibot';
import type { Asking } from '../../accounts/audit.ts';
import { ARCHIVE_BYTES_MAX } from '../../backup/archive.ts';
import { Content, route } from '../route.ts';
import { askingOf } from './asking.ts';
import { answering } from './problems.ts';

/** What the routes of backups need: `BackingUp` of backing-up.ts has it. */
export interface BackupDeps {
  readonly backup: {
    /** @throws BackupError */
    make(passphrase: string, asking: Asking): Promise<Uint8Array>;
    /**
     * Takes what is in it in place of what is here; ends all log-ins.
     *
     * @throws BackupError; SettingsError UNWRITABLE; AccountError OFF
     */
    restore(archive: Uint8Array, passphrase: string, asking: Asking): Promise<Restored>;
  };
}

interface Restored {
  readonly madeAt: string;
  readonly gateway: string;
}

/** Never part of an address, which ends in logs and histories. */
const PASSPHRASE = 'x-vigil-passphrase';
const TYPE = 'application/octet-stream';

export const makeBackup = route({
  method: 'GET',
  path: '/backup',
  summary:
    'Settings, accounts, rules and DBC files in one file, encrypted with the passphrase in X-Vigil-Passphrase. Recordings are not in it.',
  access: 'manage',
  query: undefined,
  body: undefined,
  reply: v.instance(Content),
  problems: [409, 422, 503],
  produces: [TYPE],
  reads: { 'X-Vigil-Passphrase': 'required' },
  tells: { 'Content-Disposition': [200] },
  handle: ({ backup }: BackupDeps, { headers, caller }) =>
    answering(async () => {
      const archive = await backup.make(headers.get(PASSPHRASE) ?? '', askingOf(caller));
      const disposition = 'attachment; filename="vigil.backup"';
      return new Content({ 'content-type': TYPE, 'content-disposition': disposition }, archive);
    }),
});

export const restoreBackup = route({
  method: 'POST',
  path: '/restore',
  summary:
    'Takes settings, accounts, rules and DBC files of a backup in place of those here, and ends all log-ins. Settings and DBC files count from the next start on.',
  access: 'manage',
  query: undefined,
  body: v.instance(Uint8Array),
  bodyBytesMax: ARCHIVE_BYTES_MAX,
  reply: v.object({
    /** When it was made, and by which version. */
    madeAt: v.string(),
    gateway: v.string(),
    /** Settings are read at the start. */
    restart: v.literal(true),
  }),
  problems: [409, 422, 503],
  reads: { 'X-Vigil-Passphrase': 'required' },
  handle: ({ backup }: BackupDeps, { body, headers, caller }) =>
    answering(async () => {
      const restored = await backup.restore(body, headers.get(PASSPHRASE) ?? '', askingOf(caller));
      return { ...restored, restart: true as const };
    }),
});
