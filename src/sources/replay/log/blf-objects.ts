import type { LogTally } from './log-frame.ts';

/** An object of a BLF file. It, and its bytes, hold good until the next one is asked for. */
export class BlfObject {
  type = 0;
  /** What it is in. */
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Its first byte there, that of its header. */
  at = 0;
  /** Bytes of it that are there. */
  size = 0;
  /** Bytes before what its type is about. */
  headerBytes = 0;
  /** In the file, or in what the containers hold. */
  position = 0;
  readonly #of: string;

  /** @param of what `position` is of: `byte` */
  constructor(of: string) {
    this.#of = of;
  }

  /** `byte 144`. */
  get where(): string {
    return `${this.#of} ${this.position}`;
  }
}

export interface ObjectsOptions {
  readonly tally: LogTally;
  /** Of the objects that are worth holding; others are passed over and counted as `other`. */
  readonly wants: (type: number) => boolean;
  /** What a position is of: `byte`. */
  readonly of: string;
}

const BASE_HEADER_BYTES = 16;
/** Vector's containers have 128 KB. A larger object is a broken one. */
const OBJECT_BYTES_MAX = 4 * 1024 * 1024;
/** At most 3 bytes are padding by the rule of most objects; some programs fill up to 8. */
const PADDING_BYTES_MAX = 8;
const SIGNATURE_BYTES = 4;
const [L, O, B, J] = [0x4c, 0x4f, 0x42, 0x4a];

/**
 * Finds the objects in pieces of a file or of what containers hold. How one is padded depends on its
 * type and on who wrote it, so the next is looked for by its signature; so is one behind damage.
 * Holds an object and a piece at most; the pieces must not change afterwards.
 */
export class BlfObjects {
  readonly #options: ObjectsOptions;
  readonly #found: BlfObject;
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Bytes that are to be there before it is worth looking again. */
  #needed = 1;
  /** Bytes of an object that nobody wants. */
  #skip = 0;
  /** Bytes behind the last object in which no other begins. */
  #stray = 0;
  /** Position of the first byte that is held. */
  #position: number;

  constructor(position: number, options: ObjectsOptions) {
    this.#position = position;
    this.#options = options;
    this.#found = new BlfObject(options.of);
  }

  *push(piece: Uint8Array): Generator<BlfObject> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    if (this.#held < this.#needed) return;
    const bytes = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    const found = this.#found;
    found.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (;;) {
      at = this.#pass(bytes, at);
      this.#needed = BASE_HEADER_BYTES;
      if (bytes.length - at < BASE_HEADER_BYTES) break;
      if (!this.#isObject(at)) {
        at++; // The signature belongs to no object.
        this.#stray++;
        continue;
      }
      const { size } = found;
      if (!this.#options.wants(found.type)) {
        this.#options.tally.other++;
        this.#skip = size;
        continue;
      }
      this.#needed = size;
      if (bytes.length - at < size) break;
      yield found;
      at += size;
    }
    this.#position += at;
    this.#held = bytes.length - at;
    this.#pieces = this.#held > 0 ? [bytes.subarray(at)] : [];
  }

  /** The beginning of an object where no more comes, if there is one. */
  end(): BlfObject | undefined {
    const held = Buffer.concat(this.#pieces);
    const at = this.#pass(held, 0);
    const position = this.#position + at;
    const left = held.length - at;
    const isObject = left >= SIGNATURE_BYTES;
    if (!isObject) this.#stray += left;
    const { tally, of } = this.#options;
    if (this.#skip > 0) tally.fault(`${of} ${position}`, 'ends in the middle of an object');
    this.#tellStray(isObject ? position : position + left);
    if (!isObject) return undefined;
    const found = this.#found;
    found.view = new DataView(held.buffer, held.byteOffset, held.length);
    found.type = left >= BASE_HEADER_BYTES ? found.view.getUint32(at + 12, true) : 0;
    found.at = at;
    found.size = left;
    found.position = position;
    return found;
  }

  /** Goes on to the next signature, or to where one might begin that is not whole yet. */
  #pass(bytes: Uint8Array, from: number): number {
    const skipped = Math.min(this.#skip, bytes.length - from);
    this.#skip -= skipped;
    let at = from + skipped;
    if (this.#skip > 0) return at;
    const begin = at;
    while (at < bytes.length && !isSignature(bytes, at)) at++;
    this.#stray += at - begin;
    if (bytes.length - at >= BASE_HEADER_BYTES) this.#tellStray(this.#position + at);
    return at;
  }

  #tellStray(position: number): void {
    const { tally, of } = this.#options;
    if (this.#stray > PADDING_BYTES_MAX) {
      tally.fault(`${of} ${position - this.#stray}`, `${this.#stray} bytes that are no object`);
    }
    this.#stray = 0;
  }

  /** Finds its header. */
  #isObject(at: number): boolean {
    const found = this.#found;
    const { view } = found;
    found.headerBytes = view.getUint16(at + 4, true);
    found.size = view.getUint32(at + 8, true);
    found.type = view.getUint32(at + 12, true);
    found.at = at;
    found.position = this.#position + at;
    const { size } = found;
    if (size >= Math.max(found.headerBytes, BASE_HEADER_BYTES) && size <= OBJECT_BYTES_MAX)
      return true;
    this.#options.tally.fault(found.where, `an object of ${size} bytes`);
    return false;
  }
}

/** Whether `LOBJ` is there, or as much of it as there are bytes. */
function isSignature(bytes: Uint8Array, at: number): boolean {
  const left = bytes.length - at;
  return (
    bytes[at] === L &&
    (left < 2 || bytes[at + 1] === O) &&
    (left < 3 || bytes[at + 2] === B) &&
    (left < SIGNATURE_BYTES || bytes[at + 3] === J)
  );
}
