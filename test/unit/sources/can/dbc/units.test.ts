import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ucumOf } from '../../../../../src/sources/can/dbc/units.ts';

// biome-ignore format: a unit of DBC files, its UCUM code
test.each<[unit: string, ucum: string]>([
  ['', '1'], ['-', '1'], [' ', '1'], ['unitless', '1'], ['N/A', '1'],
  ['rpm', '/min'], ['RPM', '/min'], ['1/min', '/min'], ['U/min', '/min'], ['min^-1', '{min^-1}'],
  ['km/h', 'km/h'], ['KPH', 'km/h'], ['kmh', 'km/h'], ['mph', '[mi_i]/h'],
  ['°C', 'Cel'], ['degC', 'Cel'], ['C', 'Cel'], ['deg C', 'Cel'], ['Deg C', 'Cel'], ['ºC', 'Cel'],
  ['Â°C', 'Cel'], ['\ufffdC', 'Cel'], ['℃', 'Cel'], ['° C', 'Cel'], ['degrees Celsius', 'Cel'],
  ['°F', '[degF]'], ['K', 'K'],
  ['%', '%'], ['V', 'V'], ['mV', 'mV'], ['MV', '{MV}'], ['A', 'A'], ['Ah', 'A.h'], ['kWh', 'kW.h'],
  ['Nm', 'N.m'], ['N*m', 'N.m'], ['N·m', 'N.m'], ['bar', 'bar'], ['Bar', 'bar'], ['kPa', 'kPa'], ['KPa', 'kPa'],
  ['deg', 'deg'], ['°', 'deg'], ['degrees', 'deg'], ['deg/s', 'deg/s'], ['°/s', 'deg/s'], ['Deg/sec', 'deg/s'],
  ['rad', 'rad'], ['rad/s', 'rad/s'],
  ['m/s', 'm/s'], ['m/s^2', 'm/s2'], ['m/s²', 'm/s2'], ['m/s2', 'm/s2'], ['m/s/s', 'm/s2'],
  ['mm^3', '{mm^3}'], ['m³', 'm3'],
  ['ms', 'ms'], ['µs', 'us'], ['μs', 'us'], ['sec', 's'], ['s', 's'], ['S', '{S}'], ['MS', '{MS}'],
  ['l/h', 'L/h'], ['L', 'L'], ['l/100km', 'L/(100.km)'], ['mg/stroke', 'mg/{stroke}'], ['ppm', '[ppm]'],
  ['Ω', 'Ohm'], ['kΩ', 'kOhm'], ['°CA', 'deg{CA}'],
  ['g', '{g}'], ['F', '{F}'], ['NM', '{NM}'], ['grad', '{grad}'],
  ['Schritte pro Umdrehung', '{Schritte_pro_Umdrehung}'], ['{x}', '{_x_}'], ['ünit', '{_nit}'],
])('%j is %s', (unit, ucum) => {
  expect(ucumOf(unit)).toBe(ucum);
});

test('whatever the unit is, its code has only characters of UCUM and is not long', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff), { maxLength: 60 }), (codes) => {
      const unit = String.fromCharCode(...codes);
      expect(ucumOf(unit)).toMatch(/^[!-~]{1,26}$/);
    }),
  );
});
