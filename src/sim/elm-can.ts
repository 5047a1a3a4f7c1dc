/**
 * CAN as an ELM327 prints it.
 *
 * On the bus an answer is ISO 15765-2 frames of 8 bytes: `0L data` (single), `1LLL` and 6 bytes
 * (first), `2N` and 7 bytes (consecutive, N counts 1..F, 0, ..), filled with a free pad byte.
 *
 *   ATH1         `7E8 06 41 00 BE 3E B8 11 55`, one line a frame, pad bytes included
 *   ATH0 CAF1    `41 00 BE 3E B8 11` for a single frame; for several the length in three digits,
 *                then `0: 49 02 01 31 44 34`, `1: ...` with the pad bytes of the last
 *   ATH0 CAF0    the frame's 8 bytes
 */
import { hex } from './elm-reply.ts';
import type { ElmSettings } from './elm-settings.ts';

const FRAME_BYTES = 8;
const SINGLE_BYTES_MAX = 7;
const FIRST_BYTES = 6;
const CONSECUTIVE_BYTES = 7;

/** 7E0 and 7E8 in ISO 15765-4 table 3; 18DA10F1 and 18DAF110 in table 4. */
const REQUEST_11 = 0x7e0;
const ANSWER_11 = 0x7e8;
const FUNCTIONAL_11 = 0x7df;
const NODE_ADDRESS = 0x10;
const PHYSICAL_29 = 0x18da_0000;
const FUNCTIONAL_29 = 0x18db_33f1;
const TESTER = 0xf1;

/** Cuts one message into the frames that carry it. */
export function segment(pdu: readonly number[], fill: number): number[][] {
  if (pdu.length <= SINGLE_BYTES_MAX) return [padded([pdu.length, ...pdu], fill)];
  const first = [0x10 | (pdu.length >> 8), pdu.length & 0xff, ...pdu.slice(0, FIRST_BYTES)];
  const count = Math.ceil((pdu.length - FIRST_BYTES) / CONSECUTIVE_BYTES);
  const consecutive = Array.from({ length: count }, (_, i) => {
    const at = FIRST_BYTES + i * CONSECUTIVE_BYTES;
    return padded([0x20 | ((i + 1) & 0xf), ...pdu.slice(at, at + CONSECUTIVE_BYTES)], fill);
  });
  return [first, ...consecutive];
}

function padded(frame: readonly number[], fill: number): number[] {
  return [...frame, ...new Array<number>(FRAME_BYTES - frame.length).fill(fill)];
}

/** The identifier a control unit answers with. */
export function answerId(node: number, idBits: 11 | 29): number {
  return idBits === 11 ? ANSWER_11 + node : PHYSICAL_29 | (TESTER << 8) | (NODE_ADDRESS + node);
}

/** The identifier that reaches one control unit alone. */
function physicalId(node: number, idBits: 11 | 29): number {
  return idBits === 11 ? REQUEST_11 + node : PHYSICAL_29 | ((NODE_ADDRESS + node) << 8) | TESTER;
}

/** The identifier that requests go out with: functional unless ATSH says otherwise. */
export function requestId({ header, priority }: ElmSettings, idBits: 11 | 29): number {
  if (header === '') return idBits === 11 ? FUNCTIONAL_11 : FUNCTIONAL_29;
  if (idBits === 11) return Number.parseInt(header, 16) & 0x7ff;
  return ((priority << 24) | (Number.parseInt(header, 16) & 0xff_ffff)) >>> 0;
}

/** True when a request with this identifier reaches the control unit. */
export function reaches(id: number, node: number, idBits: 11 | 29): boolean {
  const functional = idBits === 11 ? FUNCTIONAL_11 : FUNCTIONAL_29;
  return id === functional || id === physicalId(node, idBits);
}

/** True when the adapter's receive filter lets an identifier through; by default all OBD answers. */
export function passes({ filter }: ElmSettings, id: number): boolean {
  return !filter || (id & filter.mask) === (filter.pattern & filter.mask);
}

/** True when the adapter's flow control makes the unit send on after a first frame. */
export function flowsOn(settings: ElmSettings, node: number, idBits: 11 | 29): boolean {
  const { autoFlow, flow } = settings;
  if (!autoFlow) return false;
  if (flow.mode === 0) return true;
  const toUnit = Number.parseInt(flow.header, 16) === physicalId(node, idBits);
  return flow.data.startsWith('30') && (flow.mode === 2 || toUnit);
}

/** The printed lines of the i-th frame of an answer. */
export function canLines(
  settings: ElmSettings,
  frames: readonly (readonly number[])[],
  i: number,
  id: { readonly value: number; readonly bits: 11 | 29 },
): string[] {
  const frame = frames[i] ?? [];
  const space = settings.spaces ? ' ' : '';
  if (settings.headers) {
    const length = settings.showLength ? `${FRAME_BYTES}${space}` : '';
    return [`${idText(id, space)}${length}${hex(frame, space)}`];
  }
  if (!settings.autoFormat) return [hex(frame, space)];
  const [pci = 0, low = 0] = frame;
  if (frames.length === 1) return [hex(frame.slice(1, 1 + pci), space)];
  const line = `${(i & 0xf).toString(16).toUpperCase()}:${space}`;
  if (i > 0) return [line + hex(frame.slice(1), space)];
  const total = ((pci & 0xf) << 8) | low;
  return [total.toString(16).toUpperCase().padStart(3, '0'), line + hex(frame.slice(2), space)];
}

function idText(
  { value, bits }: { readonly value: number; readonly bits: 11 | 29 },
  space: string,
): string {
  const digits = value.toString(16).toUpperCase();
  if (bits === 11) return digits.padStart(3, '0') + space;
  return digits.padStart(8, '0').replaceAll(/../g, (pair) => pair + space);
}
