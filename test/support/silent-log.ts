import type { Log } from '../../src/io/log.ts';

const silent = (): void => {};

/** For who tests something else. */
export const SILENT_LOG: Log = { debug: silent, info: silent, warn: silent, error: silent };
