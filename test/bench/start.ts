import type { Bench } from './bench.ts'; export const start: Bench = { name: 'start', async *run() {} };
