/** Streams by where they come from: a CAN bus has hundreds, which must not hide the others. */

/** Raw frames of a bus. */
const FRAMES = /^can\.[^.]+$/;
/** What a DBC file makes of them: the bus, the message, the signal. */
const SIGNAL = /^can\.([^.]+)\.([^.]+)\.[^.]+$/;
/** So many can be named in an order of a file. */
const NAMED_MAX = 200;

/** @typedef {import('./api.js').Stream} Stream */
/** @typedef {{ bus: string, messages: ReadonlyMap<string, readonly string[]>, ids: readonly string[] }} BusGroup */

/** Whether it is of raw frames, of which nothing can be drawn or watched. @param {string} id */
export function isFrames(id) {
  return FRAMES.test(id);
}

/** Whether it comes from a CAN bus. @param {string} id */
export function isCan(id) {
  return id.startsWith('can.');
}

/**
 * The streams to be named in an order that is to be without CAN; undefined where that is no choice.
 * @param {readonly string[]} ids of the session
 */
export function withoutCan(ids) {
  const others = ids.filter((id) => !isCan(id));
  const isChoice = others.length > 0 && others.length < ids.length && others.length <= NAMED_MAX;
  return isChoice ? others : undefined;
}

/**
 * The streams that a DBC file makes of the frames of a bus, by their message, and the others.
 * @param {readonly string[]} ids
 * @returns {{ others: readonly string[], buses: readonly BusGroup[] }}
 */
export function grouped(ids) {
  /** @type {Map<string, Map<string, string[]>>} */
  const buses = new Map();
  /** @type {string[]} */
  const others = [];
  for (const id of ids) {
    const [, bus, message] = SIGNAL.exec(id) ?? [];
    if (bus === undefined || message === undefined) {
      others.push(id);
      continue;
    }
    const messages = buses.get(bus) ?? new Map();
    buses.set(bus, messages.set(message, [...(messages.get(message) ?? []), id]));
  }
  return {
    others,
    buses: [...buses].map(([bus, messages]) => ({
      bus,
      messages,
      ids: [...messages.values()].flat(),
    })),
  };
}

/**
 * The streams whose name or id has each word of what is looked for.
 * @param {readonly string[]} offered
 * @param {ReadonlyMap<string, Stream>} streams
 * @param {string} text
 */
export function matching(offered, streams, text) {
  const words = text.toLowerCase().split(/\s+/);
  return offered.filter((id) => {
    const known = `${streams.get(id)?.name ?? ''} ${id}`.toLowerCase();
    return words.every((word) => known.includes(word));
  });
}
