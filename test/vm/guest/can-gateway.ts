/** The gateway as a process on a CAN interface, with the simulated car at the other end. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import { Talk } from '../../support/talk.ts';
import { logIn, PASSWORD } from '../../support/tokens.ts';
import { sorted, tooFast, whileMoving } from './can-gateway-frames.ts';
import {
  ask,
  CAR,
  GATEWAY,
  joinBuses,
  run,
  runNode,
  sniff,
  startCar,
  startGateway,
  stopCar,
  until,
} from './can-gateway-rig.ts';
import { check } from './support/check.ts';

/** Of the API, at random. */
const CALLS = Number(process.env['VIGIL_CAN_CALLS']);
const BATCH = 2_000;
const CHECK_MS = 120_000;
const CALLS_MS = 3_600_000;
const RPM = 'obd.engine.rpm';
const SPEED = 'obd.vehicle.speed';
const DECODED = `can.${GATEWAY}.engine.enginespeed`;
const FLOOD_FRAMES = 5_000;
/** That of a system on which nobody has set it: room for 277 frames. */
const RMEM_DEFAULT = 212_992;
/** Frames that are on their way when two counters are read one after the other. */
const UNDER_WAY = 20;
const DOWN_MS = 3_000;
/** From the second at which the car's engine stops. It has stood from the beginning. */
const ENGINE_OFF_S = 45;

const Recent = v.object({ streams: v.record(v.string(), v.object({ v: v.array(v.number()) })) });
const Buses = v.object({ items: v.tuple([v.object({ frames: v.number(), lost: v.number() })]) });
const Called = v.object({
  statuses: v.record(v.string(), v.number()),
  faults: v.array(v.string()),
});
const Vehicle = v.object({ ecus: v.array(v.object({ ecu: v.string() })) });
const Token = v.object({ access_token: v.string() });
const Audit = v.object({
  items: v.array(v.object({ result: v.string(), details: v.record(v.string(), v.unknown()) })),
});

joinBuses();
run('sysctl', '-q', `net.core.rmem_default=${RMEM_DEFAULT}`);
const sniffed = await sniff();
let gateway = await startGateway('--can-transmit', 'diagnostic');
console.log(`gateway after ${performance.now()} ms`);
const admin = await logIn(gateway.url);
// Each may have codes cleared a few times only, and the random calls are not to use that up.
const [operator, viewer] = await Promise.all([account('operator'), account('viewer')]);
let car = await startCar('--seed', '2');
await lookForCar();
console.log(`car after ${performance.now()} ms`);

/** Makes an account, and logs in with it. */
async function account(role: string): Promise<string> {
  const who = { username: role, password: PASSWORD };
  const made = await ask(gateway, ['POST', '/users'], { ...who, role });
  assert.equal(made.status, 201, made.text);
  const { body } = await ask(gateway, ['POST', '/auth/login'], who);
  return v.parse(Token, body).access_token;
}

/** It would by itself, in pauses that grow while there is none. */
async function lookForCar(): Promise<void> {
  await ask(gateway, ['POST', '/sources/obd/restart']);
}

/** The newest value of a stream. */
async function newest(stream: string): Promise<number | undefined> {
  const at = `/sessions/current/recent?seconds=5&streams=${stream}`;
  const { status, body } = await ask(gateway, ['GET', at]);
  return status === 200 ? v.parse(Recent, body).streams[stream]?.v.at(-1) : undefined;
}

async function clear(token: string, body?: unknown) {
  return await ask(gateway, ['DELETE', '/diagnostics/dtc'], body, token);
}

/** What the newest attempts came to, the last one first. */
async function audited(count: number): Promise<unknown[]> {
  const { body } = await ask(gateway, ['GET', '/audit?action=dtc.clear']);
  const { items } = v.parse(Audit, body);
  return items.slice(0, count).map(({ result, details }) => [result, details['code']]);
}

/** The control units that the gateway talks to. */
async function ecus(): Promise<string[]> {
  const { status, body } = await ask(gateway, ['GET', '/diagnostics/vehicle']);
  return status === 200 ? v.parse(Vehicle, body).ecus.map(({ ecu }) => ecu) : [];
}

const CONFIRMED = { confirm: true };

await check(
  'a drive begins, and values and signals come',
  async () => {
    const dbc = readFileSync('src/sim/can-car.dbc', 'utf8');
    const put = await ask(gateway, ['PUT', `/can/${GATEWAY}/dbc/car`], dbc);
    assert.equal(put.status, 200, put.text);
    await until(async () => (await newest(RPM)) !== undefined);
    await until(async () => (await newest(DECODED)) !== undefined);
    await using talk = await Talk.open(`${gateway.url}ws/telemetry`, admin);
    talk.send({ type: 'subscribe', id: 'all', streams: [RPM, DECODED] });
    for (const stream of [RPM, DECODED]) {
      await talk.next('samples', ({ values }) => stream in Object(values));
    }
    await until(async () => {
      const { body } = await ask(gateway, ['GET', '/diagnostics/vehicle']);
      return Object(body).vin?.startsWith('VGLZZZ1KZ') === true;
    });
  },
  CHECK_MS,
);

await check(
  'codes are not cleared for a viewer, unasked for, or while the car moves',
  async () => {
    await until(async () => ((await newest(SPEED)) ?? 0) > 10);
    // In a machine as slow as this the car may not answer in time, which is refused as well.
    await until(async () => {
      const moving = await clear(operator, CONFIRMED);
      assert.equal(moving.status, 409, moving.text);
      return /is moving: 7e8 tells \d+ km\/h/.test(moving.text);
    });
    assert.equal((await clear(viewer, CONFIRMED)).status, 403);
    assert.equal((await clear(operator)).status, 422);
    assert.deepEqual(sorted(sniffed).clearing, []);
    assert.deepEqual(await audited(2), [
      ['refused', 'UNCONFIRMED'],
      ['refused', 'MOVING'],
    ]);
  },
  CHECK_MS,
);

await check(
  'in a flood of frames it lives, asks on, and counts each frame that is lost',
  async () => {
    run('cangen', CAR, '-g', '0', '-n', `${FLOOD_FRAMES}`);
    const before = sniffed.length;
    await until(async () => {
      const own = sorted(sniffed);
      const ours = Object.values(own).flat().length;
      const packets = Number(readFileSync(`/sys/class/net/${GATEWAY}/statistics/rx_packets`));
      const { body } = await ask(gateway, ['GET', '/can']);
      const { frames, lost } = v.parse(Buses, body).items[0];
      return lost > 0 && Math.abs(packets - ours - frames - lost) <= UNDER_WAY;
    });
    assert.ok(gateway.running);
    await until(() => sniffed.slice(before).filter(({ isOurs }) => isOurs).length > 20);
    const { body } = await ask(gateway, ['GET', '/can']);
    return v.parse(Buses, body).items[0];
  },
  CHECK_MS,
);

await check(
  'an interface that goes down and up is read on, by itself',
  async () => {
    run('ip', 'link', 'set', GATEWAY, 'down');
    await pause(DOWN_MS);
    const { body } = await ask(gateway, ['GET', '/can']);
    const { frames } = v.parse(Buses, body).items[0];
    const upAt = performance.now();
    run('ip', 'link', 'set', GATEWAY, 'up');
    await until(async () => {
      const { body: now } = await ask(gateway, ['GET', '/can']);
      return v.parse(Buses, now).items[0].frames > frames;
    });
    const framesMs = Math.round(performance.now() - upAt);
    const from = sniffed.length;
    await until(() => sniffed.slice(from).some(({ isOurs }) => !isOurs));
    return { framesMs, answersMs: Math.round(performance.now() - upAt) };
  },
  CHECK_MS,
);

await check(
  'whatever the API is asked, nothing that is not allowed goes out',
  async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`seed ${seed}, ${CALLS} calls`);
    const before = sniffed.length;
    const statuses: Record<string, number> = {};
    for (let done = 0; done < CALLS; done += BATCH) {
      const count = Math.min(BATCH, CALLS - done);
      // A token is good for a quarter of an hour.
      const tokens = [await logIn(gateway.url), viewer];
      const args = [gateway.url, `${count}`, `${seed + done}`, ...tokens];
      const said = await runNode('test/vm/guest/can-gateway-calls.ts', ...args);
      const called = v.parse(Called, JSON.parse(said));
      assert.deepEqual(called.faults, []);
      for (const [status, times] of Object.entries(called.statuses)) {
        statuses[status] = (statuses[status] ?? 0) + times;
      }
    }
    const answered = Object.values(statuses).reduce((sum, times) => sum + times, 0);
    assert.equal(answered, CALLS);
    assert.ok(gateway.running);
    const { forbidden, request } = sorted(sniffed);
    // The car may stand at a light: then codes may be cleared.
    const found = { forbidden, moving: whileMoving(sniffed), tooFast: tooFast(request) };
    assert.deepEqual(found, { forbidden: [], moving: [], tooFast: [] });
    return { seed, statuses, frames: sniffed.length - before };
  },
  CALLS_MS,
);

await check(
  'another car, with 29 bits: codes are cleared once its engine is off, and not before',
  async () => {
    await stopCar(car);
    car = await startCar('--seed', '2', '--parks-after', `${ENGINE_OFF_S}`, '--id-bits', '29');
    await lookForCar();
    // The newest values are still those of the other car until then.
    await until(async () => (await ecus()).includes('18daf110'));
    await until(async () => ((await newest(RPM)) ?? 0) > 500 && (await newest(SPEED)) === 0);
    // It may have begun to move meanwhile, and stands again at the next light.
    await until(async () => {
      const running = await clear(operator, CONFIRMED);
      assert.equal(running.status, 409, running.text);
      return /7F 04 22/.test(running.text);
    });
    await until(async () => (await newest(RPM)) === 0);
    const parked = await clear(operator, CONFIRMED);
    assert.equal(parked.status, 200, parked.text);
    assert.deepEqual(Object(parked.body).cleared, ['18daf110', '18daf111']);
    const isOfThisCar = ({ id }: { id: string }): boolean => id.length > 3;
    const cleared = sorted(sniffed).clearing.filter(isOfThisCar);
    const sent = cleared.map(({ id, data }) => [id, data]);
    const frame = ['18DB33F1', '0104CCCCCCCCCCCC'];
    assert.deepEqual(sent, [frame, frame]);
    assert.deepEqual(await audited(2), [
      ['done', undefined],
      ['refused', 'REFUSED'],
    ]);
  },
  CHECK_MS,
);

await check(
  'a gateway that only listens sends nothing',
  async () => {
    gateway.kill('SIGTERM');
    await gateway.exited;
    const before = sorted(sniffed);
    gateway = await startGateway();
    const again = await logIn(gateway.url);
    await until(async () => {
      const { body } = await ask(gateway, ['GET', '/can']);
      return v.parse(Buses, body).items[0].frames > 200;
    });
    const vehicle = await ask(gateway, ['GET', '/diagnostics/vehicle']);
    assert.equal(vehicle.status, 503, vehicle.text);
    const cleared = await clear(again, CONFIRMED);
    assert.equal(cleared.status, 503, cleared.text);
    assert.deepEqual(sorted(sniffed), before);
  },
  CHECK_MS,
);

// What it left running would hold the machine up.
gateway.kill('SIGKILL');
process.exit();
