/** The car as a mass on wheels with a driver and an automatic six-speed gearbox. */
export interface Motion {
  /** Road speed in km/h, never negative. */
  readonly speedKmh: number;
  /** m/s2, negative when braking. */
  readonly acceleration: number;
  /** 1 to 6; the box stays in first at a standstill. */
  readonly gear: number;
  /** Input over output speed of the gearbox in this gear. */
  readonly gearRatio: number;
  /** Seconds left of the running gear change, 0 when engaged. */
  readonly shiftS: number;
  /** Kilometres since the simulation began. */
  readonly tripKm: number;
}

const GEAR_RATIOS: readonly number[] = [3.45, 2.1, 1.45, 1.08, 0.86, 0.7];
const FINAL_DRIVE = 4.1;
const WHEEL_RADIUS_M = 0.31;
const DRIVELINE_EFFICIENCY = 0.92;
const MASS_KG = 1400;
const GRAVITY_MS2 = 9.81;
const ROLLING_RESISTANCE = 0.011;
/** Half the air density times drag coefficient times frontal area, in kg/m. */
const DRAG_KG_PER_M = 0.39;

const ACCELERATION_MAX_MS2 = 2.2;
const BRAKING_MAX_MS2 = 2.6;
/** The speed at which the best acceleration has halved. */
const HALF_PULL_MS = 18;
/** How soon the driver wants to be at the target speed, and how soon the foot reaches the pedal. */
const DRIVER_TAU_S = 1.6;
const FOOT_TAU_S = 0.35;
/** Slower than this the brake holds the car. */
const STANDSTILL_MS = 0.25;

const SHIFT_S = 0.35;
const UPSHIFT_RPM = 2150;
const UPSHIFT_EXTRA_RPM = 1100;
const DOWNSHIFT_RPM = 1180;

/** A car at rest in first gear. */
export const AT_REST: Motion = {
  speedKmh: 0,
  acceleration: 0,
  gear: 1,
  gearRatio: 3.45,
  shiftS: 0,
  tripKm: 0,
};

/** The car `dtS` seconds later, with a driver who aims for `targetKmh`. */
export function nextMotion(was: Motion, targetKmh: number, dtS: number): Motion {
  const v = was.speedKmh / 3.6;
  const wanted = clamp(
    (targetKmh / 3.6 - v) / DRIVER_TAU_S,
    -BRAKING_MAX_MS2,
    ACCELERATION_MAX_MS2 / (1 + v / HALF_PULL_MS),
  );
  const acceleration = was.acceleration + (wanted - was.acceleration) * (dtS / FOOT_TAU_S);
  const next = v + acceleration * dtS;
  const stands = targetKmh === 0 && next < STANDSTILL_MS;
  const speed = stands ? 0 : Math.max(0, next);
  const gear = nextGear(was, speed);
  return {
    speedKmh: speed * 3.6,
    acceleration: stands ? 0 : acceleration,
    gear,
    gearRatio: GEAR_RATIOS[gear - 1] ?? 1,
    shiftS: gear === was.gear ? Math.max(0, was.shiftS - dtS) : SHIFT_S,
    tripKm: was.tripKm + (speed * dtS) / 1000,
  };
}

function nextGear({ gear, acceleration, shiftS }: Motion, speed: number): number {
  if (shiftS > 0) return gear;
  const rpm = shaftRpm(speed * 3.6, GEAR_RATIOS[gear - 1] ?? 1);
  const pull = clamp(acceleration / ACCELERATION_MAX_MS2, 0, 1);
  if (rpm > UPSHIFT_RPM + UPSHIFT_EXTRA_RPM * pull) return Math.min(gear + 1, GEAR_RATIOS.length);
  return rpm < DOWNSHIFT_RPM ? Math.max(gear - 1, 1) : gear;
}

/** Engine speed in rpm with the clutch closed. */
export function shaftRpm(speedKmh: number, gearRatio: number): number {
  return (speedKmh / 3.6 / (2 * Math.PI * WHEEL_RADIUS_M)) * 60 * gearRatio * FINAL_DRIVE;
}

/** What the wheels ask of the engine in N.m; negative when the car pushes the engine. */
export function roadTorqueNm({ speedKmh, acceleration, gearRatio, shiftS }: Motion): number {
  if (speedKmh === 0 || shiftS > 0) return 0;
  const v = speedKmh / 3.6;
  const force =
    MASS_KG * acceleration + DRAG_KG_PER_M * v * v + MASS_KG * GRAVITY_MS2 * ROLLING_RESISTANCE;
  return (force * WHEEL_RADIUS_M) / (gearRatio * FINAL_DRIVE * DRIVELINE_EFFICIENCY);
}

/** `value`, or the limit it passed. */
export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
