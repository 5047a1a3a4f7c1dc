/**
 * The broker's ports, plain and over TLS. As with HTTP (http/secure.ts) TLS must not cost a recording: what a
 * person has to mend ends the start, a disk that is full or fails does not, and is tried again.
 */

import type { Duplex } from 'node:stream';
import type { Clock } from '#core/clock.ts';
import { ConfigError, isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Certificate } from '../io/certificate.ts';
import type { Log } from '../io/log.ts';
import { type Caller, listenPlain, listenSecure, type OpenPort } from '../io/mqtt-listen.ts';
import { withinNetworks } from '../io/network.ts';
import type { Origin } from './visit.ts';

/** How often the certificate is looked at. */
const LOOK_MS = 60_000;
const isLoopback = withinNetworks(['127.0.0.0/8', '::1']);

export interface Address {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

export interface ListenerOptions {
  readonly broker: { connect(stream: Duplex, origin: Origin): void };
  /** Without TLS. */
  readonly plain?: Address;
  readonly secure?: Address & {
    /** Makes what is due: `Certificates` of io/certificate.ts. */
    readonly certificates: { renew(): Promise<Certificate> };
  };
  readonly clock: Clock;
  readonly log: Log;
}

export class MqttListener {
  readonly #options: ListenerOptions;
  #plain: OpenPort | undefined;
  #secure: OpenPort | undefined;
  /** Id of the certificate that new connections get. */
  #served = '';
  #failure = '';
  #failedHandshakes = 0;
  #isClosed = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Undefined while it does not listen. */
  get port(): number | undefined {
    return this.#plain?.port;
  }

  get securePort(): number | undefined {
    return this.#secure?.port;
  }

  /** Rejects with a ConfigError where a port cannot be had, or there is no openssl. */
  async open(): Promise<void> {
    const { plain, secure, log } = this.#options;
    if (plain) {
      this.#plain = await listenPlain({
        setting: 'mqtt',
        ...plain,
        take: (one) => this.#take(one),
      });
      log.info({ source: 'mqtt' }, `on ${plain.host}, port ${this.#plain.port}`);
    }
    if (!secure) return;
    try {
      await this.#lookAt(secure);
      log.info({ source: 'mqtt' }, `over TLS on ${secure.host}, port ${this.#secure?.port}`);
    } catch (error) {
      if (error instanceof ConfigError) this.close();
      if (!isExpected(error)) throw error;
      this.#fail(error);
    }
  }

  /** Keeps the certificate good until `signal` aborts. Rejects only by a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, secure } = this.#options;
    while (secure && !signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => {}); // The stop ends it.
      if (signal.aborted) break;
      try {
        await this.#lookAt(secure);
      } catch (error) {
        // What would have ended the start ends nothing that runs.
        if (!(error instanceof ConfigError || isExpected(error))) throw error;
        this.#fail(error);
      }
    }
    // What was opened while the others were being closed must not stay.
    if (signal.aborted) this.close();
  }

  health(): PartHealth {
    const { port = null, securePort = null } = this;
    const status = this.#failure === '' ? 'ok' : 'waiting';
    const details = { port, securePort, failedHandshakes: this.#failedHandshakes };
    const ports = [port, securePort].filter((one) => one !== null);
    const text = ports.length === 0 ? 'at /mqtt of the web server only' : `at ${ports.join(', ')}`;
    return { id: 'mqtt-ports', status, text: this.#failure || text, details };
  }

  /** Takes no more connections; those that are open are the broker's to close. */
  close(): void {
    this.#isClosed = true;
    this.#plain?.close();
    this.#secure?.close();
  }

  async #lookAt({ host, port, certificates }: NonNullable<ListenerOptions['secure']>) {
    const certificate = await certificates.renew();
    if (!this.#secure) {
      const failed = (): void => {
        this.#failedHandshakes++;
      };
      const take = (one: Caller): void => this.#take(one);
      const options = { setting: 'mqtts', host, port, take, failed };
      this.#secure = await listenSecure(options, certificate);
      if (this.#isClosed) this.#secure.close();
    } else if (certificate.id !== this.#served) {
      await this.#secure.renew(certificate);
      this.#options.log.info({ source: 'mqtt' }, 'new connections get a new certificate');
    }
    this.#served = certificate.id;
    this.#failure = '';
  }

  #take({ stream, address, isSecure, certificate }: Caller): void {
    const remote = { address, isLocal: isLoopback(address), isSecure };
    this.#options.broker.connect(stream, { remote, certificate });
  }

  /** Tells a failure once; the next look mends it, or tells another. */
  #fail({ message }: Error): void {
    if (message !== this.#failure) this.#options.log.error({ source: 'mqtt' }, message);
    this.#failure = message;
  }
}
