import { LinkError } from '#core/errors.ts';
import type { Emit, Micros, Stream } from '#core/stream.ts';
import { hexByte, hexText } from './hex.ts';
import type { IgnitionSense } from './ignition.ts';
import { type Parsed, type PidData, singleService01, splitService01 } from './j1979/answers.ts';
import { PID_BY_NUMBER } from './j1979/pid-table.ts';
import { decodePid, withMaxima } from './j1979/pids.ts';
import type { PollGroup, PollPlan } from './poll.ts';
import { ANSWER_MS, type Outcome, type Response, type VehicleLink } from './scan-tool.ts';
import type { Ecu, EcuStreams, Vehicle } from './vehicle.ts';

/** Answers in a row that were of no use before the link counts as broken. */
const USELESS_MAX = 20;
/** Refusals of a request with a count digit before it is left out. */
const COUNT_REFUSALS_MAX = 2;
const ENGINE_SPEED = 0x0c;
const ROAD_SPEED = 0x0d;
const MODULE_VOLTAGE = 0x42;

export interface LiveCounters {
  requests: number;
  values: number;
  /** Nobody answered. */
  silent: number;
  /** Cut, interrupted, garbled or late. */
  disturbed: number;
  /** An answer to another question, or a refusal. */
  unexpected: number;
  /** Data of a length that the PID cannot have, or a shared answer that did not add up. */
  malformed: number;
}

export interface LiveDataParts {
  readonly link: VehicleLink;
  readonly vehicle: Vehicle;
  readonly plan: PollPlan;
  readonly ignition: IgnitionSense;
  readonly streams: EcuStreams;
  readonly counters: LiveCounters;
  readonly emit: Emit;
}

/** A parameter of an answer that has passed every check, ready to be decoded. */
interface Checked {
  readonly ecu: Ecu;
  readonly pid: number;
  readonly data: Uint8Array;
}

/** Service 01: asks for the PIDs of the plan and turns the answers into samples. */
export class LiveData {
  readonly #parts: LiveDataParts;
  #useless = 0;
  #countRefusals = 0;

  constructor(parts: LiveDataParts) {
    this.#parts = parts;
  }

  /**
   * Asks for one group of PIDs.
   *
   * @param now the time, read before the request and again when its answer has come
   */
  async ask(group: PollGroup, now: () => Micros): Promise<void> {
    const { link, plan, counters } = this.#parts;
    const frames = plan.framesFor(group);
    group.askedAt = now();
    counters.requests++;
    const hex = `01${hexText(group.pids)}`;
    const outcome = await link.request(hex, ANSWER_MS, frames);
    this.#note(outcome, frames !== undefined);
    if (outcome.kind === 'silent' && group.pids.length > 1 && (await this.#answersAlone(group))) {
      // Some ECUs are silent on requests for several PIDs: the car is on, and asked one by one.
      counters.silent++;
      this.#parts.ignition.answered(now());
      plan.mismatched(group);
    } else this.#settle(group, outcome, now());
  }

  /** Whether a PID of a group that got no answer is answered when it is asked for by itself. */
  async #answersAlone({ pids: [pid = 0] }: PollGroup): Promise<boolean> {
    const { link, counters } = this.#parts;
    counters.requests++;
    const { kind } = await link.request(`01${hexByte(pid)}`, ANSWER_MS);
    return kind === 'answered';
  }

  #settle(group: PollGroup, outcome: Outcome, t: Micros): void {
    const { plan, ignition, counters } = this.#parts;
    switch (outcome.kind) {
      case 'answered': {
        ignition.answered(t);
        const missing = this.#read(group, outcome.responses, t);
        if (missing === 0) plan.answered(group, outcome.lines);
        else plan.mismatched(group);
        break;
      }
      case 'silent':
      case 'no-bus':
        counters.silent++;
        ignition.silent(t);
        plan.missed(group);
        break;
      case 'disturbed':
        counters.disturbed++;
        break;
    }
  }

  /** Emits the values of one answer; returns how many of the group's PIDs it lacked. */
  #read(group: PollGroup, responses: readonly Response[], t: Micros): number {
    const checked = responses.flatMap((response) => this.#check(group, response));
    for (const parameter of checked) this.#emitAll(parameter, t);
    return group.pids.filter((pid) => !checked.some((one) => one.pid === pid)).length;
  }

  /** Everything in one ECU's answer, or nothing if any of it does not fit the request. */
  #check(group: PollGroup, { ecu: id, pdu }: Response): Checked[] {
    const { vehicle, counters } = this.#parts;
    const ecu = vehicle.ecus.get(id);
    const parsed = ecu && parse(group, ecu, pdu);
    if (ecu === undefined || !parsed?.items.every(({ pid }) => group.pids.includes(pid))) {
      counters.unexpected++;
      return [];
    }
    if (parsed.fault !== undefined || !parsed.items.every(fits)) {
      counters.malformed++;
      return [];
    }
    return parsed.items.map(({ pid, data }) => {
      ecu.lengths.set(pid, data.length);
      return { ecu, pid, data };
    });
  }

  #emitAll({ ecu, pid, data }: Checked, t: Micros): void {
    const { link, vehicle, streams, ignition, counters, emit } = this.#parts;
    const row = PID_BY_NUMBER.get(pid);
    if (row === undefined) return;
    ecu.scaling = withMaxima(ecu.scaling, pid, data);
    decodePid(row, data, ecu.scaling, (plain: Stream, v: number) => {
      const stream = streams.of(plain, ecu.id, vehicle);
      if (stream === undefined) {
        counters.unexpected++;
        return;
      }
      counters.values++;
      ecu.latest.set(plain.id, { t, v });
      if (pid === ENGINE_SPEED) ignition.engine(v, t);
      if (pid === ROAD_SPEED) ignition.speed(v, t);
      // The next best to the plug: a car whose battery is charged is on, even where nothing turns.
      if (pid === MODULE_VOLTAGE && !link.measuresVoltage) ignition.voltage(v);
      emit({ kind: 'sample', stream, t, v });
    });
  }

  /** Watches for an adapter that has gone mad, and for one that takes a count digit for data. */
  #note(outcome: Outcome, counted: boolean): void {
    if (outcome.kind !== 'disturbed') {
      this.#useless = 0;
      this.#countRefusals = 0;
      return;
    }
    if (counted && outcome.alert === 'unknown' && ++this.#countRefusals >= COUNT_REFUSALS_MAX) {
      this.#parts.plan.dropCounts();
    }
    if (++this.#useless < USELESS_MAX) return;
    throw new LinkError(
      'BAD_ANSWER',
      `${USELESS_MAX} useless answers in a row, last ${outcome.alert}`,
    );
  }
}

/** An answer to a lone PID tells the length of its data; a shared one has to be told it. */
function parse(group: PollGroup, ecu: Ecu, pdu: Uint8Array): Parsed<PidData> | undefined {
  if (group.pids.length > 1) return splitService01(pdu, ecu.lengths);
  const single = singleService01(pdu);
  return single && { items: [single], fault: undefined };
}

function fits({ pid, data }: PidData): boolean {
  return PID_BY_NUMBER.get(pid)?.lengths.includes(data.length) ?? false;
}
