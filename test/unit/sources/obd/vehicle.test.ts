import { describe, expect, test } from 'vitest';
import type { Stream } from '#core/stream.ts';
import { Adapter } from '../../../../src/sources/obd/elm/adapter.ts';
import { Elm327 } from '../../../../src/sources/obd/elm/elm327.ts';
import { Timing } from '../../../../src/sources/obd/elm/timing.ts';
import { discover, EcuStreams, Vehicle } from '../../../../src/sources/obd/vehicle.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { finish } from '../../../support/finish.ts';
import { lines, ScriptedAdapter } from '../../../support/scripted-adapter.ts';

/** PIDs 0C and 0D, and another bitmap after this one. */
const RPM_SPEED_MORE = '00180001';
/** PID 05 alone. */
const COOLANT = '08000000';

/** Asks a car whose answers are a script; several for one request are given in turn. */
async function ask(answers: Readonly<Record<string, readonly string[]>>, last?: Vehicle) {
  const clock = new FakeClock();
  const turns = new Map<string, number>();
  const elm = new ScriptedAdapter({
    clock,
    reply: (command) => {
      if (command === 'ATDPN') return lines('6');
      if (command.startsWith('AT')) return lines('OK');
      const turn = turns.get(command) ?? 0;
      turns.set(command, turn + 1);
      const list = answers[command] ?? ['NO DATA'];
      return lines(list[Math.min(turn, list.length - 1)] ?? '');
    },
  });
  const dialogue = new Elm327(elm.port, clock);
  void dialogue.listen();
  const adapter = new Adapter(dialogue, new AbortController().signal, new Timing());
  const first = await finish(clock, adapter.connect());
  const vehicle = await finish(clock, discover(adapter, first, last));
  const asked = elm.commands.filter((command) => command.startsWith('01'));
  const supported = Object.fromEntries(
    [...vehicle.ecus].map(([id, ecu]) => [id, [...ecu.supported]]),
  );
  return { vehicle, asked, supported };
}

describe('asking a car what it knows', () => {
  test('goes on while a bitmap announces another, one a request', async () => {
    const { asked, supported } = await ask({
      '0100': [`7E8064100${RPM_SPEED_MORE}00`],
      '0120': ['7E80641208000000100'],
      '0140': ['7E80641404000000000'],
    });
    expect(asked).toEqual(['0100', '0120', '0140']);
    expect(supported).toEqual({ '7e8': [0x0c, 0x0d, 0x20, 0x21, 0x40, 0x42] });
  });

  test('ends at the last bitmap there is', async () => {
    const bases = ['00', '20', '40', '60', '80', 'A0', 'C0', 'E0'];
    const answers = bases.map((base) => [`01${base}`, [`7E80641${base}0000000100`]] as const);
    const { asked } = await ask(Object.fromEntries(answers));
    expect(asked).toEqual(bases.map((base) => `01${base}`));
  });

  test('keeps its ECUs apart, and goes on for the one that has more', async () => {
    const { asked, supported, vehicle } = await ask({
      '0100': [`7E9064100${COOLANT}00\r7E8064100${RPM_SPEED_MORE}00`],
      '0120': ['7E80641208000000000'],
    });
    expect(asked).toEqual(['0100', '0120']);
    expect(supported).toEqual({ '7e8': [0x0c, 0x0d, 0x20, 0x21], '7e9': [0x05] });
    expect([...vehicle.ecus.keys()]).toEqual(['7e8', '7e9']);
  });

  test.each([
    ['cut', '7E80641208000 BUFFER FULL'],
    ['damaged', '7E8064120800Z000000'],
    ['another one’s', '7E804410C1AF8000000'],
    ['another service’s', '7E8064920FFFFFFFF00'],
    ['no answer', 'NO DATA'],
  ])('asks again where an answer is %s', async (_, bad) => {
    const { asked, supported } = await ask({
      '0100': [`7E8064100${RPM_SPEED_MORE}00`],
      '0120': [bad, '7E80641208000000000'],
    });
    expect(asked).toEqual(['0100', '0120', '0120']);
    expect(supported).toEqual({ '7e8': [0x0c, 0x0d, 0x20, 0x21] });
  });

  test('asks for what only one of two ECUs answered whole, and keeps both', async () => {
    const engine = `7E8064100${RPM_SPEED_MORE}00`;
    const { asked, supported } = await ask({
      '0100': [`${engine}\r7E90641000800 BUFFER FULL`, `${engine}\r7E9064100${COOLANT}00`],
    });
    expect(asked.slice(0, 2)).toEqual(['0100', '0100']);
    expect(supported).toEqual({ '7e8': [0x0c, 0x0d, 0x20], '7e9': [0x05] });
  });

  test('gives up after three tries, with what it has', async () => {
    const { asked, supported } = await ask({ '0100': [`7E8064100${RPM_SPEED_MORE}00`] });
    expect(asked).toEqual(['0100', '0120', '0120', '0120']);
    expect(supported).toEqual({ '7e8': [0x0c, 0x0d, 0x20] });
  });

  test('finds no ECU where nobody sends a bitmap', async () => {
    const { vehicle } = await ask({ '0100': ['7E8037F0112'] });
    expect(vehicle.ecus.size).toBe(0);
    expect([vehicle.engine, vehicle.pids]).toEqual([undefined, []]);
  });
});

describe('a vehicle', () => {
  const car = (ecus: Record<string, number[]>, last?: Vehicle): Vehicle =>
    new Vehicle(new Map(Object.entries(ecus).map(([id, pids]) => [id, new Set(pids)])), last);

  test('has its engine where the engine speed is', () => {
    expect(car({ '7ea': [0x0c], '7e8': [0x0d], '7e9': [0x0c] }).engine).toBe('7e9');
    expect(car({ '7ea': [0x05], '7e8': [0x0d] }).engine).toBe('7e8');
  });

  test('knows the PIDs of all ECUs that can be decoded, in order', () => {
    expect(car({ '7e8': [0x0d, 0x0c], '7e9': [0x05, 0x0c, 0xfe] }).pids).toEqual([
      0x05, 0x0c, 0x0d,
    ]);
  });

  test('knows the length of a PID when every ECU that has it was seen to send it', () => {
    const vehicle = car({ '7e8': [0x0c, 0x0d], '7e9': [0x0d] });
    expect(vehicle.knowsLength(0x0d)).toBe(false);
    vehicle.ecus.get('7e8')?.lengths.set(0x0d, 1);
    expect(vehicle.knowsLength(0x0d)).toBe(false);
    vehicle.ecus.get('7e9')?.lengths.set(0x0d, 1);
    expect([vehicle.knowsLength(0x0d), vehicle.knowsLength(0x0c)]).toEqual([true, false]);
  });

  test('keeps what was learned of an ECU that is still the same', () => {
    const before = car({ '7e8': [0x0c], '7e9': [0x0d] });
    before.ecus.get('7e8')?.lengths.set(0x0c, 2);
    before.ecus.get('7e9')?.lengths.set(0x0d, 1);
    const after = car({ '7e8': [0x0c], '7e9': [0x0d, 0x05] }, before);
    expect(after.ecus.get('7e8')?.lengths.get(0x0c)).toBe(2);
    expect(after.ecus.get('7e9')?.lengths.size).toBe(0);
  });

  test('gives the streams of its other ECUs their address', () => {
    const vehicle = car({ '7e8': [0x0c, 0x0d], '7e9': [0x0d] });
    const streams = new EcuStreams();
    expect(streams.of(SPEED, '7e8', vehicle)).toBe(SPEED);
    const other = streams.of(SPEED, '7e9', vehicle);
    expect(other).toEqual({ ...SPEED, id: 'obd.7e9.vehicle.speed', name: 'Road speed (7E9)' });
    expect(streams.of(SPEED, '7e9', car({ '7e8': [0x0c], '7e9': [] }))).toBe(other);
    expect(streams.all).toEqual([other]);
  });
});

const SPEED: Stream = {
  id: 'obd.vehicle.speed',
  name: 'Road speed',
  unit: 'km/h',
  range: [0, 255],
  hz: 10,
  kind: 'sample',
};
