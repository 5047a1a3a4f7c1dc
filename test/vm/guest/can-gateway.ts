/** The gateway as a process on a CAN interface, with the simulated car at the other end. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
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
/** Between two tries to have codes cleared: one may try three times, and then twice a minute. */
const AGAIN_MS = 5_000;

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

/**
 * Tries to have the codes cleared until it is answered like this. In a machine as slow as this the car may
 * not answer in time, which is told as well, and nobody may try more than a few times a minute.
 */
async function clearUntil(status: number, said: RegExp) {
  for (;;) {
    const reply = await clear(operator, CONFIRMED);
    if (reply.status === status && said.test(reply.text)) return reply;
    assert.ok([409, 429, 503].includes(reply.status), reply.text);
    await pause(AGAIN_MS);
  }
}

/** Until the newest attempts that were not too many came to this, the last one first; it is noted later. */
async function untilAudited(
  expected: readonly (readonly [result: string, code: string | undefined])[],
) {
  await until(async () => {
    const { body } = await ask(gateway, ['GET', '/audit?action=dtc.clear']);
    const { items } = v.parse(Audit, body);
    const results = items.map(({ result, details }) => [result, details['code']]);
    const told = results.filter(([, code]) => code !== 'THROTTLED').slice(0, expected.length);
    return isDeepStrictEqual(told, expected);
  });
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
    await clearUntil(409, /is moving: 7e8 tells \d+ km\/h/);
    assert.equal((await clear(viewer, CONFIRMED)).status, 403);
    assert.equal((await clear(operator)).status, 422);
    assert.deepEqual(sorted(sniffed).clearing, []);
    await untilAudited([
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

/** Another car in the place of the one that was there. */
async function changeCar(...how: string[]): Promise<void> {
  await stopCar(car);
  car = await startCar('--seed', '2', '--id-bits', '29', ...how);
  await lookForCar();
}

await check(
  'another car, with 29 bits: codes are not cleared while its engine runs',
  async () => {
    await changeCar('--stands');
    // The newest values are still those of the car before until then.
    await until(async () => (await ecus()).includes('18daf110'));
    await until(async () => ((await newest(RPM)) ?? 0) > 500 && (await newest(SPEED)) === 0);
    await clearUntil(409, /7F 04 22/);
    await untilAudited([['refused', 'REFUSED']]);
  },
  CHECK_MS,
);

await check(
  'and are cleared when it is off',
  async () => {
    await changeCar('--parks-after', '0');
    await until(async () => (await newest(RPM)) === 0);
    const parked = await clearUntil(200, /cleared/);
    assert.deepEqual(Object(parked.body).cleared, ['18daf110', '18daf111']);
    await untilAudited([['done', undefined]]);
    const isOfThisCar = ({ id }: { id: string }): boolean => id.length > 3;
    const sent = sorted(sniffed).clearing.filter(isOfThisCar);
    assert.ok(sent.length >= 2);
    assert.ok(sent.every(({ id, data }) => `${id} ${data}` === '18DB33F1 0104CCCCCCCCCCCC'));
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
