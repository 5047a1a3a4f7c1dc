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

/** Why a connection, or the pause before the next, ended that a person wanted to begin anew. */
const RESTARTED = Symbol('restarted');

/** Has a source begin anew when a person wants it to. */
export class Restart {
  /** Times that somebody wanted it, since the start. */
  count = 0;
  #phase: AbortController | undefined;

  /** Closes the link and opens it again at once, or ends the pause before the next try. */
  now(): void {
    this.count++;
    this.#phase?.abort(RESTARTED);
  }

  /** From now on this is what ends early. */
  watch(phase: AbortController): void {
    this.#phase = phase;
  }
}

export interface SuperviseContext {
  readonly emit: Emit;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called at every change of state. */
  readonly report: (status: Status) => void;
  /** Left out where nobody asks for it. */
  readonly restart?: Restart;
}

/**
 * Keeps one source running until `signal` aborts: the one retry loop of the gateway. Pauses double
 * from RETRY_MS_FIRST to RETRY_MS_MAX, and only data resets them. A link that brings no data for
 * `source.silenceMs` counts as lost, because rfcomm, CAN and USB links die without an error. One that
 * is to begin anew is opened at once, and that is no failure.
 * Rejects only on a bug, never on a lost link.
 */
export async function supervise(source: Source, context: SuperviseContext): Promise<void> {
  const { signal, report } = context;
  let retryMs = RETRY_MS_FIRST;
  while (!signal.aborted) {
    report({ state: 'starting' });
    const ended = await connection(source, context, () => {
      retryMs = RETRY_MS_FIRST;
    });
    if (ended === undefined) return;
    const error = ended === RESTARTED ? undefined : ended;
    if (error) report({ state: 'waiting', retryMs, error });
    const restarted = !error || (await pause(retryMs, context));
    retryMs = restarted ? RETRY_MS_FIRST : Math.min(retryMs * 2, RETRY_MS_MAX);
  }
}

/** Waits before the next try. True when a person ended it. */
async function pause(ms: number, { clock, signal, restart }: SuperviseContext): Promise<boolean> {
  using phase = new Phase(signal, restart);
  await clock.sleep(ms, phase.signal).catch(() => {}); // A stop ends the loop of the caller.
  return phase.reason === RESTARTED;
}

/** What ends early when the source is stopped or is to begin anew. */
class Phase extends AbortController implements Disposable {
  readonly #stopping: AbortSignal;
  readonly #stop = (): void => this.abort(this.#stopping.reason);

  constructor(stopping: AbortSignal, restart: Restart | undefined) {
    super();
    this.#stopping = stopping;
    stopping.addEventListener('abort', this.#stop, { once: true });
    restart?.watch(this);
  }

  get reason(): unknown {
    return this.signal.reason;
  }

  [Symbol.dispose](): void {
    this.#stopping.removeEventListener('abort', this.#stop);
  }
}

/** One run of the source under the watchdog. Returns what ended it, or undefined when stopped. */
async function connection(
  source: Source,
  { emit, clock, signal, report, restart }: SuperviseContext,
  onData: () => void,
): Promise<LinkError | typeof RESTARTED | undefined> {
  using ending = new Phase(signal, restart);
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
    if (ending.reason === RESTARTED) return RESTARTED;
    if (ending.reason instanceof LinkError) return ending.reason;
    if (error instanceof LinkError) return error;
    throw error;
  } finally {
    ending.abort();
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
