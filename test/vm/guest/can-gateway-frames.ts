/** What a gateway may send, written down a second time: S14 of the list of what must not happen. */
import type { Sniffed } from './can-gateway-rig.ts';

const READING = ['01', '02', '03', '06', '07', '09', '0A'];
/** Of ISO 14229-1, to one control unit alone: what reads, and what keeps a session that reads. */
const READING_UDS = /^(22|19|3E|1001$|1003$)/;
const CLEAR = '04';
/** An answer with the road speed alone, as it is asked for right before service 04. */
const SPEED = /^03410D/;
const FRAME_CHARS = 16;
/**
 * How long after a first frame flow control for it may be seen, in seconds. A control unit waits for one
 * (N_Bs of ISO 15765-2), and the rest is for the ways of both and of what tells their times.
 */
const FLOW_S = 1.5;
/** Frames that are looked at for it; there are some 50 in a second. */
const BEFORE = 1_000;
const RATE_MAX = 10;
/** What a second may be short of one by the times of the kernel, in seconds. */
const JITTER_S = 0.05;

export type Sent = 'request' | 'flow' | 'clearing' | 'forbidden';

/** What a frame of the gateway is. @param before what was on the bus before it */
function kindOf({ id, data, t }: Sniffed, before: readonly Sniffed[]): Sent {
  const isToAll = /^(7DF|18DB33F1)$/.test(id);
  const unit = /^(?:7E([0-7])|18DA(?!F1)(..)F1)$/.exec(id);
  if ((!isToAll && !unit) || data.length !== FRAME_CHARS) return 'forbidden';
  if (data.startsWith('3')) {
    const answer = unit?.[2] === undefined ? `7E${hex(Number(unit?.[1]) + 8)}` : `18DAF1${unit[2]}`;
    const isAwaited = before.some(
      (one) => !one.isOurs && one.id === answer && one.data.startsWith('1') && t - one.t <= FLOW_S,
    );
    return unit && isAwaited ? 'flow' : 'forbidden';
  }
  const [, length = '0', content = ''] = /^0([1-7])(.*)$/.exec(data) ?? [];
  const pdu = content.slice(0, 2 * Number(length));
  if (READING.includes(pdu.slice(0, 2))) return 'request';
  if (unit && READING_UDS.test(pdu)) return 'request';
  return isToAll && pdu === CLEAR ? 'clearing' : 'forbidden';
}

function hex(digit: number): string {
  return digit.toString(16).toUpperCase();
}

/** The frames of the gateway by what they are. @param frames in the order in which they came */
export function sorted(frames: readonly Sniffed[]): Readonly<Record<Sent, readonly Sniffed[]>> {
  const found: Record<Sent, Sniffed[]> = { request: [], flow: [], clearing: [], forbidden: [] };
  // Two interfaces may be told of in another order than that in which it happened.
  const inOrder = frames.toSorted((a, b) => a.t - b.t);
  for (const [i, frame] of inOrder.entries()) {
    const before = inOrder.slice(Math.max(0, i - BEFORE), i);
    if (frame.isOurs) found[kindOf(frame, before)].push(frame);
  }
  return found;
}

/** Requests of which there were more than ten within a second, by the last of them. */
export function tooFast(requests: readonly Sniffed[]): readonly Sniffed[] {
  return requests.filter(({ t }, i) => {
    const earlier = requests[i - RATE_MAX];
    return earlier !== undefined && t - earlier.t < 1 - JITTER_S;
  });
}

/** Those of service 04 that went out although the newest speed on the bus before them was not 0. */
export function whileMoving(frames: readonly Sniffed[]): readonly Sniffed[] {
  const inOrder = frames.toSorted((a, b) => a.t - b.t);
  return sorted(frames).clearing.filter(({ t }) => {
    const speeds = inOrder.filter((one) => one.t < t && !one.isOurs && SPEED.test(one.data));
    return !speeds.at(-1)?.data.startsWith('03410D00');
  });
}
