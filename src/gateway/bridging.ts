import path from 'node:path';
import type { Bus } from '#core/bus.ts';
import { type Clock, onClockOf, wallMs } from '#core/clock.ts';
import { isExpected } from '#core/errors.ts';
import type { PartHealth } from '#core/health.ts';
import type { Json, Micros } from '#core/stream.ts';
import type { SyncShape } from '../http/routes/sync.ts';
import { readBearer } from '../io/bearer.ts';
import { readWall } from '../io/clock.ts';
import type { Log } from '../io/log.ts';
import { connectMqtt, placeOf } from '../io/mqtt-client.ts';
import { randomFraction } from '../io/random.ts';
import { wholeFile } from '../io/whole-file.ts';
import type { Admission } from '../outbox/admission.ts';
import { Bridge } from '../outbox/bridge.ts';
import type { BudgetRecord } from '../outbox/budget.ts';
import { isAlert } from '../outbox/classes.ts';
import type { Commands } from '../outbox/downlink.ts';
import type { Position, Queue } from '../outbox/queue.ts';
import type { Config } from '../settings/config.ts';
import { PRIORITIES } from '../wire/topics.ts';
import type { Recording } from './recording.ts';

/** What a month has cost so far. */
const BUDGET_FILE = 'cloud-budget.json';
const MEGABYTE = 1_000_000;

/** Why a class is held back, in words for a person. */
const HELD: Readonly<Record<Exclude<Admission, 'go'>, string>> = {
  decimated: 'the budget of the month is nearly used, so one value in many goes',
  bearer: 'it waits for Wi-Fi or Ethernet',
  budget: 'its share of the budget of the month is used',
};

/** What is recorded. */
type Recorded = Pick<Recording, 'opened' | 'epoch' | 'epochs' | 'sessionAt' | 'storeHealth'> & {
  queue(): Queue;
  ingestStore(): { durable(): Promise<void> };
};

export interface BridgingOptions {
  readonly config: Pick<
    Config,
    'cloud' | 'cloudBudget' | 'cloudLive' | 'device' | 'data' | 'replay' | 'speed'
  >;
  /** The time of what is measured. */
  readonly clock: Clock;
  /** In which brokers wait. */
  readonly realTime: Clock;
  readonly log: Log;
  readonly recording: Recorded;
  readonly bus: Pick<Bus, 'first'>;
  /** Runs a function in a later turn of the event loop. */
  defer(run: () => void): void;
  /** What the cloud is told of the gateway. */
  readonly about: { readonly version: string; readonly simulated: boolean };
}

/** The way to the cloud, tied to the store, the settings and the clocks. Without a cloud it does nothing. */
export class Bridging {
  readonly #options: BridgingOptions;
  /** There once the store is open. */
  #bridge: Bridge | undefined;
  /** As it was at the start. */
  #budget: BudgetRecord | undefined;
  /** As far as is known: the first failure is told, and its repetitions are not. */
  #isBudgetKept = true;

  constructor(options: BridgingOptions) {
    this.#options = options;
  }

  /** Sends what is recorded until `signal` aborts. Rejects only by a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const { config, recording, bus } = this.#options;
    // What is replayed has been sent by the gateway that recorded it.
    if (config.cloud === undefined || config.replay !== undefined) return;
    if (!(await recording.opened(signal))) return;
    await this.#loadBudget();
    const bridge = this.#create(config.cloud);
    this.#bridge = bridge;
    bus.first(({ kind, stream }) => {
      if (kind === 'event' && isAlert(stream)) void this.#wakeWhenKept();
    });
    await bridge.run(signal);
  }

  health(): PartHealth[] {
    if (this.#bridge) return [this.#bridge.health()];
    const { state, text } = this.sync();
    return state === 'off' ? [] : [{ id: 'bridge', status: 'waiting', text, details: {} }];
  }

  /** What `GET /sync` tells. */
  sync(): SyncShape {
    const { config, realTime, recording } = this.#options;
    if (config.cloud === undefined || config.replay !== undefined) return NO_CLOUD;
    const broker = placeOf(config.cloud.server);
    if (this.#bridge === undefined) {
      const text = `nothing is sent while the store is not open: ${recording.storeHealth().text}`;
      return {
        ...NO_CLOUD,
        state: 'waiting',
        text,
        sinceS: secondsFrom(0, realTime.now()),
        broker,
      };
    }
    const { state, since, reason, bearer, lastAck, classes, inFlight, budget, gaps } =
      this.#bridge.status();
    const { sent = 0, acked = 0, retries = 0 } = this.#bridge.health().details;
    const now = realTime.now();
    return {
      ...{ state, broker, bearer, inFlight },
      text: reason || (state === 'online' ? `connected to ${broker}` : `${broker}: ${state}`),
      sinceS: secondsFrom(since, now),
      acknowledgedS: lastAck ? secondsFrom(lastAck.at, now) : null,
      backlog: PRIORITIES.map((priority) => {
        const { records, bytes, oldest, emptyAt, admission } = classes[priority];
        const ages = [
          oldest && this.#ageS(oldest),
          emptyAt === undefined ? undefined : secondsFrom(emptyAt, now),
        ].filter((age) => age !== undefined);
        const oldestS = ages.length === 0 ? null : Math.max(...ages);
        const held = admission === 'go' ? null : HELD[admission];
        return { priority, records, bytes, oldestS, held };
      }),
      budget: { bytes: budget.bytes ?? null, used: budget.used, month: budget.month || null },
      counts: {
        ...{ sent: Number(sent), acknowledged: Number(acked), retries: Number(retries) },
        gaps: gaps.lost + gaps.refused,
      },
    };
  }

  #create(cloud: NonNullable<Config['cloud']>): Bridge {
    const { config, realTime, log, recording, defer } = this.#options;
    const { cloudBudget, cloudLive, device } = config;
    return new Bridge({
      ...{ log, defer, clock: realTime, server: cloud.server, connect: connectMqtt },
      ...{ queue: recording.queue(), isLive: cloudLive },
      place: { tenant: cloud.tenant, device },
      random: randomFraction,
      bearer: readBearer,
      sessionAt: (position) => recording.sessionAt(position),
      ageS: (position) => this.#ageS(position),
      wallMs: () => this.#wallMs(),
      budget: {
        bytesMax: cloudBudget && cloudBudget * MEGABYTE,
        shelf: { load: () => this.#budget, save: (record) => this.#saveBudget(record) },
      },
      commands: this.#commands(),
      info: () => this.#info(),
    });
  }

  /** What may be asked from afar: nothing that changes the car or shows a secret. */
  #commands(): Commands {
    return {
      ping: () => 'pong',
      info: () => this.#info(),
      sync: () => ({ ...this.sync() }),
    };
  }

  #info(): { readonly [key: string]: Json } {
    const { about, recording, config } = this.#options;
    const { id, trust } = recording.epoch;
    return { device: config.device, ...about, epoch: id, clockTrust: trust };
  }

  /** An alert goes as soon as it would outlive a power cut. */
  async #wakeWhenKept(): Promise<void> {
    try {
      await this.#options.recording.ingestStore().durable();
    } catch (error) {
      if (!isExpected(error)) throw error; // The store tells, and the bridge looks again by itself.
    }
    this.#bridge?.wake();
  }

  /** How long ago it was; undefined where nobody knows. */
  #ageS({ epoch: id, t }: Position): number | undefined {
    const { recording, clock } = this.#options;
    const { epoch } = recording;
    const now = clock.now();
    const known = id === epoch.id ? epoch : recording.epochs().get(id);
    if (known === undefined) return undefined;
    const at = id === epoch.id ? t : onClockOf(epoch, known, t);
    if (at !== undefined) return secondsFrom(at, now);
    if (known.trust === 'none' || epoch.trust === 'none') return undefined;
    return Math.max(0, (wallMs(epoch, now) - wallMs(known, t)) / 1000);
  }

  #wallMs(): number | undefined {
    const { config, recording, clock } = this.#options;
    if (config.speed !== 1) {
      const { ms, trust } = readWall();
      return trust === 'none' ? undefined : ms;
    }
    const { epoch } = recording;
    return epoch.trust === 'none' ? undefined : wallMs(epoch, clock.now());
  }

  async #loadBudget(): Promise<void> {
    try {
      const texts = await this.#budgetFile().read();
      this.#budget = texts.map(parseBudget).find((record) => record !== undefined);
      if (texts.length > 0 && this.#budget === undefined) this.#countsAnew('the file is damaged');
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#countsAnew(error.message);
    }
  }

  #countsAnew(reason: string): void {
    const text = `what the month has cost is not known, and counted anew: ${reason}`;
    this.#options.log.warn({ source: 'bridge' }, text);
  }

  async #saveBudget(record: BudgetRecord): Promise<void> {
    try {
      await this.#budgetFile().write(JSON.stringify(record));
      this.#isBudgetKept = true;
    } catch (error) {
      if (!isExpected(error)) throw error;
      const level = this.#isBudgetKept ? 'warn' : 'debug';
      this.#isBudgetKept = false;
      const text = `what the month has cost was not kept: ${error.message}`;
      this.#options.log[level]({ source: 'bridge' }, text);
    }
  }

  #budgetFile() {
    return wholeFile(path.join(this.#options.config.data, BUDGET_FILE));
  }
}

const NO_CLOUD: SyncShape = {
  ...{ state: 'off', text: 'no cloud is configured', sinceS: 0, broker: null, bearer: null },
  ...{ acknowledgedS: null, backlog: [], inFlight: { batches: 0, bytes: 0 } },
  budget: { bytes: null, used: 0, month: null },
  counts: { sent: 0, acknowledged: 0, retries: 0, gaps: 0 },
};

function secondsFrom(since: Micros, now: Micros): number {
  return Math.max(0, Math.round((now - since) / 1000) / 1000);
}

/** Undefined for what is not ours. */
function parseBudget(text: string): BudgetRecord | undefined {
  try {
    const { month, bytes, dark = 0 } = Object(JSON.parse(text));
    const areCounts = [bytes, dark].every((count) => Number.isSafeInteger(count) && count >= 0);
    if (!/^(\d{4}-\d\d)?$/.test(month) || !areCounts) return undefined;
    return dark > 0 ? { month, bytes, dark } : { month, bytes };
  } catch {
    return undefined; // Damaged: its copy may not be.
  }
}
