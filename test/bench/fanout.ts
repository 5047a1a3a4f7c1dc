import type { Bench } from './bench.ts'; export const fanout: Bench = { name: 'fanout', async *run() {} };
