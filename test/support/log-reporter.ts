import type { Reporter, TestModule, TestSpecification } from 'vitest/node';

const TOLD_EVERY_MS = 60_000;
const SLOWEST = 20;

/**
 * For a log, beside the reporter that prints what failed: how far the run is, once a minute, and at its
 * end which files took the time. A line for each of some 7,600 tests hides the ones that matter.
 */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default class LogReporter implements Reporter {
  #timer: NodeJS.Timeout | undefined;
  #ended = 0;
  #failed = 0;

  onTestRunStart(files: readonly TestSpecification[]): void {
    const begin = performance.now();
    const tell = () => {
      const minutes = Math.round((performance.now() - begin) / TOLD_EVERY_MS);
      say(`${this.#ended} of ${files.length} files, ${this.#failed} failed, ${minutes} min`);
    };
    this.#timer = setInterval(tell, TOLD_EVERY_MS);
  }

  onTestModuleEnd(file: TestModule): void {
    this.#ended++;
    if (file.state() === 'failed') this.#failed++;
  }

  onTestRunEnd(files: readonly TestModule[]): void {
    clearInterval(this.#timer);
    const slowest = files.map((file) => [secondsOf(file), file.relativeModuleId] as const);
    slowest.sort(([one], [other]) => other - one);
    say(`the slowest of ${files.length} files, in seconds`);
    for (const [seconds, name] of slowest.slice(0, SLOWEST)) {
      say(`${seconds.toFixed(1).padStart(7)} ${name}`);
    }
  }
}

/** Tests with their hooks, and what they import. */
function secondsOf(file: TestModule): number {
  const { duration, collectDuration } = file.diagnostic();
  return (duration + collectDuration) / 1_000;
}

function say(text: string): void {
  process.stdout.write(`test: ${text}\n`);
}
