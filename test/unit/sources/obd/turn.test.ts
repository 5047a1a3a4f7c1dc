import { expect, test } from 'vitest';
import { DiagnosisError } from '../../../../src/sources/obd/errors.ts';
import { Turn } from '../../../../src/sources/obd/turn.ts';

const TEXTS = { busy: 'busy', tooSlow: 'too slow', lost: 'lost' };
const never = (): AbortSignal => new AbortController().signal;

test('what is wanted is done when its turn comes, and not before', async () => {
  const turn = new Turn(TEXTS);
  let done = 0;
  const asked = turn.ask(() => Promise.resolve(++done), never());
  expect([turn.isWanted, done]).toEqual([true, 0]);
  await turn.take();
  expect(await asked).toBe(1);
  expect(turn.isWanted).toBe(false);
  await turn.take();
  expect(done).toBe(1);
});

test('a second one who wants it is told that it is busy', async () => {
  const turn = new Turn(TEXTS);
  const first = turn.ask(() => Promise.resolve(1), never());
  await expect(turn.ask(() => Promise.resolve(2), never())).rejects.toMatchObject({ code: 'BUSY' });
  await turn.take();
  expect(await first).toBe(1);
});

test('it can be taken back until its turn comes', async () => {
  const turn = new Turn(TEXTS);
  const late = new AbortController();
  const first = turn.ask(() => Promise.resolve(1), late.signal);
  late.abort();
  await expect(first).rejects.toMatchObject({ code: 'TOO_SLOW', message: 'too slow' });
  expect(turn.isWanted).toBe(false);
  const tooLate = new AbortController();
  const second = turn.ask(() => Promise.resolve(2), tooLate.signal);
  const work = turn.take();
  tooLate.abort();
  await work;
  expect(await second).toBe(2);
});

test('a refusal is passed on; the end of the link is told, and ends whoever serves', async () => {
  const turn = new Turn(TEXTS);
  const refused = new DiagnosisError('REFUSED', 'no');
  const first = turn.ask(() => Promise.reject(refused), never());
  await Promise.all([expect(first).rejects.toBe(refused), turn.take()]);
  const cut = new Error('cut');
  const second = turn.ask(() => Promise.reject(cut), never());
  await Promise.all([
    expect(second).rejects.toMatchObject({ code: 'NO_ANSWER', message: 'lost' }),
    expect(turn.take()).rejects.toBe(cut),
  ]);
  expect(turn.isWanted).toBe(false);
});

test('when the car goes nobody waits for it', async () => {
  const turn = new Turn(TEXTS);
  const gone = new DiagnosisError('NO_VEHICLE', 'gone');
  const asked = turn.ask(() => Promise.resolve(1), never());
  turn.end(gone);
  await expect(asked).rejects.toBe(gone);
  expect(turn.isWanted).toBe(false);
});
