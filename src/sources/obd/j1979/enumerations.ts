/**
 * What the numbers of enumerated PIDs mean, after SAE J1979 and its digital annex J1979-DA.
 * A number that is missing here is reserved, or newer than this table.
 */
export type States = Readonly<Record<number, string>>;

export const OFF_ON: States = { 0: 'off', 1: 'on' };

/** PID 03. One bit each; 0 is an engine that is off, or a second fuel system that does not exist. */
export const FUEL_SYSTEM: States = {
  0: 'not in use',
  1: 'open loop, not yet warm',
  2: 'closed loop',
  4: 'open loop, load or deceleration',
  8: 'open loop, system fault',
  16: 'closed loop, oxygen sensor fault',
};

/** PID 12: where the air goes. */
export const SECONDARY_AIR: States = {
  1: 'before the first catalyst',
  2: 'behind the inlet of the first catalyst',
  4: 'atmosphere or off',
  8: 'pump on for diagnosis',
};

/** PID 1C: the regulation that the vehicle was certified to. */
export const OBD_STANDARD: States = {
  1: 'OBD-II (California)',
  2: 'OBD (US federal)',
  3: 'OBD and OBD-II',
  4: 'OBD-I',
  5: 'not OBD compliant',
  6: 'EOBD (Europe)',
  7: 'EOBD and OBD-II',
  8: 'EOBD and OBD',
  9: 'EOBD, OBD and OBD-II',
  10: 'JOBD (Japan)',
  11: 'JOBD and OBD-II',
  12: 'JOBD and EOBD',
  13: 'JOBD, EOBD and OBD-II',
  17: 'EMD, engine manufacturer diagnostics',
  18: 'EMD+, engine manufacturer diagnostics',
  19: 'HD OBD-C, heavy duty, partial',
  20: 'HD OBD, heavy duty',
  21: 'WWH OBD, worldwide harmonised',
  23: 'HD EOBD-I, heavy duty Europe',
  24: 'HD EOBD-I N, heavy duty Europe with NOx control',
  25: 'HD EOBD-II, heavy duty Europe',
  26: 'HD EOBD-II N, heavy duty Europe with NOx control',
  28: 'OBDBr-1 (Brazil)',
  29: 'OBDBr-2 (Brazil)',
  30: 'KOBD (Korea)',
  31: 'IOBD I (India)',
  32: 'IOBD II (India)',
  33: 'HD EOBD-VI, heavy duty Europe',
  34: 'OBD, OBD-II and HD OBD',
  35: 'OBDBr-3 (Brazil)',
};

/** PID 51. */
export const FUEL_TYPE: States = {
  0: 'not available',
  1: 'petrol',
  2: 'methanol',
  3: 'ethanol',
  4: 'diesel',
  5: 'LPG',
  6: 'CNG',
  7: 'propane',
  8: 'electric',
  9: 'bi-fuel, on petrol',
  10: 'bi-fuel, on methanol',
  11: 'bi-fuel, on ethanol',
  12: 'bi-fuel, on LPG',
  13: 'bi-fuel, on CNG',
  14: 'bi-fuel, on propane',
  15: 'bi-fuel, on electricity',
  16: 'bi-fuel, electric and combustion',
  17: 'hybrid, petrol',
  18: 'hybrid, ethanol',
  19: 'hybrid, diesel',
  20: 'hybrid, on battery',
  21: 'hybrid, electric and combustion',
  22: 'hybrid, regenerating',
  23: 'bi-fuel, on diesel',
  24: 'bi-fuel, on natural gas',
  25: 'bi-fuel, on diesel',
  26: 'natural gas',
  27: 'dual fuel, diesel and CNG',
  28: 'dual fuel, diesel and LNG',
};

/** PID 5F: European heavy-duty emission stages; the letters are the rows of the type-approval table. */
export const EMISSION_REQUIREMENT: States = {
  14: 'heavy duty, Euro IV (B1)',
  15: 'heavy duty, Euro V (B2)',
  16: 'heavy duty, EEV (C)',
  17: 'heavy duty, Euro VI',
};

/** PID 65: an automatic gearbox is in park or neutral, or a manual one in neutral or declutched. */
export const IN_GEAR: States = { 0: 'neutral', 1: 'in gear' };

/** PIDs 70 and 71. */
export const CONTROL_STATUS: States = {
  0: 'reserved',
  1: 'open loop',
  2: 'closed loop',
  3: 'fault, values unreliable',
};

/** PID 8B. */
export const REGENERATION_TYPE: States = { 0: 'passive', 1: 'active' };
