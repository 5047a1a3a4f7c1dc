import { expect, test } from 'vitest';
import { DTC_TEXTS } from '../../../../../src/sources/obd/j1979/dtc-texts.ts';
import { decodeDtc, dtcText, encodeDtc } from '../../../../../src/sources/obd/j1979/dtcs.ts';

test.each([
  [0x0133, 'P0133'],
  [0x0301, 'P0301'],
  [0x2123, 'P2123'],
  [0x4035, 'C0035'],
  [0x9234, 'B1234'],
  [0xd016, 'U1016'],
  [0xffff, 'U3FFF'],
])('%i is %s', (raw, code) => {
  expect(decodeDtc(raw)).toBe(code);
  expect(encodeDtc(code)).toBe(raw);
});

test('all 65,536 codes survive there and back', () => {
  const lost = Array.from({ length: 0x1_0000 }, (_, raw) => raw).filter(
    (raw) => encodeDtc(decodeDtc(raw)) !== raw,
  );
  expect(lost).toEqual([]);
});

test.each(['', 'P030', 'P03011', 'X0301', 'P4301', 'p0301', 'P030G'])('%j is no code', (code) => {
  expect(encodeDtc(code)).toBeUndefined();
  expect(dtcText(code)).toEqual({ text: 'Not a trouble code', specific: false });
});

// biome-ignore format: one code a line
test.each([
  ['P0001', 'Fuel volume regulator: circuit open'],
  ['P0011', 'Camshaft actuator A, bank 1: timing over-advanced'],
  ['P0016', 'Crankshaft and camshaft sensor A, bank 1: positions do not match'],
  ['P0030', 'Oxygen sensor heater, bank 1 sensor 1: circuit fault'],
  ['P0058', 'Oxygen sensor heater, bank 2 sensor 2: circuit high'],
  ['P0064', 'Oxygen sensor heater, bank 2 sensor 3: circuit high'],
  ['P0087', 'Fuel rail pressure: too low'],
  ['P0101', 'Mass air flow sensor: signal implausible'],
  ['P0113', 'Intake air temperature sensor 1: signal high'],
  ['P0128', 'Coolant thermostat: coolant below regulating temperature'],
  ['P0133', 'Oxygen sensor, bank 1 sensor 1: slow response'],
  ['P0141', 'Oxygen sensor, bank 1 sensor 2: heater circuit fault'],
  ['P0171', 'Mixture, bank 1: too lean'],
  ['P0175', 'Mixture, bank 2: too rich'],
  ['P0204', 'Injector of cylinder 4: circuit open'],
  ['P0266', 'Injector of cylinder 2: contribution out of balance'],
  ['P0299', 'Turbocharger or supercharger: boost too low'],
  ['P0300', 'Misfire in random or several cylinders'],
  ['P0312', 'Misfire in cylinder 12'],
  ['P0327', 'Knock sensor 1: signal low'],
  ['P0335', 'Crankshaft position sensor A: circuit fault'],
  ['P0354', 'Ignition coil D: primary or secondary circuit fault'],
  ['P0401', 'Exhaust gas recirculation: flow too low'],
  ['P0420', 'Catalyst, bank 1: efficiency too low'],
  ['P0430', 'Catalyst, bank 2: efficiency too low'],
  ['P0442', 'Evaporative system: small leak'],
  ['P0455', 'Evaporative system: large leak'],
  ['P0457', 'Evaporative system: leak, fuel cap loose or off'],
  ['P0500', 'Vehicle speed sensor A: fault'],
  ['P0507', 'Idle control: speed higher than expected'],
  ['P0562', 'System voltage: low'],
  ['P0601', 'Control module: memory checksum wrong'],
  ['P0675', 'Glow plug of cylinder 5: circuit fault'],
  ['P0700', 'Transmission control: has a fault of its own and asks for the lamp'],
  ['P0734', 'Gear 4: wrong ratio'],
  ['P0741', 'Torque converter clutch: performance or stuck off'],
  ['P0999', 'Shift solenoid F: circuit high'],
  ['P0A10', 'DC/DC converter status: circuit high'],
  ['P2002', 'Particulate filter, bank 1: efficiency too low'],
  ['P2135', 'Throttle or pedal position sensors A and B: do not match'],
  ['P2195', 'Oxygen sensor, bank 1 sensor 1: signal stuck lean'],
  ['P2263', 'Boost system: performance'],
  ['P2305', 'Ignition coil B: secondary circuit fault'],
  ['P2739', 'Pressure control solenoid F: circuit high'],
  ['P2764', 'Torque converter clutch pressure solenoid: circuit low'],
  ['P2A03', 'Oxygen sensor, bank 2 sensor 1: signal implausible'],
  ['P3496', 'Exhaust valve control of cylinder 12: circuit high'],
  ['U0001', 'High-speed CAN bus: fault'],
  ['U0072', 'Vehicle bus E: lines shorted together'],
  ['U0100', 'Lost communication with engine control module A'],
  ['U0121', 'Lost communication with anti-lock brake module'],
  ['U0155', 'Lost communication with instrument cluster'],
  ['U0401', 'Invalid data received from engine control module'],
  ['U0431', 'Invalid data received from body control module A'],
])('%s: %s', (code, text) => {
  expect(dtcText(code)).toEqual({ text, specific: true });
});

test.each([
  ['P03FF', 'Ignition or misfire fault'],
  ['P06AB', 'Computer and outputs fault'],
  ['P0B12', 'Hybrid propulsion fault'],
  ['P2463', 'Auxiliary emission control fault'],
  ['P1234', 'Powertrain fault, manufacturer-specific'],
  ['P3111', 'Powertrain fault, manufacturer-specific'],
  ['C0035', 'Chassis fault, not in this table'],
  ['C1234', 'Chassis fault, manufacturer-specific'],
  ['B2799', 'Body fault, manufacturer-specific'],
  ['U0133', 'Network fault, not in this table'],
  ['U3003', 'Network fault, not in this table'],
])('a code without a text of its own names its group: %s', (code, text) => {
  expect(dtcText(code)).toEqual({ text, specific: false });
});

test('every listed code is a generic one and has a text', () => {
  for (const [code, text] of DTC_TEXTS) {
    expect(encodeDtc(code), code).toBeDefined();
    expect(code).toMatch(/^(P0|P2|P34|U0)/);
    expect(text, code).toMatch(/^[A-Z].*[^ :]$/);
  }
  // Fewer than this means that one series has run into another.
  expect(DTC_TEXTS.size).toBe(1989);
});
