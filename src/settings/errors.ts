import { CodedError, ConfigError } from '#core/errors.ts';

/** What is wrong with a setting, in parts for who shows it. Null for what is not known. */
export interface SettingFault {
  readonly key: string | null;
  readonly file: string | null;
  readonly line: number | null;
  /** What would fit: `expected ...`, or a sentence of its own such as `no such file`. */
  readonly expected: string;
  /** What was there instead, as JSON and cut short; null where that is a secret. */
  readonly found: string | null;
}

/** A fault of one setting, or of the file of them all. */
export class SettingError extends ConfigError {
  readonly fault: SettingFault;

  /** @param where words for it: `vigil.yaml line 3: obd`, `flag --obd` */
  constructor(
    where: string,
    { key = null, file = null, line = null, expected, found = null }: PartialFault,
    options?: ErrorOptions,
  ) {
    super(`${where}: ${expected}${found === null ? '' : `, found ${found}`}`, options);
    this.fault = { key, file, line, expected, found };
  }
}

type PartialFault = Pick<SettingFault, 'expected'> & Partial<SettingFault>;

export type SettingsErrorCode =
  /** What was asked for cannot be set; `faults` say why. */
  | 'INVALID'
  /** They are no longer as whoever asks has seen them. */
  | 'CHANGED'
  /** The file cannot be written. */
  | 'UNWRITABLE';

/** A change of the settings that is refused. */
export class SettingsError extends CodedError<SettingsErrorCode> {
  override readonly name = 'SettingsError';
  /** `pointer` is a JSON pointer, RFC 6901. */
  readonly faults: readonly { readonly pointer: string; readonly message: string }[];

  constructor(
    code: SettingsErrorCode,
    message: string,
    { faults = [], cause }: { faults?: SettingsError['faults']; cause?: unknown } = {},
  ) {
    super(code, message, { cause });
    this.faults = faults;
  }
}
