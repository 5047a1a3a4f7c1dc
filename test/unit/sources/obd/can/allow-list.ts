import type { CanFrame } from '../../../../../src/io/can/bus.ts';

/**
 * Whether a frame is one that the gateway may send on a CAN bus, flow control for these identifiers
 * included and service 04 not. Written from the security rule and apart from the guard, on purpose.
 */
export function isOnTheList(
  { id, extended, data }: CanFrame,
  flowFor: ReadonlySet<number>,
): boolean {
  const all = extended ? id === 0x18db33f1 : id === 0x7df;
  const one = extended
    ? /^18da(?!f1)..f1$/.test(id.toString(16))
    : [0x7e0, 0x7e1, 0x7e2, 0x7e3, 0x7e4, 0x7e5, 0x7e6, 0x7e7].includes(id);
  if (data.length !== 8) return false;
  const text = Buffer.from(data).toString('hex');
  if (one && /^3[012]/.test(text) && flowFor.has(id)) return true;
  const length = Number.parseInt(text.slice(0, 2), 16);
  if (!(all || one) || length < 1 || length > 7) return false;
  const pdu = text.slice(2, 2 + 2 * length);
  const obd = /^((01|02|06|09)(..){1,6}|03|07|0a)$/;
  const uds = /^(10(01|03)|3e80|22....|19(01|02)..|19(04|06).{8})$/;
  return obd.test(pdu) || (one && uds.test(pdu));
}
