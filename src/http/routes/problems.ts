import { AccountError } from '../../accounts/errors.ts';
import { AlertError } from '../../alerts/errors.ts';
import { BackupError } from '../../backup/errors.ts';
import { ExportJobError } from '../../exporting/errors.ts';
import { IngestError } from '../../ingest/errors.ts';
import { BluetoothError } from '../../io/bluetooth/errors.ts';
import { PowerError } from '../../io/power.ts';
import { ReadingError } from '../../reading/errors.ts';
import { SessionError } from '../../sessions/errors.ts';
import { SettingsError } from '../../settings/errors.ts';
import { ShelfError } from '../../sources/can/shelf-errors.ts';
import { StoreError } from '../../store/errors.ts';
import { type Fault, Problem, sentence } from '../problem.ts';
import { accountProblem } from './account-problems.ts';

/** When a client may ask again what the gateway is too busy for. */
const RETRY_AFTER_S = '5';

type Code = (
  | AlertError
  | BackupError
  | BluetoothError
  | IngestError
  | ExportJobError
  | PowerError
  | ReadingError
  | SessionError
  | SettingsError
  | ShelfError
  | StoreError
)['code'];

/** The statuses of expected failures, and what in the request they are about. */
const ANSWERS: Readonly<Partial<Record<Code, readonly [status: number, pointer?: string]>>> = {
  NOT_FOUND: [404],
  NO_SESSION: [404],
  STILL_OPEN: [409],
  ENDED: [409],
  TOO_MANY: [409],
  SHIPPED: [409],
  FROM_SETTING: [409],
  INVALID: [422],
  UNKNOWN_STREAM: [422, '/streams'],
  UNSUPPORTED: [422, '/streams'],
  NO_STREAMS: [422, '/streams'],
  NO_FRAMES: [422, '/streams'],
  TOO_MANY_VALUES: [422, '/points'],
  BAD_WINDOW: [422, '/from'],
  BAD_CURSOR: [422, '/cursor'],
  CHANGED: [412],
  UNWRITABLE: [409],
  BAD_NAME: [422],
  UNREADABLE: [422],
  BAD_PASSPHRASE: [422],
  LOCKED: [422],
  UNKNOWN: [422],
  OTHER_VERSION: [422],
  UNUSABLE: [422],
  TOO_LARGE: [409],
  UNSUPERVISED: [409],
  REFUSED: [409],
  IN_PROGRESS: [409],
  NO_ANSWER: [409],
  RUNNING: [429],
  NOT_DONE: [409],
  NO_ROOM: [503],
  NO_CLOCK: [409],
  OTHER_EPOCH: [409],
  OLD_SEQ: [409],
  BEFORE_SESSION: [422],
  IN_FUTURE: [422],
  KEY_REUSED: [422],
  NO_BLUETOOTH: [503],
  NO_ADAPTER: [503],
  ADAPTER_OFF: [503],
  SERVICE_FAILED: [503],
  OFF: [503],
  BUSY: [503],
  TOO_SLOW: [503],
  CLOSED: [503],
};

/** Does what a route is to do with sessions, alerts or accounts, and tells an expected failure as a Problem. */
export async function answering<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw problemOf(error);
  }
}

/** The error itself where it is none that a client can do anything about. */
function problemOf(error: unknown): unknown {
  if (error instanceof AccountError) return accountProblem(error);
  const expected =
    error instanceof AlertError ||
    error instanceof BackupError ||
    error instanceof BluetoothError ||
    error instanceof IngestError ||
    error instanceof ExportJobError ||
    error instanceof PowerError ||
    error instanceof ReadingError ||
    error instanceof SessionError ||
    error instanceof SettingsError ||
    error instanceof ShelfError ||
    error instanceof StoreError;
  const found = expected ? ANSWERS[error.code] : undefined;
  if (!expected || !found) return error;
  const [status, pointer] = found;
  const faults = status === 422 ? faultsOf(error, pointer) : [];
  const headers = status === 503 || status === 429 ? { 'retry-after': RETRY_AFTER_S } : {};
  return new Problem(status, sentence(error.message), faults, headers);
}

function faultsOf(error: Error, pointer = pointerIn(error)): readonly Fault[] {
  if (error instanceof AlertError || error instanceof SettingsError) {
    return error.faults.map(sentenceOf);
  }
  if (error instanceof IngestError) return [sentenceOf(error)];
  return pointer === undefined ? [] : [sentenceOf({ pointer, message: error.message })];
}

/** The same fault, told as a sentence. */
export function sentenceOf({ pointer, message }: Fault): Fault {
  return { pointer, message: sentence(message) };
}

/** Sessions begin their sentence about a text that does not fit with the field: `driver: at most ...`. */
function pointerIn({ message }: Error): string | undefined {
  const field = /^([a-z]+): /.exec(message)?.[1];
  return field && `/${field}`;
}
