/** The journal over power cuts at any moment, with a disk that loses, tears and reorders writes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../../src/sim/random.ts';
import { Journal, type OpenedJournal } from '../../../../src/store/journal/journal.ts';
import { encodeRecord } from '../../../../src/store/journal/journal-record.ts';
import { FaultyDisk } from '../../../support/disk.ts';

/** Small, so that segments fill up in a few records. */
const BYTES = 16 << 10;

function open(disk: FaultyDisk, sealedSeq: number): Promise<OpenedJournal> {
  return Journal.open([disk.open('j0', BYTES), disk.open('j1', BYTES)], sealedSeq);
}

/** What a store does next. `seal` commits to LMDB what was replayed or what the last swap covers. */
type Step =
  | { readonly does: 'append'; readonly bytes: number; readonly waits: boolean }
  | { readonly does: 'fail'; readonly operation: 'write' | 'sync' }
  | { readonly does: 'swap' | 'seal' };

const append = fc.record({
  does: fc.constant('append' as const),
  bytes: fc.nat(3000),
  waits: fc.boolean(),
});
const fail = fc.record({
  does: fc.constant('fail' as const),
  operation: fc.constantFrom('write' as const, 'sync' as const),
});
const swapOrSeal = fc.record({ does: fc.constantFrom('swap' as const, 'seal' as const) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: append },
  { weight: 1, arbitrary: fail },
  { weight: 3, arbitrary: swapOrSeal },
);

const starts = fc.array(
  fc.record({
    steps: fc.array(step, { maxLength: 30, size: 'max' }),
    haltAfter: fc.nat(60),
    seed: fc.nat(),
  }),
  { minLength: 1, maxLength: 5, size: 'max' },
);

/** A store around the journal, over several starts, each ended by a power cut. */
class Life {
  disk = new FaultyDisk();
  readonly #acknowledged = new Map<number, string>();
  readonly #appended = new Set<string>();
  #refused = 0;
  #sealed = 0;
  /** What a seal is about to commit. */
  #covered = 0;

  async start(steps: readonly Step[], haltAfter: number, epoch: number): Promise<void> {
    const opened = await open(this.disk, this.#sealed);
    this.#check(opened);
    this.#covered = opened.replay.at(-1)?.seq ?? this.#sealed;
    this.disk.haltAfter(haltAfter);
    for (const each of steps) await this.#do(each, opened.journal, epoch);
  }

  async #do(each: Step, journal: Journal, epoch: number): Promise<void> {
    if (this.disk.halted) return;
    switch (each.does) {
      case 'fail':
        return this.disk.failNext(each.operation, 'EIO');
      case 'append':
        return this.#append(each, journal, epoch);
      case 'swap':
        return this.#swap(journal);
      case 'seal':
        this.#sealed = this.#covered;
        journal.retired();
    }
  }

  /** A store does not try before it may; but here the journal has to know by itself. */
  #swap(journal: Journal): void {
    try {
      this.#covered = journal.swap();
    } catch (error) {
      expect(error).toMatchObject({ message: expect.stringContaining('retired') });
    }
  }

  async #append(
    { bytes, waits }: { bytes: number; waits: boolean },
    journal: Journal,
    epoch: number,
  ): Promise<void> {
    const words = `${this.#appended.size} `.padEnd(bytes, 'x');
    this.#appended.add(words);
    const done = journal.append(epoch, Buffer.from(words)).then(
      (seq) => void this.#acknowledged.set(seq, words),
      (error: unknown) => {
        expect(error).toMatchObject({ code: expect.stringMatching(/FULL|EIO/) });
        this.#refused++;
      },
    );
    await Promise.race([done, turnsOfTheQueue(waits ? 60 : 1)]);
  }

  #check(opened: OpenedJournal): void {
    const { replay, problems } = opened;
    // A record that the device refused leaves a hole, which is told; nothing else does.
    const holes = problems.filter((text) => text.includes('are missing'));
    expect(problems).toEqual(this.#refused > 0 ? holes : []);
    const seqs = replay.map(({ seq }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(seqs.every((seq) => seq > this.#sealed)).toBe(true);
    const contents = new Map(replay.map(({ seq, payload }) => [seq, `${Buffer.from(payload)}`]));
    for (const words of contents.values()) expect(this.#appended).toContain(words);
    const kept = [...this.#acknowledged].filter(([seq]) => seq > this.#sealed);
    for (const [seq, words] of kept) expect(contents.get(seq)).toBe(words);
  }
}

/** A halted disk answers nothing, so a run goes on after so many turns of the promise queue. */
async function turnsOfTheQueue(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await Promise.resolve();
}

test('whatever happens, what was acknowledged and is not sealed comes back once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(starts, async (each) => {
      const life = new Life();
      for (const [i, { steps, haltAfter, seed }] of each.entries()) {
        await life.start(steps, haltAfter, i + 1);
        life.disk = life.disk.crash(seededRandom(seed));
      }
      await life.start([], 0, each.length + 1);
    }),
    { numRuns: 400 },
  );
});

test('the disk would show an acknowledgement that came too early', async () => {
  for (const [likely, left] of [
    [1, 1],
    [0, 0],
  ] as const) {
    const disk = new FaultyDisk();
    await disk.open('j0', BYTES).write(0, encodeRecord(1, 1, Buffer.from('a')));
    const random = [likely, 0.5, 0.5][Symbol.iterator]();
    const { replay } = await open(
      disk.crash(() => random.next().value ?? 0),
      0,
    );
    expect(replay).toHaveLength(left);
  }
});
