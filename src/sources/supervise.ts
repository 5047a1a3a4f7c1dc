import type { Clock } from '#core/clock.ts';
import { LinkError } from '#core/errors.ts';
import type { Emit, Micros } from '#core/stream.ts';
import type { Source } from './source.ts';

const RETRY_MS_FIRST = 500;
/**
 * Not the 30 s that a server would get: a try costs one local open() or one TCP connect, and a
 * device that comes back has to be read again within 5 s, its start-up dialogue included.
 */
const RETRY_MS_MAX = 2_000;
/** How many times within its silence limit a source is looked at. */
const SILENCE_CHECKS = 4;

export type Status =
  /** The link is being opened, or is open and has not brought data yet. */
  | { readonly state: 'starting' }
  | { readonly state: 'running' }
  | { readonly state: 'waiting'; readonly retryMs: number; readonly error: LinkError };

export interface SuperviseContext {
  readonly emit: Emit;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called at every change of state. */
  readonly report: (status: Status) => void;
}

/**
 * Keeps one source running until `signal` aborts: the one retry loop of the gateway. Pauses double
 * from RETRY_MS_FIRST to RETRY_MS_MAX, and only data resets them. A link that brings no data for
 * `source.silenceMs` counts as lost, because rfcomm, CAN and USB links die without an error.
 * Rejects only on a bug, never on a lost link.
 */
export async function supervise(source: Source, context: SuperviseContext): Promise<void> {
  const { clock, signal, report } = context;
  let retryMs = RETRY_MS_FIRST;
  while (!signal.aborted) {
    report({ state: 'starting' });
    const error = await connection(source, context, () => {
      retryMs = RETRY_MS_FIRST;
    });
    if (!error) return;
    report({ state: 'waiting', retryMs, error });
    await clock.sleep(retryMs, signal).catch(() => {}); // An abort ends the loop above.
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  }
}

/** One run of the source under the watchdog. Returns what ended it, or undefined when stopped. */
async function connection(
  source: Source,
  { emit, clock, signal, report }: SuperviseContext,
  onData: () => void,
): Promise<LinkError | undefined> {
  const ending = new AbortController();
  const stop = (): void => ending.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  let lastAt: Micros = clock.now();
  let running = false;
  const receive: Emit = (reading) => {
    lastAt = clock.now();
    if (!running) {
      running = true;
      onData();
      report({ state: 'running' });
    }
    emit(reading);
  };
  const watchdog = watchSilence(source, clock, () => lastAt, ending);
  try {
    await source.run(receive, clock, ending.signal);
    throw new LinkError('LINK_LOST', 'the device closed the connection');
  } catch (error) {
    if (signal.aborted) return undefined; // How a source stops is its own affair.
    if (ending.signal.reason instanceof LinkError) return ending.signal.reason;
    if (error instanceof LinkError) return error;
    throw error;
  } finally {
    ending.abort();
    signal.removeEventListener('abort', stop);
    await watchdog;
  }
}

/** Ends the connection when nothing came for too long. Resolves once the connection has ended. */
async function watchSilence(
  source: Source,
  clock: Clock,
  lastAt: () => Micros,
  ending: AbortController,
): Promise<void> {
  const limit = source.silenceMs;
  while (!ending.signal.aborted) {
    await clock.sleep(limit / SILENCE_CHECKS, ending.signal).catch(() => {}); // The abort ends it.
    if (ending.signal.aborted || clock.now() - lastAt() < limit * 1000) continue;
    ending.abort(new LinkError('NO_DATA', `no data for ${limit / 1000} s`));
  }
}
