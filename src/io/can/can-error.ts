import type { BusState } from './bus.ts';

/**
 * Error frames, by which a controller tells the kernel of its bus: no frames of the bus, and no data.
 * Names and values as in linux/can/error.h.
 */

const CAN_ERR_CRTL = 0x004;
const CAN_ERR_BUSOFF = 0x040;
const CAN_ERR_RESTARTED = 0x100;
const CAN_ERR_CNT = 0x200;
// Of data[1], where CAN_ERR_CRTL is set.
const CAN_ERR_CRTL_RX_OVERFLOW = 0x01;
const CAN_ERR_CRTL_WARNING = 0x04 | 0x08;
const CAN_ERR_CRTL_PASSIVE = 0x10 | 0x20;
const CAN_ERR_CRTL_ACTIVE = 0x40;

/** What one error frame says. */
export interface ErrorReport {
  /** What the controller has become; undefined where the frame tells of something else. */
  readonly state: BusState | undefined;
  readonly busOff: boolean;
  /** The controller lost frames, because the computer did not fetch them in time. */
  readonly overflow: boolean;
  /** 0 to 255; undefined where the frame does not tell. */
  readonly txErrors: number | undefined;
  readonly rxErrors: number | undefined;
}

/**
 * Reads an error frame.
 *
 * @param classes the lower bits of its identifier: which kinds of error it tells of
 * @param data 8 bytes (CAN_ERR_DLC); what is missing counts as 0
 */
export function parseErrorFrame(classes: number, data: Uint8Array): ErrorReport {
  const controller = classes & CAN_ERR_CRTL ? (data[1] ?? 0) : 0;
  const busOff = (classes & CAN_ERR_BUSOFF) !== 0;
  const [tx = 0, rx = 0] = data.subarray(6, 8);
  // The flag came with Linux 6.0; before it drivers filled in the counters and said nothing.
  const counted = (classes & CAN_ERR_CNT) !== 0 || tx > 0 || rx > 0;
  return {
    state: busOff ? 'off' : stateOf(controller, (classes & CAN_ERR_RESTARTED) !== 0),
    busOff,
    overflow: (controller & CAN_ERR_CRTL_RX_OVERFLOW) !== 0,
    txErrors: counted ? tx : undefined,
    rxErrors: counted ? rx : undefined,
  };
}

function stateOf(controller: number, restarted: boolean): BusState | undefined {
  if (controller & CAN_ERR_CRTL_PASSIVE) return 'passive';
  if (controller & CAN_ERR_CRTL_WARNING) return 'warning';
  return restarted || controller & CAN_ERR_CRTL_ACTIVE ? 'active' : undefined;
}
