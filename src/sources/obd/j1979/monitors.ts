/**
 * Readiness of the emission monitors: PIDs 01 (since codes were cleared) and 41 (this drive cycle)
 * of SAE J1979 service 01.
 *
 *   A  bit 7: indicator lamp, bits 0-6: number of codes. In PID 41 always 0.
 *   B  bits 0-2: misfire, fuel system, components supported; bit 3: compression ignition;
 *      bits 4-6: the same three NOT complete
 *   C  supported, D NOT complete: eight more monitors, which ones depends on B bit 3
 *
 * In PID 41 "supported" reads "enabled in this cycle".
 */
export type MonitorScope = 'since-cleared' | 'this-cycle';

export interface Monitor {
  readonly name: string;
  readonly supported: boolean;
  /** True as well for most monitors that are not supported: look at `supported` first. */
  readonly complete: boolean;
}

export interface MonitorStatus {
  /** The malfunction indicator lamp is commanded on; false in PID 41, which does not tell. */
  readonly mil: boolean;
  /** Confirmed emission-related codes in this ECU, 0 to 127; 0 in PID 41, which does not tell. */
  readonly dtcCount: number;
  readonly ignition: 'spark' | 'compression';
  readonly monitors: readonly Monitor[];
}

const CONTINUOUS = ['misfire', 'fuel system', 'components'] as const;

/** Bits 0 to 7 of C and D. Bit 4 was the air conditioning before J1979-DA gave it to the filter. */
const SPARK = [
  'catalyst',
  'heated catalyst',
  'evaporative system',
  'secondary air',
  'petrol particulate filter',
  'oxygen sensor',
  'oxygen sensor heater',
  'EGR or VVT',
] as const;

const COMPRESSION = [
  'NMHC catalyst',
  'NOx or SCR aftertreatment',
  undefined,
  'boost pressure',
  undefined,
  'exhaust gas sensor',
  'particulate filter',
  'EGR or VVT',
] as const;

/** Decodes the four data bytes of PID 01 or 41; undefined when they are not four. */
export function decodeMonitors(data: Uint8Array, scope: MonitorScope): MonitorStatus | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = data;
  if (data.length !== 4) return undefined;
  const monitors: Monitor[] = CONTINUOUS.map((name, bit) => ({
    name,
    supported: isSet(b, bit),
    complete: !isSet(b, bit + 4),
  }));
  const compression = isSet(b, 3);
  for (const [bit, name] of (compression ? COMPRESSION : SPARK).entries()) {
    if (name) monitors.push({ name, supported: isSet(c, bit), complete: !isSet(d, bit) });
  }
  const sinceCleared = scope === 'since-cleared';
  return {
    mil: sinceCleared && isSet(a, 7),
    dtcCount: sinceCleared ? a & 0x7f : 0,
    ignition: compression ? 'compression' : 'spark',
    monitors,
  };
}

function isSet(byte: number, bit: number): boolean {
  return ((byte >> bit) & 1) === 1;
}
