import { decoded, ESCAPE, readLogin } from './login-url.ts';
import { isLoopback, isMailAddress, type SmtpOptions } from './mail.ts';
import {
  faultsOf,
  readPerHour,
  readQuiet,
  readSettings,
  type Settings,
  shown,
  type UseLimits,
} from './use-limits.ts';

/** Where mail goes, and when. */
export type MailSettings = SmtpOptions & UseLimits;

const EXAMPLE =
  'smtps://user:password@mail.example:465?from=car@mail.example&to=me@mail.example,you@mail.example';
/** One more is an error. */
const RECIPIENTS_MAX = 20;
/** RFC 8314, 3.3 and 3.4. */
const PORTS = { 'smtps:': 465, 'smtp:': 587 } as const;
const NAMES = ['from', 'to', 'ca', 'tls', 'quiet', 'perHour'] as const;
const fault = faultsOf(EXAMPLE);

/**
 * Reads where mail goes: `smtps://` is TLS from the first byte, `smtp://` STARTTLS; `?tls=none` is for
 * a relay on this computer. In the query: `from`, `to` (with commas), and if wanted `ca` (a file of
 * further authorities), `quiet` (`22:00-06:00`) and `perHour`.
 *
 * @throws ConfigError that says what is wrong and what was expected, and never shows the password
 */
export function parseMailUrl(text: string): MailSettings {
  const url = URL.parse(text);
  const { protocol = '' } = url ?? {};
  if (protocol !== 'smtps:' && protocol !== 'smtp:') {
    // Whoever sees the scheme and no URL has a character in it that ends a part too early.
    throw fault(/^smtps?:/i.test(text) ? `a host or port that is none (${ESCAPE})` : '');
  }
  if (!url || url.hostname === '') throw fault('no host');
  if (url.pathname.replace(/^\/$/, '') + url.hash !== '') {
    throw fault(`something between the port and the query (${ESCAPE})`);
  }
  const query = readQuery(url.search.slice(1));
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? PORTS[protocol] : Number(url.port);
  if (port === 0) throw fault('port 0 is not one of 1 to 65535');
  return {
    ...{ host, port, tls: readTls(protocol, query.get('tls'), host) },
    ...readLogin(url, fault),
    ...readAddresses(query),
    ...readLimits(query),
  };
}

/** Without the form's reading of a plus as a space: addresses have plusses. */
function readQuery(search: string): Settings {
  const query = new Map<string, string>();
  for (const [name, text] of readSettings(search, NAMES, fault)) {
    const value = decoded(text, fault);
    if (value === '') throw fault(`${name} is empty`);
    query.set(name, value);
  }
  return query;
}

function readTls(protocol: keyof typeof PORTS, tls: string | undefined, host: string) {
  if (tls === undefined) return protocol === 'smtps:' ? 'implicit' : 'starttls';
  if (tls !== 'none') throw fault(`tls is none or left out, found ${shown(tls)}`);
  if (protocol === 'smtps:') throw fault('smtps is TLS: tls=none needs smtp');
  if (!isLoopback(host)) throw fault('tls=none is for a server on this computer only');
  return 'none';
}

function readAddresses(query: Settings): Pick<SmtpOptions, 'from' | 'to'> {
  const from = query.get('from');
  if (from === undefined) throw fault('no from');
  const to = query.get('to')?.split(',') ?? [];
  if (to.length === 0) throw fault('no to');
  if (to.length > RECIPIENTS_MAX) throw fault(`more than ${RECIPIENTS_MAX} addresses in to`);
  for (const address of [from, ...to]) {
    if (!isMailAddress(address)) throw fault(`${shown(address)} is no mail address`);
  }
  return { from, to: [...new Set(to)] };
}

function readLimits(query: Settings): Pick<MailSettings, 'ca' | 'quiet' | 'perHour'> {
  const ca = query.get('ca');
  return {
    ...(ca === undefined ? {} : { ca }),
    ...readQuiet(query, fault),
    ...readPerHour(query, fault),
  };
}
