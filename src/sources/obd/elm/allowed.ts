/**
 * Everything that is ever sent to an adapter, and so to the car. The list is held against each command
 * at the last moment before it goes out, so that no fault elsewhere can make a command that writes to
 * a control unit or to the adapter's memory (`ATSP`, `ATPP`), or that leaves the bus unfiltered (`ATMA`).
 *
 *   01 02 06 09   current data, freeze frames, test results, vehicle information: one to six bytes
 *   03 07 0A      stored, pending and permanent trouble codes
 *   04            clears them; nothing else that changes anything
 *
 * Behind a request that reads may stand one digit: the lines to wait for (ELM327 data sheet DSJ, p. 32).
 */
const SETTINGS: ReadonlySet<string> = new Set([
  ...['AT', 'ATZ', 'ATE0', 'ATL0', 'ATS0', 'ATH1', 'ATCAF1', 'ATAL'],
  ...['ATAT0', 'ATAT1', 'ATDPN', 'ATRV', 'STI'],
]);
/** Try a protocol, without storing it; set the wait for an answer. */
const SETTINGS_WITH_VALUE = /^(ATTP[0-9A-C]|ATST[0-9A-F]{2})$/;
const READING = /^(?:(?:01|02|06|09)(?:[0-9A-F]{2}){1,6}|03|07|0A)$/;
const COUNT = /[1-9A-F]$/;
/** Service 04 of SAE J1979. */
export const CLEAR = '04';

/** Whether a request only reads. @param hex service and data: `010C` */
export function isReading(hex: string): boolean {
  return READING.test(hex);
}

/** Whether a command may go out. Adapters ignore spaces, so they make no difference. */
export function isAllowed(command: string): boolean {
  const bare = command.replaceAll(' ', '');
  const isSetting = SETTINGS.has(bare) || SETTINGS_WITH_VALUE.test(bare);
  return isSetting || bare === CLEAR || isReading(bare) || isReading(bare.replace(COUNT, ''));
}
