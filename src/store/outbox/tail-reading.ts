import type { Event } from '#core/stream.ts';
import { type Columns, countOf } from '../../codec/columns.ts';
import { part } from '../../codec/cut.ts';
import { joinPieces, startOf } from '../../codec/join.ts';
import type { Unsealed } from '../writing/unsealed.ts';
import { bytesOfEvent, bytesPerValue, countWithin } from './measure.ts';
import type { Limits, Stretch } from './outbox.ts';
import type { Moment } from './seal-record.ts';
import { gapAt, type Wanted } from './sealed-reading.ts';

/** Reads by `seq` what LMDB does not have yet. */

/**
 * @param contents in the order in which they came
 * @param wanted whose end is that of what is durable
 * @param position of the next seal
 */
export function readTail(
  contents: readonly Unsealed[],
  wanted: Wanted,
  position: Moment,
  limits: Limits,
): Stretch {
  return wanted.stream.kind === 'event'
    ? readEvents(contents, wanted, position, limits)
    : readColumns(contents, wanted, position, limits);
}

function readColumns(
  contents: readonly Unsealed[],
  wanted: Wanted,
  position: Moment,
  limits: Limits,
): Stretch {
  const { from, end } = wanted;
  const pieces = [...runFrom(contents, wanted, limits)];
  const [first] = pieces;
  if (first === undefined || first.seq > from) {
    // Never came, or was given up before a journal took it.
    const t0 = first ? startOf(first) : 0;
    return gapAt(position, { from, to: first?.seq ?? end, reason: 'lost', t0 });
  }
  const whole = joinPieces(pieces)[0] ?? first;
  const each = bytesPerValue(whole);
  const n = countWithin(whole, each, limits);
  const content = part(whole, 0, n) ?? whole;
  return {
    ...{ epoch: position.epoch, first: from, n, t0: startOf(content), content, position },
    bytes: Math.ceil(n * each),
  };
}

/** The first pieces from a seq on that follow each other, as many as a stretch may need. */
function* runFrom(
  contents: readonly Unsealed[],
  { number, from, end }: Wanted,
  limits: Limits,
): Generator<Columns> {
  const pieces: Columns[] = [];
  let next = from;
  let n = 0;
  for (const piece of piecesFrom(contents, number, from)) {
    if (piece.seq >= end || (n > 0 && piece.seq !== next)) return;
    const begin = Math.max(from, piece.seq);
    next = Math.min(end, piece.seq + countOf(piece));
    const rest = part(piece, begin - piece.seq, next - piece.seq);
    if (rest === undefined) return;
    pieces.push(rest);
    yield rest;
    n += countOf(rest);
    if (n >= limits.values || n * bytesPerValue(rest) >= limits.bytes) return;
    if (isSpanned(pieces, limits)) return;
  }
}

function isSpanned(pieces: readonly Columns[], { spanUs }: Limits): boolean {
  const [first, last] = [pieces[0], pieces.at(-1)];
  if (spanUs === undefined || !first || !last) return false;
  return Math.abs(startOf(last) - startOf(first)) > spanUs;
}

function* piecesFrom(
  contents: readonly Unsealed[],
  number: number,
  from: number,
): Generator<Columns> {
  for (const content of contents) yield* content.columnsFrom(number, from);
}

function readEvents(
  contents: readonly Unsealed[],
  { number, from, end }: Wanted,
  position: Moment,
  limits: Limits,
): Stretch {
  const events: { t: number; data: Event['data'] }[] = [];
  let bytes = 0;
  for (const { ordinal, t, data } of eventsFrom(contents, number, from)) {
    if (ordinal >= end || events.length >= limits.values) break;
    const next = from + events.length;
    if (ordinal > next) {
      if (events.length > 0) break;
      return gapAt(position, { from, to: ordinal, reason: 'lost', t0: t });
    }
    const more = bytesOfEvent(data);
    if (events.length > 0 && bytes + more > limits.bytes) break;
    events.push({ t, data });
    bytes += more;
  }
  if (events.length === 0) return gapAt(position, { from, to: end, reason: 'lost', t0: 0 });
  const t0 = Math.min(...events.map(({ t }) => t));
  const content = { kind: 'events', seq: from, events } as const;
  const { epoch } = position;
  return { epoch, first: from, n: events.length, t0, content, position, bytes };
}

function* eventsFrom(contents: readonly Unsealed[], number: number, from: number) {
  for (const content of contents) {
    const own = content.eventsByStream().get(number) ?? [];
    const first = own[0];
    if (first === undefined) continue;
    // They follow each other but for what was given up: not before where they would be without.
    let i = Math.min(own.length, Math.max(0, from - first.ordinal));
    while (i > 0 && (own[i - 1]?.ordinal ?? 0) >= from) i--;
    for (; i < own.length; i++) {
      const event = own[i];
      if (event && event.ordinal >= from) yield event;
    }
  }
}
