/** Units of UCUM, which are written for programs, as people write them. */
import { unitText } from './gauge.js';

const WORDS = new Map([
  ['[degF]', '°F'],
  ['[mi_i]/h', 'mph'],
  ['[mi_i]', 'mi'],
  ['[kn_i]', 'kn'],
  ['[ft_i]', 'ft'],
  ['[in_i]', 'in'],
  ['[gal_us]', 'gal'],
  ['[lb_av]', 'lb'],
  ['[HP]', 'hp'],
  ['By', 'B'],
]);

/**
 * More than the gauges of the live view need: what buses carry has every unit there is.
 * @param {string} ucum
 */
export function unitWords(ucum) {
  const known = WORDS.get(ucum) ?? unitText(ucum);
  if (known !== ucum) return known;
  return ucum
    .replace('(100.km)', '100 km')
    .replace(/^u/, 'µ')
    .replaceAll(/[[\]{}]/g, '')
    .replaceAll(/\bdeg(?![a-z])/g, '°')
    .replace(/Ohm\b/, 'Ω')
    .replaceAll(/(?<=[a-z])2\b/g, '²')
    .replaceAll(/(?<=[a-z])3\b/g, '³')
    .replaceAll('.', '·');
}
