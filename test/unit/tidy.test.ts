/** The rules of tidy-rules.ts, held against the repository as it is. */
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  createTree,
  filesAreNamedAlike,
  importsAreWrittenAlike,
  importsPointOneWay,
  noExportIsDead,
  noFileIsDead,
  nothingIsLeftOver,
  packagesStayBehindOneFile,
  sizesFitInAHead,
  theWorldIsAnArgument,
} from '../support/tidy-rules.ts';

/** Files that are a table, which a reader looks things up in: as long as what they list. */
const TABLES: Readonly<Record<string, string>> = {
  'src/sources/obd/j1979/pid-table.ts': 'one row a parameter of SAE J1979',
  'src/sources/obd/j1979/dtc-texts.ts': 'one row a trouble code of SAE J2012',
};

const TESTED = 'a step of its own file that is tested by itself';

/** Exports that nothing in the gateway imports, and why they are there. */
const FOR_OTHERS: Readonly<Record<string, string>> = {
  'src/export/csv.ts cellOf': TESTED,
  'src/alerts/watch/causes.ts CAUSES_MAX': TESTED,
  'src/alerts/watch/machine.ts STARTS_PER_MINUTE_MAX': TESTED,
  'src/store/opening/preallocation.ts nextStep': TESTED,
  'src/can-up.ts canUp': TESTED,
  'src/sources/can/dbc/parse.ts parseDbc': TESTED,
  'src/can-up.ts parseArguments': TESTED,
  'src/sources/can/ids.ts IDS_MAX': TESTED,
  'src/http/frames.ts encodeFramesJson': TESTED,
  'src/sim/can-broadcast.ts framesBetween': TESTED,
  'src/sim/ecu.ts codeBytes': TESTED,
  'src/sim/elm-faults.ts hits': TESTED,
  'src/sim/thinkgear-head.ts HeadBytes': TESTED,
  'src/sim/thinkgear-head.ts noFaults': TESTED,
  'src/sim/thinkgear-head.ts thinkGearPacket': TESTED,
  'src/wire/batch.ts BATCH_BYTES_MAX': TESTED,
  'src/wire/batch.ts GAP_REASONS': TESTED,
  'src/cloud/migrate.ts statementsOf': TESTED,
  'src/cloud/retention.ts dropOld': TESTED,
  'src/cloud/erasing.ts eraseSome': TESTED,
  'src/cloud/erasing.ts uncovered': TESTED,
  'src/mqtt/persistence-queues.ts QUEUE_MESSAGES_MAX': TESTED,
  'src/mqtt/persistence-queues.ts QUEUE_BYTES_MAX': TESTED,
  'src/mqtt/persistence-retained.ts RETAINED_MAX': TESTED,
  'src/mqtt/persistence-retained.ts RETAINED_BYTES_MAX': TESTED,
  'src/mqtt/persistence-sessions.ts SESSIONS_MAX': TESTED,
  'web/account.js Account': TESTED,
  'web/alert-history.js merged': TESTED,
  'web/download.js estimate': TESTED,
  'web/plots.js plottable': TESTED,
  'web/plots.js defaultChoice': TESTED,
  'web/session-form.js tagsOf': TESTED,
  'web/session-form.js changeOf': TESTED,
  'web/rule-preview.js countsText': TESTED,
  'web/sessions.js refreshed': TESTED,
  'web/sessions.js lengthened': TESTED,
  'web/eeg.js Trail': TESTED,
  'web/eeg.js scaleFor': TESTED,
  'web/eeg.js bandHeight': TESTED,
  'web/eeg.js quality': TESTED,
  'web/gauge.js arc': TESTED,
  'web/gauge.js fraction': TESTED,
  'web/gauge.js numberText': TESTED,
  'web/gauge.js pointAt': TESTED,
  'web/gauge.js readingText': TESTED,
  'web/gauge.js zoneOf': TESTED,
  'web/link.js CONNECT_MS': TESTED,
  'web/link.js DEAD_MS': TESTED,
  'web/link.js STALE_MS': TESTED,
  'web/link.js decodeFrame': TESTED,
  'web/live.js ClockMap': TESTED,
  'web/live.js isStale': TESTED,
};

const TOP = path.resolve(import.meta.dirname, '../..');
const FILES = ['{src,test,scripts,web}/**/*', 'package.json', 'vitest.config.ts'];

const tree = createTree(
  Object.fromEntries(
    globSync(FILES, { cwd: TOP, withFileTypes: true, exclude: ['web/dist', 'web/vendor'] })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(TOP, file), readFileSync(file, 'utf8')]),
  ),
);

test('the rules see the repository', () => {
  const names = [...tree.sources.keys()];
  expect(names).toContain('src/core/bus.ts');
  expect(names).toContain('web/app.js');
  expect(names).toContain('test/unit/tidy.test.ts');
});

test('imports point one way', () => {
  expect(importsPointOneWay(tree)).toEqual([]);
});

test('imports are written alike', () => {
  expect(importsAreWrittenAlike(tree)).toEqual([]);
});

test('files and functions fit in a head', () => {
  expect(sizesFitInAHead(TABLES)(tree)).toEqual([]);
});

test('no file is dead', () => {
  expect(noFileIsDead(tree)).toEqual([]);
});

test('no export is dead', () => {
  expect(noExportIsDead(FOR_OTHERS)(tree)).toEqual([]);
});

test('packages stay behind one file', () => {
  expect(packagesStayBehindOneFile(tree)).toEqual([]);
});

test('time, randomness, settings and the log are arguments', () => {
  expect(theWorldIsAnArgument(tree)).toEqual([]);
});

test('nothing is left over', () => {
  expect(nothingIsLeftOver(tree)).toEqual([]);
});

test('files are named alike', () => {
  expect(filesAreNamedAlike(tree)).toEqual([]);
});
