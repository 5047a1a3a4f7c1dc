/** What somebody did here that a recording is to know of. */
import { account } from './account.js';
import { ask, sentenceOf } from './api.js';

/**
 * Marks in the recordings that run that a form was unlocked in a moving car. Of one that cannot be
 * marked nobody needs to know here: what was unlocked is.
 */
export async function markPassenger() {
  if (!account.may('record')) return;
  try {
    /** @type {{ items: readonly { id: number }[] }} */
    const { items } = await ask('/sessions/current');
    for (const { id } of items) {
      const text = 'Passenger: forms unlocked while driving';
      await ask(`/sessions/${id}/events`, { method: 'POST', body: { type: 'marker', text } });
    }
  } catch (error) {
    sentenceOf(error);
  }
}
