/** The tests that aedes has for whatever keeps things for it, on a real file. For `node`, not vitest. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { monotonicClock } from '../../../src/io/clock.ts';
import { Persistence } from '../../../src/mqtt/persistence.ts';
import { openDatabase } from '../../../src/store/lmdb.ts';
import { MqttTable } from '../../../src/store/mqtt-records.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'vigil-mqtt-suite-'));
after(() => rmSync(directory, { recursive: true }));
let files = 0;

/** Closes its file when it is destroyed. */
function persistence(): Persistence {
  const file = path.join(directory, `${files++}.mdb`);
  const database = openDatabase(file, { fileBytes: 2 ** 22, readOnly: false });
  const table = new MqttTable({ reads: database, commit: (changes) => database.commit(changes) });
  const made = new Persistence({
    records: table,
    clock: monotonicClock(),
    ages: { now: () => ({ epoch: 1, t: 0 }), since: () => 0 },
    isSlow: () => false,
  });
  made.open();
  const destroy = made.destroy.bind(made);
  made.destroy = async () => {
    await destroy();
    await database.close();
  };
  return made;
}

const suite: (options: object) => void = createRequire(import.meta.url)(
  'aedes-persistence/abstract.js',
);
suite({ test, persistence: () => Promise.resolve(persistence()), testAsync: true });
