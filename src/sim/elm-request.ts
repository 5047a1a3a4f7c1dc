/** One OBD request: finding the bus, asking the control units, waiting, and printing what came. */
import type { Micros } from '#core/stream.ts';
import type { Ecu } from './ecu.ts';
import { answerId, canLines, flowsOn, passes, reaches, requestId, segment } from './elm-can.ts';
import { legacyLine, legacyReaches } from './elm-legacy.ts';
import { isProtocol, PROTOCOLS, type Protocol, type ProtocolDigit } from './elm-protocols.ts';
import { PROMPT, type Reply, replyNow, type TimedLine, unhex } from './elm-reply.ts';
import { timeoutMs } from './elm-settings.ts';
import type { ElmState } from './elm-state.ts';

/** Hex digits as typed. */
export interface Request {
  readonly bytes: readonly number[];
  /** Answer lines to wait for; 0 for as many as come in time. */
  readonly limit: number;
}

/** What one frame prints, so many milliseconds after the request. */
interface Arrival {
  readonly atMs: number;
  readonly lines: readonly string[];
  /** 7F xx 78: the real answer is still to come. */
  readonly pending: boolean;
}

const BYTES_MAX = 7;
const RAW_BYTES_MAX = 8;
const PENDING_MS = 5000;
/** The adaptive modes wait this many times the first unit's answer time for further answers. */
const ADAPTIVE_FACTOR = { 1: 2, 2: 1 } as const;
/** Adaptive timing came with v1.2, response counts with v1.3, pending answers with v2.1 (ELM327DSJ). */
const ADAPTIVE_SINCE = 1.2;
const COUNT_SINCE = 1.3;
const PENDING_SINCE = 2.1;

/** Reads hex digits; an odd one at the end is the number of answers to wait for. */
export function parseRequest(state: ElmState, digits: string): Request | undefined {
  const counted = digits.length % 2 === 1;
  if (counted && (digits.length < 3 || state.personality.knows < COUNT_SINCE)) return undefined;
  const bytes = unhex(counted ? digits.slice(0, -1) : digits);
  if (bytes.length > (state.settings.autoFormat ? BYTES_MAX : RAW_BYTES_MAX)) return undefined;
  return { bytes, limit: counted ? Number.parseInt(digits.slice(-1), 16) : 0 };
}

/** Sends one request at time `now` and prints what comes back. */
export function obdRequest(state: ElmState, request: Request, now: Micros): Reply {
  const link = connect(state, now);
  const { active } = state;
  if (link.failed || !active) return { ...replyNow([], link.atMs), lines: link.lines };
  const arrivals = state.vehicle.ecus
    .flatMap((ecu) => arrivalsFrom(state, PROTOCOLS[active], ecu, { request, now }))
    .sort((a, b) => a.atMs - b.atMs);
  const { lines, endMs } = collect(state, arrivals, request.limit);
  const body = lines.length > 0 ? lines : [{ afterMs: endMs, text: 'NO DATA' }];
  return {
    lines: [
      ...link.lines,
      ...body.map(({ afterMs, text }) => ({ afterMs: link.atMs + afterMs, text })),
    ],
    endMs: link.atMs + endMs,
    prompt: PROMPT,
  };
}

interface Link {
  readonly lines: readonly TimedLine[];
  readonly atMs: number;
  readonly failed: boolean;
}

const CONNECTED: Link = { lines: [], atMs: 0, failed: false };

/** Brings the bus up when no protocol is active yet. */
function connect(state: ElmState, now: Micros): Link {
  if (state.active) return CONNECTED;
  const alive = state.vehicle.car.at(now).ignition;
  const { digit, auto } = state.choice;
  return auto || !isProtocol(digit) ? search(state, alive) : openBus(state, digit, alive);
}

function search(state: ElmState, alive: boolean): Link {
  const atMs = state.timing.searchMs;
  const lines = [{ afterMs: 0, text: 'SEARCHING...' }];
  if (!alive) lines.push({ afterMs: atMs, text: 'UNABLE TO CONNECT' });
  else state.active = state.carProtocol;
  return { lines, atMs, failed: !alive };
}

/** A CAN bus needs no waking: whether somebody is there shows with the first answer. */
function openBus(state: ElmState, digit: ProtocolDigit, alive: boolean): Link {
  const protocol = PROTOCOLS[digit];
  const opened = digit === state.carProtocol && (alive || protocol.kind === 'can');
  if (opened) state.active = digit;
  if (protocol.kind === 'legacy' && protocol.init) {
    const atMs = state.timing.searchMs;
    const text = `${protocol.init}${opened ? 'OK' : 'ERROR'}`;
    return { lines: [{ afterMs: atMs, text }], atMs, failed: !opened };
  }
  if (opened) return CONNECTED;
  return failure(state, protocol.kind === 'can' ? 'CAN ERROR' : 'NO DATA');
}

function failure({ settings }: ElmState, text: string): Link {
  const atMs = timeoutMs(settings);
  return { lines: [{ afterMs: atMs, text }], atMs, failed: true };
}

interface Asked {
  readonly request: Request;
  readonly now: Micros;
}

function arrivalsFrom(state: ElmState, protocol: Protocol, ecu: Ecu, asked: Asked): Arrival[] {
  return protocol.kind === 'can'
    ? canArrivals(state, protocol.idBits, ecu, asked)
    : legacyArrivals(state, protocol, ecu, asked);
}

function canArrivals(state: ElmState, bits: 11 | 29, ecu: Ecu, { request, now }: Asked): Arrival[] {
  const { settings, timing, fill } = state;
  const value = answerId(ecu.node, bits);
  if (!reaches(requestId(settings, bits), ecu.node, bits) || !passes(settings, value)) return [];
  const pdu = settings.autoFormat ? request.bytes : payloadOf(request.bytes);
  return ecu.answer(pdu, now, 'can').flatMap((answer) => {
    const frames = segment(answer.pdu, fill);
    const seen = flowsOn(settings, ecu.node, bits) ? frames.length : 1;
    return frames.slice(0, seen).map((_, i) => ({
      atMs: answer.afterMs + i * timing.gapMs,
      lines: canLines(settings, frames, i, { value, bits }),
      pending: isPending(answer.pdu),
    }));
  });
}

/** With CAF0 the user writes the PCI byte. Only single frames are requests. */
function payloadOf([pci = 0, ...data]: readonly number[]): readonly number[] {
  return pci <= BYTES_MAX ? data.slice(0, pci) : [];
}

function legacyArrivals(
  state: ElmState,
  protocol: Extract<Protocol, { kind: 'legacy' }>,
  ecu: Ecu,
  { request, now }: Asked,
): Arrival[] {
  const { settings, timing } = state;
  if (!legacyReaches(settings, protocol, ecu.node)) return [];
  return ecu.answer(request.bytes, now, 'legacy').map(({ afterMs, pdu }, i) => ({
    atMs: afterMs + i * timing.gapMs,
    lines: [legacyLine(settings, protocol, ecu.node, pdu)],
    pending: isPending(pdu),
  }));
}

function isPending(pdu: readonly number[]): boolean {
  return pdu[0] === 0x7f && pdu[2] === 0x78;
}

/** Takes arrivals until the count is reached or the line has been quiet for long enough. */
function collect(
  { settings, personality }: ElmState,
  arrivals: readonly Arrival[],
  limit: number,
): { lines: TimedLine[]; endMs: number } {
  const patience = timeoutMs(settings);
  const adaptive = personality.knows >= ADAPTIVE_SINCE ? settings.adaptive : 0;
  const first = arrivals[0]?.atMs ?? 0;
  const quiet = adaptive === 0 ? patience : Math.min(patience, ADAPTIVE_FACTOR[adaptive] * first);
  const lines: TimedLine[] = [];
  let endMs = patience;
  for (const [i, { atMs, lines: texts, pending }] of arrivals.entries()) {
    if (atMs > endMs) break; // Too late: nobody listens any more.
    lines.push(...texts.map((text) => ({ afterMs: atMs, text })));
    if (i + 1 === limit) return { lines, endMs: atMs };
    endMs = atMs + (pending && personality.knows >= PENDING_SINCE ? PENDING_MS : quiet);
  }
  return { lines, endMs };
}
