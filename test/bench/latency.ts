import type { Bench } from './bench.ts'; export const latency: Bench = { name: 'latency', async *run() {} };
