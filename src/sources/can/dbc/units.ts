/**
 * Units of DBC files, which are whatever somebody typed, as UCUM codes.
 *
 * A spelling is looked up after blanks are taken out, `^2` and `²` are a 2, `·` and `*` a dot, and every
 * sign for a degree or for micro is the same. Those whose letters mean the same in either case come
 * second, in lower case.
 *
 * What could mean two things is in neither table: `g` (gram, or the acceleration of gravity), `F`
 * (Fahrenheit, farad), `NM`. Such a unit, as every unknown one, becomes an annotation, `{g}`, which UCUM
 * takes for a pure number with a word beside it.
 */

// biome-ignore format: UCUM code, then the spellings
const EXACT: readonly (readonly [ucum: string, ...spellings: readonly string[]])[] = [
  ['1',        '', '-', '--', '1', '/'],
  ['Cel',      'C', 'Cel', 'degC', 'degreeC', 'degreesC', '\u2103', '\ufffdC'],
  ['[degF]',   'degF', '[degF]', '\u2109'],
  ['K',        'K'],
  ['deg',      'deg'],
  ['%',        '%'],
  ['m',        'm'],
  ['km',       'km'],
  ['dm',       'dm'],
  ['cm',       'cm'],
  ['mm',       'mm'],
  ['um',       'um'],
  ['m2',       'm2'],
  ['m3',       'm3'],
  ['/m',       '/m', '1/m'],
  ['m/s',      'm/s', 'mps'],
  ['m/s2',     'm/s2', 'm/s/s', 'm/sec2', 'm/(s2)', 'mps2', 'm/ss'],
  ['m/s3',     'm/s3'],
  ['mm/s',     'mm/s'],
  ['s',        's'],
  ['ms',       'ms'],
  ['us',       'us'],
  ['/s',       '/s', '1/s'],
  ['d',        'd'],
  ['h',        'h'],
  ['V',        'V'],
  ['mV',       'mV'],
  ['kV',       'kV'],
  ['uV',       'uV'],
  ['V/s',      'V/s'],
  ['A',        'A'],
  ['mA',       'mA'],
  ['kA',       'kA'],
  ['uA',       'uA'],
  ['A/s',      'A/s'],
  ['A.h',      'Ah', 'A.h', 'Ahr'],
  ['mA.h',     'mAh'],
  ['W',        'W'],
  ['mW',       'mW'],
  ['kW',       'kW'],
  ['MW',       'MW'],
  ['W.h',      'Wh', 'W.h'],
  ['kW.h',     'kWh', 'kW.h'],
  ['W.h/km',   'Wh/km'],
  ['kW.h/(100.km)', 'kWh/100km'],
  ['J',        'J'],
  ['kJ',       'kJ'],
  ['MJ',       'MJ'],
  ['C',        'As', 'A.s'],
  ['F',        'farad', 'Farad'],
  ['uF',       'uF'],
  ['Ohm',      'Ohm', 'ohm', 'Ohms', 'ohms', '\u03a9'],
  ['mOhm',     'mOhm', 'mohm', 'm\u03a9'],
  ['kOhm',     'kOhm', 'kohm', 'KOhm', 'k\u03a9'],
  ['MOhm',     'MOhm', 'M\u03a9'],
  ['N',        'N'],
  ['kN',       'kN'],
  ['N.m',      'Nm', 'N.m', 'N-m', 'Newtonmeter'],
  ['N.m/s',    'Nm/s'],
  ['Pa',       'Pa'],
  ['hPa',      'hPa'],
  ['kPa',      'kPa', 'KPa', 'kpa', 'Kpa', 'KPA'],
  ['MPa',      'MPa'],
  ['mbar',     'mbar', 'mBar'],
  ['kg',       'kg', 'Kg', 'KG'],
  ['mg',       'mg'],
  ['t',        't'],
  ['g/s',      'g/s'],
  ['g/h',      'g/h'],
  ['mg/s',     'mg/s'],
  ['kg/h',     'kg/h', 'kg/hr'],
  ['kg/s',     'kg/s'],
  ['kg/m3',    'kg/m3'],
  ['mg/m3',    'mg/m3'],
  ['g/{rev}',  'g/rev'],
  ['mg/{stroke}', 'mg/stroke', 'mg/str', 'mg/stk', 'mg/hub', 'mg/Hub', 'mg/Stroke'],
  ['mm3/{stroke}', 'mm3/stroke', 'mm3/str', 'mm3/stk'],
  ['Hz',       'Hz', 'hz', 'HZ'],
  ['kHz',      'kHz', 'KHz'],
  ['MHz',      'MHz'],
  ['deg{CA}',  'degCA', 'degKW', 'degCrA', 'degCRK', 'degcrank'],
  ['[ppm]',    'ppm', 'PPM'],
  ['lx',       'lx', 'lux', 'Lux'],
  ['dB',       'dB'],
  ['bit',      'bit', 'bits', 'Bit'],
  ['By',       'byte', 'bytes', 'Byte', 'Bytes'],
  ['kbit/s',   'kbit/s', 'kbps'],
  ['T',        'T'],
  ['mT',       'mT'],
  ['uT',       'uT'],
];

// biome-ignore format: UCUM code, then the spellings in lower case
const ANY_CASE: readonly (readonly [ucum: string, ...spellings: readonly string[]])[] = [
  ['1',          'none', 'unitless', 'n/a', 'na', 'nounit', 'dimensionless', 'n.a.', 'ratio'],
  ['/min',       'rpm', '/min', '1/min', 'u/min', 'r/min', 'rev/min', 'min-1', 'r.p.m.', 'revs/min', 'revolutions/min'],
  ['/min/s',     'rpm/s', '1/min/s'],
  ['km/h',       'km/h', 'kph', 'kmh', 'kmph', 'km/hr', 'km/hour', 'kmperhour'],
  ['[mi_i]/h',   'mph', 'mi/h', 'miles/h', 'miles/hour'],
  ['[mi_i]',     'mi', 'mile', 'miles'],
  ['[kn_i]',     'kn', 'kt', 'kts', 'knot', 'knots'],
  ['[ft_i]',     'ft', 'feet', 'foot'],
  ['[in_i]',     'inch', 'inches'],
  ['Cel',        'celsius', 'degcelsius', 'degreecelsius', 'degreescelsius', 'deg.c', 'degc', 'cel'],
  ['[degF]',     'fahrenheit', 'degfahrenheit', 'degf'],
  ['K',          'kelvin', 'degk'],
  ['deg',        'degree', 'degrees', 'degs'],
  ['deg/s',      'deg/s', 'deg/sec', 'degree/s', 'degrees/s', 'degrees/second', 'dps'],
  ['deg/s2',     'deg/s2', 'deg/sec2', 'deg/s/s'],
  ['rad',        'rad', 'radian', 'radians'],
  ['rad/s',      'rad/s', 'rad/sec'],
  ['rad/s2',     'rad/s2', 'rad/s/s'],
  ['%',          'percent', 'prozent', 'pct'],
  ['%/s',        '%/s', '%/sec'],
  ['s',          'sec', 'secs', 'second', 'seconds', 'sek'],
  ['ms',         'msec', 'millisecond', 'milliseconds'],
  ['us',         'usec', 'microsecond', 'microseconds'],
  ['min',        'min', 'mins', 'minute', 'minutes'],
  ['h',          'hr', 'hrs', 'hour', 'hours', 'std'],
  ['d',          'day', 'days'],
  ['wk',         'week', 'weeks'],
  ['mo',         'month', 'months'],
  ['a',          'year', 'years'],
  ['V',          'volt', 'volts'],
  ['A',          'amp', 'amps', 'ampere', 'amperes'],
  ['W',          'watt', 'watts'],
  ['N',          'newton', 'newtons'],
  ['m',          'meter', 'meters', 'metre', 'metres'],
  ['bar',        'bar'],
  ['[psi]',      'psi', 'psig'],
  ['L',          'l', 'liter', 'liters', 'litre', 'litres', 'ltr'],
  ['mL',         'ml'],
  ['L/h',        'l/h', 'l/hr', 'lph'],
  ['L/min',      'l/min', 'lpm'],
  ['L/(100.km)', 'l/100km', 'l/(100km)'],
  ['km/L',       'km/l', 'kmpl'],
  ['[gal_us]',   'gal', 'gallon', 'gallons'],
  ['[lb_av]',    'lb', 'lbs'],
  ['[HP]',       'hp'],
  ['{count}',    'count', 'counts', 'cnt', 'cnts'],
];

const exact = tableOf(EXACT);
const anyCase = tableOf(ANY_CASE);

/** The longest annotation; what is longer is cut. */
const ANNOTATION_CHARS_MAX = 24;

/** The UCUM code of a unit as a DBC file has it; an annotation where that is not known. */
export function ucumOf(unit: string): string {
  const spelling = normal(unit);
  const known = exact.get(spelling) ?? anyCase.get(spelling.toLowerCase());
  if (known !== undefined) return known;
  // UCUM, clause 12: an annotation has the characters 33 to 126 without braces.
  const word = unit
    .trim()
    .slice(0, ANNOTATION_CHARS_MAX)
    .replace(/[^!-~]|[{}]/g, '_');
  return `{${word}}`;
}

function normal(unit: string): string {
  return (
    unit
      .replace(/[\s\u200b]+/g, '')
      .replace(/[\u00b5\u03bc]/g, 'u')
      .replace(/\^?[2\u00b2]/g, '2')
      .replace(/\^?[3\u00b3]/g, '3')
      .replace(/[\u00b7\u22c5*]/g, '.')
      // Read twice in the wrong encoding, a degree sign has another character before it.
      .replace(/\u00c2?[\u00b0\u00ba\u02da]/g, 'deg')
  );
}

function tableOf(rows: typeof EXACT): ReadonlyMap<string, string> {
  return new Map(rows.flatMap(([ucum, ...spellings]) => spellings.map((word) => [word, ucum])));
}
