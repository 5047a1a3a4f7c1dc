/** A value that ISO 14229-1, annex C.1, gives an identifier to: what an ECU is. */
export interface DataId {
  readonly id: number;
  /** For people, in English. */
  readonly name: string;
  /** How its bytes are shown: most makers fill dates with BCD digits, which hexadecimal ones show. */
  readonly kind: 'ascii' | 'hex';
  /** Where the standard fixes it; elsewhere it is the maker's to choose. */
  readonly bytes?: number;
}

// biome-ignore format: one identifier a line
export const DATA_IDS: readonly DataId[] = [
  { id: 0xf180, name: 'Boot software', kind: 'ascii' },
  { id: 0xf181, name: 'Application software', kind: 'ascii' },
  { id: 0xf182, name: 'Application data', kind: 'ascii' },
  { id: 0xf183, name: 'Boot software fingerprint', kind: 'hex' },
  { id: 0xf184, name: 'Application software fingerprint', kind: 'hex' },
  { id: 0xf185, name: 'Application data fingerprint', kind: 'hex' },
  { id: 0xf186, name: 'Active diagnostic session', kind: 'hex', bytes: 1 },
  { id: 0xf187, name: 'Vehicle manufacturer spare part number', kind: 'ascii' },
  { id: 0xf188, name: 'Vehicle manufacturer ECU software number', kind: 'ascii' },
  { id: 0xf189, name: 'Vehicle manufacturer ECU software version', kind: 'ascii' },
  { id: 0xf18a, name: 'System supplier', kind: 'ascii' },
  { id: 0xf18b, name: 'ECU manufacturing date', kind: 'hex' },
  { id: 0xf18c, name: 'ECU serial number', kind: 'ascii' },
  { id: 0xf18d, name: 'Supported functional units', kind: 'hex' },
  { id: 0xf18e, name: 'Vehicle manufacturer kit assembly part number', kind: 'ascii' },
  { id: 0xf190, name: 'Vehicle identification number', kind: 'ascii', bytes: 17 },
  { id: 0xf191, name: 'Vehicle manufacturer ECU hardware number', kind: 'ascii' },
  { id: 0xf192, name: 'System supplier ECU hardware number', kind: 'ascii' },
  { id: 0xf193, name: 'System supplier ECU hardware version', kind: 'ascii' },
  { id: 0xf194, name: 'System supplier ECU software number', kind: 'ascii' },
  { id: 0xf195, name: 'System supplier ECU software version', kind: 'ascii' },
  { id: 0xf196, name: 'Exhaust regulation or type approval number', kind: 'ascii' },
  { id: 0xf197, name: 'System name or engine type', kind: 'ascii' },
  { id: 0xf198, name: 'Repair shop code or tester serial number', kind: 'ascii' },
  { id: 0xf199, name: 'Programming date', kind: 'hex' },
  { id: 0xf19a, name: 'Calibration repair shop code', kind: 'ascii' },
  { id: 0xf19b, name: 'Calibration date', kind: 'hex' },
  { id: 0xf19c, name: 'Calibration equipment software number', kind: 'ascii' },
  { id: 0xf19d, name: 'ECU installation date', kind: 'hex' },
  { id: 0xf19e, name: 'ODX file', kind: 'ascii' },
  { id: 0xf19f, name: 'Entity', kind: 'hex' },
  { id: 0xff00, name: 'UDS version', kind: 'hex', bytes: 4 },
];
