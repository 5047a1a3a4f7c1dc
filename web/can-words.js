/** CAN buses and DBC files in words of a workshop. */
import { quantityText } from './alert-words.js';
import { counted, countText, durationText } from './words.js';

/** Beyond it little can be heard of everybody's messages in time, %. */
const LOAD_MAX = 80;
const NAME_CHARS_MAX = 40;

/** @typedef {import('./vehicle.js').ReplyOf<typeof import('../src/http/routes/can.ts').listBuses>['items'][number]} Bus */
/** @typedef {import('./vehicle.js').ReplyOf<typeof import('../src/http/routes/can.ts').listDbcFiles>['items'][number]} DbcFile */
/** @typedef {{ level: 'live' | 'caution' | 'danger', word: string, text: string }} Told `text`: what to do about it */

/**
 * What the health tells of a bus besides.
 * @typedef {object} BusDetails
 * @property {number | null} [txErrors]
 * @property {number | null} [rxErrors]
 * @property {{ sent: number, errorFrames: number, busOffs: number, fd: number }} [bus]
 * @property {number} [stopped]
 * @property {readonly Stopped[]} [stoppedIds]
 * @property {readonly string[]} [warnings]
 */
/** @typedef {{ id: string, silentS: number, everyMs: number }} Stopped */

/** @type {Readonly<Record<Bus['state'], Told>>} */
const STATES = {
  active: { level: 'live', word: 'Works', text: '' },
  warning: {
    level: 'caution',
    word: 'Errors',
    text: 'More errors than a sound bus has: look for a loose plug, a missing terminating resistor, or a wrong bit rate.',
  },
  passive: {
    level: 'danger',
    word: 'Many errors',
    text: 'The bus is disturbed (error-passive): look at the wiring, the terminating resistors (60 Ω between CAN-H and CAN-L) and the bit rate.',
  },
  off: {
    level: 'danger',
    word: 'Off the bus',
    text: 'After too many errors the adapter has left the bus (bus-off), and nothing is received: look for a short circuit and a wrong bit rate.',
  },
  unknown: { level: 'live', word: 'Works', text: 'The adapter does not tell of errors.' },
};

/**
 * Who a DBC file comes from that nobody has sent.
 * @type {Readonly<Record<DbcFile['origin'], string>>}
 */
export const ORIGINS = {
  upload: '',
  setting: 'By the setting dbc',
  simulator: 'Of the simulated car',
};

/**
 * How a bus is.
 * @param {Pick<Bus, 'open' | 'state' | 'framesHz' | 'load' | 'bitRate'>} bus
 * @returns {Told}
 */
export function busTold(bus) {
  const { open, state, framesHz, load } = bus;
  if (!open) return { level: 'danger', word: 'Not open', text: '' };
  const told = STATES[state];
  if (told.level !== 'live') return told;
  if (isMeasured(bus) && framesHz === 0) {
    const text =
      'No frame comes: mostly the ignition is off; else a plug is loose or the bit rate is wrong.';
    return { level: 'caution', word: 'Silent', text };
  }
  if (load !== null && load > LOAD_MAX) {
    return { level: 'caution', word: 'Nearly full', text: 'What matters less may come late.' };
  }
  return told;
}

/**
 * False in the first seconds, before anything was counted.
 * @param {Pick<Bus, 'load' | 'bitRate'>} bus
 */
function isMeasured({ load, bitRate }) {
  return load !== null || bitRate === null;
}

/**
 * What is known of a bus, in pairs of a name and a value.
 * @param {Bus} bus
 * @param {BusDetails} details
 * @returns {readonly (readonly [string, string])[]}
 */
export function busFacts(bus, { txErrors, rxErrors, bus: counts }) {
  const { framesHz, load, bitRate, ids, unknownIds } = bus;
  return [
    ['Frames', isMeasured(bus) ? `${countText(Math.round(framesHz))} a second` : 'not counted yet'],
    ['Load', load === null ? 'not known' : `${load.toFixed(load < 10 ? 1 : 0)} %`],
    ['Bit rate', bitRate === null ? 'not known' : bitRateText(bitRate)],
    ['This gateway', modeText(bus, counts?.sent ?? 0)],
    ['Frames lost', lostText(bus)],
    ['Errors now', errorText(txErrors, rxErrors)],
    ['Errors since the start', sinceText(counts)],
    ['Identifiers', `${countText(ids)}, ${unknownText(unknownIds)}`],
  ];
}

/** @param {number} bitRate per second */
function bitRateText(bitRate) {
  return bitRate < 1e6 ? `${bitRate / 1e3} kbit/s` : `${bitRate / 1e6} Mbit/s`;
}

/**
 * @param {Pick<Bus, 'listenOnly'>} bus
 * @param {number} sent
 */
function modeText({ listenOnly }, sent) {
  if (sent > 0) return `asks the car: ${countText(sent)} frames sent`;
  if (listenOnly === null) return 'sends nothing';
  return listenOnly ? 'listens only' : 'acknowledges, sends nothing';
}

/** @param {Pick<Bus, 'lost' | 'lostBy'>} bus */
function lostText({ lost, lostBy }) {
  if (lostBy === 'unknown') return lost > 0 ? `at least ${countText(lost)}` : 'nobody can tell';
  const n = lost === 0 ? 'none' : countText(lost);
  return `${n}, ${lostBy === 'counted' ? 'as the link counts' : 'reckoned from its counters'}`;
}

/**
 * The controller counts up to 256; then it leaves the bus.
 * @param {number | null | undefined} sending
 * @param {number | null | undefined} receiving
 */
function errorText(sending, receiving) {
  const told = [
    typeof receiving === 'number' && `${receiving} receiving`,
    typeof sending === 'number' && `${sending} sending`,
  ].filter(Boolean);
  return told.length === 0 ? 'not told' : told.join(', ');
}

/** @param {BusDetails['bus']} counts */
function sinceText(counts) {
  if (!counts) return 'not told';
  const { errorFrames, busOffs, fd } = counts;
  const told = [
    errorFrames > 0 && `${countText(errorFrames)} error frames`,
    busOffs > 0 && `${countText(busOffs)} times off the bus`,
    fd > 0 && `${countText(fd)} CAN FD frames not read`,
  ].filter(Boolean);
  return told.length === 0 ? 'none' : told.join(', ');
}

/** @param {number} unknownIds */
function unknownText(unknownIds) {
  return unknownIds === 0 ? 'all in a DBC file' : `${countText(unknownIds)} in no DBC file`;
}

/** An identifier that came in a rhythm, and comes no more. @param {Stopped} stopped */
export function stoppedText({ silentS, everyMs }) {
  return `came every ${countText(everyMs)} ms, silent for ${durationText(silentS)}`;
}

/**
 * A value in words where its number stands for some, else with its unit.
 * @param {Pick<import('./api.js').Stream, 'states' | 'unit'>} stream
 * @param {number | undefined} v
 */
export function shownValue({ states, unit }, v) {
  const words = new Map(Object.entries(states ?? {}));
  return words.get(String(v)) ?? quantityText(v ?? null, unit);
}

/**
 * What of a DBC file was read.
 * @param {Pick<DbcFile, 'messages' | 'signals' | 'warnings' | 'unlisted'>} file
 */
export function readText({ messages, signals, warnings, unlisted }) {
  const told = [counted(messages, 'message'), counted(signals, 'signal')];
  const wrong = warnings.length + unlisted;
  return [...told, wrong > 0 && counted(wrong, 'warning')].filter(Boolean).join(', ');
}

/**
 * The name that a file is kept by: what of its own fits.
 * @param {string} fileName
 */
export function dbcName(fileName) {
  const stem = fileName.replace(/\.dbc$/i, '').toLowerCase();
  const name = stem.replaceAll(/[^a-z0-9_-]+/g, '-').slice(0, NAME_CHARS_MAX);
  return name.replaceAll(/^-+|-+$/g, '') || 'dbc';
}
