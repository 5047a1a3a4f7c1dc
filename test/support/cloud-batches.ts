/** Batches as a gateway sends them, for what is tested of the fleet side. */
import type { Stream, StreamKind } from '#core/stream.ts';
import type { Arrived } from '../../src/cloud/store.ts';
import {
  type Batch,
  type BatchContent,
  batchOf,
  type EventItem,
  type Origin,
} from '../../src/wire/batch.ts';

export const TENANT = 'home';
export const STORE = '0123456789abcdef';

export function declare(id: string, kind: StreamKind, more: Partial<Stream> = {}): Stream {
  return { id, name: id, unit: '1', range: [-1e9, 1e9], hz: 10, kind, ...more };
}

export const RPM = declare('obd.engine.rpm', 'sample', { unit: '/min' });

export interface From extends Partial<Origin> {
  readonly stream?: Stream;
}

/** @param from what differs from car-1, its first epoch, and stream 1, the speed of the engine */
export function batch(content: BatchContent, from: From = {}, t0 = 0): Batch {
  const origin = { dev: 'car-1', store: STORE, epoch: 1, session: null, number: 1, stream: RPM };
  return batchOf({ ...origin, ...from }, content, t0);
}

/** Values of 10 Hz: the value of seq k is k. */
export function samples(seq: number, n: number): BatchContent {
  const t = Float64Array.from({ length: n }, (_, i) => (seq + i) * 100_000);
  return { kind: 'scalars', seq, t, v: Float64Array.from(t, (_, i) => seq + i) };
}

/** Events a second apart. */
export function events(seq: number, data: readonly EventItem['data'][]): BatchContent {
  return { kind: 'events', seq, events: data.map((data, i) => ({ t: (seq + i) * 1e6, data })) };
}

export function arrived(batch: Batch): Arrived {
  return { place: { tenant: TENANT, device: batch.head.dev }, batch };
}
