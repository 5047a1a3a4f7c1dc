import * as v from 'valibot';
import type { CanStatus } from '../../sources/can/can.ts';
import type { ShelfFile } from '../../sources/can/shelf.ts';

/** CAN buses and their DBC files as clients see them. */

const Count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const BusShape = v.object({
  name: v.string(),
  device: v.string(),
  /** Whether its frames are read at this moment. */
  open: v.boolean(),
  state: v.picklist(['active', 'warning', 'passive', 'off', 'unknown']),
  /** Bits a second; null where the link does not tell. */
  bitRate: v.nullable(v.number()),
  /** Whether nothing is sent, not even acknowledgements; null where the link does not tell. */
  listenOnly: v.nullable(v.boolean()),
  /** Frames a second, over the last seconds. */
  framesHz: v.number(),
  /** How much of its time the bus is busy, in %; null where the bit rate is not known. */
  load: v.nullable(v.number()),
  /** Since the start. */
  frames: Count,
  lost: Count,
  /** Whether the link has counted what is lost, it was reckoned from other counters, or nobody knows. */
  lostBy: v.picklist(['counted', 'reckoned', 'unknown']),
  /** Identifiers that came, and those of them that no DBC file has. */
  ids: Count,
  unknownIds: Count,
  files: v.array(
    v.object({
      name: v.string(),
      messages: Count,
      signals: Count,
      warnings: Count,
      /** Messages with an identifier that a file before it has too: those of the first count. */
      shadowed: Count,
    }),
  ),
});

export function busShape({ bus, isOpen, rate, databases, ...status }: CanStatus) {
  const { device, state, bitRate = null, listenOnly = null, load = null } = status;
  const { frames, lost, lostBy, ids, unknownIds } = status;
  return {
    ...{ name: bus, device, open: isOpen, state, bitRate, listenOnly },
    ...{ framesHz: rate, load, frames, lost, lostBy, ids, unknownIds, files: databases },
  };
}

export const DbcFileShape = v.object({
  name: v.string(),
  origin: v.picklist(['upload', 'setting', 'simulator']),
  bytes: Count,
  messages: Count,
  signals: Count,
  /** What could not be taken as it stands, by line; the first 200. */
  warnings: v.array(v.object({ line: Count, text: v.string(), seen: v.string() })),
  /** How many more there are. */
  unlisted: Count,
  /** Why the file cannot be used; null where it can. */
  problem: v.nullable(v.string()),
});

export function dbcFileShape({ name, origin, bytes, parsed, problem }: ShelfFile) {
  const { database: { messages } = { messages: [] }, warnings = [], unlisted = 0 } = parsed ?? {};
  return {
    ...{ name, origin, bytes, messages: messages.length },
    signals: messages.reduce((sum, { signals }) => sum + signals.length, 0),
    ...{ warnings, unlisted, problem: problem === '' ? null : problem },
  };
}
