import type { Frames } from './columns.ts';
import { readTicks, writeTicks } from './time-codec.ts';
import type { ByteReader, ByteWriter } from './varint.ts';

/**
 * Frames of a CAN bus, by id: what is sent under one id comes evenly and differs little from frame
 * to frame. `k` ids, in the order in which each came first; each owns a group of the frames.
 *
 *   varint  k
 *   k times:
 *     varint  the identifier with its flags, turned left by one bit, so that EXTENDED_FLAG is bit 0
 *     varint  frames of it, at least 1
 *     u8      their length, 0 to 8, or MIXED
 *   u8      0: the frames came in the usual order, by time and where that is equal by group
 *           1: n times signed: place of the frame in the usual order less that of the one before it,
 *           less 1
 *   k times the times of the group (time-codec.ts), in ticks of 1 us
 *   for groups of MIXED length, a byte a frame: its length
 *   k times, for each of the 8 bytes of data: of all frames that have it, its difference to the frame
 *           of the group before that has it, modulo 256; the first to 0
 *
 * The usual order is that of sorted (time, group) pairs, in which the first pair of a group belongs
 * to its first frame, the second to its second, and so on: whatever the times are, that is an order,
 * and where it is not the one in which the frames came, the list tells the difference.
 */
const MIXED = 9;
const LENGTH_MAX = 8;
/** 5 s of a full bus of 1 Mbit/s have 40,000 frames. Tick times group must be an exact integer. */
const IDS_MAX = 2 ** 20;

/** The frames of one id are `from` to `to` where frames are ordered by group. */
interface Group {
  readonly id: number;
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/**
 * @param ticks of the frames, in whole microseconds since the earliest
 * @throws RangeError for a length above 8 or too many ids
 */
export function writeFrames(writer: ByteWriter, frames: Frames, ticks: Float64Array): void {
  const n = ticks.length;
  const { groups, groupOf } = groupById(frames);
  // By group: where the frame came, and when.
  const came = new Uint32Array(n);
  const grouped = new Float64Array(n);
  const next = Uint32Array.from(groups, ({ from }) => from);
  for (let i = 0; i < n; i++) {
    const group = groupOf[i] ?? 0;
    const at = next[group] ?? 0;
    next[group] = at + 1;
    came[at] = i;
    grouped[at] = ticks[i] ?? 0;
  }
  writer.varint(groups.length);
  for (const { id, from, to, length } of groups) {
    writer.varint(((id << 1) | (id >>> 31)) >>> 0);
    writer.varint(to - from);
    writer.byte(length);
  }
  writeOrder(writer, groups, grouped, came);
  for (const { from, to } of groups) writeTicks(writer, grouped.subarray(from, to));
  for (const { from, to, length } of groups) {
    if (length !== MIXED) continue;
    for (let at = from; at < to; at++) writer.byte(frames.length[came[at] ?? 0] ?? 0);
  }
  const bytes = writer.reserve(n * LENGTH_MAX);
  for (const group of groups)
    writer.length = writeData(bytes, writer.length, frames, { group, came });
}

function groupById({ id: ids, length: lengths }: Frames): {
  groups: readonly Group[];
  groupOf: Uint32Array;
} {
  const found = new Map<number, number>();
  const counted: { id: number; count: number; length: number }[] = [];
  const groupOf = new Uint32Array(ids.length);
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] ?? 0;
    const length = lengths[i] ?? 0;
    if (length > LENGTH_MAX) throw new RangeError(`a frame of ${length} bytes: 8 at most`);
    const group = found.get(id) ?? counted.length;
    const entry = counted[group];
    if (entry === undefined) {
      found.set(id, group);
      counted.push({ id, count: 1, length });
    } else {
      entry.count++;
      if (entry.length !== length) entry.length = MIXED;
    }
    groupOf[i] = group;
  }
  if (counted.length > IDS_MAX) throw new RangeError(`${counted.length} ids: ${IDS_MAX} at most`);
  let to = 0;
  const groups = counted.map(({ id, count, length }) => {
    to += count;
    return { id, from: to - count, to, length };
  });
  return { groups, groupOf };
}

/** For each place in the usual order: which frame by group has it. */
function usualOrder(groups: readonly Group[], grouped: Float64Array): Uint32Array {
  const keys = new Float64Array(grouped.length);
  groups.forEach(({ from, to }, group) => {
    for (let at = from; at < to; at++) keys[at] = (grouped[at] ?? 0) * groups.length + group;
  });
  keys.sort();
  const next = Uint32Array.from(groups, ({ from }) => from);
  const order = new Uint32Array(keys.length);
  for (let place = 0; place < keys.length; place++) {
    const group = (keys[place] ?? 0) % groups.length;
    const at = next[group] ?? 0;
    next[group] = at + 1;
    order[place] = at;
  }
  return order;
}

function writeOrder(
  writer: ByteWriter,
  groups: readonly Group[],
  grouped: Float64Array,
  came: Uint32Array,
): void {
  const order = usualOrder(groups, grouped);
  if (order.every((at, place) => came[at] === place)) {
    writer.byte(0);
    return;
  }
  writer.byte(1);
  const places = new Uint32Array(order.length);
  for (let place = 0; place < order.length; place++) places[came[order[place] ?? 0] ?? 0] = place;
  let expected = 0;
  for (let i = 0; i < places.length; i++) {
    const place = places[i] ?? 0;
    writer.signed(place - expected);
    expected = place + 1;
  }
}

function writeData(
  bytes: Uint8Array,
  start: number,
  { data, length }: Frames,
  { group, came }: { readonly group: Group; readonly came: Uint32Array },
): number {
  let to = start;
  for (let column = 0; column < Math.min(group.length, LENGTH_MAX); column++) {
    let previous = 0;
    for (let at = group.from; at < group.to; at++) {
      const frame = came[at] ?? 0;
      if ((length[frame] ?? 0) <= column) continue;
      const value = data[frame * LENGTH_MAX + column] ?? 0;
      bytes[to++] = value - previous;
      previous = value;
    }
  }
  return to;
}

/** @returns all of Frames but `kind` and `seq`; `t` in ticks */
export function readFrames(reader: ByteReader, n: number): Omit<Frames, 'kind' | 'seq'> {
  const groups = readGroups(reader, n);
  const listed = readOrder(reader, n);
  const grouped = new Float64Array(n);
  for (const { from, to } of groups) readTicks(reader, grouped.subarray(from, to));
  // By group: where the frame came.
  const came = new Uint32Array(n);
  const order = usualOrder(groups, grouped);
  for (let place = 0; place < n; place++) came[order[place] ?? 0] = listed?.[place] ?? place;

  const t = new Float64Array(n);
  const id = new Uint32Array(n);
  const length = new Uint8Array(n);
  const data = new Uint8Array(n * LENGTH_MAX);
  for (const group of groups) {
    for (let at = group.from; at < group.to; at++) {
      const frame = came[at] ?? 0;
      t[frame] = grouped[at] ?? 0;
      id[frame] = group.id;
      length[frame] = group.length === MIXED ? readLength(reader) : group.length;
    }
  }
  for (const group of groups) readData(reader, group, came, { length, data });
  return { t, id, length, data };
}

function readGroups(reader: ByteReader, n: number): Group[] {
  const count = reader.varint();
  if (count > Math.min(n, IDS_MAX)) throw reader.bad(`${count} ids in ${n} frames`);
  const groups: Group[] = [];
  let from = 0;
  while (groups.length < count) {
    const turned = reader.varint();
    if (turned > 0xffff_ffff) throw reader.bad(`an identifier of ${turned}`);
    const id = ((turned >>> 1) | (turned << 31)) >>> 0;
    const to = from + reader.varint();
    const length = reader.byte();
    if (to === from || to > n) throw reader.bad(`${to - from} frames of id ${id}`);
    if (length > MIXED) throw reader.bad(`a frame of ${length} bytes`);
    groups.push({ id, from, to, length });
    from = to;
  }
  if (from !== n) throw reader.bad(`${from} frames, not ${n}`);
  return groups;
}

/** For each place in the usual order: where the frame came; undefined when in the usual order. */
function readOrder(reader: ByteReader, n: number): Uint32Array | undefined {
  const flag = reader.byte();
  if (flag > 1) throw reader.bad(`an order of ${flag}`);
  if (flag === 0) return undefined;
  const listed = new Uint32Array(n).fill(n);
  let expected = 0;
  for (let i = 0; i < n; i++) {
    const place = expected + reader.signed();
    if (listed[place] !== n) throw reader.bad(`frame ${i} at place ${place}`);
    listed[place] = i;
    expected = place + 1;
  }
  return listed;
}

function readLength(reader: ByteReader): number {
  const length = reader.byte();
  if (length > LENGTH_MAX) throw reader.bad(`a frame of ${length} bytes`);
  return length;
}

function readData(
  reader: ByteReader,
  group: Group,
  came: Uint32Array,
  { length, data }: Pick<Frames, 'length' | 'data'>,
): void {
  for (let column = 0; column < Math.min(group.length, LENGTH_MAX); column++) {
    let value = 0;
    for (let at = group.from; at < group.to; at++) {
      const frame = came[at] ?? 0;
      if ((length[frame] ?? 0) <= column) continue;
      value = (value + reader.byte()) & 0xff;
      data[frame * LENGTH_MAX + column] = value;
    }
  }
}
