import { defineConfig } from 'vitest/config';

/**
 * Tests that compare what they measure with a limit, or fill both cores: nothing runs beside them, and
 * neither beside a browser, which paints with the processor. Of the others two files run at a time:
 * most of what they do is to wait for a device or a disk.
 */
const ALONE = [
  'test/integration/export/memory.test.ts',
  'test/integration/gateway/alert-delivery.test.ts',
  'test/integration/gateway/alerts-backtest.test.ts',
  'test/integration/gateway/reconnect-storm.test.ts',
  'test/integration/gateway/recording.test.ts',
  'test/integration/soak/*.test.ts',
  'test/integration/store/faults/kill.test.ts',
  'test/integration/store/power-cut.test.ts',
];

const UNIT = 0;
const IN_PAIRS = 1;
const MACHINES = 2;
const BY_THEMSELVES = 3;

/** Parts in memory; real ports, disks and sockets; virtual machines; a real browser. In that order. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export
export default defineConfig({
  test: {
    pool: 'forks',
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
          exclude: ALONE,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: IN_PAIRS },
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
          fileParallelism: false,
          sequence: { groupOrder: BY_THEMSELVES },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          testTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: BY_THEMSELVES },
        },
      },
    ],
  },
});
