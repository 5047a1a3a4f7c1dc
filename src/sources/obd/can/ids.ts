import type { CanId } from '../isotp/address.ts';

/**
 * The identifiers of OBD on CAN, with 11 and with 29 bits (ISO 15765-4, tables 3 to 5):
 *
 *   7DF      18DB33F1   a request to all ECUs
 *   7E0-7E7  18DAxxF1   a request to one ECU, and flow control for its answer
 *   7E8-7EF  18DAF1xx   the answer of that ECU; F1 is the address of the test equipment
 */
const FUNCTIONAL_11 = 0x7df;
const PHYSICAL_11 = 0x7e0;
const ANSWER_11 = 0x7e8;
/** Masks hold all 32 bits: an identifier with more bits than it may have is none of these. */
const NODE_MASK_11 = 0xffff_fff8;
const FUNCTIONAL_29 = 0x18db_33f1;
const PHYSICAL_29 = 0x18da_00f1;
const PHYSICAL_MASK_29 = 0xffff_00ff;
const ANSWER_29 = 0x18da_f100;
const ANSWER_MASK_29 = 0xffff_ff00;
const TESTER = 0xf1;

/** The two buses that there are: CAN with 11 and with 29 bits of identifier. */
export type CanKind = 'can11' | 'can29';

/** What a request to all ECUs goes out with. */
export const FUNCTIONAL: Readonly<Record<CanKind, CanId>> = {
  can11: { id: FUNCTIONAL_11, extended: false },
  can29: { id: FUNCTIONAL_29, extended: true },
};

/** Whether an ECU answers with it. Asked of every frame on the bus, so it costs next to nothing. */
export function isAnswerId({ id, extended }: CanId): boolean {
  return extended ? (id & ANSWER_MASK_29) === ANSWER_29 : (id & NODE_MASK_11) === ANSWER_11;
}

/** Whether a request goes to all ECUs or to one; undefined where it is none of OBD. */
export function targetOf({ id, extended }: CanId): 'functional' | 'physical' | undefined {
  if (id === (extended ? FUNCTIONAL_29 : FUNCTIONAL_11)) return 'functional';
  if (!extended) return (id & NODE_MASK_11) === PHYSICAL_11 ? 'physical' : undefined;
  const isOther = ((id >> 8) & 0xff) !== TESTER;
  return (id & PHYSICAL_MASK_29) === PHYSICAL_29 && isOther ? 'physical' : undefined;
}

/** What the ECU that answers with an identifier is asked with. */
export function requestIdOf({ id, extended }: CanId): CanId {
  if (!extended) return { id: id - ANSWER_11 + PHYSICAL_11, extended };
  return { id: PHYSICAL_29 | ((id & 0xff) << 8), extended };
}

/** An ECU by the identifier that it answers with: `7e8`, `18daf110`. */
export function ecuOf({ id, extended }: CanId): string {
  return id.toString(16).padStart(extended ? 8 : 3, '0');
}

/** The identifier that an ECU answers with; undefined where the name is none of an ECU on CAN. */
export function answerIdOf(ecu: string): CanId | undefined {
  if (!/^(7e[89a-f]|18daf1[0-9a-f]{2})$/.test(ecu)) return undefined;
  const id = Number.parseInt(ecu, 16);
  return { id, extended: id > 0x7ff };
}
