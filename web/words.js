/** What recordings are told in: times, sizes and states as people write them. */

/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./api.js').SessionEvent} SessionEvent */

const TEXT_CHARS_MAX = 120;
const DAY_S = 86_400;
const ENDS = {
  ignition: 'Ended with the ignition',
  manual: 'Ended by hand',
  power: 'Power cut',
};

const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const grouped = new Intl.NumberFormat('en');

/** @param {Pick<Session, 'startedAt'>} session */
export function startText({ startedAt }) {
  return startedAt === null ? 'Start not known' : dateAndTime.format(new Date(startedAt));
}

/** @param {Pick<Session, 'endedBy'>} session */
export function endText({ endedBy }) {
  return endedBy === null ? 'Recording' : ENDS[endedBy];
}

/**
 * How long something took: `42 s`, `6 min 29 s`, `1 h 05 min`.
 * @param {number} seconds
 */
export function durationText(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/**
 * How long something lasts yet, where that is not to be told to the minute: `7 days`.
 * @param {number} seconds
 */
export function leftText(seconds) {
  return seconds >= 2 * DAY_S ? `${Math.round(seconds / DAY_S)} days` : durationText(seconds);
}

/**
 * A place on the session's time axis: `6:29`, `1:02:03`, and `6:29.5` where places are closer.
 * @param {number} seconds
 * @param {number} [step] how far apart two places are that have to read differently, s
 */
export function positionText(seconds, step = 1) {
  const digits = step >= 1 ? 0 : Math.min(3, Math.ceil(-Math.log10(step)));
  const rounded = Number(Math.max(0, seconds).toFixed(digits));
  const minutes = Math.floor(rounded / 60);
  const rest = (rounded - minutes * 60)
    .toFixed(digits)
    .padStart(digits === 0 ? 2 : digits + 3, '0');
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** @param {number} km */
export function distanceText(km) {
  return `${km.toFixed(km < 99.95 ? 1 : 0)} km`;
}

/** @param {number} n */
export function countText(n) {
  return grouped.format(n);
}

/**
 * So many of something: `1 signal`, `1,020 signals`.
 * @param {number} n
 * @param {string} word its singular, whose plural ends in s
 */
export function counted(n, word) {
  return `${countText(n)} ${word}${n === 1 ? '' : 's'}`;
}

/**
 * Never rounded up: 100 % means that nothing is missing.
 * @param {number} share 0 to 1
 */
export function percentText(share) {
  return share >= 1 ? '100 %' : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

/** @param {number} bytes */
export function bytesText(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/**
 * A measured value with as many digits as it is worth.
 * @param {number} value
 */
export function valueText(value) {
  const size = Math.abs(value);
  if (size >= 1e7) return value.toExponential(2);
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)));
}

/**
 * An event in one line: a trouble code, an alert, or whatever it says of itself.
 * @param {Pick<SessionEvent, 'stream' | 'data'>} event
 */
export function eventText({ stream, data }) {
  const known = [data['code'], data['status'], data['name'], data['severity'], data['text']];
  const words = known.filter((word) => typeof word === 'string' && word !== '');
  if (data['present'] === false) words.push('gone');
  const line =
    words.length > 0 ? words.join(' · ') : `${stream} ${JSON.stringify(data, shortened)}`;
  return line.length > TEXT_CHARS_MAX ? `${line.slice(0, TEXT_CHARS_MAX - 1)}…` : line;
}

/**
 * A part of an event as it is shown: three digits of a fraction tell what there is to know of it.
 * @param {string} _
 * @param {unknown} value
 */
function shortened(_, value) {
  if (typeof value !== 'number' || Number.isInteger(value)) return value;
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** @param {number} n */
function two(n) {
  return String(n).padStart(2, '0');
}
