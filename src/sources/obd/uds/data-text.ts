import { hexText } from '../hex.ts';
import { PID_BY_NUMBER } from '../j1979/pid-table.ts';
import { DEFAULT_SCALING, decodePid, type Pid } from '../j1979/pids.ts';
import { DATA_IDS, type DataId } from './data-ids.ts';

/**
 * What is known of the values that ECUs have identifiers for. F400 to F4FF are the parameters of SAE J1979
 * service 01 (ISO 27145-2): F40C is PID 0C, the engine speed.
 */
const PIDS_FROM = 0xf400;
const PIDS_TO = 0xf4ff;
/** A measured value has no more digits that mean anything. */
const DIGITS = 6;

const DATA_ID_BY_NUMBER: ReadonlyMap<number, DataId> = new Map(
  DATA_IDS.map((row) => [row.id, row]),
);

/** Bytes of the identifiers whose length a standard fixes. */
export const KNOWN_LENGTHS: ReadonlyMap<number, number> = new Map([
  ...DATA_IDS.flatMap(({ id, bytes }) => (bytes === undefined ? [] : [[id, bytes] as const])),
  ...[...PID_BY_NUMBER].map(([pid, { bytes }]) => [PIDS_FROM + pid, bytes] as const),
]);

/** For people, in English; undefined for what is the maker's own. */
export function dataName(id: number): string | undefined {
  return (DATA_ID_BY_NUMBER.get(id) ?? pidOf(id))?.name;
}

/**
 * The bytes of a value as people read them: what was measured, text without what fills it up, or two
 * hexadecimal digits a byte where it is none of these. Empty for an ECU that was never programmed.
 *
 * @param id any; those that no standard names are shown as text where they are some
 */
export function dataText(id: number, data: Uint8Array): string {
  const pid = pidOf(id);
  if (pid !== undefined) return measured(pid, data) ?? hexText(data);
  if (DATA_ID_BY_NUMBER.get(id)?.kind === 'hex') return hexText(data);
  // Texts are filled up with 00, 20 or FF, at either end.
  const text = Buffer.from(data)
    .toString('latin1')
    .replaceAll(/^[\0 \xff]+|[\0 \xff]+$/g, '');
  return /^[\x20-\x7e]*$/.test(text) ? text : hexText(data);
}

function pidOf(id: number): Pid | undefined {
  return id >= PIDS_FROM && id <= PIDS_TO ? PID_BY_NUMBER.get(id - PIDS_FROM) : undefined;
}

/** `826 /min`; undefined for what is not measured, such as bits. */
function measured(pid: Pid, data: Uint8Array): string | undefined {
  if (pid.kind !== 'linear') return undefined;
  const values: string[] = [];
  decodePid(pid, data, DEFAULT_SCALING, ({ unit }, value) => {
    const digits = String(Number(value.toPrecision(DIGITS)));
    values.push(unit === '1' ? digits : `${digits} ${unit}`);
  });
  return values.length === 0 ? undefined : values.join(', ');
}
