/** What a guest program says of one check. */
export interface GuestResult {
  readonly ok: boolean;
  readonly ms: number;
  /** Why it is not ok. */
  readonly error?: string;
  /** What the check found out besides. */
  readonly [detail: string]: unknown;
}

/**
 * What comes over the second serial line of a virtual machine:
 *
 *   BOOT <seconds since the kernel began>
 *   RESULT <name of the check> <JSON object>
 *   EXIT <code of the program>
 */
export class ResultLines {
  readonly results = new Map<string, GuestResult>();
  /** When the machine was ready, by the time that is given. */
  bootMs: number | undefined;
  code: number | undefined;
  /** Of the guest program: the first line that is nothing of the above, or a name's second result. */
  mistake: string | undefined;
  readonly #now: () => number;
  #rest = '';

  /** @param now milliseconds since the machine was started */
  constructor(now: () => number) {
    this.#now = now;
  }

  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!this.#takeLine(line)) this.mistake ??= `said ${JSON.stringify(line)} for a result`;
    }
  }

  #takeLine(line: string): boolean {
    if (line.startsWith('BOOT ')) {
      this.bootMs = this.#now();
      return true;
    }
    const [, code] = /^EXIT (\d+)$/.exec(line) ?? [];
    if (code !== undefined) {
      this.code = Number(code);
      return true;
    }
    const [, name, json] = /^RESULT (.+?) (\{".*\})$/.exec(line) ?? [];
    const result = json === undefined ? undefined : parsed(json);
    if (name === undefined || result === undefined || this.results.has(name)) return false;
    this.results.set(name, result);
    return true;
  }
}

function parsed(json: string): GuestResult | undefined {
  try {
    return JSON.parse(json) as GuestResult;
  } catch {
    return undefined;
  }
}
