import { defineConfig } from 'vitest/config';

/**
 * Tests that compare what they measure with a limit, or fill both cores for a while: two of these files run
 * at a time, as they wait for half of theirs. Of the others with real parts three run at a time: most of what
 * they do is to wait for a device or a disk. A browser paints with the processor, and a virtual machine is
 * one: two of these.
 */
const HEAVY = [
  'test/e2e/cloud.test.ts',
  'test/integration/export/memory.test.ts',
  'test/integration/gateway/alert-delivery.test.ts',
  'test/integration/gateway/alerts-backtest.test.ts',
  'test/integration/gateway/reconnect-storm.test.ts',
  'test/integration/gateway/recording.test.ts',
  'test/integration/store/faults/kill.test.ts',
  'test/integration/store/power-cut.test.ts',
];

/**
 * Until a page shows what it is to show. Tests with Playwright's own waits give it 30 s; a poll of vitest
 * has 1 s, which is a statement about speed that nobody meant: charts take 2 s where two browsers share
 * two cores.
 */
const PAGE_MS = 10_000;

const UNIT = 0;
const REAL_PARTS = 1;
const MACHINES = 2;
const BROWSERS = 3;
const THE_REST = 4;

/** Parts in memory; real ports, disks and sockets; virtual machines; a real browser; the rest. In that order. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    pool: 'forks',
    // A log is read for what failed.
    reporters: process.stdout.isTTY ? ['default'] : ['./test/support/log-reporter.ts', 'minimal'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          // A process for each file took half of the time.
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: UNIT },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          exclude: HEAVY,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 3,
          sequence: { groupOrder: REAL_PARTS },
        },
      },
      {
        extends: true,
        test: {
          // A machine keeps one core busy and no more: two beside each other take no longer than one.
          name: 'vm',
          include: ['test/vm/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: MACHINES },
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: PAGE_MS } },
          maxWorkers: 2,
          sequence: { groupOrder: BROWSERS },
        },
      },
      {
        extends: true,
        test: {
          name: 'heavy',
          include: HEAVY,
          testTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: THE_REST },
        },
      },
    ],
  },
});
