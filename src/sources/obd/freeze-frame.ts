import { hexByte } from './hex.ts';
import { type Framing, splitService02 } from './j1979/answers.ts';
import { decodeDtc, NO_DTC } from './j1979/dtcs.ts';
import { PID_BY_NUMBER, PID_LENGTHS } from './j1979/pid-table.ts';
import { decodePid, supportedPids } from './j1979/pids.ts';
import type { Job } from './job.ts';
import { ANSWER_MS, type Response } from './scan-tool.ts';
import type { Ecu, Vehicle } from './vehicle.ts';
import type { FrozenValue, VehicleReport } from './vehicle-report.ts';

/** Frame 00 is the one that the regulations require, and all that most cars keep. */
const FRAME = '00';
/** PID and frame pairs in one request on CAN (SAE J1979, 6.3.2.2). */
const PAIRS_MAX = 3;
const STORED_CODE = 0x02;
const BITMAP_STEP = 0x20;

/**
 * Reads the freeze frame: which code stored it, then which PIDs it holds, then their values. Each
 * answer brings the next request.
 */
export function freezeFrameJob(vehicle: Vehicle, report: VehicleReport, framing: Framing): Job {
  const read = new FrameReader(vehicle, report, framing);
  return read.codeJob();
}

class FrameReader {
  readonly #vehicle: Vehicle;
  readonly #report: VehicleReport;
  readonly #framing: Framing;

  constructor(vehicle: Vehicle, report: VehicleReport, framing: Framing) {
    this.#vehicle = vehicle;
    this.#report = report;
    this.#framing = framing;
  }

  codeJob(): Job {
    return this.#job([STORED_CODE], (ecu, _pid, data) => {
      const raw = data.length === 2 ? ((data[0] ?? 0) << 8) | (data[1] ?? 0) : NO_DTC;
      const stored = raw === NO_DTC ? undefined : { code: decodeDtc(raw), values: [] };
      this.#report.of(ecu.id).freezeFrame = stored;
      return stored ? [this.#bitmapJob(0)] : [];
    });
  }

  #bitmapJob(base: number): Job {
    return this.#job([base], (_ecu, pid, data) => {
      const pids = supportedPids(pid, data);
      const next = pids.includes(pid + BITMAP_STEP) ? [this.#bitmapJob(pid + BITMAP_STEP)] : [];
      const wanted = pids.filter((found) => found !== STORED_CODE && isValue(found));
      return [...this.#valueJobs(wanted), ...next];
    });
  }

  #valueJobs(pids: readonly number[]): Job[] {
    const size = this.#framing === 'can' ? PAIRS_MAX : 1;
    const jobs: Job[] = [];
    for (let i = 0; i < pids.length; i += size) {
      jobs.push(this.#job(pids.slice(i, i + size), (ecu, pid, data) => this.#keep(ecu, pid, data)));
    }
    return jobs;
  }

  #keep(ecu: Ecu, pid: number, data: Uint8Array): readonly Job[] {
    const row = PID_BY_NUMBER.get(pid);
    const report = this.#report.of(ecu.id);
    const { freezeFrame } = report;
    if (row === undefined || freezeFrame === undefined) return [];
    const values: FrozenValue[] = [];
    decodePid(row, data, ecu.scaling, (stream, value) => {
      values.push({ stream: stream.id, unit: stream.unit, value });
    });
    const others = freezeFrame.values.filter((old) => values.every((v) => v.stream !== old.stream));
    report.freezeFrame = { ...freezeFrame, values: [...others, ...values] };
    return [];
  }

  /** A request for PIDs of the frame; `use` gets each that was answered, with its ECU. */
  #job(
    pids: readonly number[],
    use: (ecu: Ecu, pid: number, data: Uint8Array) => readonly Job[],
  ): Job {
    const pairs = pids.map((pid) => hexByte(pid) + FRAME);
    return {
      hex: `02${pairs.join('')}`,
      timeoutMs: ANSWER_MS,
      read: (responses, t) => {
        const jobs = responses.flatMap((response) => {
          this.#report.of(response.ecu).freezeFrameAt = t;
          return this.#read(response, pids, use);
        });
        // Several ECUs may hold a frame, and answer the same requests.
        return [...new Map(jobs.map((job) => [job.hex, job])).values()];
      },
    };
  }

  #read(
    { ecu: id, pdu }: Response,
    pids: readonly number[],
    use: (ecu: Ecu, pid: number, data: Uint8Array) => readonly Job[],
  ): readonly Job[] {
    const ecu = this.#vehicle.ecus.get(id);
    const parsed = splitService02(pdu, lengthsOf(ecu));
    if (ecu === undefined || parsed === undefined || parsed.fault !== undefined) return [];
    return parsed.items
      .filter(({ pid }) => pids.includes(pid))
      .flatMap(({ pid, data }) => use(ecu, pid, data));
  }
}

/** The lengths that this ECU was seen to send, and the usual ones for the rest. */
function lengthsOf(ecu: Ecu | undefined): ReadonlyMap<number, number> {
  return new Map([...PID_LENGTHS, ...(ecu?.lengths ?? [])]);
}

function isValue(pid: number): boolean {
  const row = PID_BY_NUMBER.get(pid);
  return row !== undefined && row.signals.length > 0;
}
