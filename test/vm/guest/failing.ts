/** Of failing.sh. */
import assert from 'node:assert/strict';
import { check } from './support/check.ts';

await check('passes in TypeScript', async () => ({ frames: 3 }));
await check('fails in TypeScript', async () => assert.equal(1, 2, 'one is not two'));
await check('hangs in TypeScript', () => new Promise(() => {}), 50);
