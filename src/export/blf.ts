import { BlfContainer, CONTAINER_HEADER_BYTES } from './blf-container.ts';
import { framesOf, notesOf, shiftOf, startOf } from './bus-log.ts';
import { merge } from './merge.ts';
import type { ExportSource } from './source.ts';

/**
 * Vector's binary log, which CANoe, CANalyzer, Wireshark and python-can can read: a header, then
 * containers of objects (blf-container.ts). After Vector's "CAN and General BLF Logging Format" as the
 * open readers have it: vector_blf, python-can, Wireshark.
 *
 * The header comes first and tells the sizes and the number of objects of all that follows. Older
 * vector_blf reads no further than it says, so 0 is an empty file to it; and a stream cannot go back.
 * So everything is made twice, which costs less than a second for a million frames: the first time to
 * be counted. In it comes an empty piece for each container, so that whoever makes the file can do
 * something else in between.
 */
const HEADER_BYTES = 144;
/** 4.7.1.0 of Vector's interface: that in which the 144 bytes are what they are. */
const API_NUMBER = 4_070_100;
/** None of Vector's programs. */
const APPLICATION_ID = 0;

interface Totals {
  bytes: number;
  uncompressed: number;
  objects: number;
  /** Microseconds since the start, of the last object. */
  last: number;
}

export function* blf(source: ExportSource): Generator<Uint8Array> {
  const frames = framesOf(source);
  const totals: Totals = { bytes: HEADER_BYTES, uncompressed: HEADER_BYTES, objects: 0, last: 0 };
  for (const container of containersOf(frames)) {
    totals.objects += container.objects;
    totals.last = Math.max(totals.last, container.last);
    totals.uncompressed += CONTAINER_HEADER_BYTES + container.length;
    totals.bytes += container.take().length;
    yield new Uint8Array();
  }
  yield headerOf(startOf(frames), totals);
  for (const container of containersOf(frames)) yield container.take();
}

/** Yields the same container, filled, again and again; it is to be taken before the next is asked for. */
function* containersOf(frames: ExportSource): Generator<BlfContainer> {
  const container = new BlfContainer();
  container.addText(notesOf(frames).join('\r\n'));
  for (const stretch of frames.stretches) {
    const shift = shiftOf(frames, stretch);
    for (const rows of merge(frames, stretch)) {
      for (let i = 0; i < rows.n; i++) {
        if (container.full) yield container;
        container.addFrame(rows, i, shift);
      }
    }
  }
  yield container;
}

function headerOf(startMs: number, { bytes, uncompressed, objects, last }: Totals): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(new TextEncoder().encode('LOGG'));
  view.setUint32(4, HEADER_BYTES, true);
  view.setUint32(8, API_NUMBER, true);
  view.setUint8(12, APPLICATION_ID);
  view.setBigUint64(16, BigInt(bytes), true);
  view.setBigUint64(24, BigInt(uncompressed), true);
  view.setUint32(32, objects, true);
  setSystemTime(view, 40, new Date(startMs));
  setSystemTime(view, 56, new Date(startMs + Math.round(last / 1000)));
  // Behind it: no restore points, and what is reserved.
  return header;
}

/** SYSTEMTIME of Windows. It has no zone: it is the local time of who writes it. */
function setSystemTime(view: DataView, at: number, date: Date): void {
  const fields = [
    ...[date.getFullYear(), date.getMonth() + 1, date.getDay(), date.getDate()],
    ...[date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds()],
  ];
  for (const [i, field] of fields.entries()) view.setUint16(at + i * 2, field, true);
}
