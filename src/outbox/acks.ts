import type { Micros } from '#core/stream.ts';
import { type Ack, decodeAck } from '../wire/ack.ts';
import { BatchError } from '../wire/batch-error.ts';
import type { Lane } from './lane.ts';

export interface AckCounts {
  /** That moved a cursor. */
  taken: number;
  /** That were damaged, of another store, or about what there never was. */
  refused: number;
  /** That said less than one before: they came late, or the cloud has forgotten something. */
  back: number;
}

export interface AckResult {
  /** Lanes whose cursor moved. */
  readonly moved: readonly Lane[];
  /** What was wrong with it, for a person. */
  readonly fault: string | undefined;
}

/**
 * Takes the cloud's acknowledgements, which come from outside: no cursor passes what this process has sent.
 * After a crash the cloud rightly knows more than we do; then a few batches go twice, and nobody has to
 * believe anybody.
 */
export class AckDesk {
  readonly counts: AckCounts = { taken: 0, refused: 0, back: 0 };
  readonly #store: () => string;
  readonly #lanes: ReadonlyMap<number, Lane>;
  /** What was refused last of each stream: each acknowledgement says all, and is told once. */
  readonly #refused = new Map<number, number>();

  constructor(store: () => string, lanes: ReadonlyMap<number, Lane>) {
    this.#store = store;
    this.#lanes = lanes;
  }

  /** @param retained it is from before this connection: of another store, it tells of one that is gone */
  take(payload: Uint8Array, retained: boolean, now: Micros): AckResult {
    const ack = this.#read(payload);
    if (typeof ack === 'string') return this.#refuse(ack);
    if (ack.store !== this.#store()) {
      const fault = `it is of the store ${ack.store}, ours is ${this.#store()}`;
      if (!retained) return this.#refuse(fault);
      this.counts.refused++;
      return { moved: [], fault: undefined };
    }
    return this.#takeAll(ack, retained, now);
  }

  #takeAll({ next }: Ack, retained: boolean, now: Micros): AckResult {
    const moved: Lane[] = [];
    let fault: string | undefined;
    for (const [number, seq] of next) {
      const lane = this.#lanes.get(number);
      const result = lane?.take(seq, now) ?? 'unknown';
      if (result === true && lane) moved.push(lane);
      if (typeof result === 'boolean' || this.#refused.get(number) === seq) continue;
      this.#remember(number, seq);
      this.counts[result === 'back' ? 'back' : 'refused']++;
      // One from before this connection may be older than what we know, and that is no fault.
      if (!retained) fault ??= sentence(number, seq, lane, result);
    }
    if (moved.length > 0) this.counts.taken++;
    return { moved, fault };
  }

  #remember(number: number, seq: number): void {
    // Numbers are u16; those that we do not know are nobody's, and one place does for them.
    this.#refused.set(this.#lanes.has(number) ? number : -1, seq);
  }

  #refuse(fault: string): AckResult {
    this.counts.refused++;
    return { moved: [], fault };
  }

  #read(payload: Uint8Array): Ack | string {
    try {
      return decodeAck(payload);
    } catch (error) {
      if (error instanceof BatchError) return error.message;
      throw error;
    }
  }
}

function sentence(
  number: number,
  seq: number,
  lane: Lane | undefined,
  fault: 'beyond' | 'back' | 'unknown',
): string {
  if (!lane) return `there is no stream ${number}`;
  const { id } = lane.stream;
  if (fault === 'beyond') return `${id}: ${seq} is beyond all that there is`;
  return `${id}: ${seq} is less than the ${lane.acked} that it had acknowledged`;
}
