/**
 * The listener over TLS, beside the one without: same routes, same sockets, same counters.
 *
 * It must not cost a recording. What a person has to mend (no openssl, an address that is not ours) ends
 * the start, as with every setting; a disk that is full or fails does not: the gateway goes on without
 * TLS, tells so in health and tries again, and who may change things logs in on the computer only.
 */
import type { Clock } from '#core/clock.ts';
import { BusyError, ConfigError, isExpected } from '#core/errors.ts';
import type { Json } from '#core/stream.ts';
import type { Certificates } from '../io/certificate.ts';
import type { Log } from '../io/log.ts';
import type { Listening, ServerOptions } from './transport.ts';
import { listen } from './uws.ts';

/** How often the certificate is looked at: a network that comes up brings a new address. */
const LOOK_MS = 60_000;

/** Where to listen over TLS, and with what. */
export interface Tls {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly certificates: Certificates;
}

export interface SecureOptions extends Tls {
  readonly server: ServerOptions;
  readonly clock: Clock;
  readonly log: Log;
}

export class SecureListener {
  readonly #options: SecureOptions;
  #listening: Listening | undefined;
  /** Id of the certificate that new connections get. */
  #served = '';
  /** Of the authority, as it was told last. */
  #fingerprint = '';
  #failure = '';
  #leftOut = '';

  constructor(options: SecureOptions) {
    this.#options = options;
  }

  /** Without a slash at the end; undefined while it does not listen. */
  get url(): string | undefined {
    return this.#listening && urlOf('https', this.#options.host, this.#listening.port);
  }

  /** Why there is no TLS, or not as it should be; empty while all is well. */
  get failure(): string {
    return this.#failure;
  }

  get details(): { readonly [key: string]: Json } {
    const { current } = this.#options.certificates;
    return {
      certificateEnds: current ? new Date(current.notAfterMs).toISOString() : null,
      notInCertificate: current?.leftOut ?? [],
    };
  }

  /** @throws ConfigError, BusyError as `listen`; ConfigError without openssl */
  async open(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#fail(error);
    }
    if (!this.#listening) return;
    const where = `${this.#options.host}, port ${this.#listening.port}`;
    const text = `over TLS on ${where}; the fingerprint of its authority is ${this.#fingerprint}`;
    this.#options.log.info({ source: 'http' }, text);
  }

  /** Keeps the certificate good until `signal` aborts. Rejects only by a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => {}); // The stop ends it.
      if (signal.aborted) return;
      try {
        await this.#look();
      } catch (error) {
        // What would have ended the start ends nothing that runs.
        const wouldEndStart = error instanceof ConfigError || error instanceof BusyError;
        if (!wouldEndStart && !isExpected(error)) throw error;
        this.#fail(error);
      }
    }
    // What was opened while the others were being closed must not stay.
    this.close();
  }

  close(): void {
    this.#listening?.close();
  }

  async #look(): Promise<void> {
    const { server, host, port, certificates, log } = this.#options;
    const { id, file, fingerprint, leftOut } = await certificates.renew();
    if (!this.#listening) this.#listening = await listen(server, host, port, file);
    else if (id !== this.#served) {
      await this.#listening.renew(file);
      log.info({ source: 'http' }, 'new connections over TLS get a new certificate');
    }
    this.#served = id;
    if (this.#fingerprint !== '' && this.#fingerprint !== fingerprint) {
      log.warn({ source: 'http' }, `the certificate authority is a new one, ${fingerprint}`);
    }
    this.#fingerprint = fingerprint;
    this.#failure = '';
    this.#tellLeftOut(leftOut.join(', '));
  }

  #tellLeftOut(names: string): void {
    if (names === this.#leftOut) return;
    this.#leftOut = names;
    if (names === '') return;
    const text = `browsers will warn at ${names}, which the authority was not made for`;
    this.#options.log.warn({ source: 'http' }, `${text}; without its folder "tls" it is made anew`);
  }

  /** Tells a failure once; the next look mends it, or tells another. */
  #fail({ message }: Error): void {
    const text = message.startsWith('https: ') ? message : `https: ${message}`;
    if (text !== this.#failure) this.#options.log.error({ source: 'http' }, text);
    this.#failure = text;
  }
}

/** An IPv6 address stands in brackets, RFC 3986 clause 3.2.2. Without a slash at the end. */
export function urlOf(scheme: 'http' | 'https', host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
