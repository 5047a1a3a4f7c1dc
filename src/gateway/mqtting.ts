import type { Bus } from '#core/bus.ts';
import { type Clock, waitAtMost } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import type { Json, Stream } from '#core/stream.ts';
import { MQTT_COMMANDS } from '../http/docs/mqtt-commands.ts';
import { faultPointer, faultText } from '../http/fault.ts';
import { openSessions } from '../http/own.ts';
import { isHidden, isHiddenRule } from '../http/privacy.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { Certificates } from '../io/certificate.ts';
import type { Log } from '../io/log.ts';
import { type Acl, createAcl } from '../mqtt/acl.ts';
import { Broker } from '../mqtt/broker.ts';
import type { Guest } from '../mqtt/doorman.ts';
import { Ingesting } from '../mqtt/ingesting.ts';
import { MqttListener } from '../mqtt/listen.ts';
import type { Outlet } from '../mqtt/outlet.ts';
import { Persistence } from '../mqtt/persistence.ts';
import { Publisher, type PublisherOptions } from '../mqtt/publisher.ts';
import { Requests } from '../mqtt/requests.ts';
import { Topics } from '../mqtt/topics.ts';
import type { Config } from '../settings/config.ts';
import type { Accounting } from './accounting.ts';
import type { Alerting } from './alerting.ts';
import { type CommandsOptions, commandsOf } from './mqtt-commands.ts';
import { MqttDoorman } from './mqtt-doorman.ts';
import type { Recording } from './recording.ts';
import type { SourceStatus } from './status.ts';

/** Until then retained messages of an earlier start are waited for; without a store there are none. */
const KEPT_MS_MAX = 3_000;
/** What clients send, and nobody but the gateway gets. */
const FOR_US: readonly string[] = ['ingest', 'request'];

export interface MqttingOptions {
  readonly config: Config;
  /** In which clients wait. */
  readonly realTime: Clock;
  readonly log: Log;
  readonly bus: Bus;
  readonly recording: Recording;
  readonly accounting: Accounting;
  readonly alerting: Alerting;
  readonly ingest: Ingest;
  readonly statuses: readonly SourceStatus[];
  readonly version: string;
  readonly simulated: boolean;
  /** Everything that can be measured at this moment. */
  streams(): readonly Stream[];
  /** What else `stats` tells, beside what the bus has dropped. */
  stats(): { readonly [key: string]: Json };
}

/** The MQTT broker with everything that it tells and takes, tied to the other parts. */
export class Mqtting {
  readonly broker: Broker;
  readonly #options: MqttingOptions;
  readonly #topics: Topics;
  readonly #persistence: Persistence;
  readonly #publisher: Publisher;
  readonly #ingesting: Ingesting;
  #requests: Requests | undefined;
  #listener: MqttListener | undefined;

  constructor(options: MqttingOptions) {
    const { config, realTime, log, recording, accounting, bus } = options;
    const { device } = config;
    this.#options = options;
    this.#topics = new Topics(device);
    this.#persistence = new Persistence({
      records: recording.mqttTables(),
      clock: realTime,
      ages: accounting.moments,
      isSlow: (topic) => this.#topics.isBusy(topic),
      openings: recording.ingestStore().openings,
    });
    this.broker = new Broker({
      ...{ clock: realTime, log, persistence: this.#persistence },
      doorman: new MqttDoorman({ accounts: accounting.accounts, clock: realTime }),
      acl: this.#acl(),
      isIngest: (topic) => this.#topics.parse(topic)?.group === 'ingest',
      isForGateway: (topic) => FOR_US.includes(this.#topics.parse(topic)?.group ?? ''),
      incoming: (guest, topic, payload) => this.#take(guest, topic, payload),
    });
    this.#ingesting = new Ingesting({
      ...{ device, realTime, ingest: options.ingest, reading: recording.reading },
      fault: (issue) => ({ pointer: faultPointer(issue), message: faultText(issue, []) }),
      answer: (guest, message) => this.broker.answer(guest, message),
    });
    this.#publisher = new Publisher(this.publishing('mqtt-publisher', this.broker));
    bus.attach(this.#publisher);
  }

  /** What a publisher is made of, whichever broker it serves. */
  readonly publishing = (name: string, outlet: Outlet): PublisherOptions => {
    const { config, realTime, recording, alerting, statuses, bus, ...options } = this.#options;
    const { version, simulated, streams } = options;
    return {
      ...{ name, outlet, version, simulated, realTime, streams },
      ...{ device: config.device, vss: config.vss },
      epoch: () => recording.epoch,
      sources: () =>
        statuses.map((status) => {
          const { id, status: now } = status.health();
          return { id, status: now, streams: status.source.streams };
        }),
      ongoing: () => alerting.snapshot(),
      stats: () => ({
        readings: bus.received,
        dropped: Object.fromEntries(bus.health().map((one) => [one.name, one.dropped])),
        ...options.stats(),
      }),
    };
  };

  /**
   * Takes connections from now on.
   *
   * @param gateway what commands work with, as HTTP's routes do
   * @throws ConfigError where an address cannot be had
   */
  async open(gateway: CommandsOptions['gateway'], certificates: Certificates): Promise<void> {
    const { config, realTime, log, recording, version, simulated } = this.#options;
    const { device, mqtt, mqtts } = config;
    const info = { device, version, epoch: recording.epoch.id, simulated };
    this.#requests = new Requests({
      ...{ device, realTime },
      commands: commandsOf({ gateway, info }),
      answer: (guest, message) => this.broker.answer(guest, message),
    });
    this.#listener = new MqttListener({
      ...{ broker: this.broker, clock: realTime, log },
      ...(mqtt && { plain: mqtt }),
      ...(mqtts && { secure: { ...mqtts, certificates } }),
    });
    await this.broker.open();
    try {
      await this.#listener.open();
    } catch (error) {
      // Nobody else will: its timers would keep a process going that has nothing to do.
      await this.broker.close();
      throw error;
    }
  }

  health(): PartHealth[] {
    const parts = [this.broker, this.#persistence, this.#publisher, this.#ingesting];
    const later = [this.#requests, this.#listener].filter((part) => part !== undefined);
    return [...parts, ...later].map((part) => part.health());
  }

  /** Until `signal` aborts. Rejects only by a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const { realTime, recording } = this.#options;
    const kept = new AbortController();
    const opened = recording.opened(signal);
    const persisted = opened.then(() => this.#persistence.run(kept.signal));
    const listening = this.#listener?.run(signal);
    try {
      // What an earlier start has left is known then, and what of it is over is cleared.
      await waitAtMost(realTime, KEPT_MS_MAX, opened);
      await this.#publisher.run(signal);
      await listening;
    } finally {
      this.#listener?.close();
      await this.broker.close();
      kept.abort();
      await persisted;
    }
  }

  /** A name under which nothing else comes in: the broker asks the ACL first. */
  async #take(guest: Guest, topic: string, payload: Uint8Array): Promise<void> {
    const group = this.#topics.parse(topic)?.group;
    if (group === 'ingest') await this.#ingesting.take(guest, topic, payload);
    else await this.#requests?.take(guest, topic, payload);
  }

  #acl(): Acl {
    const { config, recording, alerting } = this.#options;
    return createAcl({
      device: config.device,
      openSessions: () => openSessions(recording.reading),
      hidesStream: (user, id) => isHidden({ user }, id),
      hidesRule: (user, id) => {
        const rule = alerting.rules.find(id);
        return rule !== undefined && isHiddenRule({ user }, rule);
      },
      commands: Object.values(MQTT_COMMANDS),
    });
  }
}
