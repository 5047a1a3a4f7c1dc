import type { SessionNotes } from '#core/session.ts';
import { SessionError } from './errors.ts';

/** What a person may write, and how much of it: each session is a record that is held in memory. */

/** More are refused, as are longer ones. */
const TAGS_MAX = 20;
const TAG_CHARACTERS_MAX = 40;
/** Longer texts are refused. */
const CHARACTERS_MAX = [
  ['driver', 120],
  ['vehicle', 120],
  ['study', 120],
  ['notes', 4_000],
  ['consent', 4_000],
] as const;

/** What is undefined or missing stays as it is. */
export type NotesChange = {
  readonly [K in keyof SessionNotes]?: SessionNotes[K] | undefined;
};

export const NO_NOTES: SessionNotes = {
  owner: null,
  driver: null,
  vehicle: null,
  study: null,
  tags: [],
  notes: '',
  consent: null,
  pinned: false,
};

/**
 * The notes with the change made; a tag that is there twice is kept once.
 *
 * @throws SessionError INVALID
 */
export function changeNotes(notes: SessionNotes, change: NotesChange): SessionNotes {
  for (const [field, max] of CHARACTERS_MAX) checkLength(field, change[field] ?? '', max);
  const tags = change.tags ?? notes.tags;
  if (tags.length > TAGS_MAX) {
    throw new SessionError(
      'INVALID',
      `tags: at most ${TAGS_MAX} are kept, here are ${tags.length}`,
    );
  }
  for (const tag of tags) {
    if (tag === '') throw new SessionError('INVALID', 'tags: one of them is empty');
    checkLength('tags', tag, TAG_CHARACTERS_MAX);
  }
  return {
    owner: change.owner === undefined ? notes.owner : change.owner,
    driver: change.driver === undefined ? notes.driver : change.driver,
    vehicle: change.vehicle === undefined ? notes.vehicle : change.vehicle,
    study: change.study === undefined ? notes.study : change.study,
    tags: [...new Set(tags)],
    notes: change.notes ?? notes.notes,
    consent: change.consent === undefined ? notes.consent : change.consent,
    pinned: change.pinned ?? notes.pinned,
  };
}

function checkLength(field: string, text: string, max: number): void {
  const { length } = [...text];
  if (length <= max) return;
  throw new SessionError('INVALID', `${field}: at most ${max} characters, here are ${length}`);
}
