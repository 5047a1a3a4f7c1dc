/** Tests with the cloud side's broker and database: what a file's tests share begins and ends with them. */
import { afterAll, beforeAll, test } from 'vitest';
import { type CloudDatabase, startCloudDatabase } from './cloud-database.ts';
import { CLOUD_START_MS_MAX, missingForCloud } from './cloud-tree.ts';

const isMissing = missingForCloud() !== '';

/** Left out where the tree cannot be entered: that needs root, and namespaces. */
export const inTree = test.skipIf(isMissing);

/** Begun before the first test of a file, and ended after its last. */
export function sharedInTree<T extends AsyncDisposable>(start: () => Promise<T>): () => T {
  let parts: T | undefined;
  beforeAll(async () => {
    if (!isMissing) parts = await start();
  }, CLOUD_START_MS_MAX);
  afterAll(() => parts?.[Symbol.asyncDispose]());
  return () => {
    if (parts === undefined) throw new Error('it is there while tests run');
    return parts;
  };
}

/** A database for the tests of a file. @param connections that may be in use at a time */
export function databaseInTree(connections: number): Omit<CloudDatabase, keyof AsyncDisposable> {
  const parts = sharedInTree(() => startCloudDatabase(connections));
  return {
    get cloud() {
      return parts().cloud;
    },
    get database() {
      return parts().database;
    },
    get store() {
      return parts().store;
    },
    query: (...asked) => parts().query(...asked),
    put: (...batches) => parts().put(...batches),
    nextOf: (...asked) => parts().nextOf(...asked),
    rowsOf: (...asked) => parts().rowsOf(...asked),
  };
}
