import type { Stream } from './stream.ts';

/**
 * What is recorded beside measurements, so that it reaches the cloud in the order in which it happened:
 * sessions, the clock, the device and accounts. They are events in the store, and nowhere else: never on
 * the bus, and never shown to clients, who have routes of their own for all of it.
 */

const ROOT = 'sys';

/** A session began, ended, was changed or was deleted. */
export const SYS_SESSION = declare('session', 'Sessions');
/** What ties an epoch to the wall clock, at its beginning and at every correction. */
export const SYS_CLOCK = declare('clock', 'Clock');
/** Name and version of the gateway, at its start. */
export const SYS_DEVICE = declare('device', 'Device');
/** An account was made, changed or removed; without anything secret. */
export const SYS_USER = declare('user', 'Accounts');

/** Whether a stream is of the gateway itself, and for nobody else to see. */
export function isInternal(id: string): boolean {
  return id === ROOT || id.startsWith(`${ROOT}.`);
}

function declare(name: string, text: string): Stream {
  return { id: `${ROOT}.${name}`, name: text, unit: '1', range: [0, 0], hz: 0, kind: 'event' };
}
