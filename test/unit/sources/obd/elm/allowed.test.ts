import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAllowed, isReading } from '../../../../../src/sources/obd/elm/allowed.ts';

test.each([
  ...['AT', 'ATZ', 'ATE0', 'AT TP 6', 'ATTP0', 'ATTPC', 'ATST00', 'ATSTFF'],
  ...['ATRV', 'ATDPN', 'STI', '0100', '010C', '010C1', '010C0D11051F0B', '010C0D11051F0B3'],
  ...['020C00', '020C000D001100', '03', '031', '07', '0A', '0A2', '0600', '0902', '09021', '04'],
])('%s may be sent', (command) => {
  expect(isAllowed(command)).toBe(true);
});

test.each([
  ['what is longer than it may be', '010C0D11051F0B0402'],
  ['half a byte', '010G'],
  ['lower case, which is never written', '010c'],
  ['a count behind what clears', '041'],
  ['more than what clears', '0400'],
  ['a service without what it asks for', '01'],
  ['control of a device (SAE J1979 service 08)', '0801'],
  ['a session (ISO 14229 service 10)', '1002'],
  ['a reset (11)', '1101'],
  ['clearing by group (14)', '14FFFFFF'],
  ['a write (2E)', '2EF190'],
  ['a routine (31)', '31010203'],
  ['security access (27)', '2701'],
  ['a download (34)', '340044'],
  ['a tester that stays (3E)', '3E00'],
  ['a setting that is stored', 'ATSP6'],
  ['a stored setting of the adapter', 'ATPP0CSV23'],
  ['listening to all of the bus', 'ATMA'],
  ['another header', 'ATSH7E0'],
  ['another header of an STN', 'STP33'],
  ['an address of another', 'ATCRA7E8'],
  ['two commands', 'ATZ\r04'],
  ['two commands with a line feed', '0100\n04'],
  ['nothing', ''],
  ['spaces', '   '],
  ['what is behind a NUL', '0100\u000004'],
])('%s is not sent: %j', (_what, command) => {
  expect(isAllowed(command)).toBe(false);
});

test('whatever is made up, what goes out reads, or is the one that clears, or sets the adapter', () => {
  const hex = fc.array(fc.constantFrom(...'0123456789ABCDEF'), { maxLength: 16 });
  fc.assert(
    fc.property(
      fc.oneof(
        hex.map((digits) => digits.join('')),
        fc.string(),
      ),
      (command) => {
        const bare = command.replaceAll(' ', '');
        if (!isAllowed(command) || bare === '04' || /^(AT|ST)/.test(bare)) return;
        expect(bare).toMatch(/^(01|02|03|06|07|09|0A)[0-9A-F]*$/);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('what clears does not count as reading', () => {
  expect(isReading('04')).toBe(false);
  expect(isReading('010C')).toBe(true);
  expect(isReading('010C1')).toBe(false);
});
