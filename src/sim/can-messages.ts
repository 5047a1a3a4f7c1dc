/**
 * The messages that the simulated car's control units send by themselves, as can-car.dbc describes them.
 * A car's maker keeps such a list to himself; this one is made up, with all that is found in real ones:
 * both byte orders, numbers with a sign, a message whose content changes (multiplexed), identifiers of
 * 29 bits, counters and checksums.
 */
import type { Movement } from './can-movement.ts';
import { type Layout, putRaw, rawOf } from './can-signals.ts';
import type { CarState } from './car.ts';
import { clamp, shaftRpm } from './drivetrain.ts';
import { REFERENCE_TORQUE_NM } from './engine.ts';

/** The car at the moment that a message is sent. */
export interface Moment {
  readonly car: CarState;
  readonly move: Movement;
  /** Seconds since the simulation began. */
  readonly s: number;
  /** How often this message was sent before. */
  readonly n: number;
}

export interface Signal extends Layout {
  readonly name: string;
  /** The physical value. */
  readonly of: (moment: Moment) => number;
  /** Only sent when the multiplexor, the first signal of its message, has this value. */
  readonly when?: number;
}

export interface Message {
  readonly name: string;
  /** 11 bits, or 29 where that is more. */
  readonly id: number;
  readonly bytes: number;
  readonly periodMs: number;
  readonly signals: readonly Signal[];
}

const ID_11_MAX = 0x7ff;
/** The last byte of a message that has this signal is the sum of all others and of the identifier's. */
const CHECKSUM = 'Checksum';

/** The data bytes of a message at one moment. */
export function messageData(message: Message, moment: Moment): Uint8Array {
  const data = new Uint8Array(message.bytes);
  const chosen = message.signals[0]?.of(moment);
  for (const signal of message.signals) {
    if (signal.when !== undefined && signal.when !== chosen) continue;
    putRaw(data, rawOf(signal.of(moment), signal), signal);
  }
  if (message.signals.at(-1)?.name === CHECKSUM) {
    const sum = data.subarray(0, -1).reduce((a, b) => a + b, message.id);
    data[data.length - 1] = sum & 0xff;
  }
  return data;
}

/** Whether the identifier has 29 bits. */
export function isExtended({ id }: Message): boolean {
  return id > ID_11_MAX;
}

type Value = (moment: Moment) => number;
/** First bit and number of bits, and what a raw value is multiplied by and added to. */
type Place = readonly [start: number, bits: number, factor?: number, offset?: number];

function signal(
  name: string,
  [start, bits, factor = 1, offset = 0]: Place,
  order: Layout['order'],
  of: Value,
): Signal {
  return { name, start, bits, factor, offset, order, of, signed: false };
}

const le = (name: string, place: Place, of: Value): Signal => signal(name, place, 'little', of);
const be = (name: string, place: Place, of: Value): Signal => signal(name, place, 'big', of);
const signed = (unsigned: Signal): Signal => ({ ...unsigned, signed: true });
const when = (value: number, other: Signal): Signal => ({ ...other, when: value });
const flag = (name: string, start: number, of: (moment: Moment) => boolean): Signal =>
  le(name, [start, 1], (moment) => (of(moment) ? 1 : 0));
const counter = (start: number): Signal => le('Counter', [start, 4], ({ n }) => n & 0x0f);
const checksum = (start: number): Signal => le(CHECKSUM, [start, 8], () => 0);

const PHASES = ['off', 'cranking', 'running'] as const;
const SELECTOR = { parked: 0, drive: 3 } as const;
const TYRES = ['FrontLeft', 'FrontRight', 'RearLeft', 'RearRight'] as const;
const DISTANCE_CM_MAX = 255;
/** The driver shuts the door and fastens the belt; then the doors lock themselves. */
const BELT_S = 6;
const DOOR_S = 3;
const LOCK_KM = 0.05;
const TURNING_DEG = 70;
const BLINK_S = 0.7;
const DAY_MINUTES = 24 * 60;
const START_MINUTE = 7 * 60 + 40;

const runs = ({ car }: Moment): boolean => car.engine.phase === 'running';
const torque: Value = (m) =>
  runs(m) ? m.car.engine.effort * REFERENCE_TORQUE_NM - 17 - 0.006 * m.car.engine.rpm : 0;
const blinks = ({ s }: Moment): boolean => s % BLINK_S < BLINK_S / 2;
const cruises = ({ car }: Moment): boolean => car.motion.speedKmh > 100;
const minute: Value = ({ s }) => (START_MINUTE + Math.floor(s / 60)) % DAY_MINUTES;
const tyreBar =
  (wheel: number): Value =>
  ({ car }) =>
    2.3 + 0.02 * wheel + (car.heat.oilC - car.ambientC) / 400;
const tyreC =
  (wheel: number): Value =>
  ({ car }) =>
    car.ambientC + 0.15 * car.motion.speedKmh + wheel;
/** How near the kerb is, of a car that moves slowly. */
const distance =
  (phase: number): Value =>
  ({ car, s }) =>
    car.motion.speedKmh > 10 ? DISTANCE_CM_MAX : 130 + 110 * Math.sin(s / 4 + phase);

// biome-ignore format: one signal a line, its place in columns
export const MESSAGES: readonly Message[] = [
  { name: 'Engine', id: 0x0c0, bytes: 8, periodMs: 10, signals: [
    le('EngineSpeed', [0, 16, 0.25], ({ car }) => car.engine.rpm),
    signed(le('EngineTorque', [16, 12, 0.5], torque)),
    le('EngineState', [28, 2], ({ car }) => PHASES.indexOf(car.engine.phase)),
    le('PedalPosition', [32, 8, 0.4], ({ car }) => car.engine.pedalPct),
    counter(48), checksum(56) ] },
  { name: 'WheelSpeeds', id: 0x0d0, bytes: 8, periodMs: 10, signals: [
    be('SpeedFrontLeft', [7, 16, 0.01], ({ move }) => move.wheelsKmh[0]),
    be('SpeedFrontRight', [23, 16, 0.01], ({ move }) => move.wheelsKmh[1]),
    be('SpeedRearLeft', [39, 16, 0.01], ({ move }) => move.wheelsKmh[2]),
    be('SpeedRearRight', [55, 16, 0.01], ({ move }) => move.wheelsKmh[3]) ] },
  { name: 'Steering', id: 0x0e0, bytes: 8, periodMs: 10, signals: [
    signed(be('SteeringAngle', [7, 16, 0.1], ({ move }) => move.steeringDeg)),
    signed(be('SteeringRate', [23, 16, 0.5], ({ move }) => move.steeringRateDegS)),
    counter(48), checksum(56) ] },
  { name: 'Pedals', id: 0x110, bytes: 3, periodMs: 20, signals: [
    le('Accelerator', [0, 8, 0.4], ({ car }) => car.engine.pedalPct),
    le('BrakePressure', [8, 12, 0.1], ({ move }) => move.brakeBar),
    flag('BrakePressed', 20, ({ move }) => move.brakeBar > 0),
    flag('KickDown', 21, ({ car }) => car.engine.pedalPct > 99) ] },
  { name: 'Motion', id: 0x120, bytes: 6, periodMs: 20, signals: [
    signed(le('AccelLongitudinal', [0, 16, 0.001], ({ car }) => car.motion.acceleration)),
    signed(le('AccelLateral', [16, 16, 0.001], ({ move }) => move.lateralMs2)),
    signed(le('YawRate', [32, 16, 0.01], ({ move }) => move.yawDegS)) ] },
  { name: 'Gearbox', id: 0x130, bytes: 3, periodMs: 20, signals: [
    le('Gear', [0, 4], ({ car }) => car.motion.gear),
    le('Selector', [4, 3], (m) => (runs(m) ? SELECTOR.drive : SELECTOR.parked)),
    flag('Shifting', 7, ({ car }) => car.motion.shiftS > 0),
    be('OutputSpeed', [15, 16, 0.5], ({ car }) => shaftRpm(car.motion.speedKmh, 1)) ] },
  { name: 'Speed', id: 0x1a0, bytes: 4, periodMs: 50, signals: [
    le('VehicleSpeed', [0, 16, 0.01], ({ car }) => car.motion.speedKmh),
    be('DisplaySpeed', [23, 8], ({ car }) => car.motion.speedKmh * 1.03),
    flag('Standstill', 24, ({ car }) => car.motion.speedKmh === 0) ] },
  { name: 'AirPath', id: 0x1b0, bytes: 7, periodMs: 50, signals: [
    le('Throttle', [0, 8, 0.4], ({ car }) => car.engine.throttlePct),
    le('ManifoldPressure', [8, 8], ({ car }) => car.engine.mapKpa),
    be('MassAirFlow', [23, 16, 0.01], ({ car }) => car.engine.mafGs),
    signed(le('IgnitionAdvance', [32, 8, 0.5], ({ car }) => car.engine.timingDeg)),
    le('FuelRate', [40, 16, 0.05], ({ car }) => car.engine.fuelLh) ] },
  { name: 'Temperatures', id: 0x280, bytes: 5, periodMs: 100, signals: [
    le('CoolantTemperature', [0, 8, 0.75, -48], ({ car }) => car.heat.coolantC),
    le('OilTemperature', [8, 8, 1, -40], ({ car }) => car.heat.oilC),
    le('IntakeTemperature', [16, 8, 0.5, -40], ({ car }) => car.heat.intakeC),
    be('CatalystTemperature', [31, 16, 0.1, -40], ({ car }) => car.heat.catalystFrontC) ] },
  { name: 'Fuel', id: 0x288, bytes: 2, periodMs: 100, signals: [
    le('FuelLevel', [0, 8, 0.5], ({ car }) => car.fuelPct),
    flag('LowFuel', 8, ({ car }) => car.fuelPct < 12) ] },
  { name: 'Battery', id: 0x290, bytes: 4, periodMs: 100, signals: [
    le('BatteryVoltage', [0, 16, 0.001], ({ car }) => car.voltageV),
    signed(be('BatteryCurrent', [23, 16, 0.1], ({ car }) => 8 * (car.voltageV - 12.8))) ] },
  { name: 'Odometer', id: 0x2a0, bytes: 5, periodMs: 100, signals: [
    le('TotalDistance', [0, 24, 0.1], ({ car }) => car.odometerKm),
    be('TripDistance', [31, 16, 0.1], ({ car }) => car.motion.tripKm) ] },
  { name: 'Doors', id: 0x300, bytes: 2, periodMs: 100, signals: [
    flag('DoorFrontLeft', 0, ({ car }) => car.ignitionS < DOOR_S),
    flag('DoorFrontRight', 1, () => false),
    flag('DoorRearLeft', 2, () => false),
    flag('DoorRearRight', 3, () => false),
    flag('Boot', 4, () => false),
    flag('Bonnet', 5, () => false),
    le('CentralLock', [8, 2], ({ car }) => (car.motion.tripKm > LOCK_KM ? 1 : 0)) ] },
  { name: 'Lights', id: 0x308, bytes: 2, periodMs: 100, signals: [
    flag('LowBeam', 0, runs),
    flag('HighBeam', 1, ({ car }) => car.motion.speedKmh > 95),
    flag('IndicatorLeft', 2, (m) => m.move.steeringDeg > TURNING_DEG && blinks(m)),
    flag('IndicatorRight', 3, (m) => m.move.steeringDeg < -TURNING_DEG && blinks(m)),
    flag('BrakeLight', 4, ({ move }) => move.brakeBar > 0),
    flag('ReverseLight', 5, () => false),
    flag('FogLight', 6, ({ move }) => move.rain > 0.8),
    le('Dimmer', [8, 7], () => 60) ] },
  { name: 'Wipers', id: 0x310, bytes: 1, periodMs: 100, signals: [
    le('WiperMode', [0, 3], ({ move }) => Math.ceil(3 * move.rain)),
    le('RainIntensity', [3, 4], ({ move }) => 15 * move.rain) ] },
  { name: 'Climate', id: 0x318, bytes: 4, periodMs: 100, signals: [
    le('CabinTemperature', [0, 8, 0.5, -40], ({ car }) => clamp(car.ambientC + car.ignitionS / 60, car.ambientC, 22)),
    le('SetTemperature', [8, 6, 0.5, 15], () => 21.5),
    le('Fan', [14, 3], ({ car }) => clamp(Math.round(6 - car.ignitionS / 120), 2, 6)),
    flag('Compressor', 17, (m) => runs(m) && m.car.ambientC > 18),
    be('VentTemperature', [31, 8, 0.5, -40], ({ car }) => clamp(car.heat.coolantC - 20, car.ambientC, 45)) ] },
  { name: 'Ambient', id: 0x320, bytes: 3, periodMs: 100, signals: [
    le('OutsideTemperature', [0, 8, 0.5, -40], ({ car }) => car.ambientC),
    be('AirPressure', [15, 11], ({ car }) => 10 * car.baroKpa) ] },
  { name: 'Seats', id: 0x328, bytes: 1, periodMs: 100, signals: [
    flag('BeltDriver', 0, ({ car }) => car.ignitionS > BELT_S),
    flag('BeltPassenger', 1, () => false),
    flag('PassengerPresent', 2, () => false),
    le('SeatHeating', [4, 2], ({ car }) => (car.ambientC < 8 ? 2 : 0)) ] },
  { name: 'Clock', id: 0x330, bytes: 3, periodMs: 100, signals: [
    le('Hour', [0, 5], (m) => Math.floor(minute(m) / 60)),
    le('Minute', [8, 6], (m) => minute(m) % 60),
    le('Second', [16, 6], ({ s }) => Math.floor(s) % 60) ] },
  { name: 'Tyres', id: 0x340, bytes: 3, periodMs: 100, signals: [
    le('Wheel', [0, 2], ({ n }) => n % TYRES.length),
    ...TYRES.flatMap((tyre, wheel) => [
      when(wheel, le(`Pressure${tyre}`, [8, 8, 0.02], tyreBar(wheel))),
      when(wheel, be(`Heat${tyre}`, [23, 8, 1, -50], tyreC(wheel))) ]) ] },
  { name: 'Warnings', id: 0x350, bytes: 1, periodMs: 100, signals: [
    flag('OilPressureLamp', 0, (m) => !runs(m)),
    flag('ChargeLamp', 1, (m) => !runs(m)),
    flag('AbsLamp', 2, ({ car }) => car.ignitionS < 2),
    flag('AirbagLamp', 3, ({ car }) => car.ignitionS < 4),
    flag('BeltLamp', 4, ({ car }) => car.ignitionS <= BELT_S),
    flag('TyreLamp', 5, () => false) ] },
  { name: 'Exhaust', id: 0x360, bytes: 6, periodMs: 100, signals: [
    le('Lambda', [0, 16, 0.0001], ({ car }) => car.exhaust.lambda),
    signed(le('ShortTrim', [16, 8, 0.5], ({ car }) => car.exhaust.shortTrimPct)),
    signed(le('LongTrim', [24, 8, 0.5], ({ car }) => car.exhaust.longTrimPct)),
    be('RearSensor', [39, 16, 0.001], ({ car }) => car.exhaust.rearV) ] },
  { name: 'Cruise', id: 0x370, bytes: 2, periodMs: 100, signals: [
    le('CruiseState', [0, 2], (m) => (cruises(m) ? 2 : 1)),
    le('CruiseSpeed', [8, 8], (m) => (cruises(m) ? m.car.motion.speedKmh : 0)) ] },
  { name: 'Parking', id: 0x380, bytes: 4, periodMs: 100, signals: [
    le('DistanceFrontLeft', [0, 8], distance(0)),
    le('DistanceFrontRight', [8, 8], distance(1)),
    le('DistanceRearLeft', [16, 8], distance(2)),
    le('DistanceRearRight', [24, 8], distance(3)) ] },
  // As in SAE J1939-71, "cruise control and vehicle speed", from source address 17.
  { name: 'VehicleData', id: 0x18fe_f117, bytes: 8, periodMs: 100, signals: [
    le('WheelBasedSpeed', [8, 16, 1 / 256], ({ car }) => car.motion.speedKmh),
    le('CruiseActive', [24, 2], (m) => (cruises(m) ? 1 : 0)),
    le('BrakeSwitch', [28, 2], ({ move }) => (move.brakeBar > 0 ? 1 : 0)) ] },
];
