import type { Bench } from './bench.ts'; export const web: Bench = { name: 'web', async *run() {} };
