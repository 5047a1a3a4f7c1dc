/** What the page says of the link to the cloud. */
import { bytesText, counted, leftText } from './words.js';

/** @typedef {import('./vehicle.js').ReplyOf<typeof import('../src/http/routes/sync.ts').readSync>} SyncState */
/** @typedef {SyncState['backlog'][number]} Lane */

/** @type {Readonly<Record<SyncState['state'], string>>} */
export const STATE_WORDS = {
  off: 'Off',
  connecting: 'Connecting',
  online: 'Connected',
  waiting: 'Waiting',
};

/** @type {Readonly<Record<Lane['priority'], string>>} */
const LANES = {
  p0: 'Alerts and events',
  p1: 'State',
  p2: 'Drive',
  p3: 'Raw EEG and CAN',
};

/** @param {SyncState['state']} state */
export function levelOf(state) {
  return state === 'online' ? 'live' : 'caution';
}

/** @param {Lane} lane */
export function laneText({ priority, records, bytes, oldestS, held }) {
  const name = LANES[priority];
  if (records === 0) return { name, text: '' };
  const age = oldestS === null ? '' : `, the oldest ${leftText(oldestS)} old`;
  return {
    name,
    text: `${counted(records, 'record')}, ${bytesText(bytes)}${age}${held ? `: ${held}` : ''}`,
  };
}

/** @param {SyncState['budget']} budget */
export function budgetText({ bytes, used }) {
  if (bytes === null) return bytesText(used);
  const share = bytes === 0 ? 100 : Math.round((100 * used) / bytes);
  return `${bytesText(used)} of ${bytesText(bytes)} (${share} %)`;
}
