/**
 * Units as Home Assistant writes them, of UCUM's. Where it has a device class for the unit, it can convert
 * the value (°C to °F) and draws it with the right icon; a class with a unit that is not one of its own is
 * refused. Classes and units: DEVICE_CLASS_UNITS of homeassistant/components/sensor/const.py, as of 2024.11.
 */
export interface HaUnit {
  /** Undefined for a pure number. */
  readonly unit: string | undefined;
  readonly deviceClass: string | undefined;
}

// biome-ignore format: UCUM, unit, device class
const ROWS: readonly (readonly [ucum: string, unit: string | undefined, deviceClass?: string])[] = [
  ['1',      undefined],
  ['%',      '%'],
  ['Cel',    '°C',     'temperature'],
  ['K',      'K',      'temperature'],
  ['[degF]', '°F',     'temperature'],
  ['km/h',   'km/h',   'speed'],
  ['m/s',    'm/s',    'speed'],
  ['km',     'km',     'distance'],
  ['m',      'm',      'distance'],
  ['cm',     'cm',     'distance'],
  ['mm',     'mm',     'distance'],
  ['Pa',     'Pa',     'pressure'],
  ['hPa',    'hPa',    'pressure'],
  ['kPa',    'kPa',    'pressure'],
  ['mbar',   'mbar',   'pressure'],
  ['bar',    'bar',    'pressure'],
  ['V',      'V',      'voltage'],
  ['mV',     'mV',     'voltage'],
  ['A',      'A',      'current'],
  ['mA',     'mA',     'current'],
  ['W',      'W',      'power'],
  ['kW',     'kW',     'power'],
  ['Hz',     'Hz',     'frequency'],
  ['kHz',    'kHz',    'frequency'],
  ['d',      'd',      'duration'],
  ['h',      'h',      'duration'],
  ['min',    'min',    'duration'],
  ['s',      's',      'duration'],
  // Milliseconds of this class came with 2024.8.
  ['ms',     'ms',     'duration'],
  ['kg',     'kg',     'weight'],
  ['g',      'g',      'weight'],
  ['mg',     'mg',     'weight'],
  ['/min',   'rpm'],
  ['deg',    '°'],
  // Litres an hour are a unit of the class volume_flow_rate in later releases only.
  ['L/h',    'L/h'],
  ['g/s',    'g/s'],
  ['N.m',    'Nm'],
  ['mg/m3',  'mg/m³'],
  ['[ppm]',  'ppm'],
  ['/s',     '1/s'],
];
const UNITS: ReadonlyMap<string, HaUnit> = new Map(
  ROWS.map(([ucum, unit, deviceClass]) => [ucum, { unit, deviceClass }]),
);
/** What is counted by the minute and does not turn. */
const BEATS = /(^|\.)heart_rate$/;

/** A unit that is not in the table stays as it is, without a class. */
export function haUnitOf({ id, unit }: { readonly id: string; readonly unit: string }): HaUnit {
  if (unit === '/min' && BEATS.test(id)) return { unit: 'bpm', deviceClass: undefined };
  return UNITS.get(unit) ?? { unit, deviceClass: undefined };
}
