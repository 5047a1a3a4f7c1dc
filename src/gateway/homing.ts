import type { Bus } from '#core/bus.ts';
import type { Clock } from '#core/clock.ts';
import type { PartHealth } from '#core/health.ts';
import type { Log } from '../io/log.ts';
import { connectMqtt } from '../io/mqtt-client.ts';
import { randomFraction } from '../io/random.ts';
import type { Outlet } from '../mqtt/outlet.ts';
import { Publisher, type PublisherOptions } from '../mqtt/publisher.ts';
import { OFFLINE } from '../mqtt/state.ts';
import { Topics } from '../mqtt/topics.ts';
import { HomeBroker } from '../outbox/home-broker.ts';
import type { Config } from '../settings/config.ts';

export interface HomingOptions {
  readonly config: Config;
  /** In which brokers wait. */
  readonly realTime: Clock;
  readonly log: Log;
  readonly bus: Bus;
  /** What is published, wherever it goes. */
  publishing(name: string, outlet: Outlet): PublisherOptions;
}

/**
 * The same as the gateway's own broker tells, in the user's, as that of Home Assistant: but for the blocks
 * of `stream/`, as nobody can tell whether anybody there wants them.
 */
export class Homing {
  readonly #broker: HomeBroker;
  readonly #publisher: Publisher;

  constructor(options: HomingOptions, server: NonNullable<Config['homeAssistant']>) {
    const { config, realTime, log, bus } = options;
    const { device } = config;
    const topics = new Topics(device);
    const gone = { topic: topics.state, payload: OFFLINE, qos: 1, retain: true } as const;
    this.#broker = new HomeBroker({
      ...{ server, log, connect: connectMqtt, clock: realTime, will: gone, farewell: gone },
      clientId: `vigil-${device}`,
      random: randomFraction,
      onConnected: () => this.#publisher.renew(),
      onBirth: () => this.#publisher.discover(),
    });
    const outlet: Outlet = {
      publish: (message) => this.#broker.publish(message),
      isWanted: (topic) => topics.parse(topic)?.group !== 'stream' && this.#broker.isWanted(topic),
    };
    this.#publisher = new Publisher(options.publishing('home-publisher', outlet));
    bus.attach(this.#publisher);
  }

  /** That of the broker: what the publisher hands over is only published when that has it. */
  health(): PartHealth[] {
    return [this.#broker.health()];
  }

  /** Until `signal` aborts. Rejects only by a bug. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#publisher.run(signal), this.#broker.run(signal)]);
  }
}
