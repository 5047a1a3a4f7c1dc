import type { User } from '#core/account.ts';
import { type Alert, streamOfAlert } from '#core/alert.ts';
import type { Session } from '#core/session.ts';
import type { Event } from '#core/stream.ts';
import { isPseudonym } from '../accounts/pseudonyms.ts';
import { Problem } from './problem.ts';
import type { Caller } from './route.ts';

/**
 * Who sees whose name. A researcher without the grant `names` gets
 * - pseudonyms in place of drivers' and owners' names, which filters take too;
 * - nothing of where they were: no stream of POSITION, no rule that watches one, and no alert of such;
 * - no notes and no words of consent, in which a name may stand, nor notes of alerts by others.
 *
 * What they have written into their own sessions they see as they wrote it, the driver's name included,
 * and they name nobody in sessions of others: who is shown the pseudonym of a name that they have chosen
 * can guess names until one fits.
 */

/** Ids of streams that tell where the car was; what is below them does so too. */
const POSITION: readonly string[] = ['gps'];
const NOTHING: readonly string[] = [];
/** What a rule may have in place of a stream: lists of conditions. */
const CONDITION_LISTS = ['all', 'any', 'not'] as const;

/** Who asks. */
export type Asker = Pick<Caller, 'user'>;

/** What is asked of the accounts: `Accounts` of accounts/accounts.ts has it. */
export interface People {
  readonly members: { find(id: string): User | undefined };
  pseudonym(name: string): string;
}

export function seesNames({ user }: Asker): boolean {
  return user !== undefined && (user.role !== 'researcher' || user.grants.includes('names'));
}

/** Ids of the streams that somebody is not shown, each with all below it. */
export function hiddenFrom(asker: Asker): readonly string[] {
  return seesNames(asker) ? NOTHING : POSITION;
}

export function isHidden(asker: Asker, id: string): boolean {
  return isBelow(hiddenFrom(asker), id);
}

function isBelow(ids: readonly string[], id: string): boolean {
  return ids.some((one) => `${id}.`.startsWith(`${one}.`));
}

/** Whether a rule watches what somebody is not shown. */
export function isHiddenRule(asker: Asker, rule: object): boolean {
  return streamsOf(rule).some((id) => isHidden(asker, id));
}

/** @throws Problem 403 for a rule that watches what somebody is not shown */
export function checkRuleShown(asker: Asker, rule: object): void {
  checkShown(asker, streamsOf(rule));
}

/** Whether an alert tells of what somebody is not shown. */
export function isHiddenAlert(asker: Asker, { evidence: { stream, readings } }: Alert): boolean {
  const ids = [...(stream === null ? [] : [stream]), ...readings.map((one) => one.stream)];
  return ids.some((id) => isHidden(asker, id));
}

/** Whether an event is an alert about one of the streams, or what is below them. */
export function isAlertOf(
  hidden: readonly string[],
  { stream, data }: { readonly stream: string; readonly data: Event['data'] },
): boolean {
  const about = streamOfAlert(stream, data);
  return about !== undefined && isBelow(hidden, about);
}

/** Of a condition, or of a part of a rule, those that it names, however deep. */
function streamsOf(condition: object): readonly string[] {
  const parts: Readonly<Record<string, unknown>> = { ...condition };
  const lists = CONDITION_LISTS.flatMap((name) => parts[name] ?? []);
  const within = lists.flatMap((one) =>
    typeof one === 'object' && one !== null ? streamsOf(one) : [],
  );
  const stream = parts['stream'];
  return typeof stream === 'string' ? [stream, ...within] : within;
}

/** @throws Problem 403 where one is named that is not shown */
export function checkShown(asker: Asker, ids: readonly string[]): void {
  const hidden = ids.find((id) => isHidden(asker, id));
  if (hidden === undefined) return;
  throw new Problem(403, `${hidden} tells where the car was, which is not for this account.`);
}

/** What drivers are called for who asks. */
export function callsFor(
  asker: Asker,
  people: People,
): (driver: string, session: Session) => string {
  return (driver, session) => {
    return seesTexts(session, asker) ? driver : people.pseudonym(driver);
  };
}

/** What a session says of people, for who asks. A consent whose words are not theirs to see is empty. */
export function saidOf(
  session: Session,
  asker: Asker,
  people: People,
): Pick<Session, 'driver' | 'notes' | 'consent'> {
  const { driver, notes, consent } = session;
  if (seesTexts(session, asker)) return { driver, notes, consent };
  return { driver: driver && people.pseudonym(driver), notes: '', consent: consent && '' };
}

/** Whose own a session is; without a name where the account is no longer there. */
export function ownerOf(
  { owner }: Session,
  asker: Asker,
  people: People,
): { id: string; username: string | null } | null {
  if (owner === null) return null;
  const username = people.members.find(owner)?.username ?? null;
  const isShown = seesNames(asker) || owner === asker.user?.id;
  return { id: owner, username: username && (isShown ? username : people.pseudonym(username)) };
}

type Texts = 'driver' | 'notes' | 'consent';
type Change = { readonly [K in Texts]?: string | null | undefined };

/**
 * A change as it is meant by somebody who does not see what is there: what they were shown, sent back
 * as a form does, changes nothing.
 *
 * @throws Problem 403 where it would write over a text that they are not shown, or name a driver of whom
 *   they would be told the pseudonym; 422 for a pseudonym of somebody else
 */
export function checkedChange<C extends Change>(
  change: C,
  session: Session,
  { asker, people }: { readonly asker: Asker; readonly people: People },
): Partial<C> {
  if (seesNames(asker)) return change;
  const meant: Partial<C> = { ...change };
  const shown = saidOf(session, asker, people);
  for (const field of ['driver', 'notes', 'consent'] as const) {
    if (change[field] === shown[field]) delete meant[field];
  }
  for (const field of ['driver', 'notes', 'consent'] as const) {
    if (meant[field] === undefined || seesTexts(session, asker)) continue;
    if (field !== 'driver' && shown[field] === session[field]) continue;
    throw new Problem(403, `The ${field} is not for this account to see or to change.`);
  }
  if (isPseudonym(meant.driver ?? '')) {
    const message = 'Expected a name, found the pseudonym of somebody else.';
    throw new Problem(422, message, [{ pointer: '/driver', message }]);
  }
  return meant;
}

/** Whether somebody is shown what is written in a session, as it is written. */
function seesTexts({ owner }: Session, asker: Asker): boolean {
  return seesNames(asker) || (owner !== null && owner === asker.user?.id);
}
