import { readFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { ConfigError } from '#core/errors.ts';
import { oneLine } from '#core/text.ts';
import {
  type Delivery,
  isLoopback,
  isMailAddress,
  MailError,
  type Mailer,
  type MailMessage,
  type Refusal,
  type SmtpOptions,
} from './mail.ts';
import { isTlsFault, isUnknownAuthority, networkReason } from './network-reason.ts';

/**
 * Mail by SMTP (RFC 5321), the only file that knows nodemailer. Each mail has a connection of its own:
 * they are rare, and one that idles in a car does not live long.
 *
 * What a server says goes into errors and from there into logs and the API. One that repeats what it
 * did not understand repeats the password, so that is taken out of whatever it said.
 */

/** How long a server may take; then the mail fails with TIMEOUT. */
export interface SmtpLimits {
  /** Finding the host, connecting, TLS and the greeting together, ms. */
  readonly connectMs: number;
  /** From the connection to the greeting, ms. Some let it wait to scare those who send spam. */
  readonly greetingMs: number;
  /** Everything, ms. Long, since a server that was given up after the text may have taken it. */
  readonly messageMs: number;
}
const LIMITS: SmtpLimits = { connectMs: 30_000, greetingMs: 20_000, messageMs: 120_000 };

const REPLY_CHARS_MAX = 200;
/** What is beyond is cut off: mail programs show less, and RFC 5322, 2.1.1 ends lines at 998. */
const SUBJECT_CHARS_MAX = 150;
const MESSAGE_ID_CHARS_MAX = 250;
/** What becomes of a text that could be read as one of several lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: all but the end of a line are replaced
const TEXT_CONTROLS = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]/g;

/**
 * A way to the server. Opens nothing until a mail is sent.
 *
 * @throws ConfigError where it would send in the clear beyond this computer, or an address is none
 */
export function openSmtp(options: SmtpOptions, limits: SmtpLimits = LIMITS): Mailer {
  const { host, tls, from, to } = options;
  if (tls === 'none' && !isLoopback(host)) {
    throw new ConfigError(`mail to ${host} without TLS: that is for this computer only`);
  }
  if (to.length === 0) throw new ConfigError('mail to nobody');
  const wrong = [from, ...to].find((address) => !isMailAddress(address));
  if (wrong !== undefined) throw new ConfigError(`${JSON.stringify(wrong)} is no mail address`);
  return { from, to, send: (message, signal) => send(options, limits, message, signal) };
}

async function send(
  options: SmtpOptions,
  limits: SmtpLimits,
  message: MailMessage,
  signal: AbortSignal,
): Promise<Delivery> {
  signal.throwIfAborted();
  // Not at the start, which need not wait for it: many never send mail.
  const { createTransport } = await import('nodemailer');
  const whole = AbortSignal.timeout(limits.messageMs);
  try {
    const settings = { ...connection(options, limits), tls: { ca: await authorities(options) } };
    const sent = await createTransport(settings).sendMail({
      ...content(options, message),
      signal: AbortSignal.any([signal, whole]),
    });
    return {
      messageId: sent.messageId,
      response: replyText(sent.response, options),
      refused: refusals(sent.rejectedErrors, options),
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!whole.aborted) throw mailError(error, options);
    throw new MailError('TIMEOUT', `${place(options)}: not done in ${limits.messageMs / 1000} s`);
  }
}

function connection({ host, port, tls, user, password }: SmtpOptions, limits: SmtpLimits) {
  const login = user === undefined ? {} : { auth: { user, pass: password ?? '' }, forceAuth: true };
  return {
    ...{ host, port, secure: tls === 'implicit', requireTLS: tls === 'starttls' },
    ...{ ignoreTLS: tls === 'none', ...login },
    ...{ connectionTimeout: limits.connectMs, dnsTimeout: limits.connectMs },
    ...{ greetingTimeout: limits.greetingMs, socketTimeout: limits.messageMs },
    // A text that looks like a path stays a text.
    ...{ disableFileAccess: true, disableUrlAccess: true },
  };
}

/** Those of the system and those of the file, which is read anew so that it can be renewed. */
async function authorities({ ca, ...options }: SmtpOptions): Promise<string[]> {
  const known = getCACertificates('default');
  if (ca === undefined) return known;
  try {
    return [...known, await readFile(ca, 'utf8')];
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MailError('TLS', `${place(options)}: no authorities from ${ca}: ${reason}`);
  }
}

function content({ from, to }: SmtpOptions, message: MailMessage) {
  return {
    ...{ from, to: [...to], envelope: { from, to: [...(message.to ?? to)] } },
    messageId: message.messageId.replace(/[^!-~]/g, '').slice(0, MESSAGE_ID_CHARS_MAX),
    // An encoded word (RFC 2047, 2) from outside would be decoded by who reads it, controls and all.
    subject: oneLine(message.subject.replaceAll('=?', '= ?'), SUBJECT_CHARS_MAX),
    text: message.text.toWellFormed().replace(/\r\n?/g, '\n').replace(TEXT_CONTROLS, ' '),
    date: new Date(message.date),
    // Nobody's holiday answers it (RFC 3834, 5.2).
    headers: { 'Auto-Submitted': 'auto-generated' },
    xMailer: false as const,
  };
}

/** What nodemailer tells of a failure. */
interface Fault {
  readonly code: string;
  /** Of the system or of OpenSSL, beneath `code`. */
  readonly cause: string;
  readonly message: string;
  readonly reply: string;
  /** 0 where the server did not reply. */
  readonly replyCode: number;
  /** The command that failed: `MAIL FROM`, `RCPT TO`, `DATA`, `CONN` ... */
  readonly command: string;
}

function faultOf(error: Error): Fault {
  const text = (key: string): string => String(Reflect.get(error, key) ?? '');
  return {
    ...{ code: text('code'), cause: text('originalCode'), message: error.message },
    ...{ reply: text('response'), replyCode: Number(text('responseCode')) },
    command: text('command'),
  };
}

/** The error as one of ours; a bug is thrown on. */
function mailError(error: unknown, options: SmtpOptions): MailError {
  if (error instanceof MailError) return error;
  if (!(error instanceof Error)) throw error;
  const fault = faultOf(error);
  const code = codeOf(fault);
  if (code === undefined) throw error;
  const said = fault.reply === '' ? reasonOf(code, fault) : `said ${fault.reply}`;
  const refused = refusals(Reflect.get(error, 'rejectedErrors'), options);
  // Without the error as its cause: that has what the server said word for word.
  return new MailError(code, `${place(options)}: ${replyText(said, options)}`, refused);
}

/** Replies that ask for a login or refuse it (RFC 4954, 6). */
const AUTH_REPLIES = [530, 534, 535, 538];
/** "Bad sequence of commands" says that the session went wrong, not that the mail is bad. */
const SEQUENCE_REPLY = 503;
const ABOUT_THE_MAIL = /^(MAIL FROM|RCPT TO|DATA)$/;
/** Of nodemailer or the system; those of wrong arguments, as `ERR_INVALID_ARG_TYPE`, are bugs. */
const FAILURE = /^E[A-Z0-9]+$/;
const CLOSING = ['ECONNECTION', 'EPROTOCOL', 'ESOCKET'];

/** Undefined for what is no failure of the server or the way to it. */
function codeOf({ code, cause, replyCode, command }: Fault): MailError['code'] | undefined {
  if (code === 'ETIMEDOUT') return 'TIMEOUT';
  if (code === 'ETLS' || isTlsFault(cause)) return 'TLS';
  if (isLater(replyCode)) return 'LATER';
  if (code === 'EAUTH' || AUTH_REPLIES.includes(replyCode)) return 'AUTH';
  if (replyCode >= 500) return ABOUT_THE_MAIL.test(command) ? 'REFUSED' : 'CONNECT';
  switch (code) {
    case 'EENVELOPE':
    case 'EMESSAGE':
      return 'REFUSED';
    case 'EDNS':
      return 'CONNECT';
    case 'ESOCKET':
      return cause === 'ECONNRESET' || cause === 'EPIPE' ? 'CLOSED' : 'CONNECT';
    case 'ECONNECTION':
    case 'EPROTOCOL':
      return 'CLOSED';
    default:
      // One that a later version has: the mail is tried again, and holds no other for long.
      return FAILURE.test(code) ? 'CLOSED' : undefined;
  }
}

function isLater(replyCode: number): boolean {
  return (replyCode >= 400 && replyCode < 500) || replyCode === SEQUENCE_REPLY;
}

/** For a person: what went wrong where the server said nothing. */
function reasonOf(code: MailError['code'], { cause, message, ...fault }: Fault): string {
  const reason = networkReason(cause);
  if (reason !== undefined) {
    if (isUnknownAuthority(cause)) return `${reason} (ca adds one)`;
    return cause === 'ERR_TLS_CERT_ALTNAME_INVALID' ? `${reason}: ${message}` : reason;
  }
  const closing = code === 'CLOSED' && CLOSING.includes(fault.code);
  return closing ? `closed the connection (${message})` : message;
}

/** The recipients that nodemailer lists with an error each. */
function refusals(errors: unknown, options: SmtpOptions): Refusal[] {
  if (!Array.isArray(errors)) return [];
  return errors
    .filter((error) => error instanceof Error)
    .map((error) => {
      const { reply, replyCode } = faultOf(error);
      const permanent = replyCode >= 500 && !isLater(replyCode);
      const address = String(Reflect.get(error, 'recipient'));
      return { address, reply: replyText(reply, options), permanent };
    });
}

function place({ host, port }: SmtpOptions): string {
  return `mail server ${host}:${port}`;
}

function replyText(text: string, { user = '', password = '' }: SmtpOptions): string {
  const base64 = (secret: string): string => Buffer.from(secret).toString('base64');
  const secrets = [base64(`\0${user}\0${password}`), base64(password), password];
  const clean = secrets
    .filter((secret) => secret !== '' && password !== '')
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
  return oneLine(clean, REPLY_CHARS_MAX);
}
