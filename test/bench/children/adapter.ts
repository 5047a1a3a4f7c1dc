/**
 * An ELM327 adapter with a simulated car at the master side of a pty (standard input and output),
 * as fast as asked for. With `counted` its engine speed is a counter, and it remembers when each
 * answer's last byte was written: microseconds of CLOCK_MONOTONIC, which all processes share.
 */
import { writeSync } from 'node:fs';
import * as v from 'valibot';
import { createCar } from '../../../src/sim/car.ts';
import { createVehicle, type Ecu, type Vehicle } from '../../../src/sim/ecu.ts';
import { ElmAdapter } from '../../../src/sim/elm.ts';
import { orders, tell } from './orders.ts';

const PROMPT = 0x3e;
const ENGINE_SPEED = 0x0c;
/** Service 01 PID 00 of a car that knows the engine speed and nothing else. */
const ONLY_ENGINE_SPEED = [0x41, 0x00, 0x00, 0x10, 0x00, 0x00];
/** Counters begin where an engine runs: 1000 /min. The field has 16 bits. */
const COUNT_FIRST = 4000;
const COUNTS = 0x1_0000;

const { ecuMs, paced, counted, only } = v.parse(
  v.object({
    /** How long a control unit takes to answer. */
    ecuMs: v.number(),
    /** Sends at the line's 38,400 baud, not at once. */
    paced: v.boolean(),
    counted: v.boolean(),
    /** Knows the engine speed and nothing else. */
    only: v.boolean(),
  }),
  orders(),
);

let count = COUNT_FIRST;
/** Whether the answer under way carries `count`. */
let carries = false;
const stamps: (readonly [count: number, sentUs: number])[] = [];

/** The engine unit with the counter for its speed. */
function counting(engine: Ecu): Ecu {
  return {
    node: engine.node,
    answer(request, t, bus) {
      const [service, ...pids] = request;
      if (only && (service !== 1 || pids[0] !== ENGINE_SPEED)) {
        return pids[0] === 0 ? [{ afterMs: ecuMs, pdu: ONLY_ENGINE_SPEED }] : [];
      }
      const answers = engine.answer(request, t, bus);
      if (service !== 1 || !pids.includes(ENGINE_SPEED)) return answers;
      return [{ afterMs: ecuMs, pdu: [0x41, ...pids.flatMap((pid) => dataOf(engine, pid, t))] }];
    },
  };
}

function dataOf(engine: Ecu, pid: number, t: number): number[] {
  if (pid !== ENGINE_SPEED) return engine.answer([1, pid], t, 'can')[0]?.pdu.slice(1) ?? [];
  count = (count + 1) % COUNTS;
  carries = true;
  return [pid, count >> 8, count & 0xff];
}

function carOf(): Vehicle {
  const vehicle = createVehicle(createCar(1), { ecuMs });
  const [engine] = vehicle.ecus;
  return counted && engine ? { ...vehicle, ecus: [counting(engine)] } : vehicle;
}

const adapter = new ElmAdapter({
  vehicle: carOf(),
  paced,
  timing: { adapterMs: 0, searchMs: 0, resetMs: 0, gapMs: 0 },
});
const start = process.hrtime.bigint();
const now = (): number => Number((process.hrtime.bigint() - start) / 1000n);
let timer: NodeJS.Timeout | undefined;

function send(): void {
  const bytes = adapter.take(now());
  if (bytes) {
    const sentUs = Number(process.hrtime.bigint() / 1000n);
    writeSync(1, bytes);
    if (carries && bytes.includes(PROMPT)) {
      stamps.push([count, sentUs]);
      carries = false;
    }
  }
  const at = adapter.nextAt();
  clearTimeout(timer);
  if (at !== undefined) timer = setTimeout(send, Math.max(0, (at - now()) / 1000));
}

process.stdin.on('data', (bytes) => {
  adapter.receive(bytes, now());
  send();
});
process.stdin.on('error', () => process.exit(0)); // The near end was closed.
process.on('message', () => tell({ stamps: stamps.splice(0) }));
tell({ ready: true });
