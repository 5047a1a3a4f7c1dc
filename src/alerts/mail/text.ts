import type { Alert, AlertNews, Instant, Severity } from '#core/alert.ts';
import { SEVERITIES } from '#core/alert.ts';
import type { Trust } from '#core/clock.ts';
import { oneLine } from '#core/text.ts';

/**
 * What a mail says of an alert: plain text, no HTML, every name and text on a line of its own with its
 * controls taken out, so that none of them can pass for a header or for another line.
 */

/** What a mail is made of, as it is kept until it is sent. */
export interface MailMatter {
  readonly news: AlertNews;
  /** When it happened. */
  readonly at: Instant;
  readonly alert: Pick<
    Alert,
    'id' | 'rule' | 'cause' | 'severity' | 'startedAt' | 'endedAt' | 'endedBy'
  > & { readonly text: string };
  /** Who said what, for `acknowledged`, `silenced` and `noted`. */
  readonly said: { readonly by: string; readonly text: string } | null;
  /** Of the session that was open. */
  readonly vehicle: string | null;
  readonly driver: string | null;
}

/** Where the mail comes from. */
export interface MailPlace {
  /** What the gateway is called. */
  readonly device: string;
  /** Address of the dashboard, without a slash at its end; null where it has none. */
  readonly dashboard: string | null;
  /** IANA name of the local time: `Europe/Berlin`. */
  readonly zone: string;
  /** Milliseconds since 1970 and how far to believe them; undefined for an epoch that is not known. */
  timeOf(at: Instant): { readonly ms: number; readonly trust: Trust } | undefined;
}

export interface MailWords {
  readonly subject: string;
  /** Lines end with \n. */
  readonly text: string;
}

/** Longer ones are cut. */
const NAME_CHARS_MAX = 80;
const LINE_CHARS_MAX = 300;
/** Of the names in front of the colons. */
const LABEL_CHARS = 9;
/** Beyond it there is no date (ECMA-262, 21.4.1.1). */
const DATE_MS_MAX = 8.64e15;

const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  info: 'INFO',
  warn: 'WARNING',
  alarm: 'ALARM',
};

const TRUST_WORDS: Readonly<Record<Trust, string>> = {
  gps: 'clock set by satellite',
  ntp: 'clock set over the network',
  phone: 'clock set by a phone',
  rtc: 'clock from its battery, may be minutes off',
  none: 'clock never set, may be far off',
};

/** What is kept of an alert to write of what happened to it. */
export function matterOf(
  news: AlertNews,
  alert: Alert,
  rest: Pick<MailMatter, 'at' | 'vehicle' | 'driver'>,
): MailMatter {
  const { id, rule, cause, severity, startedAt, endedAt, endedBy, evidence } = alert;
  const { text } = evidence;
  return {
    ...rest,
    ...{ news, said: saidOf(news, alert) },
    alert: { id, rule, cause, severity, startedAt, endedAt, endedBy, text },
  };
}

function saidOf(news: AlertNews, { acknowledged, notes }: Alert): MailMatter['said'] {
  if (news === 'acknowledged' && acknowledged) return { by: acknowledged.by, text: '' };
  const note = news === 'noted' ? notes.at(-1) : undefined;
  return note ? { by: note.by, text: note.text } : null;
}

/** One alert. */
export function alertMail(matter: MailMatter, place: MailPlace): MailWords {
  const name = oneLine(matter.alert.rule.name, NAME_CHARS_MAX);
  const lines = [
    `${headOf(matter)}: ${name}`,
    '',
    oneLine(matter.alert.text, LINE_CHARS_MAX),
    '',
    ...details(matter, place),
    ...signature(matter, place),
  ];
  return {
    subject: `${headOf(matter)}: ${name} - ${oneLine(place.device, NAME_CHARS_MAX)}`,
    text: `${lines.join('\n')}\n`,
  };
}

/** Several in one mail, in their order. At least one. */
export function digestMail(matters: readonly MailMatter[], place: MailPlace): MailWords {
  const device = oneLine(place.device, NAME_CHARS_MAX);
  const counts = SEVERITIES.toReversed().flatMap((severity) => {
    const n = matters.filter(({ alert }) => alert.severity === severity).length;
    return n === 0 ? [] : [`${n} ${SEVERITY_WORDS[severity]}`];
  });
  const blocks = matters.flatMap((matter) => [
    '',
    `${headOf(matter)}: ${oneLine(matter.alert.rule.name, NAME_CHARS_MAX)}`,
    oneLine(matter.alert.text, LINE_CHARS_MAX),
    ...details(matter, place),
    ...link(matter, place),
  ]);
  return {
    subject: `${matters.length} alerts (${counts.join(', ')}) - ${device}`,
    text: `${[`${matters.length} alerts from ${device}: ${counts.join(', ')}`, ...blocks].join('\n')}\n`,
  };
}

/** What the test button sends. */
export function testMail(place: MailPlace, at: Instant): MailWords {
  const device = oneLine(place.device, NAME_CHARS_MAX);
  const lines = [
    `This is a test from ${device}. Alerts will look like this one.`,
    '',
    line('Time', timeText(at, place)),
  ];
  return { subject: `Test mail - ${device}`, text: `${lines.join('\n')}\n` };
}

/** What happened, in front of the name of the rule. */
function headOf({ news, alert: { severity } }: MailMatter): string {
  const word = SEVERITY_WORDS[severity];
  switch (news) {
    case 'started':
      return word;
    case 'escalated':
      return `${word}, more severe now`;
    case 'ended':
      return `Ended, was ${word}`;
    case 'acknowledged':
      return `Acknowledged ${word}`;
    case 'silenced':
      return `Silenced ${word}`;
    case 'noted':
      return `Note on ${word}`;
  }
}

function details(matter: MailMatter, place: MailPlace): string[] {
  const { news, at, alert, said, vehicle, driver } = matter;
  const lines = [line('Started', timeText(alert.startedAt, place))];
  if (alert.endedAt !== null) lines.push(line('Ended', ended(alert, place)));
  if (news !== 'started' && news !== 'ended') lines.push(line('Now', timeText(at, place)));
  if (said !== null) lines.push(line('By', said.by));
  if (said !== null && said.text !== '') lines.push(line('Says', said.text));
  if (alert.cause !== '') lines.push(line('Cause', alert.cause));
  if (vehicle !== null) lines.push(line('Vehicle', vehicle));
  if (driver !== null) lines.push(line('Driver', driver));
  return lines;
}

function ended({ endedAt, endedBy }: MailMatter['alert'], place: MailPlace): string {
  const time = endedAt === null ? '' : timeText(endedAt, place);
  switch (endedBy) {
    case 'silent':
      return `${time}; its data stopped coming`;
    case 'changed':
      return `${time}; its rule was changed`;
    case 'cleared':
    case null:
      return time;
  }
}

function signature(matter: MailMatter, place: MailPlace): string[] {
  const rule = line('Alert', `${matter.alert.id}, of rule ${matter.alert.rule.id}`);
  return [rule, line('Device', place.device), ...link(matter, place)];
}

function link({ alert }: MailMatter, { dashboard }: MailPlace): string[] {
  return dashboard === null ? [] : [line('Link', `${dashboard}/#alerts/${alert.id}`)];
}

function line(label: string, text: string): string {
  return `${`${label}:`.padEnd(LABEL_CHARS)}${oneLine(text, LINE_CHARS_MAX)}`;
}

/** `2026-11-03 14:02:11 GMT+01:00 (Europe/Berlin; clock set by satellite)`. */
function timeText(at: Instant, place: MailPlace): string {
  const time = place.timeOf(at);
  if (!time || !(Math.abs(time.ms) <= DATE_MS_MAX)) return 'not known';
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: place.zone,
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hourCycle: 'h23' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'longOffset' },
  });
  const parts = new Map(format.formatToParts(time.ms).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  const day = `${part('year')}-${part('month')}-${part('day')}`;
  const clock = `${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`;
  return `${day} ${clock} (${place.zone}; ${TRUST_WORDS[time.trust]})`;
}
