/** What somebody did here that a recording is to know of. */
import { account } from './account.js';
import { ask, sentenceOf, statusOf } from './api.js';

/**
 * Marks that a form was unlocked in a moving car: once, as a moment that is in one open recording is in
 * all of them. That none could be marked nobody needs to know here: what was unlocked is.
 * @param {typeof fetch} [fetcher]
 */
export async function markPassenger(fetcher = account.fetch) {
  if (!account.may('record')) return;
  try {
    /** @type {{ items: readonly { id: number }[] }} */
    const { items } = await ask('/sessions/current', {}, fetcher);
    // They come oldest first; the newest is the least likely to end before it is marked.
    for (const { id } of items.toReversed()) if (await mark(id, fetcher)) return;
  } catch (error) {
    sentenceOf(error);
  }
}

/**
 * Whether that is done with: this recording may have ended meanwhile. Without an answer it may well be
 * marked, so no other one is.
 * @param {number} id
 * @param {typeof fetch} fetcher
 */
async function mark(id, fetcher) {
  const body = { type: 'marker', text: 'Passenger: forms unlocked while driving' };
  try {
    await ask(`/sessions/${id}/events`, { method: 'POST', body }, fetcher);
    return true;
  } catch (error) {
    sentenceOf(error);
    return statusOf(error) === 0;
  }
}
