import { CodedError } from '#core/errors.ts';

/** What is said about e-mail by those who write it and those who send it: smtp.ts does the latter. */

/** The server to hand mail to, and between whom it goes. */
export interface SmtpOptions {
  /** Name or address. The certificate has to be for it. */
  readonly host: string;
  readonly port: number;
  /**
   * `implicit`: TLS from the first byte (RFC 8314), usually on 465. `starttls`: has to be offered, a
   * server without it gets nothing. `none`: only to a relay on this computer.
   */
  readonly tls: 'implicit' | 'starttls' | 'none';
  readonly user?: string;
  readonly password?: string;
  readonly from: string;
  /** At least one. */
  readonly to: readonly string[];
  /** File of further authorities, PEM, beside those that the system knows. */
  readonly ca?: string;
}

/** One mail, in plain text. Controls in it are replaced before it is sent. */
export interface MailMessage {
  /** With its angle brackets: `<...@...>` (RFC 5322, 3.6.4). */
  readonly messageId: string;
  readonly subject: string;
  /** Lines end with \n. */
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly date: number;
  /** Those who get it now; everybody where left out. The header names everybody. */
  readonly to?: readonly string[];
}

/** A recipient that the server did not take. */
export interface Refusal {
  readonly address: string;
  /** What the server said. */
  readonly reply: string;
  /** A 5xx: there is no point in another try (RFC 5321, 4.2.1). */
  readonly permanent: boolean;
}

/** The server has taken the mail for everybody but `refused`. */
export interface Delivery {
  readonly messageId: string;
  /** What the server said at the end. */
  readonly response: string;
  readonly refused: readonly Refusal[];
}

export interface Mailer {
  readonly from: string;
  readonly to: readonly string[];
  /**
   * Resolves when the server has taken the mail for one recipient or more. Rejects with a MailError,
   * or with the signal's reason.
   */
  send(message: MailMessage, signal: AbortSignal): Promise<Delivery>;
}

export type MailErrorCode =
  /** There is no such host, nothing listens there, or it does not want to talk to us. */
  | 'CONNECT'
  /** No STARTTLS, or a certificate that is not to be trusted. Nothing was said in the clear. */
  | 'TLS'
  /** User or password are wrong, or needed. */
  | 'AUTH'
  /** 5xx for this mail or all its recipients: another try brings the same. */
  | 'REFUSED'
  /** 4xx: another try may do, as with a greylist. */
  | 'LATER'
  | 'TIMEOUT'
  /** In the middle of the conversation. */
  | 'CLOSED';

/** A mail could not be handed over. The sentence names the host and says what the server said. */
export class MailError extends CodedError<MailErrorCode> {
  override readonly name = 'MailError';
  /** Recipients of whom the server has said so, where it came that far. */
  readonly refused: readonly Refusal[];

  constructor(code: MailErrorCode, message: string, refused: readonly Refusal[] = []) {
    super(code, message);
    this.refused = refused;
  }
}

/** RFC 5321, 4.5.3.1.3, without its angle brackets. */
const ADDRESS_CHARS_MAX = 254;
/**
 * "Valid e-mail address" of the HTML standard, 4.10.5.1.5: what people have. It has no quotes, spaces,
 * commas, brackets or controls, so that an address cannot become two or a header.
 */
const ADDRESS =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

export function isMailAddress(text: string): boolean {
  return text.length <= ADDRESS_CHARS_MAX && ADDRESS.test(text);
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** Whether bytes to this host stay on this computer. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}
