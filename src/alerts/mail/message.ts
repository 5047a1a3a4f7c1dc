import { createHash } from 'node:crypto';
import type { MailMessage } from '../../io/mail.ts';
import type { StoredMail } from './shelf.ts';
import { alertMail, digestMail, type MailPlace } from './text.ts';

/** 96 bits of a hash. */
const ID_CHARS = 16;

/** Who says it, for whom. */
export interface Letterhead {
  readonly place: MailPlace;
  /** Addresses. */
  readonly from: string;
  readonly to: readonly string[];
}

/** What mails that go together say, without its date: one alert, or a digest. */
export function messageOf(
  mails: readonly StoredMail[],
  { place, from, to }: Letterhead,
): Omit<MailMessage, 'date'> & { readonly to: readonly string[] } {
  const matters = mails.map(({ matter }) => matter);
  const [matter] = matters;
  const words =
    matter && matters.length === 1 ? alertMail(matter, place) : digestMail(matters, place);
  const done = new Set(mails.flatMap((mail) => mail.done));
  const messageId = mails[0]?.messageId ?? messageIdOf('alert', mails.map(nameOf), { place, from });
  return { ...words, messageId, to: to.filter((address) => !done.has(address)) };
}

/** The same for the same names in a message of the same gateway, and for nothing else. */
export function messageIdOf(
  kind: string,
  names: readonly string[],
  { place, from }: Pick<Letterhead, 'place' | 'from'>,
): string {
  const told = JSON.stringify([kind, place.device, from, names]);
  const hash = createHash('sha256').update(told).digest('base64url').replace(/[-_]/g, 'x');
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return `<vigil.${kind}.${hash.slice(0, ID_CHARS)}@${domain}>`;
}

/** Ids begin anew with an empty queue; moments do not come back. */
function nameOf({ id, matter: { alert, at } }: StoredMail): string {
  return [id, alert.id, at.epoch, at.t].join(':');
}
