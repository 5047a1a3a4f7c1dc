import type { When } from '#core/alert.ts';
import type { Stream } from '#core/stream.ts';
import type { RuleFault } from '../errors.ts';
import { found } from './fields.ts';
import { quantity } from './words.ts';

/** Whether the numbers of one comparison make sense, for themselves and for its stream. */

type Range = readonly [min: number, max: number];

/** A fault in the words of all others: what would do, why, and what was found. */
export function fault(pointer: string, expected: string, value: unknown): RuleFault {
  const seen = isRange(value) ? `${value[0]} to ${value[1]}` : found(value);
  return { pointer, message: `expected ${expected}, found ${seen}` };
}

/** What contradicts itself, whatever the stream. Pointers are those within the comparison. */
export function orderFaults(when: When): readonly RuleFault[] {
  switch (when.op) {
    case '>':
    case 'rate>':
    case '<':
    case 'rate<':
      return clearFaults(when.op === '>' || when.op === 'rate>', when.value, when.clear);
    case 'within':
    case 'beyond':
      return clearFaults(when.op === 'beyond', when.value.radiusM, when.clear);
    case 'outside':
    case 'inside':
      return rangeFaults(when);
    case 'count': {
      const { value, clear } = when;
      if (clear === undefined || clear < value) return [];
      return [fault('/when/clear', `less than ${value}, where the alert begins`, clear)];
    }
    case 'event': {
      const { match = {}, until } = when;
      const same = until && Object.entries(until).every(([field, value]) => match[field] === value);
      if (!same) return [];
      const why = 'fields that differ from match, as every event would end what it begins';
      return [fault('/when/until', why, until)];
    }
    case 'stale':
      return [];
  }
}

/** @param upwards whether the alert begins above `value` */
function clearFaults(upwards: boolean, value: number, clear?: number): readonly RuleFault[] {
  if (clear === undefined || (upwards ? clear <= value : clear >= value)) return [];
  const side = upwards ? 'most' : 'least';
  const beyond = upwards ? 'above' : 'below';
  return [fault('/when/clear', `at ${side} ${value}, as the alert begins ${beyond} it`, clear)];
}

function rangeFaults({ op, value, clear }: When & { readonly op: 'outside' | 'inside' }) {
  const faults = [
    ...(value[0] > value[1] ? [fault('/when/value', 'the lower number first', value)] : []),
    ...(clear && clear[0] > clear[1]
      ? [fault('/when/clear', 'the lower number first', clear)]
      : []),
  ];
  if (faults.length > 0 || clear === undefined) return faults;
  const [outer, inner] = op === 'outside' ? [value, clear] : [clear, value];
  if (outer[0] <= inner[0] && inner[1] <= outer[1]) return [];
  const side = op === 'outside' ? 'within' : 'around';
  const why = `a range ${side} ${value[0]} to ${value[1]}, as the alert begins ${op} of it`;
  return [fault('/when/clear', why, clear)];
}

/** What the stream can never be, or always is. Pointers are those within the comparison. */
export function streamFaults(when: When, stream: Stream): readonly RuleFault[] {
  switch (when.op) {
    case '>':
    case '<': {
      const clear = when.clear === undefined ? [] : beyondStream('/when/clear', when.clear, stream);
      return [...reachable('/when/value', when.op, when.value, stream), ...clear];
    }
    case 'outside':
    case 'inside': {
      const faults = [
        ...when.value.flatMap((end, i) => beyondStream(`/when/value/${i}`, end, stream)),
        ...(when.clear ?? []).flatMap((end, i) => beyondStream(`/when/clear/${i}`, end, stream)),
      ];
      const [min, max] = stream.range;
      if (faults.length > 0 || when.value[0] > min || when.value[1] < max) return faults;
      return [fault('/when/value', 'less than all that the stream can be', when.value)];
    }
    case 'rate>':
    case 'rate<': {
      const span = stream.range[1] - stream.range[0];
      const most = span / when.windowS;
      if (Math.abs(when.value) < most) return [];
      const why = `as the stream changes by ${quantity(span, stream.unit)} at most`;
      const side = when.op === 'rate>' ? `below ${most}` : `above ${-most}`;
      return [fault('/when/value', `${side} a second, ${why}`, when.value)];
    }
    case 'stale': {
      const period = stream.hz > 0 ? 1 / stream.hz : 0;
      if (when.value > period) return [];
      const why = `as a reading comes every ${period} s`;
      return [fault('/when/value', `more than ${period}, ${why}`, when.value)];
    }
    default:
      return [];
  }
}

/** Where no value of the stream is on that side of the limit, or every one is. */
export function reachable(
  pointer: string,
  op: '>' | '<',
  limit: number,
  stream: Stream,
): readonly RuleFault[] {
  const end = op === '>' ? stream.range[1] : stream.range[0];
  if (limit !== end) return beyondStream(pointer, limit, stream);
  const [side, beyond] = op === '>' ? ['below', 'above'] : ['above', 'below'];
  const why = `as the stream is never ${beyond} it`;
  return [fault(pointer, `${side} ${quantity(end, stream.unit)}, ${why}`, limit)];
}

function beyondStream(pointer: string, limit: number, { range, unit }: Stream) {
  const [min, max] = range;
  if (limit >= min && limit <= max) return [];
  const why = 'which is all that the stream can be';
  return [fault(pointer, `${min} to ${quantity(max, unit)}, ${why}`, limit)];
}

function isRange(value: unknown): value is Range {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
}
