import {
  type Content,
  fault,
  hexOf,
  lengthFault,
  readAnswer,
  type UdsAnswer,
  type UdsFault,
  unsigned,
} from './answer.ts';

/**
 * Service 19, ReadDTCInformation (ISO 14229-1, 11.3), as far as it is used: it only reads.
 *
 *   19 01 MASK          59 01 AVAIL FORMAT COUNT(2)        how many codes have a bit of MASK set
 *   19 02 MASK          59 02 AVAIL [dtc(3) STATUS ..]     which
 *   19 04 dtc(3) FF     59 04 dtc(3) STATUS [RECORD N DID data DID data ..]
 *   19 06 dtc(3) RECORD 59 06 dtc(3) STATUS [RECORD data ..]
 *
 * AVAIL says which bits of STATUS the ECU keeps; the others are always 0 and mean nothing. RECORD FF
 * asks for all records.
 */
const READ_DTCS = 0x19;
const REPORT = {
  count: 0x01,
  byStatus: 0x02,
  snapshot: 0x04,
  extendedData: 0x06,
} as const;

/** Asks for all records of a code. */
export const ALL_RECORDS = 0xff;

const DTC_BYTES = 3;
/** A code and its status. */
const ROW_BYTES = 4;

/** A code and a byte of its status. */
export interface UdsDtc {
  /** 000000 to FFFFFF: see decodeUdsDtc. */
  readonly dtc: number;
  /** See statusBits. */
  readonly status: number;
}

export interface UdsDtcs {
  /** The bits of a status that the ECU keeps. */
  readonly available: number;
  readonly dtcs: readonly UdsDtc[];
}

/** @param mask a code is counted when it has one of these bits: statusMask */
export function dtcCountRequest(mask: number): string {
  return `1901${hexOf(mask, 1)}`;
}

export interface UdsDtcCount {
  readonly available: number;
  /** What the three bytes of a code are: dtcFormatText. */
  readonly format: number;
  readonly count: number;
}

export function parseDtcCount(pdu: Uint8Array): UdsAnswer<UdsDtcCount> {
  return readAnswer(pdu, [READ_DTCS, REPORT.count], (data) => {
    const wrong = lengthFault(data, 4);
    if (wrong) return { fault: wrong };
    const [available = 0, format = 0] = data;
    return { value: { available, format, count: unsigned(data, 2, 2) } };
  });
}

/** @param mask a code is told when it has one of these bits: statusMask */
export function dtcsByStatusRequest(mask: number): string {
  return `1902${hexOf(mask, 1)}`;
}

export function parseDtcsByStatus(pdu: Uint8Array): UdsAnswer<UdsDtcs> {
  return readAnswer(pdu, [READ_DTCS, REPORT.byStatus], readList);
}

function readList(data: Uint8Array): Content<UdsDtcs> {
  const [available] = data;
  if (available === undefined) return { fault: fault('CUT_SHORT', 'no status availability') };
  const rows = data.subarray(1);
  const dtcs = Array.from({ length: Math.floor(rows.length / ROW_BYTES) }, (_, i) => ({
    dtc: unsigned(rows, i * ROW_BYTES, DTC_BYTES),
    status: (rows[i * ROW_BYTES + DTC_BYTES] ?? 0) & available,
  }));
  const over = rows.length % ROW_BYTES;
  const wrong = over > 0 ? fault('CUT_SHORT', `${over} bytes of a code at the end`) : undefined;
  return { value: { available, dtcs }, fault: wrong };
}

/** @param dtc 000000 to FFFFFF */
export function snapshotsRequest(dtc: number): string {
  return `1904${hexOf(dtc, DTC_BYTES)}${hexOf(ALL_RECORDS, 1)}`;
}

export interface DtcRecord<T> {
  readonly record: number;
  /** A view into the PDU, or some. */
  readonly content: T;
}

export interface DtcRecords<T> extends UdsDtc {
  readonly records: readonly DtcRecord<T>[];
  /** From the first record on that could not be read. */
  readonly rest: Uint8Array;
}

/** What was stored, by identifier. */
export type SnapshotData = ReadonlyMap<number, Uint8Array>;

/**
 * The snapshots of a code: what was measured when it was stored.
 *
 * @param dtc as it was asked for
 * @param lengths data bytes by identifier: nothing else tells where a value ends
 */
export function parseSnapshots(
  pdu: Uint8Array,
  dtc: number,
  lengths: ReadonlyMap<number, number>,
): UdsAnswer<DtcRecords<SnapshotData>> {
  return readAnswer(pdu, [READ_DTCS, REPORT.snapshot], (data) => {
    const head = readHead(data, dtc);
    if ('code' in head) return { fault: head };
    const records: DtcRecord<SnapshotData>[] = [];
    for (let at = ROW_BYTES; at < data.length; ) {
      const part = readSnapshot(data, at, lengths);
      if ('wrong' in part) {
        return { value: { ...head, records, rest: data.subarray(at) }, fault: part.wrong };
      }
      records.push({ record: data[at] ?? 0, content: part.content });
      at = part.end;
    }
    return { value: { ...head, records, rest: data.subarray(data.length) } };
  });
}

/** @param record 00 to FE, or ALL_RECORDS */
export function extendedDataRequest(dtc: number, record: number): string {
  return `1906${hexOf(dtc, DTC_BYTES)}${hexOf(record, 1)}`;
}

export interface ExtendedData extends UdsDtc {
  /** Each record after its number; nothing tells where one ends. A view into the PDU. */
  readonly data: Uint8Array;
}

/**
 * The extended data of a code, as counters of how often it was seen: what they mean is the maker's.
 *
 * @param dtc as it was asked for
 */
export function parseExtendedData(pdu: Uint8Array, dtc: number): UdsAnswer<ExtendedData> {
  return readAnswer(pdu, [READ_DTCS, REPORT.extendedData], (data) => {
    const head = readHead(data, dtc);
    return 'code' in head
      ? { fault: head }
      : { value: { ...head, data: data.subarray(ROW_BYTES) } };
  });
}

/** The code that records are of. */
function readHead(data: Uint8Array, dtc: number): UdsDtc | UdsFault {
  if (data.length < ROW_BYTES) return fault('CUT_SHORT', 'no code and status');
  const seen = unsigned(data, 0, DTC_BYTES);
  if (seen === dtc) return { dtc, status: data[DTC_BYTES] ?? 0 };
  return fault('OTHER_ANSWER', `records of ${hexOf(seen, DTC_BYTES)} came`);
}

function readSnapshot(
  data: Uint8Array,
  start: number,
  lengths: ReadonlyMap<number, number>,
): { readonly content: SnapshotData; readonly end: number } | { readonly wrong: UdsFault } {
  const count = data[start + 1];
  if (count === undefined) return { wrong: fault('CUT_SHORT', 'no number of identifiers') };
  const content = new Map<number, Uint8Array>();
  let at = start + 2;
  for (let i = 0; i < count; i++) {
    if (at + 2 > data.length) return { wrong: fault('CUT_SHORT', 'an identifier is missing') };
    const did = unsigned(data, at, 2);
    const length = lengths.get(did);
    if (length === undefined) {
      return { wrong: fault('UNKNOWN_LENGTH', `${hexOf(did, 2)} has no known length`) };
    }
    const end = at + 2 + length;
    if (end > data.length) return { wrong: fault('CUT_SHORT', 'a value is cut short') };
    content.set(did, data.subarray(at + 2, end));
    at = end;
  }
  return { content, end: at };
}
