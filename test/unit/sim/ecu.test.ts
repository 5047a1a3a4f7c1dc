import { expect, test } from 'vitest';
import { type CarOptions, createCar } from '../../../src/sim/car.ts';
import { type Bus, codeBytes, createVehicle, type Vehicle } from '../../../src/sim/ecu.ts';
import { ENGINE_PIDS, encodePid, pidTruth } from '../../../src/sim/pid-encoders.ts';
import { TroubleMemory } from '../../../src/sim/troubles.ts';

const S = 1e6;
const [ENGINE, TRANSMISSION] = [0, 1];

function vehicle(options: CarOptions = { trouble: 'P0301' }, lambdaMax = 0, mafMaxGs = 0): Vehicle {
  return createVehicle(createCar(1, options), { scaling: { lambdaMax, mafMaxGs } });
}

/** All messages of one unit to one request, as hex. */
function ask(car: Vehicle, node: number, request: string, s: number, bus: Bus = 'can'): string[] {
  const bytes = [...Buffer.from(request, 'hex')];
  const answers = car.ecus.find((ecu) => ecu.node === node)?.answer(bytes, s * S, bus) ?? [];
  return answers.map(({ pdu }) => Buffer.from(pdu).toString('hex'));
}

test('the bitmaps name exactly the PIDs that are answered', () => {
  const car = vehicle();
  for (const node of [ENGINE, TRANSMISSION]) {
    const named: number[] = [];
    for (let base = 0; base <= 0xe0; base += 0x20) {
      const [answer] = ask(car, node, hex([1, base]), 30);
      const bits = Number.parseInt(answer?.slice(4) ?? '0', 16);
      for (let i = 0; i < 32; i++) if ((bits / 2 ** (31 - i)) & 1) named.push(base + 1 + i);
    }
    for (let pid = 1; pid <= 0xff; pid++) {
      expect(ask(car, node, hex([1, pid]), 30).length, `PID ${pid}`).toBe(+named.includes(pid));
    }
    expect(named.length).toBeGreaterThan(node === ENGINE ? 45 : 3);
  }
});

test('bitmaps are the bytes worked out by hand', () => {
  // 01 03 04 05 06 07 | 0B 0C 0D 0E 0F 10 | 11 13 14 15 | 1C 1F 20
  expect(ask(vehicle(), ENGINE, '0100', 30)).toEqual(['4100be3fb813']);
  // 01 | 0D | - | 1C 20
  expect(ask(vehicle(), TRANSMISSION, '0100', 30)).toEqual(['410080080011']);
});

test('values are scaled as J1979 says', () => {
  const car = vehicle();
  const state = car.car.at(20 * S);
  const rpm = Math.round(state.engine.rpm * 4);
  expect(ask(car, ENGINE, '010c', 20)).toEqual([`410c${hex([rpm >> 8, rpm & 0xff])}`]);
  expect(ask(car, ENGINE, '0105', 20)).toEqual([
    `4105${hex([Math.round(state.heat.coolantC) + 40])}`,
  ]);
  const millivolts = Math.round(state.voltageV * 1000);
  expect(ask(car, ENGINE, '0142', 20)).toEqual([
    `4142${hex([millivolts >> 8, millivolts & 0xff])}`,
  ]);
});

test('evaporative pressure below zero is a two’s complement number', () => {
  const [answer] = ask(vehicle(), ENGINE, '0132', 20);
  const raw = Buffer.from(answer?.slice(4) ?? '', 'hex').readInt16BE();
  expect(raw / 4).toBeLessThan(-130);
  expect(vehicle().truth(0x32, 20 * S)).toEqual([raw / 4]);
});

test('truth is what the bytes say, within half a step of the car', () => {
  const car = createCar(2);
  const memory = new TroubleMemory(car);
  const scaling = { lambdaMax: 0, mafMaxGs: 0 };
  for (const t of [5, 60, 300].map((s) => s * S)) {
    const snapshot = { car: car.at(t), troubles: memory.at(t), scaling };
    for (const encoder of ENGINE_PIDS) {
      const bytes = encodePid(encoder, snapshot);
      const widths = encoder.fields.map((field) => field.bytes);
      expect(bytes).toHaveLength(widths.reduce<number>((sum, width) => sum + width, 0));
      for (const [i, field] of encoder.fields.entries()) {
        if (typeof field.scale !== 'number') continue;
        const error = Math.abs((pidTruth(encoder, snapshot)[i] ?? 0) - field.of(snapshot));
        expect(error, `PID ${hex([encoder.pid])}`).toBeLessThanOrEqual(field.scale / 2 + 1e-9);
      }
    }
  }
});

test('PIDs 4F and 50 stretch the scales of lambda and air flow', () => {
  const stretched = vehicle({ trouble: 'none' }, 4, 1000);
  expect(ask(stretched, ENGINE, '014f', 20)).toEqual(['414f04000000']);
  expect(ask(stretched, ENGINE, '0150', 20)).toEqual(['415064000000']);
  const plain = vehicle({ trouble: 'none' });
  const raw = (car: Vehicle, pid: string) =>
    Number.parseInt(ask(car, ENGINE, `01${pid}`, 20)[0]?.slice(4, 8) ?? '', 16);
  expect(raw(stretched, '44') / raw(plain, '44')).toBeCloseTo(0.5, 2);
  expect(raw(stretched, '10') / raw(plain, '10')).toBeCloseTo(0.655, 2);
  const maf = stretched.truth(0x10, 20 * S)?.[0];
  expect(maf).toBeCloseTo(plain.truth(0x10, 20 * S)?.[0] ?? 0, 1);
});

test('up to six PIDs come in one message on CAN, more or mixed with bitmaps in none', () => {
  const car = vehicle();
  const parts = ['04', '05', '0c', '0d', '0f', '11'].map((pid) => {
    return ask(car, ENGINE, `01${pid}`, 20)[0]?.slice(2);
  });
  expect(ask(car, ENGINE, '0104050c0d0f11', 20)).toEqual([`41${parts.join('')}`]);
  expect(ask(car, ENGINE, '0104050c0d0f1142', 20)).toEqual([]);
  expect(ask(car, ENGINE, '010004', 20)).toEqual([]);
  expect(ask(car, ENGINE, '0104a4', 20)).toEqual([`41${parts[0]}`]);
  expect(ask(car, ENGINE, '01040c', 20, 'legacy')).toEqual([]);
});

test('an unsupported PID or service is met with silence', () => {
  expect(ask(vehicle(), ENGINE, '010a', 20)).toEqual([]);
  expect(ask(vehicle(), ENGINE, '22f190', 20)).toEqual([]);
  expect(ask(vehicle(), TRANSMISSION, '010c', 20)).toEqual([]);
});

test('a trouble turns pending, then stored with lamp and freeze frame, then permanent', () => {
  const car = vehicle();
  const codes = (s: number) => ['03', '07', '0a'].map((sid) => ask(car, ENGINE, sid, s)[0]);
  expect(codes(20)).toEqual(['4300', '4700', '4a00']);
  expect(codes(60)).toEqual(['4300', '47010301', '4a00']);
  expect(ask(car, ENGINE, '020200', 60)).toEqual(['4202000000']);
  expect(ask(car, ENGINE, '020c00', 60)).toEqual([]);
  expect(codes(120)).toEqual(['43010301', '47010301', '4a010301']);
  expect(ask(car, ENGINE, '0101', 120)[0]?.slice(4, 6)).toBe('81');
  expect(ask(car, ENGINE, '020200', 120)).toEqual(['4202000301']);
  const frozen = ask(car, ENGINE, '020c00', 120);
  expect(frozen).toHaveLength(1);
  expect(ask(car, ENGINE, '020c00', 300)).toEqual(frozen);
  expect(ask(car, TRANSMISSION, '03', 120)).toEqual(['4300']);
});

test('clearing is refused while the engine runs, and forgets all but the permanent codes', () => {
  const car = vehicle({ trouble: 'P0301', ignitionCycles: { onS: 150, offS: 10 } });
  expect(ask(car, ENGINE, '04', 140)).toEqual(['7f0422']);
  expect(ask(car, ENGINE, '03', 160.2)).toEqual(['43010301']);
  expect(ask(car, ENGINE, '04', 160.5)).toEqual(['44']); // Ignition on, engine not started yet.
  expect(['03', '07', '0a'].map((sid) => ask(car, ENGINE, sid, 165)[0])).toEqual([
    '4300',
    '4700',
    '4a010301',
  ]);
  expect(ask(car, ENGINE, '0130', 165)).toEqual(['413000']);
  expect(ask(car, ENGINE, '03', 290)).toEqual(['43010301']);
});

test('readiness: everything open after clearing, closed after a long drive', () => {
  const car = vehicle({ trouble: 'none' });
  expect(ask(car, ENGINE, '0101', 5)).toEqual(['41010077e5e5']);
  expect(ask(car, ENGINE, '0101', 700)).toEqual(['41010007e500']);
});

test('vehicle information on CAN and on the older buses', () => {
  const car = vehicle();
  const vin = Buffer.from(car.car.traits.vin).toString('hex');
  expect(vin).toHaveLength(34);
  expect(ask(car, ENGINE, '0900', 20)).toEqual(['490055400000']);
  expect(ask(car, ENGINE, '0902', 20)).toEqual([`490201${vin}`]);
  expect(ask(car, ENGINE, '0901', 20, 'legacy')).toEqual(['490105']);
  const lines = ask(car, ENGINE, '0902', 20, 'legacy');
  expect(lines.map((line) => line.slice(0, 6))).toEqual([1, 2, 3, 4, 5].map((n) => `49020${n}`));
  expect(lines.map((line) => line.slice(6)).join('')).toBe(`000000${vin}`);
  expect(ask(car, ENGINE, '0906', 20)).toEqual(['7f0978', '4906011c9a52e7']);
  expect(ask(car, ENGINE, '0908', 20)[0]).toHaveLength(2 * (3 + 32));
  expect(ask(car, TRANSMISSION, '090a', 20)[0]).toHaveLength(2 * (3 + 20));
  expect(ask(car, TRANSMISSION, '0902', 20)).toEqual([]);
});

test('monitor tests are nine bytes each, zero before they ran, failed when the trouble is there', () => {
  const car = vehicle({ trouble: 'P0420' });
  expect(ask(car, ENGINE, '0621', 10)).toEqual(['46218120000000000000']);
  expect(ask(car, ENGINE, '0621', 35)).toEqual(['462181200026000000b4']);
  expect(ask(car, ENGINE, '0621', 120)).toEqual(['4621812000d6000000b4']);
  expect(ask(car, ENGINE, '0600', 10)).toEqual(['4600c0000001']);
  expect(ask(car, ENGINE, '0621', 120, 'legacy')).toEqual([]);
});

test('trouble codes on the older buses fill a line of three', () => {
  expect(ask(vehicle(), ENGINE, '03', 20, 'legacy')).toEqual(['43000000000000']);
  expect(ask(vehicle(), ENGINE, '03', 130, 'legacy')).toEqual(['43030100000000']);
});

test('code letters and digits become two bytes', () => {
  expect(codeBytes('P0301')).toEqual([0x03, 0x01]);
  expect(codeBytes('C1234')).toEqual([0x52, 0x34]);
  expect(codeBytes('U1016')).toEqual([0xd0, 0x16]);
});

test('a parked car says nothing', () => {
  const car = vehicle({ ignitionOffAtS: 60 });
  expect(ask(car, ENGINE, '0100', 59)).toHaveLength(1);
  expect(ask(car, ENGINE, '0100', 61)).toEqual([]);
});

test('units that know one PID a request stay silent on more', () => {
  const car = createVehicle(createCar(1), { singlePidOnly: true });
  expect(ask(car, ENGINE, '010c', 20)).toHaveLength(1);
  expect(ask(car, ENGINE, '010c0d', 20)).toEqual([]);
  expect(ask(car, TRANSMISSION, '010d1c', 20)).toEqual([]);
});

test('a slow transmission unit answers 45 ms after the engine unit', () => {
  const { ecus } = createVehicle(createCar(1), { slowSecond: true });
  const times = ecus.map((ecu) => ecu.answer([0x01, 0x0d], 20 * S, 'can')[0]?.afterMs);
  expect(times).toEqual([8, 53]);
});

test('a unit whose verification numbers stay pending answers everything else', () => {
  const engine = createVehicle(createCar(1), { pendingOnly: 'engine' });
  expect(ask(engine, ENGINE, '0906', 20)).toEqual(['7f0978']);
  expect(ask(engine, ENGINE, '0904', 20)).toHaveLength(1);
  expect(ask(engine, TRANSMISSION, '0906', 20)).toEqual([]);
  const transmission = createVehicle(createCar(1), { pendingOnly: 'transmission' });
  expect(ask(transmission, ENGINE, '0906', 20)).toEqual(['7f0978', '4906011c9a52e7']);
  expect(ask(transmission, TRANSMISSION, '0906', 20)).toEqual(['7f0978']);
});

function hex(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('hex');
}
