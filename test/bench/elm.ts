import type { Bench } from './bench.ts'; export const elm: Bench = { name: 'elm', async *run() {} };
