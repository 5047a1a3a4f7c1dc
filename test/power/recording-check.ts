/** Holds what a store has of the model against what it has to have. */
import { EXTENDED_FLAG } from '#core/stream.ts';
import type { Columns } from '../../src/codec/columns.ts';
import { EPOCH_US_MAX, type EventKey, HOUR_US } from '../../src/store/keys.ts';
import type { Reads } from '../../src/store/lmdb.ts';
import type { StoreReader } from '../../src/store/reading/reader.ts';
import type { EpochExpectation, Expectation } from './expectation.ts';
import {
  countAt,
  elementAt,
  eventAt,
  type FrameModel,
  frameAt,
  isLost,
  MODEL,
  type Modelled,
  START_US,
  sampleAt,
} from './model.ts';
import { rollupProblems } from './rollup-check.ts';

const PAGE_EVENTS = 1_000;
/** Of one kind, for one point: the rest says nothing new. */
const PROBLEMS_MAX = 4;

/** A store as it is read, with and without what it has in memory. */
export interface Ground {
  readonly reader: StoreReader;
  readonly reads: Reads;
}

export interface Verdict {
  /** Elements that were acknowledged and are not there. */
  readonly lost: number;
  readonly problems: readonly string[];
}

/** Elements from the first up to before the second. */
type Span = readonly [from: number, to: number];

/** What was found of one stream in one epoch, element by element. */
class Found {
  readonly problems: string[] = [];
  first: number | undefined;
  /** The element behind the last one. */
  next = 0;
  /** Holes in it. */
  readonly holes: Span[] = [];
  /** By hour of the epoch: how many. */
  readonly hours = new Map<number, number>();
  readonly #one: Modelled;

  constructor(one: Modelled) {
    this.#one = one;
  }

  see(i: number, isRight: boolean): void {
    if (!isRight) this.#complain(`element ${i} has another value`);
    if (!Number.isInteger(i) || isLost(this.#one, i)) this.#complain(`element ${i} never was`);
    this.first ??= i;
    const expected = this.next === 0 ? i : this.#present(this.next);
    if (i < expected) this.#complain(`element ${i} is there twice, or late`);
    if (i > expected) this.holes.push([expected, i]);
    this.next = Math.max(this.next, i + 1);
    const hour = Math.floor((i * this.#one.periodUs) / HOUR_US);
    this.hours.set(hour, (this.hours.get(hour) ?? 0) + 1);
  }

  /** The first from `i` on that was not lost on its way. */
  #present(i: number): number {
    let next = i;
    while (isLost(this.#one, next)) next++;
    return next;
  }

  #complain(text: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(text);
  }
}

/** @param ground a store whose epochs of the expectation are over */
export function checkRecording(ground: Ground, expectation: Expectation): Verdict {
  const verdicts = expectation.epochs.flatMap((own) =>
    MODEL.map((one) => checkStream(ground, one, own, firstKept(one, own.epoch, expectation))),
  );
  return {
    lost: verdicts.reduce((sum, { lost }) => sum + lost, 0),
    problems: verdicts.flatMap(({ problems }) => problems),
  };
}

function checkStream(
  { reader, reads }: Ground,
  one: Modelled,
  { epoch, acked, taken }: EpochExpectation,
  kept: number,
): Verdict {
  const { id } = one.stream;
  const found = findAll(reader, one, epoch);
  const begin = elementAt(one, START_US);
  const [from, to] = [Math.max(begin, kept), acked[id] ?? begin];
  const end = taken?.[id] ?? Number.POSITIVE_INFINITY;
  const lost = missingOf(one, found, [from, to]);
  const problems = [...found.problems];
  if (lost > 0) problems.push(`${lost} acknowledged elements of ${from} to ${to} are missing`);
  for (const [a, b] of found.holes) problems.push(`a hole from ${a} to ${b}`);
  if (found.first !== undefined && found.first < begin) problems.push('it begins before its time');
  if (found.next > end) problems.push(`it goes to ${found.next}, ${end} were taken`);
  if (kept < Number.POSITIVE_INFINITY) {
    const [numbers, isWhole] = [reader.numbersOf(id), kept <= begin];
    problems.push(...rollupProblems(reads, { one, epoch, numbers, hours: found.hours, isWhole }));
  }
  return { lost, problems: problems.map((text) => `epoch ${epoch}, ${id}: ${text}`) };
}

/** The first element that cannot have been evicted. */
function firstKept(one: Modelled, epoch: number, { oldest }: Expectation): number {
  const kept = oldest[one.table] ?? { epoch: 0, t: 0 };
  if (kept.epoch < epoch) return 0;
  return kept.epoch > epoch ? Number.POSITIVE_INFINITY : elementAt(one, kept.t);
}

/** How many of [from, to) are not there, without those that were lost on their way to the store. */
function missingOf(one: Modelled, { first, next, holes }: Found, [from, to]: Span): number {
  const gaps: Span[] = [[0, first ?? to], ...holes, [first === undefined ? to : next, to]];
  return gaps.reduce((sum, [a, b]) => {
    let missing = 0;
    for (let i = Math.max(a, from); i < Math.min(b, to); i++) missing += isLost(one, i) ? 0 : 1;
    return sum + missing;
  }, 0);
}

function findAll(reader: StoreReader, one: Modelled, epoch: number): Found {
  const found = new Found(one);
  const range = { epoch, from: 0, to: EPOCH_US_MAX };
  for (const number of reader.numbersOf(one.stream.id)) {
    if (one.stream.kind === 'event') findEvents(found, reader, { one, number, epoch });
    else {
      for (const piece of reader.columns(number, range)) findPiece(found, one, epoch, piece);
    }
  }
  return found;
}

function findPiece(found: Found, one: Modelled, epoch: number, piece: Columns): void {
  if (piece.kind === 'waves') {
    const first = piece.t0 / one.periodUs;
    const n = piece.v.length;
    const isEven = n < 2 || piece.span === (n - 1) * one.periodUs;
    piece.v.forEach((v, k) => {
      found.see(first + k, isEven && v === countAt(one, epoch, first + k));
    });
    return;
  }
  piece.t.forEach((t, k) => {
    const i = t / one.periodUs;
    const isRight =
      piece.kind === 'scalars'
        ? piece.v[k] === sampleAt(one, epoch, i)
        : isFrame(piece, k, frameAt(one, epoch, i));
    found.see(i, isRight);
  });
}

function isFrame(
  { id, length, data }: Extract<Columns, { kind: 'frames' }>,
  k: number,
  expected: FrameModel,
): boolean {
  const wanted = expected.extended ? (expected.id | EXTENDED_FLAG) >>> 0 : expected.id;
  if (id[k] !== wanted || length[k] !== expected.length) return false;
  const view = new DataView(data.buffer, data.byteOffset + 8 * k, 8);
  return view.getUint32(0) === expected.head && view.getUint32(4) === expected.tail;
}

function findEvents(
  found: Found,
  reader: StoreReader,
  {
    one,
    number,
    epoch,
  }: { readonly one: Modelled; readonly number: number; readonly epoch: number },
): void {
  const range = { epoch, from: 0, to: EPOCH_US_MAX };
  let after: EventKey | undefined;
  for (;;) {
    const query = { streams: [number], limit: PAGE_EVENTS, ...(after && { after }) };
    const page = reader.events(range, query);
    for (const { row } of page) {
      const i = row.t / one.periodUs;
      found.see(i, JSON.stringify(row.data) === JSON.stringify(eventAt(one, epoch, i)));
    }
    after = page.at(-1)?.key;
    if (page.length < PAGE_EVENTS) return;
  }
}
