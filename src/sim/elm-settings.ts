/** What AT commands change, at the values that ATZ and ATD restore (ELM327DSJ, command summary). */
export interface ElmSettings {
  echo: boolean;
  linefeeds: boolean;
  spaces: boolean;
  headers: boolean;
  /** CAF1: the adapter makes and strips the PCI byte. */
  autoFormat: boolean;
  /** CFC1: the adapter answers first frames with flow control. */
  autoFlow: boolean;
  /** D1: the data length is printed after a CAN identifier. */
  showLength: boolean;
  adaptive: 0 | 1 | 2;
  /** ATST, in steps of 4 ms. */
  timeoutTicks: number;
  longMessages: boolean;
  /** ATSH: 3 digits are an 11-bit identifier, 6 the low bytes of a 29-bit one or a legacy header. */
  header: string;
  /** ATCP: the first byte of 29-bit identifiers. */
  priority: number;
  /** ATCRA or ATCF with ATCM: identifiers that come through, all others are dropped. */
  filter: { readonly pattern: number; readonly mask: number } | undefined;
  /** ATFCSH, ATFCSD, ATFCSM. */
  flow: { mode: 0 | 1 | 2; header: string; data: string };
}

const TIMEOUT_TICKS = 0x32;
const TICK_MS = 4;

/** Fresh settings. */
export function defaultSettings(): ElmSettings {
  return {
    echo: true,
    linefeeds: false,
    spaces: true,
    headers: false,
    autoFormat: true,
    autoFlow: true,
    showLength: false,
    adaptive: 1,
    timeoutTicks: TIMEOUT_TICKS,
    longMessages: false,
    header: '',
    priority: 0x18,
    filter: undefined,
    flow: { mode: 0, header: '', data: '' },
  };
}

/** How long the adapter waits for an answer, in ms. ATST00 restores the default. */
export function timeoutMs({ timeoutTicks }: ElmSettings): number {
  return (timeoutTicks || TIMEOUT_TICKS) * TICK_MS;
}
