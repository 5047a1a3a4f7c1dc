import { type ChildProcess, spawn } from 'node:child_process';
import { CodedError, codeOf } from '#core/errors.ts';
import { oneLine } from '#core/text.ts';

/**
 * A line of a GPIO chip, by the program `gpioset` of libgpiod (Debian: gpiod), which the two releases of
 * Debian call differently:
 *
 *   1.6  gpioset --mode=time --sec=0 --usec=500000 gpiochip0 17=1     one child for each on and off
 *        gpioset --mode=exit gpiochip0 17=0                           off
 *   2.x  gpioset -c gpiochip0 -t 500ms,500ms,500ms,0 17=1             one child for the whole pattern
 *        gpioset -c gpiochip0 -t 0 17=0                               off
 *
 * Kernels differ in what a line does when its process is gone, some leave it as it was: so off is always
 * set by name, after a pattern, and after a child that was killed in one. A line is one child's at a time.
 */

/** Where the program is looked for; the environment is not asked. */
const SEARCH_PATH = '/usr/local/bin:/usr/bin:/bin';
/** More than a child was asked to take; then it is killed. */
const SPARE_MS = 2_000;
/** From being told to end to being killed. */
const END_MS_MAX = 500;
/** Of what a child says; the rest is let go. */
const OUTPUT_CHARS_MAX = 1_000;
const SAID_CHARS_MAX = 200;

export interface GpioOptions {
  /** `gpiochip0`, a name below /dev. */
  readonly chip: string;
  /** Offset on the chip. */
  readonly line: number;
  /** On is low. */
  readonly activeLow: boolean;
  /** Directories with colons in between. */
  readonly searchPath?: string;
}

export interface Gpio {
  /**
   * Switches on and off for these times, and leaves the line off. Rejects with an error that
   * has a GpioErrorCode, or with the signal's reason; the line is off by then too, where it can be reached.
   *
   * @param pattern milliseconds on, off, on ..., an odd number of them, each 1 or more
   */
  play(pattern: readonly number[], signal: AbortSignal): Promise<void>;
  /** Whatever an earlier process has left it at. Rejects as `play` does. */
  off(): Promise<void>;
}

type GpioErrorCode =
  | 'NO_PROGRAM'
  | 'NO_CHIP'
  | 'NO_LINE'
  /** We may not open the chip. */
  | 'DENIED'
  /** Somebody else has the line. */
  | 'BUSY'
  | 'FAILED';

/** A line cannot be switched. The sentence says what to do about it. */
class GpioError extends CodedError<GpioErrorCode> {
  override readonly name = 'GpioError';
}

/** Opens nothing yet: that is done for each pattern, so that a chip may come and go. */
export function openGpio(options: GpioOptions): Gpio {
  const gpioset = new Gpioset(options);
  return {
    play: (pattern, signal) => gpioset.play(pattern, signal),
    off: () => gpioset.off(),
  };
}

/** How a child ended. */
interface End {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Gpioset {
  readonly #options: GpioOptions;
  /** 1 or 2, once it is known. */
  #version: number | undefined;

  constructor(options: GpioOptions) {
    this.#options = options;
  }

  async play(pattern: readonly number[], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#version ??= await this.#findVersion();
    try {
      if (this.#version === 1) await this.#steps(pattern, signal);
      else await this.#toggles(pattern, signal);
    } catch (error) {
      const off = this.off();
      // Where switching on failed, that is what there is to say.
      await (error instanceof GpioError ? off.catch(() => {}) : off);
      throw error;
    }
  }

  async off(): Promise<void> {
    this.#version ??= await this.#findVersion();
    const { chip, line } = this.#options;
    const args =
      this.#version === 1
        ? ['--mode=exit', ...this.#polarity(), chip, `${line}=0`]
        : ['-c', chip, ...this.#polarity(), '-t', '0', `${line}=0`];
    await this.#run(args, 0);
  }

  /** 1.6: sets one value and holds it for a time. */
  async #steps(pattern: readonly number[], signal: AbortSignal): Promise<void> {
    const { chip, line } = this.#options;
    for (const [i, ms] of pattern.entries()) {
      const [sec, usec] = [Math.floor(ms / 1000), Math.round((ms % 1000) * 1000)];
      const time = ['--mode=time', `--sec=${sec}`, `--usec=${usec}`];
      const value = `${line}=${i % 2 === 0 ? 1 : 0}`;
      await this.#run([...time, ...this.#polarity(), chip, value], ms, signal);
    }
    await this.off();
  }

  /** 2.x: sets a value and turns it over after each time; after the last one before 0 it exits. */
  async #toggles(pattern: readonly number[], signal: AbortSignal): Promise<void> {
    const { chip, line } = this.#options;
    const times = [...pattern.map((ms) => `${Math.round(ms)}ms`), '0'].join(',');
    const takesMs = pattern.reduce((sum, ms) => sum + ms, 0);
    await this.#run(['-c', chip, ...this.#polarity(), '-t', times, `${line}=1`], takesMs, signal);
  }

  #polarity(): readonly string[] {
    return this.#options.activeLow ? ['--active-low'] : [];
  }

  /** `gpioset (libgpiod) v1.6.3`. What cannot be read is taken for the newest. */
  async #findVersion(): Promise<number> {
    const { stdout } = await this.#run(['--version'], 0);
    return /\bv1\./.test(stdout) ? 1 : 2;
  }

  async #run(args: readonly string[], takesMs: number, signal?: AbortSignal): Promise<End> {
    const { searchPath = SEARCH_PATH } = this.#options;
    // Errors are told apart by what they say, which is in English then.
    const env = { PATH: searchPath, LC_ALL: 'C' };
    let end: End;
    try {
      const child = spawn('gpioset', args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
      end = await ended(child, takesMs + SPARE_MS, signal);
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? this.#noProgram() : error;
    }
    signal?.throwIfAborted();
    if (end.code === 0) return end;
    throw this.#errorOf(end);
  }

  #noProgram(): GpioError {
    return new GpioError('NO_PROGRAM', 'there is no gpioset here: apt install gpiod');
  }

  #errorOf({ code, stderr }: End): GpioError {
    const { chip, line } = this.#options;
    // 1.6 says the same of a missing chip as the system does, and of a missing line that it is invalid.
    if (/No such file|No such device|cannot find GPIO chip/i.test(stderr)) {
      return new GpioError('NO_CHIP', `there is no GPIO chip ${chip}: gpiodetect lists those here`);
    }
    if (/Invalid argument|out of range|cannot find line/i.test(stderr)) {
      return new GpioError('NO_LINE', `${chip} has no line ${line}: gpioinfo lists what it has`);
    }
    if (/Permission denied/i.test(stderr)) {
      return new GpioError(
        'DENIED',
        `${chip} is not for us: our user has to be in its group (gpio)`,
      );
    }
    if (/resource busy/i.test(stderr)) {
      return new GpioError('BUSY', `line ${line} of ${chip} is in use: gpioinfo says by whom`);
    }
    const how = code === null ? 'had to be killed' : `ended with ${code}`;
    const said = oneLine(stderr, SAID_CHARS_MAX);
    const place = `line ${line} of ${chip}: gpioset`;
    return new GpioError('FAILED', `${place} ${how}${said === '' ? '' : ` and said ${said}`}`);
  }
}

/** Waits until the child is gone, which the signal and the limit see to. */
async function ended(child: ChildProcess, limitMs: number, signal?: AbortSignal): Promise<End> {
  const { promise, resolve, reject } = Promise.withResolvers<End>();
  let [stdout, stderr] = ['', ''];
  let killing: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killing ??= setTimeout(() => child.kill('SIGKILL'), END_MS_MAX);
  };
  const timer = setTimeout(stop, limitMs);
  signal?.addEventListener('abort', stop, { once: true });
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    stdout = (stdout + text).slice(0, OUTPUT_CHARS_MAX);
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr = (stderr + text).slice(0, OUTPUT_CHARS_MAX);
  });
  child.once('error', reject);
  child.once('close', (code) => resolve({ code, stdout, stderr }));
  if (signal?.aborted) stop();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    signal?.removeEventListener('abort', stop);
  }
}
