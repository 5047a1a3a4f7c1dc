import { expect, test } from 'vitest';
import { unitWords } from '../../../web/units.js';

test.each([
  ['1', ''],
  ['Cel', '°C'],
  ['/min', 'rpm'],
  ['km/h', 'km/h'],
  ['N.m', 'N·m'],
  ['m/s2', 'm/s²'],
  ['kg/m3', 'kg/m³'],
  ['mm3/{stroke}', 'mm³/stroke'],
  ['deg', '°'],
  ['deg/s2', '°/s²'],
  ['deg{CA}', '°CA'],
  ['[degF]', '°F'],
  ['[mi_i]/h', 'mph'],
  ['[psi]', 'psi'],
  ['[ppm]', 'ppm'],
  ['uA', 'µA'],
  ['us', 'µs'],
  ['mOhm', 'mΩ'],
  ['L/(100.km)', 'L/100 km'],
  ['kW.h/(100.km)', 'kW·h/100 km'],
  // What no table has comes as it was written.
  ['{units}', 'units'],
  ['{H2}', 'H2'],
])('%s of UCUM is shown as %j', (ucum, text) => {
  expect(unitWords(ucum)).toBe(text);
});
